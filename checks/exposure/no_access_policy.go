// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"fmt"
	"slices"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// noAccessPolicy flags what the bundled gateway publishes without asking anybody who
// he is (EXP-050).
func noAccessPolicy() checks.Check {
	return checks.Check{
		ID: "EXP-050", Name: "no-access-policy",
		Severity: checks.High,
		Actions:  checks.Actions{Baseline: checks.Warn, Strict: checks.Deny},
		Kinds:    slices.Concat([]schema.GroupKind{inventory.IngressKind}, gatewayRoutes, doorKinds),
		Doc: checks.Doc{
			Title: "What the gateway publishes has an AccessPolicy",
			Why: "The bundled gateway asks for what an AccessPolicy says, and for nothing where none is. A route that is attached to it and guarded by none is open to everybody who reaches the gateway. " +
				"The rule looks for each rule of a route, at each listener that takes it, for an AccessPolicy of the Gateway, the listener, the route, the rule, or a Service that the rule names and that is of the route's namespace or granted, whether or not it is there and can be sent to. Others count only if all Services of the rule have a policy. Whatever mode the policy has, something guards then. " +
				"Of an Ingress the policies of its Services count, those of the Gateway that the parameters of its IngressClass name, and its own annotations that ask for a password, an address or an authorisation service. " +
				"A Service that is published by the annotation gatehouse.sh/expose is not served without gatehouse.sh/auth, so nothing is reported for it. A rule without backends, such as a redirect, opens nothing. " +
				"What is public on purpose says so by a policy: authentication.anyOf with anonymous, and a rule that allows everybody. " +
				"TCPRoutes, UDPRoutes and TLSRoutes are passed on unread, so no policy can ask anything of their clients; these routes are reported as well, as what only an exemption can accept. " +
				"A Gateway or ListenerSet that is written is asked for the routes that were there before it and are taken by it now: they opened nothing when they were judged. What an Exemption covers of such a route is covered then, too; otherwise the mode and the profile of the Gateway's namespace decide, not those of the route's. What files and a scan hold is reported of the routes. A route or an Ingress that is being deleted, or whose namespace is, is not served, and opens nothing. " +
				"At a Gateway of another controller whose class the CheckPolicy names, AccessPolicies count as if that controller kept them. " +
				"Whether a listener is served in the end (its certificate, conflicts with others) is not looked at, a listener that takes namespaces by their labels counts for all of them, and a listener that only redirects to HTTPS counts: guard the Gateway, or the route.",
			Attack: "uses the Services behind the route without saying who he is",
			Fix:    "apply an AccessPolicy for the route or the Gateway before it",
			Exempt: "Databases and other protocols than HTTP whose workloads ask for credentials themselves.",
			Sources: []string{
				"https://gateway-api.sigs.k8s.io/geps/gep-713/",
				"https://gateway-api.sigs.k8s.io/concepts/security-model/",
			},
		},
		Run: func(in checks.Input) []checks.Finding {
			if slices.Contains(doorKinds, inventory.KeyOf(in.Object).Kind) {
				return openedRoutes(in)
			}
			return unguardedOf(in, guardsOf(in))
		},
	}
}

// unguardedOf reports what an Ingress or a route opens. One that is being deleted is not
// served any more (docs/gateway-policies.md, When something is deleted).
func unguardedOf(in checks.Input, g *guards) []checks.Finding {
	if leaving(in.Object, in) {
		return nil
	}
	if ing, isIngress := in.Object.(*networkingv1.Ingress); isIngress {
		return unguardedIngress(ing, in, g)
	}
	return unguardedRoute(in, g)
}

// unguarded is a Service that one Gateway of ours opens without a policy.
type unguarded struct {
	gateway   inventory.Key
	service   inventory.Key
	field     string   // of what attaches the object there
	listeners []string // of the Gateway, each once
	rules     []string // the fields of those that lead to the Service, each once
	certainty checks.Certainty
}

// finding words it; all is how many rules there are that open anything. Its subject has the
// Service, so that what is known or exempt of one does not cover what is opened later.
func (o *unguarded) finding(in checks.Input, all int, unread bool) checks.Finding {
	f := checks.Finding{
		Certainty: o.certainty,
		Subject:   "gateway/" + o.gateway.Namespace + "/" + o.gateway.Name, Field: o.field,
		Path: []string{"internet", o.gateway.String(), inputName(in), o.service.String()},
	}
	if o.gateway.Kind == inventory.IngressClassKind {
		f.Subject = "class/" + o.gateway.Name
	}
	f.Subject += "/service/" + o.service.Namespace + "/" + o.service.Name
	what := ""
	if len(o.rules) < all {
		f.Field = o.rules[0]
		what = fmt.Sprintf(", by %d of its %d rules", len(o.rules), all)
	}
	at := o.listeners[0]
	if more := len(o.listeners) - 1; more > 0 {
		at += fmt.Sprintf(" and %d more", more)
	}
	f.Message = "opens " + o.service.String() + " at " + at + " to everybody who reaches it" + what + ": "
	if unread {
		f.Message += "what is passed on unread can be asked nothing by an AccessPolicy"
		f.Fix = "publish it as an HTTPRoute or GRPCRoute with an AccessPolicy, or let the workload ask for credentials and take an exemption"
		return f
	}
	f.Message += "no AccessPolicy is in force"
	f.Fix = "apply a policy before it, such as " + suggestion(in.Object)
	return f
}

// suggestion is an AccessPolicy for an object, or for the first Service of an Ingress,
// which policies cannot be for: YAML in one line, to be pasted.
func suggestion(o inventory.Object) string {
	target := inventory.KeyOf(o)
	if target.Kind == inventory.IngressKind {
		target = inventory.Key{Kind: inventory.ServiceKind, Namespace: o.GetNamespace(), Name: target.Name}
		for _, b := range inventory.Backends(o) {
			target.Name = b.Name
			break
		}
	}
	group := target.Kind.Group
	if group == "" {
		group = `""`
	}
	return fmt.Sprintf(`{apiVersion: gatehouse.sh/v1alpha1, kind: AccessPolicy, metadata: {namespace: %s, name: %s}, spec: {`+
		`targetRefs: [{group: %s, kind: %s, name: %s}], `+
		`authentication: {anyOf: [{name: idp, jwt: {issuer: "https://idp.example.com/", audiences: [%s]}}]}, `+
		`authorization: {rules: [{name: known, allow: {}}]}}}`,
		target.Namespace, o.GetName(), group, target.Kind.Kind, target.Name, o.GetName())
}
