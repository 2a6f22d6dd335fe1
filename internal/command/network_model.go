// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/flows"
	"github.com/gatehouse-sh/gatehouse/generator/manifests"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// modelFlags say how the model of an application is made.
type modelFlags struct {
	environment environmentFlags
	namespaces  []string
	classes     []string
	flows       []string
	domains     string
	keepGoing   bool
	quiet       bool
}

// What is done with domain names, which NetworkPolicy cannot say.
const (
	domainsRefuse   = "refuse"
	domainsExternal = "external"
)

// add adds all of them.
func (f *modelFlags) add(cmd *cobra.Command) {
	f.addSurroundings(cmd)
	flags := cmd.Flags()
	flags.StringSliceVarP(&f.namespaces, "namespace", "n", nil, "guard these namespaces; default: every one with workloads but the system's")
	flags.StringSliceVar(&f.flows, "flows", nil, "recorded flows, whose connections are wanted too: files of Hubble, JSON lines or CSV, plain or gzip")
	flags.BoolVar(&f.keepGoing, "keep-going", false, "go on without what cannot be read, and without connections whose other end is not known")
}

// addSurroundings adds those that say what files do not, for commands that guard
// nothing.
func (f *modelFlags) addSurroundings(cmd *cobra.Command) {
	flags := cmd.Flags()
	f.environment.add(flags)
	flags.StringSliceVar(&f.classes, "gateway-class", []string{"gatehouse"}, "classes of Ingresses and Gateways that the pods of --gateway serve")
	flags.StringVar(&f.domains, "domains", domainsRefuse, "connections to domain names, which a NetworkPolicy cannot express: \"refuse\" them, or allow every address outside of the cluster (\"external\") on their port")
	flags.BoolVarP(&f.quiet, "quiet", "q", false, "leave out the notes")
	complete(cmd, "domains", fixed(domainsRefuse, domainsExternal))
}

// modelled is what files say about connections.
type modelled struct {
	model     *generator.Model
	found     manifests.Found
	seen      *flows.Result       // of recordings; nil without
	problems  []generator.Problem // of the manifests and of the model, in order
	cut       []generator.Problem // those that would cut off an application: part of problems
	inventory *inventory.Inventory
}

// readModel reads manifests and makes the model of what they declare. What is
// missing from it is in the result; what cannot be read is an error unless the
// user wants to go on.
func (a *app) readModel(ctx context.Context, f *modelFlags, paths []string) (*modelled, error) {
	read, err := a.loadFiles(ctx, paths, f.quiet)
	if err != nil {
		return nil, err
	}
	if len(read.faults) > 0 {
		a.tell(read.faults)
		if !f.keepGoing {
			a.say("nothing was done, since not everything could be read; --keep-going goes on without it")
			return nil, failure(ExitFault)
		}
	}
	return a.modelOf(ctx, f, read)
}

// modelOf makes the model of objects that were read.
func (a *app) modelOf(ctx context.Context, f *modelFlags, read loaded) (*modelled, error) {
	if err := oneOf("--domains", f.domains, []string{domainsRefuse, domainsExternal}); err != nil {
		return nil, err
	}
	universe, err := generator.Observe(read.inventory)
	if err != nil {
		return nil, fmt.Errorf("read the workloads: %w", err)
	}
	environment := generator.Discover(read.inventory)
	assumed, err := f.environment.apply(&environment)
	if err != nil {
		return nil, err
	}
	if !f.quiet {
		for _, text := range assumed {
			a.say("note: %s", text)
		}
	}
	guards, err := f.guards(universe)
	if err != nil {
		return nil, err
	}
	out := &modelled{inventory: read.inventory}
	out.found = manifests.Edges(read.inventory, universe, &environment, manifests.Options{Classes: f.served()})
	out.found.Placed(placesOf(read.targets))
	edges := out.found.Edges
	if len(f.flows) > 0 {
		seen, err := a.flowsOver(ctx, f.flows, flows.Options{Inventory: read.inventory, Universe: universe, Environment: environment}, (*flows.Collector).Add)
		if err != nil {
			return nil, err
		}
		if !f.quiet {
			a.tellFlows(&seen, read.inventory, universe)
		}
		out.seen = &seen
		edges = slices.Concat(edges, seen.Edges)
		out.found.Problems = slices.Concat(out.found.Problems, seen.Problems)
	}
	in := generator.Input{Inventory: read.inventory, Universe: universe, Environment: environment, Guards: guards, Edges: edges}
	var problems []generator.Problem
	if out.model, problems = generator.Build(in); f.domains == domainsExternal {
		// Only the model says of an ExternalName Service that it is a domain name.
		var more []generator.Problem
		in.Edges = named(out.model.Edges)
		out.model, more = generator.Build(in)
		problems = append(problems, more...)
	}
	for _, p := range out.found.Problems {
		if out.guarded(p.Edge) && out.unserved(p.Edge) {
			out.cut = append(out.cut, p)
		}
	}
	for _, p := range problems {
		if out.guarded(p.Edge) && (vital(p.Edge.From) || vital(p.Edge.To)) {
			out.cut = append(out.cut, p)
		}
	}
	out.problems = slices.Concat(out.found.Problems, problems)
	return out, nil
}

