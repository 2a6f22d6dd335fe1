// SPDX-License-Identifier: Apache-2.0

package network

import (
	"fmt"
	"slices"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/verify"
)

// unasked refuses a plan that learns nothing where nobody asked for a connection
// with the name servers, the API server or the gateway that the objects declare:
// whoever lists connections himself forgets these first, and without them nothing
// works.
func (c *Cluster) unasked(p *Proposal, declared []generator.Edge) error {
	vital := slices.DeleteFunc(slices.Clone(declared), func(e generator.Edge) bool { return !c.env.Vital(e.From) && !c.env.Vital(e.To) })
	if len(vital) == 0 {
		return nil
	}
	m, problems := generator.Build(generator.Input{Inventory: c.inv, Universe: c.universe, Environment: c.env, Guards: p.Model.Guards, Edges: vital, Now: c.now})
	policies, err := p.inForce()
	if err != nil {
		return err
	}
	set, err := verify.Compile(policies, m, c.proof(p.state.Namespace))
	if err != nil {
		return fmt.Errorf("read the policies: %w", err)
	}
	for i := range m.Edges {
		e := &m.Edges[i]
		allowed, err := allows(set, m, e)
		if err != nil {
			return fmt.Errorf("judge %s: %w", e, err)
		}
		if !allowed {
			problems = append(problems, generator.Problem{Edge: *e, What: "spec.learn is none, and nobody asks for it: say so by spec.allow or a template"})
		}
	}
	for _, cut := range m.Cuts(c.inv, problems) {
		p.Refusals = append(p.Refusals, "it would cut "+cut.String())
	}
	return nil
}
