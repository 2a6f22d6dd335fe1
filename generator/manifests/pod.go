// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"iter"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// pod is the template of one workload, or a pod whose owner nobody listed.
type pod struct {
	*inventory.Workload
	id      generator.WorkloadID
	peer    generator.Peer
	aliases map[string]netip.Addr // hostAliases
}

// spec is the path of the pod's spec inside its object.
func (p *pod) spec() string {
	if p.Field == "" {
		return "spec"
	}
	return p.Field + ".spec"
}

// pods returns one pod for each workload, in order: its template, and where the
// template is not known one of its pods.
func (f *finder) pods() []*pod {
	var out, orphans []*pod
	seen := map[generator.WorkloadID]bool{}
	for _, kind := range inventory.Kinds() {
		for e := range f.inv.Entries(kind.GroupKind, "") {
			if e.Workload == nil {
				continue
			}
			id := generator.OwnerOf(f.inv, e.Workload)
			p := &pod{Workload: e.Workload, id: id, peer: generator.WorkloadPeerOf(id)}
			if e.Workload.Controller != nil {
				orphans = append(orphans, p)
			} else if f.universe.Workload(id) != nil {
				seen[id] = true
				out = append(out, p)
			}
		}
	}
	for _, p := range orphans {
		if !seen[p.id] && f.universe.Workload(p.id) != nil {
			seen[p.id] = true
			out = append(out, p)
		}
	}
	slices.SortFunc(out, func(a, b *pod) int { return a.id.Compare(b.id) })
	for _, p := range out {
		p.readAliases()
	}
	return out
}

func (p *pod) readAliases() {
	for _, alias := range p.Spec.HostAliases {
		if a, err := netip.ParseAddr(alias.IP); err == nil {
			for _, name := range alias.Hostnames {
				if p.aliases == nil {
					p.aliases = map[string]netip.Addr{}
				}
				p.aliases[strings.ToLower(name)] = a.Unmap()
			}
		}
	}
}

// container is one container of a pod; those that only start or are for looking
// inside are containers too, since they share the pod's policies.
type container struct {
	*corev1.Container
	field string // "spec.template.spec.initContainers[0]"
	env   string // that with ".env"
	what  string // "init container migrate"
}

func containerAt(c *corev1.Container, list string, i int, what string) container {
	at := list + "[" + strconv.Itoa(i) + "]"
	return container{c, at, at + ".env", what + " " + c.Name}
}

func (p *pod) containers() iter.Seq[container] {
	return func(yield func(container) bool) {
		for i := range p.Spec.InitContainers {
			c := &p.Spec.InitContainers[i]
			what := "init container"
			if c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways {
				what = "sidecar"
			}
			if !yield(containerAt(c, p.spec()+".initContainers", i, what)) {
				return
			}
		}
		for i := range p.Spec.Containers {
			if !yield(containerAt(&p.Spec.Containers[i], p.spec()+".containers", i, "container")) {
				return
			}
		}
		for i := range p.Spec.EphemeralContainers {
			c := corev1.Container(p.Spec.EphemeralContainers[i].EphemeralContainerCommon)
			if !yield(containerAt(&c, p.spec()+".ephemeralContainers", i, "ephemeral container")) {
				return
			}
		}
	}
}
