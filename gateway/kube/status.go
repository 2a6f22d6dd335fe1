// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/gateway/translate"
)

// teller says what the status of each object is to be: what translation says of it, with
// what the Plane knows.
type teller struct {
	controller gatewayv1.GatewayController
	result     *translate.Result
	now        metav1.Time
	state      func(translate.Name) State
	making     map[string]bool // GatewayClasses for whose Gateways objects are made
}

// tell returns the status that an object is to have, and whether it has another one. Nil:
// there is nothing to say of it. shared tells that others write into the same list.
func (t *teller) tell(k *kind, o object) (status any, shared, differs bool) {
	switch o := o.(type) {
	case *gatewayv1.GatewayClass:
		return t.class(o)
	case *gatewayv1.Gateway:
		return t.gateway(o)
	case *gatewayv1.ListenerSet:
		return t.listenerSet(o)
	case *gatewayv1.HTTPRoute:
		return t.route(k, o, o.Status.Parents)
	case *gatewayv1.GRPCRoute:
		return t.route(k, o, o.Status.Parents)
	case *gatewayv1.TLSRoute:
		return t.route(k, o, o.Status.Parents)
	case *gatewayv1.TCPRoute:
		return t.route(k, o, o.Status.Parents)
	case *gatewayv1.UDPRoute:
		return t.route(k, o, o.Status.Parents)
	case *networkingv1.Ingress:
		return t.ingress(o)
	case *gatewayv1.BackendTLSPolicy:
		return t.policy(o, t.result.Policies[nameOf(o)].Ancestors, o.Status.Ancestors)
	case *v1alpha1.AccessPolicy:
		return t.policy(o, t.result.AccessPolicies[nameOf(o)].Ancestors, o.Status.Ancestors)
	case *v1alpha1.TrafficPolicy:
		return t.policy(o, t.result.TrafficPolicies[nameOf(o)].Ancestors, o.Status.Ancestors)
	case *v1alpha1.ClientPolicy:
		return t.policy(o, t.result.ClientPolicies[nameOf(o)].Ancestors, o.Status.Ancestors)
	}
	return nil, false, false
}

func (t *teller) class(o *gatewayv1.GatewayClass) (status any, shared, differs bool) {
	said, ours := t.result.Classes[o.Name]
	if !ours {
		return nil, false, false
	}
	out := gatewayv1.GatewayClassStatus{Conditions: t.since(o.Status.Conditions, said), SupportedFeatures: features(t.making[o.Name])}
	same := equal(o.Status.Conditions, out.Conditions) && equality.Semantic.DeepEqual(o.Status.SupportedFeatures, out.SupportedFeatures)
	return &out, false, !same
}

func (t *teller) gateway(o *gatewayv1.Gateway) (status any, shared, differs bool) {
	said, ours := t.result.Gateways[nameOf(o)]
	if !ours {
		return nil, false, false
	}
	state, generation := t.state(nameOf(o)), generationOf(said.Conditions, o.Generation)
	if state.Waits && len(o.Status.Listeners) > 0 {
		said = asBefore(&o.Status)
	}
	out := gatewayv1.GatewayStatus{}
	for _, a := range state.Addresses {
		of := gatewayv1.IPAddressType
		out.Addresses = append(out.Addresses, gatewayv1.GatewayStatusAddress{Type: &of, Value: a.String()})
	}
	for _, h := range state.Hostnames {
		of := gatewayv1.HostnameAddressType
		out.Addresses = append(out.Addresses, gatewayv1.GatewayStatusAddress{Type: &of, Value: h})
	}
	is := programmed(said.Conditions, &state, generation)
	out.AttachedListenerSets = said.AttachedListenerSets
	conditions := said.Conditions
	if n := unheard(&state, o.Spec.Listeners, said.Listeners); n > 0 {
		conditions = invalid(conditions, n)
	}
	out.Conditions = t.since(o.Status.Conditions, append(slices.Clone(conditions), is))
	same := equality.Semantic.DeepEqual(o.Status.Addresses, out.Addresses) && equal(o.Status.Conditions, out.Conditions) && len(o.Status.Listeners) == len(said.Listeners) &&
		equality.Semantic.DeepEqual(o.Status.AttachedListenerSets, out.AttachedListenerSets)
	for _, l := range said.Listeners {
		var before gatewayv1.ListenerStatus
		if i := slices.IndexFunc(o.Status.Listeners, func(b gatewayv1.ListenerStatus) bool { return b.Name == l.Name }); i >= 0 {
			before = o.Status.Listeners[i]
		}
		l.Conditions = t.since(before.Conditions, t.listener(bound(&state, portOf(o.Spec.Listeners, l.Name), l.Conditions), &is))
		same = same && before.Name == l.Name && before.AttachedRoutes == l.AttachedRoutes && equality.Semantic.DeepEqual(before.SupportedKinds, l.SupportedKinds) && equal(before.Conditions, l.Conditions)
		out.Listeners = append(out.Listeners, l)
	}
	return &out, false, !same
}

