// SPDX-License-Identifier: Apache-2.0

package endpoint

import (
	"cmp"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/gateway/translate"
	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/verify"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// Input is what is known of a cluster.
type Input struct {
	Inventory  *inventory.Inventory
	Parameters *checks.Parameters
	// AllClasses says that the inventory has every GatewayClass and IngressClass that there
	// is, as that of a cluster has. Without it those of the gateway that are named and not
	// there are taken for its own, as files leave them to whoever installs it.
	AllClasses bool
	// Secrets are those whose content was read. Unread says in a clause why another one was
	// not; present tells whether it is among the objects.
	Secrets []*corev1.Secret
	Unread  func(name translate.Name, present bool) string
	// Missing are Secrets that are known not to be there.
	Missing map[translate.Name]bool
	// Model and Policies say what the policies of the network allow. Without Policies,
	// PoliciesFault says why that is not known; "" is that there are none.
	Model         *generator.Model
	Policies      *verify.Set
	PoliciesFault string
	// Findings are those of an object. Nil: nobody was asked.
	Findings func(inventory.Key) []Finding
	Now      time.Time
}

// World is an Input made ready. It is for one goroutine.
type World struct {
	Input
	checks  checks.Input
	objects *translate.Objects
	result  *translate.Result
	unread  map[translate.Name]bool // Secrets with a stand-in
	present map[translate.Name]bool // of these, those that are among the objects
	classes classes
	network *network
}

// New makes an Input ready.
func New(in Input) (*World, error) {
	w := &World{Input: in, unread: map[translate.Name]bool{}, present: map[translate.Name]bool{}}
	var err error
	if w.objects, err = objects(in.Inventory); err != nil {
		return nil, err
	}
	w.objects.Secrets = slices.Clone(in.Secrets)
	w.Parameters, w.classes = readClasses(w.objects, &in)
	w.checks = checks.Input{Inventory: in.Inventory, Parameters: w.Parameters}
	if err := w.complete(); err != nil {
		return nil, err
	}
	var own []translate.Name
	for _, g := range w.snapshots() {
		if g.object != nil {
			own = append(own, g.name)
		}
	}
	w.network = newNetwork(&w.Input, own)
	return w, nil
}

// Wanted are the Secrets that are named and granted and whose content was not given, in
// order: nothing else needs to be read.
func (w *World) Wanted() []translate.Name {
	out := make([]translate.Name, 0, len(w.unread))
	for name := range w.unread {
		out = append(out, name)
	}
	slices.SortFunc(out, func(a, b translate.Name) int { return cmp.Compare(a.String(), b.String()) })
	return out
}

// Report lists every endpoint.
func (w *World) Report() *Report {
	out := &Report{APIVersion: APIVersion, Endpoints: []Endpoint{}, Assumed: append([]string{}, w.classes.assumed...)}
	served := map[inventory.Key]bool{}
	for _, s := range w.snapshots() {
		out.Endpoints = append(out.Endpoints, s.endpoints(served)...)
	}
	past, more := w.past(served)
	out.Endpoints = append(out.Endpoints, past...)
	out.NotServed = slices.Concat(w.notServed(), w.classes.idle, more)
	slices.SortStableFunc(out.NotServed, func(a, b NotServed) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Part, b.Part), cmp.Compare(a.Message, b.Message), cmp.Compare(a.Reason, b.Reason))
	})
	out.NotServed = slices.Compact(out.NotServed) // several conditions may say one thing
	slices.SortStableFunc(out.Endpoints, compareEndpoints)
	if out.NotServed == nil {
		out.NotServed = []NotServed{}
	}
	for i := range out.Endpoints {
		out.Summary.count(&out.Endpoints[i])
	}
	out.Summary.NotServed = len(out.NotServed)
	return out
}

func (s *Summary) count(e *Endpoint) {
	s.Endpoints++
	if !e.Through.Gateway {
		s.PastTheGateway++
	}
	if e.Unauthenticated() {
		s.Unauthenticated++
	}
	if e.TLS.State == TLSNone {
		s.WithoutTLS++
	}
}

