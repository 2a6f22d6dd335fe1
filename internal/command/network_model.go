// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/enforcer"
	"github.com/gatehouse-sh/gatehouse/generator/flows"
	"github.com/gatehouse-sh/gatehouse/generator/intents"
	"github.com/gatehouse-sh/gatehouse/generator/manifests"
	"github.com/gatehouse-sh/gatehouse/generator/templates"
	"github.com/gatehouse-sh/gatehouse/generator/verify"
	"github.com/gatehouse-sh/gatehouse/internal/schema"
	"github.com/gatehouse-sh/gatehouse/inventory"
	"github.com/gatehouse-sh/gatehouse/manifests/crd"
)

// modelFlags say how the model of an application is made.
type modelFlags struct {
	environment environmentFlags
	namespaces  []string
	classes     []string
	flows       flowFlags
	secrets     []string
	templates   templateFlags
	domains     string
	enforcer    string
	cilium      ciliumFlags
	live        liveFlags
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
	f.flows.add(flags)
	f.templates.add(flags)
	flags.BoolVar(&f.keepGoing, "keep-going", false, "go on without what cannot be read and kinds that Kubernetes does not have, with the last of objects that have one name, and without connections whose other end is not known or that policies cannot say")
}

// addSurroundings adds those that say what files do not, for commands that guard
// nothing.
func (f *modelFlags) addSurroundings(cmd *cobra.Command) {
	flags := cmd.Flags()
	f.live.add(flags)
	f.environment.add(flags)
	flags.StringSliceVar(&f.secrets, "secrets", nil, "files or folders with Secrets: addresses in URLs that pods get from them count, and nothing of them is printed but the host of an address")
	flags.StringSliceVar(&f.classes, "gateway-class", []string{"gatehouse"}, "classes of Ingresses and Gateways that the pods of --gateway serve")
	flags.StringVar(&f.domains, "domains", domainsRefuse, "connections to domain names, which a NetworkPolicy cannot express: \"refuse\" them, or allow every address outside of the cluster (\"external\") on their port")
	flags.StringVar(&f.enforcer, "enforcer", enforcer.Names()[0], "who enforces NetworkPolicies, one of "+strings.Join(enforcer.Names(), ", ")+": what is written is what it does as meant, and what it does differently counts in the answers")
	complete(cmd, "enforcer", fixed(enforcer.Names()...))
	f.cilium.add(flags)
	complete(cmd, "cilium", fixed(ciliumWords...))
	flags.BoolVarP(&f.quiet, "quiet", "q", false, "leave out the notes")
	complete(cmd, "domains", fixed(domainsRefuse, domainsExternal))
}

// modelled is what files say about connections.
type modelled struct {
	model       *generator.Model
	found       manifests.Found
	seen        *flows.Result       // of recordings; nil without
	preset      preset              // of templates
	problems    []generator.Problem // of the manifests and of the model, in order
	cut         []generator.Problem // those that would cut off an application: part of problems
	inventory   *inventory.Inventory
	disbelieved []generator.Problem // who says to be the API server: part of problems
	objects     loaded              // of which the model was made
	profile     enforcer.Profile
	asked       bool                // people ask for connections
	refused     []verify.Difference // wanted, and refused by policies beside those that are made
}

// readModel reads manifests or a cluster and makes the model of what they declare. What is
// missing from it is in the result; what cannot be read is an error unless the
// user wants to go on.
func (a *app) readModel(ctx context.Context, f *modelFlags, paths []string) (*modelled, error) {
	read, err := a.loadSource(ctx, f, paths)
	if err != nil {
		return nil, err
	}
	if len(read.faults) > 0 {
		a.tell(read.faults)
		if !f.keepGoing {
			a.say("nothing was done, since not everything could be read; --keep-going goes on without it")
			return nil, failure(ExitFault)
		}
		if read.twice {
			a.say("note: of objects with one name the last counts, in the order in which files are read")
		}
	}
	return a.modelOf(ctx, f, read)
}

