// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/flows"
	"github.com/gatehouse-sh/gatehouse/generator/verify"
)

// simulateFlags are those of "network simulate". Its flows are nothing that is
// wanted.
type simulateFlags struct {
	togetherFlags
	recorded flowFlags
}

func (a *app) networkSimulateCommand() *cobra.Command {
	var f simulateFlags
	cmd := &cobra.Command{
		Use:   "simulate FLOWS...|--hubble-relay ADDRESS -f PATH|--cluster",
		Short: "Say which recorded connections policies would drop",
		Long: "Put recorded flows (Hubble, JSON lines or CSV, plain or gzip; or those of a Hubble Relay) through the policies of files, as\n" +
			"if these were applied, and list the connections that would be dropped, the most frequent first,\n" +
			"with who refuses them. The files have the workloads and the policies.\n\n" +
			"Exit codes: 0 nothing would be dropped, 1 something would, 2 it could not be told.",
		Example: a.examples("  gatehouse network simulate flows.json.gz -f k8s/ -f policies.yaml\n" +
			"  hubble observe -o jsonpb --last 100000 | gatehouse network simulate - -f k8s/\n" +
			"  gatehouse network simulate flows.json.gz -f policies.yaml --cluster\n" +
			"  gatehouse network simulate --hubble-relay localhost:4245 --hubble-relay-plaintext -f policies.yaml --cluster"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.recorded.paths = args; !f.recorded.given() {
				return errors.New("name the recordings to read, - for the standard input, or a relay (--hubble-relay)")
			}
			return a.networkSimulate(cmd.Context(), &f)
		},
	}
	f.add(cmd, networkOutputs...)
	f.recorded.addRelay(cmd.Flags(), "whose flows are put through the policies")
	return cmd
}

func (a *app) networkSimulate(ctx context.Context, f *simulateFlags) error {
	if err := f.recorded.check(); err != nil {
		return err
	}
	set, read, err := a.together(ctx, &f.togetherFlags)
	if err != nil {
		return err
	}
	o := flows.Options{Inventory: read.inventory, Universe: read.model.Universe, Environment: read.model.Environment}
	seen, err := a.flowsOver(ctx, &f.recorded, o, func(c *flows.Collector, f *flows.Flow) error {
		f.Names = slices.DeleteFunc(f.Names, func(name string) bool { return !set.names(name) })
		return c.Add(f)
	})
	if err != nil {
		return err
	}
	if !f.model.quiet {
		a.tellFlows(&seen, read.inventory, read.model.Universe)
	}
	m, problems := generator.Build(generator.Input{Inventory: read.inventory, Universe: read.model.Universe, Environment: read.model.Environment, Edges: seen.Edges})
	for _, text := range generator.Told(problems) {
		a.say("problem: %s", text)
	}
	compiled, err := verify.Compile(set.policies, m, read.profile.Verify())
	if err != nil {
		return fmt.Errorf("read the policies: %w", sayRanges(err))
	}
	list := []dropped{}
	for i := range m.Edges {
		d, is, err := set.drops(compiled, m, &m.Edges[i])
		if err != nil {
			return err
		}
		if is {
			list = append(list, d)
		}
	}
	slices.SortFunc(list, byFlows)
	if f.output != "text" {
		err = a.write(f.output, list)
	} else {
		err = a.tellDrops(list, len(m.Edges))
	}
	if err == nil && len(list) > 0 {
		return failure(ExitFindings)
	}
	return err
}

// names reports whether a rule of a policy is about a domain name. A connection
// to any other is judged by its address.
func (p policySet) names(name string) bool {
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	for i := range p.policies {
		for _, r := range p.policies[i].Egress {
			for _, q := range r.Peers {
				suffix, wild := strings.CutPrefix(q.Domain, "*")
				if q.Domain != "" && (q.Domain == name || wild && strings.HasSuffix(name, suffix)) {
					return true
				}
			}
		}
	}
	return false
}

// drops reports whether policies refuse a recorded connection, or a part of it.
func (p policySet) drops(compiled *verify.Set, m *generator.Model, e *generator.Edge) (dropped, bool, error) {
	for _, from := range verify.Samples(m, e.From) {
		for _, to := range verify.Samples(m, e.To) {
			if !from.IsPod() && !to.IsPod() {
				continue
			}
			v, err := compiled.Allowed(from, to, e.Port)
			if err != nil {
				return dropped{}, false, fmt.Errorf("judge %s: %w", e, err)
			}
			if v.Allowed {
				continue
			}
			d := dropped{From: e.From.String(), To: e.To.String(), Port: e.Port.String(), Egress: p.decision(v.Egress), Ingress: p.decision(v.Ingress), why: p.both(v.Egress, v.Ingress)}
			first, last := e.Because[0].First, e.Because[0].Last
			for _, why := range e.Because {
				d.Flows += why.Flows
				if why.First.Before(first) {
					first = why.First
				}
				if why.Last.After(last) {
					last = why.Last
				}
			}
			d.First, d.Last = momentOf(first), momentOf(last)
			return d, true, nil
		}
	}
	return dropped{}, false, nil
}

func (a *app) tellDrops(list []dropped, connections int) error {
	if len(list) == 0 {
		return line(a.Out, "Nothing would be dropped of %s.", count(connections, "connection"))
	}
	for _, d := range list {
		if err := errors.Join(line(a.Out, "dropped: %s -> %s %s (%s, the last at %s)", d.From, d.To, d.Port, count(d.Flows, "flow"), d.Last), line(a.Out, "    %s", d.why)); err != nil {
			return err
		}
	}
	return line(a.Out, "%d of %s would be dropped.", len(list), count(connections, "connection"))
}
