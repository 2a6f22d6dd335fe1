// SPDX-License-Identifier: Apache-2.0

package proof

import (
	"fmt"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/notation"
)

// read reads what Write has written.
func read(text []byte) (*generator.Model, error) {
	var in written
	if err := yaml.UnmarshalStrict(text, &in); err != nil {
		return nil, fmt.Errorf("read a model: %w", err)
	}
	m := &generator.Model{Environment: generator.NewEnvironment(), Guards: map[string]generator.Guard{}}
	m.Environment.PodRanges, m.Environment.ServiceRanges = in.PodRanges, in.ServiceRanges
	workloads := make([]*generator.Workload, len(in.Workloads))
	for i, from := range in.Workloads {
		p, err := peer(from.ID)
		if err != nil {
			return nil, err
		}
		w := &generator.Workload{ID: p.ID(), Labels: from.Labels, Selector: from.Selector, HostNetwork: from.HostNetwork, Addresses: from.Addresses}
		for _, text := range from.Ports {
			number, name, _ := strings.Cut(text, " ")
			p, err := port(number)
			if err != nil {
				return nil, err
			}
			w.Ports = append(w.Ports, generator.ContainerPort{Name: name, Protocol: p.Protocol, Number: p.First})
		}
		workloads[i] = w
	}
	var err error
	if m.Universe, err = generator.NewUniverse(workloads, in.Namespaces); err != nil {
		return nil, fmt.Errorf("read a model: %w", err)
	}
	known := groups(&m.Environment)
	for name, from := range in.Groups {
		g := known[name]
		if g == nil {
			return nil, fmt.Errorf("%q is no group", name)
		}
		g.Addresses = from.Addresses
		for _, set := range from.Pods {
			g.Pods = append(g.Pods, generator.PodSet(set))
		}
		if g.Ports, err = portsOf(from.Ports); err != nil {
			return nil, err
		}
		for _, other := range from.Others {
			ports, err := portsOf(other.Ports)
			if err != nil {
				return nil, err
			}
			g.Others = append(g.Others, generator.Listener{Addresses: other.Addresses, Ports: ports})
		}
	}
	for _, from := range in.Services {
		p, err := peer(from.Service)
		if err != nil {
			return nil, err
		}
		m.Services = append(m.Services, generator.Through{Service: p, Selector: from.Selector, Moved: from.Moved})
	}
	for name, directions := range in.Guards {
		m.Guards[name] = generator.Guard{Ingress: slices.Contains(directions, onIngress), Egress: slices.Contains(directions, onEgress)}
	}
	for i, text := range in.Edges {
		e, err := edge(text)
		if err != nil {
			return nil, err
		}
		e.Because = []generator.Evidence{{Source: generator.Intent, Where: fmt.Sprintf("edge %d", i), Requests: requestsOf(in.Requests[text])}}
		m.Edges = append(m.Edges, e)
	}
	slices.SortFunc(m.Edges, generator.Edge.Compare)
	return m, nil
}

func requestsOf(list []string) generator.Requests {
	out := make([]generator.Request, len(list))
	for i, text := range list {
		at := strings.LastIndexByte(text, ' ') // a path has none
		out[i].Method, out[i].Path = strings.TrimPrefix(text[:max(at, 0)], "any method"), strings.TrimPrefix(text[at+1:], "*")
	}
	return generator.RequestsOf(out...)
}

func portsOf(list []string) ([]generator.Port, error) {
	out := make([]generator.Port, len(list))
	for i, text := range list {
		var err error
		if out[i], err = port(text); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func port(text string) (generator.Port, error) {
	list, err := notation.ParsePorts(text)
	if err != nil {
		return generator.Port{}, fmt.Errorf("read a port: %w", err)
	}
	if len(list) != 1 {
		return generator.Port{}, fmt.Errorf("%q is not one port", text)
	}
	return list[0], nil
}

// edge reads generator.Edge.String.
func edge(text string) (generator.Edge, error) {
	from, rest, _ := strings.Cut(text, " -> ")
	at := max(strings.LastIndexByte(rest, ' '), 0)
	var e generator.Edge
	var err error
	if e.From, err = peer(from); err != nil {
		return e, err
	}
	if e.To, err = peer(rest[:at]); err != nil {
		return e, err
	}
	e.Port, err = port(strings.TrimSpace(rest[at:]))
	return e, err
}

// peer reads generator.Peer.String, which writes the kind apart.
func peer(text string) (generator.Peer, error) {
	p, err := notation.ParsePeer(strings.Replace(text, " ", "/", 1))
	if err != nil {
		return p, fmt.Errorf("read an end: %w", err)
	}
	return p, nil
}
