// SPDX-License-Identifier: Apache-2.0

package proof

import (
	"fmt"
	"maps"
	"net/netip"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/gatehouse-sh/gatehouse/generator"
)

// written is a model as a person reads it.
type written struct {
	Edges      []string                     `json:"edges"`
	Guards     map[string][]string          `json:"guards,omitempty"`
	Workloads  []writtenWorkload            `json:"workloads"`
	Namespaces map[string]map[string]string `json:"namespaces,omitempty"`
	PodRanges  []netip.Prefix               `json:"podRanges,omitempty"`
	Groups     map[string]writtenGroup      `json:"groups,omitempty"`

	ServiceRanges []netip.Prefix      `json:"serviceRanges,omitempty"`
	Services      []writtenService    `json:"services,omitempty"`
	Requests      map[string][]string `json:"requests,omitempty"` // of edges: "GET /a", "any method /b*"
}

type writtenService struct {
	Service  string            `json:"service"` // "Service shop/web"
	Selector map[string]string `json:"selector"`
	Moved    bool              `json:"moved,omitempty"`
}

type writtenWorkload struct {
	ID          string            `json:"id"` // "Deployment shop/web"
	Labels      map[string]string `json:"labels,omitempty"`
	Selector    map[string]string `json:"selector,omitempty"`
	Ports       []string          `json:"ports,omitempty"` // "TCP/80 http"
	HostNetwork bool              `json:"hostNetwork,omitempty"`
	Addresses   []netip.Addr      `json:"addresses,omitempty"`
}

type writtenGroup struct {
	Pods      []writtenPods  `json:"pods,omitempty"`
	Addresses []netip.Prefix `json:"addresses,omitempty"`
	Ports     []string       `json:"ports,omitempty"`

	Others []writtenListener `json:"others,omitempty"`
}

type writtenListener struct {
	Addresses netip.Prefix `json:"addresses"`
	Ports     []string     `json:"ports"`
}

type writtenPods struct {
	Namespace string            `json:"namespace"`
	Labels    map[string]string `json:"labels,omitempty"`
}

const (
	onIngress = "ingress"
	onEgress  = "egress"
)

// groups are the groups of an environment, by name.
func groups(e *generator.Environment) map[string]*generator.Group {
	return map[string]*generator.Group{
		generator.DNSPeer.String(): &e.DNS, generator.APIServerPeer.String(): &e.APIServer, generator.NodePeer.String(): &e.Nodes,
		generator.GatewayPeer.String(): &e.Gateway, generator.MonitoringPeer.String(): &e.Monitoring,
	}
}

// Write writes a model as it is kept. What every random model has is left out:
// the domain of the cluster, what is private, and why there is an edge.
func Write(m *generator.Model) ([]byte, error) {
	out := written{
		Namespaces: map[string]map[string]string{}, Groups: map[string]writtenGroup{}, Guards: map[string][]string{}, Requests: map[string][]string{},
		PodRanges: m.Environment.PodRanges, ServiceRanges: m.Environment.ServiceRanges,
	}
	for _, w := range m.Universe.Workloads() {
		to := writtenWorkload{ID: w.ID.String(), Labels: w.Labels, Selector: w.Selector, HostNetwork: w.HostNetwork, Addresses: w.Addresses}
		for _, p := range w.Ports {
			to.Ports = append(to.Ports, strings.TrimSpace(generator.NumberedPort(p.Protocol, p.Number).String()+" "+p.Name))
		}
		out.Workloads = append(out.Workloads, to)
	}
	for _, name := range m.Universe.Namespaces() {
		labels := maps.Clone(m.Universe.NamespaceLabels(name))
		delete(labels, corev1.LabelMetadataName) // which every namespace has
		out.Namespaces[name] = labels
	}
	for name, g := range groups(&m.Environment) {
		if g.Empty() {
			continue
		}
		to := writtenGroup{Addresses: g.Addresses}
		for _, set := range g.Pods {
			to.Pods = append(to.Pods, writtenPods(set))
		}
		to.Ports = portTexts(g.Ports)
		for _, l := range g.Others {
			to.Others = append(to.Others, writtenListener{l.Addresses, portTexts(l.Ports)})
		}
		out.Groups[name] = to
	}
	for name, guard := range m.Guards {
		out.Guards[name] = []string{}
		if guard.Ingress {
			out.Guards[name] = append(out.Guards[name], onIngress)
		}
		if guard.Egress {
			out.Guards[name] = append(out.Guards[name], onEgress)
		}
	}
	for _, e := range m.Edges {
		out.Edges = append(out.Edges, e.String())
		if asked := e.Requests(); !asked.All() {
			out.Requests[e.String()] = strings.Split(asked.String(), ", ")
		}
	}
	for _, s := range m.Services {
		out.Services = append(out.Services, writtenService{s.Service.String(), s.Selector, s.Moved})
	}
	text, err := yaml.Marshal(out)
	if err != nil {
		return nil, fmt.Errorf("write a model: %w", err)
	}
	return text, nil
}

func portTexts(list []generator.Port) []string {
	out := make([]string, len(list))
	for i, p := range list {
		out[i] = p.String()
	}
	return out
}
