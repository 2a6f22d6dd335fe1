// SPDX-License-Identifier: Apache-2.0

package network

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/netpol"
	"github.com/gatehouse-sh/gatehouse/generator/verify"
)

// Drop is a connection that was seen and that a plan refuses, or one that was
// dropped although the plan allows it.
type Drop struct {
	Edge   generator.Edge
	Flows  uint64    // rounded down to the first digit: it is no news that there are some more
	Last   time.Time // zero when nobody said
	Wanted bool      // the plan allows it, and something dropped it all the same
}

// drops puts what was seen through the policies of a plan and those beside it: the
// most frequent first, what is wanted before the rest.
func (c *Cluster) drops(namespace string, p *Proposal) ([]Drop, error) {
	seen, dropped := within(c.traffic.Seen, namespace), c.refused(namespace)
	if len(seen)+len(dropped) == 0 {
		return nil, nil
	}
	policies, err := p.inForce()
	if err != nil {
		return nil, err
	}
	var out []Drop
	for _, traffic := range []struct {
		edges   []generator.Edge
		refused bool
	}{{seen, false}, {dropped, true}} {
		// Of NetworkPolicies, which know no names, the addresses count.
		m, _ := generator.Build(generator.Input{
			Inventory: c.inv, Universe: c.universe, Environment: c.env, Guards: p.Model.Guards,
			Edges: traffic.edges,
		})
		if len(m.Edges) == 0 {
			continue
		}
		o := c.proof(namespace)
		o.MaxSteps = maxSteps // how many ends were seen, the namespace has not chosen
		set, err := verify.Compile(policies, m, o)
		if err != nil {
			return nil, fmt.Errorf("read the policies: %w", err)
		}
		for i := range m.Edges {
			e := &m.Edges[i]
			allowed, err := allows(set, m, e)
			if err != nil {
				return nil, fmt.Errorf("judge %s: %w", e, err)
			}
			if allowed == traffic.refused {
				out = append(out, dropOf(e, traffic.refused))
			}
		}
	}
	slices.SortFunc(out, func(a, b Drop) int {
		return cmp.Or(-cmp.Compare(truth(a.Wanted), truth(b.Wanted)), -cmp.Compare(a.Flows, b.Flows), a.Edge.Compare(b.Edge))
	})
	return out, nil
}

// refused are the connections of a namespace that something dropped at an end of it.
// What another namespace drops at its own end is for its policies to say, and must not
// withdraw this one's: any pod there could make it happen.
func (c *Cluster) refused(namespace string) []generator.Edge {
	out := within(c.traffic.Refused, namespace)
	for i := range c.traffic.RefusedLeaving {
		if e := &c.traffic.RefusedLeaving[i]; e.From.Namespace == namespace {
			out = append(out, *e)
		}
	}
	for i := range c.traffic.RefusedEntering {
		if e := &c.traffic.RefusedEntering[i]; e.To.Namespace == namespace {
			out = append(out, *e)
		}
	}
	return out
}

// inForce are the policies of the plan and those beside it.
func (p *Proposal) inForce() ([]verify.Policy, error) {
	out, err := netpol.Read(slices.Concat(p.Policies, p.state.Foreign))
	if err != nil {
		return nil, fmt.Errorf("read the policies: %w", err)
	}
	return out, nil
}

func truth(b bool) int {
	if b {
		return 1
	}
	return 0
}

// allows reports whether policies allow the whole of a connection.
func allows(set *verify.Set, m *generator.Model, e *generator.Edge) (bool, error) {
	for _, from := range verify.Samples(m, e.From) {
		for _, to := range verify.Samples(m, e.To) {
			if !from.IsPod() && !to.IsPod() {
				continue
			}
			v, err := set.Allowed(from, to, e.Port)
			if err != nil || !v.Allowed {
				return false, err
			}
		}
	}
	return true, nil
}

func dropOf(e *generator.Edge, wanted bool) Drop {
	d := Drop{Edge: *e, Wanted: wanted}
	for _, w := range e.Because {
		d.Flows += w.Flows
		if w.Last.After(d.Last) {
			d.Last = w.Last
		}
	}
	d.Flows = rounded(d.Flows)
	return d
}

// rounded keeps the first digit of a number.
func rounded(n uint64) uint64 {
	unit := uint64(1)
	for n/unit >= 10 {
		unit *= 10
	}
	return n / unit * unit
}