// guarded reports whether policies are made for an end.
func (r *modelled) guarded(e generator.Edge) bool {
	_, from := r.model.Guards[e.From.Namespace]
	_, to := r.model.Guards[e.To.Namespace]
	return from || to
}

// unserved reports whether a Service is meant to be reached from outside, and
// nobody knows by whom: the class of an Ingress, the ranges of a load balancer.
func (r *modelled) unserved(e generator.Edge) bool {
	return e.From == (generator.Peer{}) && e.To.Kind == generator.ServicePeer && r.inventory.Service(e.To.Namespace, e.To.Name) != nil
}

// vital reports whether an application is cut off without this end.
func vital(p generator.Peer) bool {
	return p.Kind == generator.GatewayPeer || p.Kind == generator.DNSPeer || p.Kind == generator.APIServerPeer
}

// guards chooses the namespaces to make policies for.
func (f *modelFlags) guards(u *generator.Universe) (map[string]generator.Guard, error) {
	out := map[string]generator.Guard{}
	for _, namespace := range f.namespaces {
		if len(u.Within(namespace)) == 0 {
			return nil, fmt.Errorf("--namespace %q: no workload of it among the objects; there are %s", namespace, orNone(populated(u)))
		}
		out[namespace] = generator.Guard{Ingress: true, Egress: true}
	}
	if len(f.namespaces) > 0 {
		return out, nil
	}
	for _, namespace := range populated(u) {
		if !slices.Contains(systemNamespaces, namespace) {
			out[namespace] = generator.Guard{Ingress: true, Egress: true}
		}
	}
	return out, nil
}

// someGuard refuses a model in which nothing is to be guarded.
func someGuard(m *generator.Model) error {
	if len(m.Guards) == 0 {
		return fmt.Errorf("there is nothing to guard: no workload among the objects outside of %s (--namespace guards those too)", orNone(systemNamespaces))
	}
	return nil
}

// populated returns the namespaces with workloads, in order.
func populated(u *generator.Universe) []string {
	return slices.DeleteFunc(u.Namespaces(), func(namespace string) bool { return len(u.Within(namespace)) == 0 })
}

func orNone(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// served says which classes are the gateway's.
func (f *modelFlags) served() map[string]generator.Peer {
	out := map[string]generator.Peer{}
	for _, name := range f.classes {
		out[name] = generator.Peer{Kind: generator.GatewayPeer}
	}
	return out
}

// named allows every address outside of the cluster in the place of domain names.
func named(edges []generator.Edge) []generator.Edge {
	out := slices.Clone(edges)
	for i := range out {
		e := &out[i]
		if e.To.Kind != generator.FQDNPeer {
			continue
		}
		name := e.To.Name
		e.To = generator.Peer{Kind: generator.ExternalPeer}
		e.Because = slices.Clone(e.Because)
		for j := range e.Because {
			e.Because[j].What = strings.TrimPrefix(e.Because[j].What+", of "+name+" (--domains="+domainsExternal+")", ", ")
		}
	}
	return out
}

// placesOf finds the lines of the objects that were read.
func placesOf(targets []target) func(inventory.Key, string) string {
	at := make(map[inventory.Key]*target, len(targets))
	for i := range targets {
		if t := &targets[i]; at[t.key] == nil {
			at[t.key] = t
		}
	}
	return func(object inventory.Key, field string) string {
		t := at[object]
		if t == nil || t.positions == nil {
			return ""
		}
		file, line := t.positions.Locate(field)
		return placeOf(file, line)
	}
}
