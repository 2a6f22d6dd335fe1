// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
)

// reach is where a policy is in force at one Gateway.
type reach struct {
	all      bool            // for whatever is asked for, with a route or without
	held     map[string]bool // routes, or ports
	replaced map[string]string
	broken   string   // here
	unstored *storage // of its Gateway, in which it was to count; nil: none is missing
}

func newReach() *reach { return &reach{held: map[string]bool{}, replaced: map[string]string{}} }

func (r *reach) hold(name string) { r.held[name] = true }

func (r *reach) replace(name string, by *policy) {
	if before := r.replaced[name]; before == "" || by.String() < before {
		r.replaced[name] = by.String()
	}
}

// The most that is said in a status: entries of ancestors (the API's bound), and names in
// a message.
const (
	maxAncestors = 16
	maxNamed     = 10
)

// tell says what became of the policies.
func (s *policies) tell(out *Result, controller string) {
	of := map[kind]map[Name]gatewayv1.PolicyStatus{accessPolicyKind: out.AccessPolicies, trafficPolicyKind: out.TrafficPolicies, clientPolicyKind: out.ClientPolicies}
	for _, p := range s.all {
		var status gatewayv1.PolicyStatus
		add := func(a aim, said []metav1.Condition) {
			group, of, namespace := gatewayv1.Group(a.of.group), gatewayv1.Kind(a.of.kind), gatewayv1.Namespace(a.name.Namespace)
			ref := gatewayv1.ParentReference{Group: &group, Kind: &of, Namespace: &namespace, Name: gatewayv1.ObjectName(a.name.Name)}
			if a.section != "" {
				section := gatewayv1.SectionName(a.section)
				ref.SectionName = &section
			}
			if len(status.Ancestors) < maxAncestors {
				status.Ancestors = append(status.Ancestors, gatewayv1.PolicyAncestorStatus{AncestorRef: ref, ControllerName: gatewayv1.GatewayController(controller), Conditions: said})
			}
		}
		for _, g := range slices.SortedFunc(maps.Keys(p.gateways), func(a, b *gateway) int {
			return compareNames(nameOf(a.object), nameOf(b.object))
		}) {
			if !g.builtin {
				add(aim{of: gatewayKind, name: nameOf(g.object)}, p.said(p.gateways[g]))
				continue
			}
			for _, a := range p.aims { // an object that is there
				add(a, p.said(p.gateways[g]))
			}
		}
		if len(p.gateways) == 0 {
			for _, a := range slices.Concat(p.aims, p.lost) {
				add(a, p.said(newReach()))
			}
		}
		of[p.of][p.name] = status
	}
}

// said are the conditions at one Gateway.
func (p *policy) said(r *reach) []metav1.Condition {
	own := conditions{generation: p.conditions.generation, list: slices.Clone(p.conditions.list)}
	held := slices.Sorted(maps.Keys(r.held))
	things := count(len(held), "route", "routes")
	if p.of == clientPolicyKind {
		things = count(len(held), "port", "ports")
	}
	if r.broken != "" {
		own.set(accepted, metav1.ConditionFalse, string(gatewayv1.PolicyReasonInvalid), r.broken)
	}
	if r.unstored != nil {
		own.set(resolvedRefs, metav1.ConditionFalse, r.unstored.reason, r.unstored.message)
	}
	switch {
	case p.refusesAt(r) != "" && (r.all || len(held) > 0):
		own.set(v1alpha1.ConditionEffective, metav1.ConditionFalse, v1alpha1.ReasonRefusing, things+" answered 503"+list(held))
	case r.all:
		own.set(v1alpha1.ConditionEffective, metav1.ConditionTrue, v1alpha1.ReasonEffective, "whatever is asked for, "+things+list(held))
	case len(held) > 0:
		own.set(v1alpha1.ConditionEffective, metav1.ConditionTrue, v1alpha1.ReasonEffective, things+list(held))
	case len(r.replaced) > 0:
		own.set(v1alpha1.ConditionEffective, metav1.ConditionFalse, v1alpha1.ReasonOverridden, "policies below are in its place everywhere")
	case len(p.gateways) == 0:
		own.set(v1alpha1.ConditionEffective, metav1.ConditionFalse, v1alpha1.ReasonNothing, "it is for nothing that a Gateway of this controller serves")
	default:
		own.set(v1alpha1.ConditionEffective, metav1.ConditionFalse, v1alpha1.ReasonNothing, "no route is concerned")
	}
	if len(r.replaced) > 0 {
		names := make([]string, 0, len(r.replaced))
		for _, name := range slices.Sorted(maps.Keys(r.replaced)) {
			names = append(names, fmt.Sprintf("%s by %s", name, r.replaced[name]))
		}
		own.set(v1alpha1.ConditionOverridden, metav1.ConditionTrue, v1alpha1.ReasonOverridden, fmt.Sprintf("%d%s", len(names), list(names)))
	}
	return own.all()
}

// refusesAt is why a policy refuses what it is for at a Gateway; "" if it does not.
func (p *policy) refusesAt(r *reach) string {
	missing := ""
	if r.unstored != nil {
		missing = r.unstored.message
	}
	return cmp.Or(p.broken, r.broken, missing)
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// list is what there is, and how much more.
func list(names []string) string {
	if len(names) == 0 {
		return ""
	}
	out := ": " + strings.Join(names[:min(len(names), maxNamed)], ", ")
	if more := len(names) - maxNamed; more > 0 {
		out += fmt.Sprintf(", and %d more", more)
	}
	return out
}
