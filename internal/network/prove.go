// SPDX-License-Identifier: Apache-2.0

package network

import (
	"fmt"
	"slices"

	"github.com/gatehouse-sh/gatehouse/generator/netpol"
	"github.com/gatehouse-sh/gatehouse/generator/plan"
	"github.com/gatehouse-sh/gatehouse/generator/rollout"
	"github.com/gatehouse-sh/gatehouse/generator/verify"
)

// The others wait while a question about the policies of one namespace is answered. One
// of a usual shape takes a thousand steps for each workload of the cluster and six for each pair of
// the namespace's own; it may take these, half a second for fifty workloads, and maxSteps,
// three to eight seconds, at most.
const (
	leastSteps    = 100_000_000
	workloadSteps = 5000
	pairSteps     = 40
	maxSteps      = 1_000_000_000
)

// steps bounds a question about a namespace of so many workloads of all.
func steps(own, all int) int {
	return min(maxSteps, leastSteps+workloadSteps*all+pairSteps*own*own)
}

// proof says how the policies of a namespace are read and how long.
func (c *Cluster) proof(namespace string) verify.Options {
	o := c.options.Enforcer.Verify()
	o.MaxSteps = steps(len(c.universe.Within(namespace)), len(c.universe.Workloads()))
	return o
}

// prove makes the policies and compares them with the model and with those that
// are there.
func (c *Cluster) prove(p *Proposal) error {
	by := c.options.Enforcer
	beside, err := netpol.Read(p.state.Foreign)
	if err != nil {
		return fmt.Errorf("read the policies of others: %w", err)
	}
	ours := slices.DeleteFunc(slices.Clone(p.state.Ours), rollout.IsOpening)
	c.making.Lock()
	made, err := plan.Make(p.Model, netpol.Dialect(netpol.RenderOptions{}), plan.Options{
		Compact: c.compact, Beside: beside, Adapt: by.Adapt, Verify: c.proof(p.state.Namespace), Diff: len(ours) == 0,
	})
	c.making.Unlock()
	if err != nil {
		return err
	}
	p.Problems = append(p.Problems, made.Problems...)
	for _, d := range made.Report.Missing {
		p.Refusals = append(p.Refusals, fmt.Sprintf("it would refuse %s (leaving: %s; entering: %s)", d, d.Egress, d.Ingress))
	}
	p.missing, p.Extra = len(made.Report.Missing), made.Report.Extra
	p.Policies = rollout.Named(made.Objects())
	p.Digest = rollout.Digest(p.Policies)
	switch {
	case len(ours) == 0:
		p.Gained, p.Lost = made.Gained, made.Lost
		return nil
	case rollout.Digest(ours) == p.Digest: // the rules are the same
		return nil
	}
	now, err := netpol.Read(slices.Concat(ours, p.state.Foreign))
	if err != nil {
		return fmt.Errorf("read the policies that are there: %w", err)
	}
	p.Gained, p.Lost, err = verify.Diff(now, slices.Concat(made.Policies, beside), p.Model, c.proof(p.state.Namespace))
	return err
}
