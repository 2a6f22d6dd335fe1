// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"fmt"
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/manifests/address"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// Options say what the objects alone do not. The zero value is usable.
type Options struct {
	// Secrets are the contents of Secrets, which an inventory never has. Without
	// them, addresses that come from Secrets are problems, not edges.
	Secrets []Secret

	// Classes says who serves an IngressClass or a GatewayClass, by its name. A class
	// that is not listed is served by the controller among the workloads that is
	// known by its labels; otherwise it is a problem. Nil means that the class
	// "gatehouse" is served by the gateway (GatewayPeer).
	Classes map[string]generator.Peer

	// Routed is what a gateway connects to that resolves its routes itself; the routes of
	// its classes are not looked at here. Nil for none.
	Routed *Routed
}

// Routed are the connections of a gateway, and the names of its classes.
type Routed struct {
	GatewayClasses, IngressClasses []string
	Edges                          []generator.Edge
	Problems                       []generator.Problem
}

// serves reports whether routes of a class are resolved by the gateway itself.
func (r *Routed) serves(c class) bool {
	switch {
	case r == nil:
		return false
	case c.gateway.Name != "":
		return slices.Contains(r.GatewayClasses, c.name)
	}
	return slices.Contains(r.IngressClasses, c.name)
}

// Secret is the decoded content of one Secret.
type Secret struct {
	Namespace, Name string
	Type            corev1.SecretType // "" is Opaque
	Data            map[string]string
}

// Found is what the manifests declare.
type Found struct {
	Edges     []generator.Edge    // in order; ends may be Services. For generator.Build
	Problems  []generator.Problem // what could be an address and is none, in order
	Unreached []generator.Peer    // Services with pods to which no edge but one of monitoring leads, in order

	// Claims are of the edges from those who serve a class: who is taken for that by
	// labels alone, which whoever makes workloads in any namespace can write.
	Claims map[Claim]bool
}

// Claim is a workload that is taken for who serves a class by its labels, and an
// object because of which an edge comes from it.
type Claim struct {
	Server  generator.Peer
	Because inventory.Key
}

// Claimed reports whether an edge comes from whom labels alone make who serves a class.
func (f *Found) Claimed(e *generator.Edge) bool {
	return slices.ContainsFunc(e.Because, func(w generator.Evidence) bool { return f.Claims[Claim{e.From, w.Object}] })
}

// Placed fills in where the evidence of edges and problems stands; see
// generator.Placed.
func (f *Found) Placed(place func(object inventory.Key, field string) string) {
	generator.Placed(f.Edges, place)
	for i := range f.Problems {
		one := []generator.Edge{f.Problems[i].Edge}
		generator.Placed(one, place)
	}
}

// Edges finds the connections. The evidence names objects and fields
// (Found.Placed makes lines of them) and no value of a variable. The
// arguments are read and not kept.
func Edges(inv *inventory.Inventory, u *generator.Universe, env *generator.Environment, o Options) Found {
	f := &finder{inv: inv, universe: u, env: env, options: o, secrets: map[[2]string]map[string]string{}, texts: map[text][]address.Address{}, links: map[string]map[string]string{}, kinds: map[string]address.Kind{}, claims: map[Claim]bool{}}
	if o.Classes == nil {
		f.options.Classes = map[string]generator.Peer{"gatehouse": {Kind: generator.GatewayPeer}}
	}
	for _, s := range o.Secrets {
		f.secrets[[2]string{s.Namespace, s.Name}] = s.Data
	}
	f.clusterIPs()
	for _, p := range f.pods() {
		f.system(p)
		f.peers(p)
		f.scraped(p)
		for c := range p.containers() {
			f.container(p, c)
			f.onNode(p, c)
		}
		f.mounted(p)
	}
	f.services()
	f.routes()
	f.monitors()
	f.callbacks()
	if o.Routed != nil {
		f.edges, f.problems = append(f.edges, o.Routed.Edges...), append(f.problems, o.Routed.Problems...)
	}
	return f.result()
}

// finder is the state of one call of Edges.
type finder struct {
	inv      *inventory.Inventory
	universe *generator.Universe
	env      *generator.Environment
	options  Options
	secrets  map[[2]string]map[string]string // by namespace and name
	byIP     map[netip.Addr]*corev1.Service
	texts    map[text][]address.Address   // of ConfigMaps that several pods mount
	links    map[string]map[string]string // by namespace: variables that the kubelet makes of Services
	served   map[class]serving
	claims   map[Claim]bool
	kinds    map[string]address.Kind
	edges    []generator.Edge
	problems []generator.Problem
}

