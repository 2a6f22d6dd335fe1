// SPDX-License-Identifier: Apache-2.0

package compact

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/selector"
)

// Options say how a plan is written.
type Options struct {
	Selectors selector.Options
	Prefix    string // of the names of policies; DefaultPrefix when empty

	// Requests keeps connections for some requests of HTTP apart from others, at the
	// end that accepts them, for a dialect that asks for requests.
	Requests bool

	// Progress, when set, is called with how many policies have been made.
	Progress func(policies int)

	index *selector.Index // see Shared
}

// Shared returns the options with what the plans of one universe and environment have
// in common, by which labels workloads can be selected, so that it is worked out once.
// One plan at a time may be made with them, and of that universe and environment alone.
func (o Options) Shared(u *generator.Universe, env *generator.Environment) Options {
	for k := generator.DNSPeer; k <= generator.MonitoringPeer; k++ {
		group, _ := env.Group(k)
		o.Selectors.Expected = slices.Concat(o.Selectors.Expected, group.Pods)
	}
	o.index = selector.New(u, o.Selectors)
	return o
}

// DefaultPrefix keeps our names apart from those that people give.
const DefaultPrefix = "gatehouse-"

// Compact makes the plan of a model: policies for the guarded directions, and
// nothing for the rest. A problem is an edge of which some policy could not be
// made: it is missing from the plan, and nothing wider is in its place. The same
// model gives the same plan.
func Compact(m *generator.Model, o Options) (*Plan, []generator.Problem) {
	c := newCompactor(m, o)
	o = c.options
	for i := range m.Edges {
		c.add(&m.Edges[i])
	}
	plan := &Plan{}
	for _, at := range slices.SortedFunc(maps.Keys(c.sides), place.compare) {
		s := c.sides[at]
		s.subsume()
		for _, subject := range s.all() {
			c.separate(subject)
		}
		plan.Allows = append(plan.Allows, c.policies(at, s)...)
	}
	for namespace, guard := range m.Guards {
		for d, guarded := range map[Direction]bool{Ingress: guard.Ingress, Egress: guard.Egress} {
			if guarded {
				plan.Denies = append(plan.Denies, Policy{Namespace: namespace, Name: Name(o.Prefix + "default-deny-" + d.String()), Direction: d})
			}
		}
	}
	c.passing(plan.Allows)
	rename(plan.Allows)
	for _, list := range [][]Policy{plan.Allows, plan.Denies} {
		slices.SortFunc(list, func(a, b Policy) int {
			return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name), cmp.Compare(a.Direction, b.Direction))
		})
	}
	// A group may name the same pods twice; what is made of them is the same twice.
	plan.Allows = slices.CompactFunc(plan.Allows, func(a, b Policy) bool { return a.Namespace == b.Namespace && a.Name == b.Name })
	slices.SortStableFunc(c.problems, func(a, b generator.Problem) int {
		return cmp.Or(a.Edge.Compare(b.Edge), strings.Compare(a.What, b.What))
	})
	return plan, slices.CompactFunc(c.problems, func(a, b generator.Problem) bool { return a.Edge.Compare(b.Edge) == 0 && a.What == b.What })
}

func newCompactor(m *generator.Model, o Options) *compactor {
	if o.Prefix == "" {
		o.Prefix = DefaultPrefix
	}
	if o.index == nil {
		o = o.Shared(m.Universe, &m.Environment)
	}
	return &compactor{
		model: m, options: o, index: o.index,
		sides: map[place]*side{}, groups: map[generator.PeerKind]expanded{}, nodes: map[groupKey]bool{},
	}
}

// place is one direction of one namespace.
type place struct {
	namespace string
	direction Direction
}

func (p place) compare(o place) int {
	return cmp.Or(strings.Compare(p.namespace, o.namespace), cmp.Compare(p.direction, o.direction))
}

type compactor struct {
	model    *generator.Model
	options  Options
	index    *selector.Index
	sides    map[place]*side
	groups   map[generator.PeerKind]expanded
	nodes    map[groupKey]bool
	made     int // policies
	problems []generator.Problem
}

func (c *compactor) problem(e *generator.Edge, format string, args ...any) {
	c.problems = append(c.problems, generator.Problem{Edge: *e, What: fmt.Sprintf(format, args...)})
}

// side is who may do what, in one direction of one namespace.
type side struct {
	whole   *subject // every pod
	classes map[*selector.Class]*subject
	groups  map[groupKey]*subject // pods of a group of the environment
}

type groupKey struct {
	kind  generator.PeerKind
	index int
}

// subject is pods that policies select, and what they are allowed.
type subject struct {
	class *selector.Class      // nil for others
	kind  generator.PeerKind   // WorkloadPeer, NamespacePeer, or that of a group
	pods  metav1.LabelSelector // of a group
	cells map[peerKey]*cell
}

// peerKey is a peer as the model has it; workloads with the same labels are one.
type peerKey struct {
	kind            generator.PeerKind
	namespace, name string
	class           *selector.Class
	prefix          netip.Prefix
	requests        generator.Requests
}

func (k peerKey) compare(o peerKey) int {
	c := cmp.Or(cmp.Compare(k.kind, o.kind), strings.Compare(k.namespace, o.namespace), strings.Compare(k.name, o.name))
	if c == 0 && k.kind == generator.CIDRPeer {
		c = k.prefix.Compare(o.prefix)
	}
	return cmp.Or(c, compareClasses(k.class, o.class), k.requests.Compare(o.requests))
}

// compareClasses orders classes by their first workload; nil is first.
func compareClasses(a, b *selector.Class) int {
	switch {
	case a == b:
		return 0
	case a == nil:
		return -1
	case b == nil:
		return 1
	}
	return a.Workloads[0].ID.Compare(b.Workloads[0].ID)
}

// cell is what a subject is allowed with one peer.
type cell struct {
	ports ports
	edges []*generator.Edge
	pairs map[[2]*generator.Workload]ports // where workloads share their labels: what each is allowed with each
	dead  bool                             // allowed elsewhere, or not at all
}

func (s *side) all() []*subject {
	var out []*subject
	if s.whole != nil {
		out = append(out, s.whole)
	}
	for _, k := range slices.SortedFunc(maps.Keys(s.groups), func(a, b groupKey) int {
		return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.index, b.index))
	}) {
		out = append(out, s.groups[k])
	}
	return append(out, s.ordered()...)
}

// ordered returns the subjects that are workloads.
func (s *side) ordered() []*subject {
	out := make([]*subject, 0, len(s.classes))
	for _, k := range slices.SortedFunc(maps.Keys(s.classes), compareClasses) {
		out = append(out, s.classes[k])
	}
	return out
}

// live returns the peers that a subject needs rules for, in order.
func (s *subject) live() []peerKey {
	out := make([]peerKey, 0, len(s.cells))
	for k, c := range s.cells {
		if !c.dead {
			out = append(out, k)
		}
	}
	slices.SortFunc(out, peerKey.compare)
	return out
}