// modelOf makes the model of objects that were read.
func (a *app) modelOf(ctx context.Context, f *modelFlags, read loaded) (*modelled, error) {
	if err := oneOf("--domains", f.domains, []string{domainsRefuse, domainsExternal}); err != nil {
		return nil, err
	}
	profile, err := enforcer.Find(f.enforcer)
	if err != nil {
		return nil, fmt.Errorf("--%w", err)
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
	out := &modelled{inventory: read.inventory, objects: read, profile: profile}
	secrets, err := readSecrets(f.secrets)
	if err != nil {
		return nil, err
	}
	routed, err := a.routed(f, read.inventory, universe, &environment)
	if err != nil {
		return nil, err
	}
	out.found = manifests.Edges(read.inventory, universe, &environment, manifests.Options{Classes: f.served(), Secrets: secrets, Routed: routed})
	out.found.Placed(placesOf(read.targets))
	in := generator.Input{Inventory: read.inventory, Universe: universe, Environment: environment, Guards: guards, Now: a.Now()}
	edges := slices.Concat(out.found.Edges, out.intended(ctx, in))
	preset, err := f.templates.apply(templates.Input{Inventory: read.inventory, Universe: universe, Environment: environment, Enforcer: templates.EnforcerOf(f.enforcer)}, guards)
	if err != nil {
		return nil, err
	}
	edges, out.preset = append(edges, preset.edges...), preset
	out.found.Problems = slices.Concat(out.found.Problems, preset.problems)
	if f.flows.given() {
		seen, err := a.flowsOver(ctx, &f.flows, flows.Options{
			Inventory: read.inventory, Universe: universe, Environment: environment, Keep: f.flows.keep, External: f.flows.external, Wishes: f.flows.dropped,
		}, (*flows.Collector).Add)
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
	in.Edges = edges
	var problems []generator.Problem
	if out.model, problems = generator.Build(in); f.domains == domainsExternal {
		// Only the model says of an ExternalName Service that it is a domain name.
		var more []generator.Problem
		in.Edges = generator.NamesOutside(out.model.Edges, "--domains="+domainsExternal)
		out.model, more = generator.Build(in)
		problems = append(problems, more...)
	}
	out.problems = slices.Concat(out.found.Problems, problems)
	if len(f.namespaces) > 0 {
		out.problems = out.model.About(out.problems)
	}
	out.cut = out.model.Cuts(read.inventory, out.problems)
	out.disbelieved = out.model.Disbelieved(read.inventory, out.problems)
	for i := range out.disbelieved {
		generator.Placed([]generator.Edge{out.disbelieved[i].Edge}, placesOf(read.targets))
	}
	out.problems = append(out.problems, out.disbelieved...)
	return out, nil
}

// intended returns the connections that people ask for. In files everybody's word
// counts, as it does in manifests: one author has them. In a cluster nobody opens the
// namespace of others.
func (r *modelled) intended(ctx context.Context, in generator.Input) []generator.Edge {
	wishes := intents.Read(in.Inventory, in.Universe, &in.Environment, intents.Options{Judge: judgePlan(ctx)})
	wishes.Placed(placesOf(r.objects.targets))
	r.found.Problems = slices.Concat(r.found.Problems, wishes.Problems)
	r.asked = len(wishes.Wishes) > 0
	if !r.objects.live {
		return wishes.Edges()
	}
	edges, left := wishes.Agreed(in, nil)
	r.found.Problems = slices.Concat(r.found.Problems, left)
	return edges
}

// judgePlan judges NetworkPlans as an API server does. The definition is read for the
// first one.
func judgePlan(ctx context.Context) func(map[string]any) field.ErrorList {
	read := sync.OnceValues(func() (*schema.Schema, error) { return schema.Read(crd.NetworkPlan) })
	return func(plan map[string]any) field.ErrorList {
		definition, err := read()
		if err != nil {
			return field.ErrorList{field.InternalError(nil, err)}
		}
		_, faults := definition.Admit(ctx, plan)
		return faults
	}
}

// guards chooses the namespaces to make policies for.
func (f *modelFlags) guards(u *generator.Universe) (map[string]generator.Guard, error) {
	out := map[string]generator.Guard{}
	for _, namespace := range f.namespaces {
		if len(validation.IsDNS1123Label(namespace)) > 0 {
			return nil, fmt.Errorf("--namespace %q: no name of a namespace", namespace)
		}
		if len(u.Within(namespace)) == 0 {
			return nil, fmt.Errorf("--namespace %q: no workload of it among the objects; there are %s", namespace, orNone(populated(u)))
		}
		out[namespace] = generator.Guard{Ingress: true, Egress: true}
	}
	if len(f.namespaces) > 0 {
		return out, nil
	}
	for _, namespace := range populated(u) {
		if len(validation.IsDNS1123Label(namespace)) > 0 {
			return nil, fmt.Errorf("%s: %q is no name of a namespace", u.Within(namespace)[0].ID, namespace)
		}
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

// placesOf finds the lines of the objects that were read.
func placesOf(targets []target) func(inventory.Key, string) string {
	at := make(map[inventory.Key]*target, len(targets))
	for i := range targets {
		at[targets[i].key] = &targets[i] // of several the last, as in the inventory
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