// text is a key of a ConfigMap.
type text struct{ namespace, name, key string }

func (f *finder) edge(from, to generator.Peer, port generator.Port, because ...generator.Evidence) {
	f.edges = append(f.edges, generator.Edge{From: from, To: to, Port: port, Because: because})
}

func (f *finder) problem(from, to generator.Peer, port generator.Port, why generator.Evidence, format string, args ...any) {
	e := generator.Edge{From: from, To: to, Port: port, Because: []generator.Evidence{why}}
	f.problems = append(f.problems, generator.Problem{Edge: e, What: fmt.Sprintf(format, args...)})
}

// declared is evidence of what an object declares as a connection.
func declared(object inventory.Key, field, what string) generator.Evidence {
	return generator.Evidence{Source: generator.Manifest, Confidence: generator.Certain, Object: object, Field: field, What: what}
}

// result orders what was found and leaves out what was found twice.
func (f *finder) result() Found {
	slices.SortStableFunc(f.edges, func(a, b generator.Edge) int {
		if c := a.Compare(b); c != 0 {
			return c
		}
		return a.Because[0].Compare(b.Because[0])
	})
	f.edges = slices.CompactFunc(f.edges, func(a, b generator.Edge) bool {
		return a.Compare(b) == 0 && a.Because[0] == b.Because[0]
	})
	slices.SortStableFunc(f.problems, func(a, b generator.Problem) int {
		if c := a.Edge.Compare(b.Edge); c != 0 {
			return c
		}
		return a.Edge.Because[0].Compare(b.Edge.Because[0])
	})
	f.problems = slices.CompactFunc(f.problems, func(a, b generator.Problem) bool {
		return a.What == b.What && a.Edge.Compare(b.Edge) == 0 && a.Edge.Because[0] == b.Edge.Because[0]
	})
	return Found{Edges: f.edges, Problems: f.problems, Unreached: f.unreached(), Claims: f.claims}
}

// unreached returns the Services with pods that nothing but monitoring reaches.
func (f *finder) unreached() []generator.Peer {
	reached := map[generator.Peer]bool{}
	for _, e := range f.edges {
		if e.From.Kind != generator.MonitoringPeer && e.From != e.To {
			reached[e.To] = true
		}
	}
	var out []generator.Peer
	for s := range inventory.List[*corev1.Service](f.inv, inventory.ServiceKind, "") {
		p := generator.ServicePeerOf(s.Namespace, s.Name)
		behind := f.behind(s)
		if reached[p] || len(behind) == 0 || f.isNameServer(s) || slices.ContainsFunc(behind, func(id generator.WorkloadID) bool { return reached[generator.WorkloadPeerOf(id)] }) {
			continue
		}
		out = append(out, p)
	}
	slices.SortFunc(out, generator.Peer.Compare)
	return out
}

func (f *finder) isNameServer(s *corev1.Service) bool {
	return slices.ContainsFunc(f.env.DNS.Pods, func(set generator.PodSet) bool { return set.Holds(s.Namespace, s.Spec.Selector) })
}

// behind returns the workloads that a Service selects, in order.
func (f *finder) behind(s *corev1.Service) []generator.WorkloadID {
	var out []generator.WorkloadID
	for w := range f.inv.Selected(s.Namespace, s.Spec.Selector) {
		if id := generator.OwnerOf(f.inv, w); f.universe.Workload(id) != nil {
			out = append(out, id)
		}
	}
	slices.SortFunc(out, generator.WorkloadID.Compare)
	return slices.Compact(out)
}

// clusterIPs notes which Service has which address.
func (f *finder) clusterIPs() {
	f.byIP = map[netip.Addr]*corev1.Service{}
	for s := range inventory.List[*corev1.Service](f.inv, inventory.ServiceKind, "") {
		for _, text := range append(slices.Clone(s.Spec.ClusterIPs), s.Spec.ClusterIP) {
			if a, err := netip.ParseAddr(text); err == nil {
				f.byIP[a.Unmap()] = s
			}
		}
	}
}