// generationOf is the generation that was translated, of which so much is said: that of now may wait.
func generationOf(said []metav1.Condition, now int64) int64 {
	if len(said) > 0 {
		return said[0].ObservedGeneration
	}
	return now
}

// programmed tells whether a Gateway is served of which translation has said so much.
func programmed(said []metav1.Condition, state *State, generation int64) metav1.Condition {
	is := metav1.Condition{Type: string(gatewayv1.GatewayConditionProgrammed), Status: metav1.ConditionTrue, Reason: string(gatewayv1.GatewayReasonProgrammed), ObservedGeneration: generation}
	if i := slices.IndexFunc(said, func(c metav1.Condition) bool { return c.Type == string(gatewayv1.GatewayConditionAccepted) }); i >= 0 && said[i].Status != metav1.ConditionTrue {
		is.Status, is.Reason, is.Message = metav1.ConditionFalse, string(gatewayv1.GatewayReasonInvalid), said[i].Message
	}
	if (!state.Settled || state.Reason != "") && is.Status == metav1.ConditionTrue {
		is.Status, is.Reason, is.Message = metav1.ConditionFalse, string(gatewayv1.GatewayReasonPending), "it is not served yet"
		if state.Reason != "" {
			is.Reason, is.Message = string(state.Reason), state.Message
		}
	}
	return is
}

// listener adds whether a listener is served, if translation has not said that it cannot
// be.
func (t *teller) listener(said []metav1.Condition, gateway *metav1.Condition) []metav1.Condition {
	own := metav1.Condition{Type: string(gatewayv1.ListenerConditionProgrammed), Status: metav1.ConditionTrue, Reason: string(gatewayv1.ListenerReasonProgrammed), ObservedGeneration: gateway.ObservedGeneration}
	if slices.ContainsFunc(said, func(c metav1.Condition) bool { return c.Type == own.Type }) {
		return said
	}
	if gateway.Status != metav1.ConditionTrue {
		own.Status, own.Reason, own.Message = metav1.ConditionFalse, string(gatewayv1.ListenerReasonPending), gateway.Message
	}
	return append(slices.Clone(said), own)
}

// Bounds of lists in statuses (RouteStatus.Parents, PolicyStatus.Ancestors).
const (
	maxParents   = 32
	maxAncestors = 16
)

// route keeps what others say of their parents of a route, and says what is true of ours.
// What is said of a Gateway whose configuration is not in force stays as it was.
func (t *teller) route(k *kind, o object, before []gatewayv1.RouteParentStatus) (status any, shared, differs bool) {
	said := t.result.Routes[translate.Route{Kind: k.name, Name: nameOf(o)}]
	var out, own []gatewayv1.RouteParentStatus
	for _, p := range before {
		if p.ControllerName == t.controller {
			own = append(own, p)
		} else {
			out = append(out, p)
		}
	}
	if len(said) == 0 && len(own) == 0 {
		return nil, false, false
	}
	others := len(out)
	for _, p := range said {
		at := slices.IndexFunc(own, func(b gatewayv1.RouteParentStatus) bool { return sameParent(&b.ParentRef, &p.ParentRef) })
		switch {
		case !t.state(t.gatewayOf(o, &p.ParentRef)).Settled:
			if at >= 0 {
				out = append(out, own[at])
			}
			continue
		case at >= 0:
			p.Conditions = t.since(own[at].Conditions, p.Conditions)
		default:
			p.Conditions = t.since(nil, p.Conditions)
		}
		out = append(out, p)
	}
	if out = out[:min(len(out), max(maxParents, others))]; out == nil {
		out = []gatewayv1.RouteParentStatus{} // the field has to be there
	}
	same := slices.EqualFunc(own, out[others:], func(a, b gatewayv1.RouteParentStatus) bool {
		return sameParent(&a.ParentRef, &b.ParentRef) && equal(a.Conditions, b.Conditions)
	})
	return &gatewayv1.RouteStatus{Parents: out}, true, !same
}