// compareEndpoints brings what is past the gateway first, and then what is at one
// listener together.
func compareEndpoints(a, b Endpoint) int {
	past := func(e *Endpoint) int {
		if e.Through.Gateway {
			return 1
		}
		return 0
	}
	return cmp.Or(past(&a)-past(&b), cmp.Compare(a.Through.Namespace, b.Through.Namespace), cmp.Compare(a.Through.Kind, b.Through.Kind), cmp.Compare(a.Through.Name, b.Through.Name),
		cmp.Compare(a.Listener.Port, b.Listener.Port), cmp.Compare(a.Listener.Protocol, b.Listener.Protocol), cmp.Compare(a.Host, b.Host), slices.Compare(a.Matches, b.Matches), a.Route.compare(b.Route))
}

func (r *Route) compare(o *Route) int {
	switch {
	case r == nil && o == nil:
		return 0
	case r == nil:
		return -1
	case o == nil:
		return 1
	}
	return cmp.Or(cmp.Compare(r.Namespace, o.Namespace), cmp.Compare(r.Kind, o.Kind), cmp.Compare(r.Name, o.Name), cmp.Compare(r.Rule, o.Rule))
}

// notServed says what the gateway has against objects, as it says it in their status.
func (w *World) notServed() []NotServed {
	var out []NotServed
	say := func(kind string, name translate.Name, part string, list []metav1.Condition) {
		for _, c := range list {
			bad := c.Status == metav1.ConditionFalse
			if c.Type == "Conflicted" || c.Type == "PartiallyInvalid" {
				bad = c.Status == metav1.ConditionTrue
			}
			if bad && c.Type != "Programmed" {
				out = append(out, NotServed{Kind: kind, Namespace: name.Namespace, Name: name.Name, Part: part, Reason: c.Reason, Message: c.Message})
			}
		}
	}
	for name, g := range w.result.Gateways {
		say("Gateway", name, "", g.Conditions)
		for i := range g.Listeners {
			say("Gateway", name, "listener "+string(g.Listeners[i].Name), g.Listeners[i].Conditions)
		}
	}
	for name, s := range w.result.ListenerSets {
		say("ListenerSet", name, "", s.Status.Conditions)
		for i := range s.Status.Listeners {
			say("ListenerSet", name, "listener "+string(s.Status.Listeners[i].Name), s.Status.Listeners[i].Conditions)
		}
	}
	for of, parents := range w.result.Routes {
		for i := range parents {
			p := &parents[i]
			part := "at " + string(p.ParentRef.Name)
			if p.ParentRef.SectionName != nil {
				part += "/" + string(*p.ParentRef.SectionName)
			}
			say(of.Kind, of.Name, part, p.Conditions)
		}
	}
	for name, p := range w.result.Policies {
		for i := range p.Ancestors {
			say("BackendTLSPolicy", name, "at "+string(p.Ancestors[i].AncestorRef.Name), p.Ancestors[i].Conditions)
		}
	}
	for kind, list := range map[string]map[translate.Name]gatewayv1.PolicyStatus{
		v1alpha1.AccessPolicyKind: w.result.AccessPolicies, v1alpha1.TrafficPolicyKind: w.result.TrafficPolicies, v1alpha1.ClientPolicyKind: w.result.ClientPolicies,
	} {
		for name, p := range list {
			for i := range p.Ancestors {
				say(kind, name, "at "+string(p.Ancestors[i].AncestorRef.Name), slices.DeleteFunc(slices.Clone(p.Ancestors[i].Conditions), func(c metav1.Condition) bool {
					return c.Type != "Accepted" && c.Type != "ResolvedRefs" // the others say where it holds
				}))
			}
		}
	}
	for name, fault := range w.result.Faults {
		out = append(out, NotServed{Kind: "Gateway", Namespace: name.Namespace, Name: name.Name, Reason: "Invalid", Message: fault})
	}
	for _, e := range w.result.Events {
		out = append(out, NotServed{Kind: e.Kind, Namespace: e.Namespace, Name: e.Name.Name, Reason: e.Reason, Message: e.Message})
	}
	return out
}

// Unauthenticated tells whether anybody gets through to a backend, as far as is known,
// without saying who he is.
func (e *Endpoint) Unauthenticated() bool {
	switch e.Authentication.State {
	case AuthenticationRequired, AuthenticationRefused:
		return false
	}
	return e.Answer == AnswerBackends || e.Answer == AnswerUncertain
}
