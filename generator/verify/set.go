// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/gatehouse-sh/gatehouse/generator"
)

// Options is what policies leave to the one who enforces them.
type Options struct {
	Blocks BlockScope

	// MaxSteps bounds the work of one call; 0 for the constant of this name.
	MaxSteps int

	// Progress, when set, is called by Compare and Diff with how many classes of ends have
	// been compared so far.
	Progress func(classes int)
}

// BlockScope says whether a block of addresses is about pods whose address is in
// it. Kubernetes leaves it open (kubernetes.io/docs/concepts/services-networking/network-policies,
// "ipBlock ... should be cluster-external IPs").
type BlockScope uint8

// The scopes: Cilium's, and that of enforcers which filter by address.
const (
	BlocksAreOutside BlockScope = iota
	BlocksMatchPods
)

// Set is policies over the ends of a model, ready to be asked. It does not change;
// any number of goroutines may ask.
type Set struct {
	space           *space
	given           []Policy // what Compile was given
	policies        []policy // in the order in which they count
	places          []int32  // where in them the policies are that Compile was given
	egress, ingress side
	pods            bitset // classes of pods
	openers         bitset // classes that open connections: pods and addresses
	holders         map[generator.Port][]holder
}

// policy is a Policy over classes.
type policy struct {
	name     string
	tier     Tier
	isolates generator.Guard
	ingress  []rule
	egress   []rule
}

// rule is a Rule over classes. Names in it are for each accepting pod.
type rule struct {
	name   string
	policy int32
	action Action
	anyone bool
	peers  classSet
	ports  generator.PortSet
	names  []generator.Port
}

// Compile prepares policies. What is wrong with any of them is an error with its
// name, and the policies are not changed. What takes more than Options.MaxSteps is a
// TooLargeError.
func Compile(policies []Policy, m *generator.Model, o Options) (*Set, error) {
	sets, err := compile(m, o, newMeter(o, m), policies)
	if err != nil {
		return nil, err
	}
	return sets[0], nil
}

// compile prepares several lists of policies over the same classes.
func compile(m *generator.Model, o Options, count *meter, lists ...[]Policy) ([]*Set, error) {
	together := slices.Concat(lists...)
	faults := make([]error, 0, len(together))
	for i := range together {
		faults = append(faults, together[i].validate())
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	v := words(together, m, o)
	s, err := newSpace(v, m, o, count)
	if err != nil {
		return nil, err
	}
	if !count.over() {
		s.divide(v, together)
	}
	if count.over() {
		return nil, tooLarge(lists, m)
	}
	defer func() { s.meter = nil }() // questions have meters of their own
	base := Set{
		space: s, pods: s.kindSet((*element).isPod), openers: s.kindSet(func(e *element) bool { return e.domain == "" }),
		holders: make(map[generator.Port][]holder, len(v.names)),
	}
	for p := range v.names {
		base.holders[p] = s.holdersOf(p)
	}
	out := make([]*Set, len(lists))
	for i, list := range lists {
		one := base
		if err := one.take(list); err != nil {
			return nil, err
		}
		out[i] = &one
	}
	if count.over() {
		return nil, tooLarge(lists, m)
	}
	return out, nil
}

// take orders policies and finds whom each of them selects.
func (s *Set) take(policies []Policy) error {
	order := make([]*Policy, len(policies))
	given := make(map[*Policy]int, len(policies))
	for i := range policies {
		order[i] = &policies[i]
		given[order[i]] = i
	}
	slices.SortStableFunc(order, func(a, b *Policy) int {
		return cmp.Or(cmp.Compare(a.Tier, b.Tier), cmp.Compare(rank(a), rank(b)), cmp.Compare(a.Name, b.Name))
	})
	s.given = policies
	if err := s.refuseTies(order); err != nil {
		return err
	}
	s.policies, s.places = make([]policy, len(order)), make([]int32, len(order))
	egress, ingress := make([][]int32, len(s.space.classes)), make([][]int32, len(s.space.classes))
	for i, p := range order {
		n := int32(i)
		s.places[given[p]] = n
		s.policies[i] = policy{name: p.Name, tier: p.Tier, isolates: p.Isolates, ingress: s.rules(n, p.Ingress), egress: s.rules(n, p.Egress)}
		subject := s.space.classSetOf(s.space.selectPods(p.Subject))
		for c := range subject.all() {
			if !s.space.meter.spend(4) {
				break
			}
			if p.Isolates.Egress || len(p.Egress) > 0 {
				egress[c] = append(egress[c], n)
			}
			if p.Isolates.Ingress || len(p.Ingress) > 0 {
				ingress[c] = append(ingress[c], n)
			}
		}
	}
	s.egress = side{set: s, egress: true}
	s.egress.group(egress)
	s.ingress = side{set: s}
	s.ingress.group(ingress)
	return nil
}

// rank is the priority where it counts.
func rank(p *Policy) int32 {
	if p.Tier == Normal {
		return 0
	}
	return p.Priority
}

func (s *Set) rules(policy int32, list []Rule) []rule {
	out := make([]rule, len(list))
	for i := range list {
		r := &list[i]
		if !s.space.meter.spend(memberSteps * len(r.Ports)) {
			return out
		}
		out[i] = rule{name: r.Name, policy: policy, action: r.Action, anyone: r.Anyone, ports: generator.Ports(r.Ports...)}
		if r.EveryPort {
			out[i].ports = generator.AllPorts()
		}
		for _, p := range r.Ports {
			if p.Name != "" {
				out[i].names = append(out[i].names, p)
			}
		}
		out[i].peers = s.space.classSetOf(s.space.elementsOfAll(r.Peers))
	}
	return out
}

// TieError refuses two policies of one priority that treat the same pods differently.
type TieError struct {
	Policies [2]string
	Priority int32
	End      End // one of the pods
}

// Error names both policies.
func (e *TieError) Error() string {
	return fmt.Sprintf("%s and %s: both at priority %d for %s, and which one counts is not defined", e.Policies[0], e.Policies[1], e.Priority, e.End)
}

// refuseTies refuses policies of one priority that would treat the same pods
// differently: "there is no way for the user to reliably determine which one it
// will choose" (network-policy-api v0.2.0, ClusterNetworkPolicySpec.Priority).
func (s *Set) refuseTies(order []*Policy) error {
	for i, p := range order {
		for _, q := range order[i+1:] {
			if q.Tier != p.Tier || p.Tier == Normal || q.Priority != p.Priority || !s.space.meter.spend(1+len(q.Ingress)+len(q.Egress)) {
				break
			}
			if !sameEffect(p.Ingress, q.Ingress) || !sameEffect(p.Egress, q.Egress) {
				subject := s.space.classSetOf(s.space.selectPods(p.Subject))
				pods := s.space.selectPods(q.Subject)
				s.space.meter.spend(len(pods))
				for _, id := range pods {
					if subject.has(s.space.class[id]) {
						return &TieError{[2]string{p.Name, q.Name}, p.Priority, s.space.end(id)}
					}
				}
			}
		}
	}
	return nil
}

// sameEffect reports whether it cannot matter which of two lists of rules counts first.
func sameEffect(a, b []Rule) bool {
	if len(a) == 0 || len(b) == 0 {
		return true
	}
	for _, list := range [][]Rule{a, b} {
		for i := range list {
			if list[i].Action != a[0].Action {
				return false
			}
		}
	}
	return true
}