// gatewayOf is the Gateway of a parent of a route, which may be a ListenerSet.
func (t *teller) gatewayOf(o metav1.Object, ref *gatewayv1.ParentReference) translate.Name {
	out := parentOf(o, ref)
	if ref.Kind != nil && *ref.Kind == "ListenerSet" {
		return t.result.ListenerSets[out].Gateway
	}
	return out
}

// parentOf is what a parent of a route names.
func parentOf(o metav1.Object, ref *gatewayv1.ParentReference) translate.Name {
	out := translate.Name{Namespace: o.GetNamespace(), Name: string(ref.Name)}
	if ref.Namespace != nil {
		out.Namespace = string(*ref.Namespace)
	}
	return out
}

// policy is route, of what policies say of their ancestors.
func (t *teller) policy(o object, said, before []gatewayv1.PolicyAncestorStatus) (status any, shared, differs bool) {
	var out, own []gatewayv1.PolicyAncestorStatus
	for _, a := range before {
		if a.ControllerName == t.controller {
			own = append(own, a)
		} else {
			out = append(out, a)
		}
	}
	if len(said) == 0 && len(own) == 0 {
		return nil, false, false
	}
	others := len(out)
	for _, a := range said {
		at := slices.IndexFunc(own, func(b gatewayv1.PolicyAncestorStatus) bool {
			return sameParent(&b.AncestorRef, &a.AncestorRef)
		})
		switch {
		case (a.AncestorRef.Kind == nil || *a.AncestorRef.Kind == "Gateway") && !t.state(parentOf(o, &a.AncestorRef)).Settled:
			if at >= 0 {
				out = append(out, own[at])
			}
			continue
		case at >= 0:
			a.Conditions = t.since(own[at].Conditions, a.Conditions)
		default:
			a.Conditions = t.since(nil, a.Conditions)
		}
		out = append(out, a)
	}
	if out = out[:min(len(out), max(maxAncestors, others))]; out == nil {
		out = []gatewayv1.PolicyAncestorStatus{}
	}
	same := slices.EqualFunc(own, out[others:], func(a, b gatewayv1.PolicyAncestorStatus) bool {
		return sameParent(&a.AncestorRef, &b.AncestorRef) && equal(a.Conditions, b.Conditions)
	})
	return &gatewayv1.PolicyStatus{Ancestors: out}, true, !same
}

// since gives conditions the time since when they are so.
func (t *teller) since(before, now []metav1.Condition) []metav1.Condition {
	out := slices.Clone(now)
	for i := range out {
		out[i].LastTransitionTime = t.now
		for _, b := range before {
			if b.Type == out[i].Type && b.Status == out[i].Status {
				out[i].LastTransitionTime = b.LastTransitionTime
			}
		}
	}
	return out
}

// equal tells whether conditions are as they are to be. Those of others have a "/" in
// their type.
func equal(are, wanted []metav1.Condition) bool {
	own := 0
	for k := range are {
		a := &are[k]
		i := slices.IndexFunc(wanted, func(w metav1.Condition) bool { return w.Type == a.Type })
		switch {
		case i >= 0 && !sameCondition(a, &wanted[i]):
			return false
		case i >= 0:
			own++
		case !strings.Contains(a.Type, "/"):
			return false
		}
	}
	return own == len(wanted)
}
