// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"cmp"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// listenerSet is a ListenerSet that names a Gateway of ours.
type listenerSet struct {
	object     *gatewayv1.ListenerSet
	gateway    *gateway
	conditions conditions
	listeners  []*listener // none: it is not allowed
}

// setsOf finds ListenerSets by the Gateways that they name, the oldest first.
func setsOf(list []*gatewayv1.ListenerSet) map[Name][]*gatewayv1.ListenerSet {
	sorted := slices.SortedFunc(slices.Values(list), func(a, b *gatewayv1.ListenerSet) int {
		return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), compareNames(nameOf(a), nameOf(b)))
	})
	out := map[Name][]*gatewayv1.ListenerSet{}
	for _, s := range sorted {
		if ref := &s.Spec.ParentRef; kindOf(ref.Group, ref.Kind, gatewayKind) == gatewayKind {
			name := referTo(listenerSetKind, s.Namespace, gatewayKind, ref.Namespace, ref.Name).name
			out[name] = append(out[name], s)
		}
	}
	return out
}

// join adds the listeners of a set to those of its Gateway, if that allows it.
func (x *index) join(g *gateway, object *gatewayv1.ListenerSet) {
	s := &listenerSet{object: object, gateway: g, conditions: conditions{generation: object.Generation}}
	g.sets = append(g.sets, s)
	x.joined[nameOf(object)] = s
	from, selector := gatewayv1.NamespacesFromNone, (*metav1.LabelSelector)(nil)
	if a := g.object.Spec.AllowedListeners; a != nil && a.Namespaces != nil {
		if a.Namespaces.From != nil {
			from = *a.Namespaces.From
		}
		selector = a.Namespaces.Selector
	}
	if !x.among(object.Namespace, from, selector, g.object.Namespace) {
		s.refuse(gatewayv1.ListenerSetReasonNotAllowed, fmt.Sprintf("Gateway %s takes no ListenerSets from namespace %s (allowedListeners)", nameOf(g.object), object.Namespace))
		return
	}
	for i := range object.Spec.Listeners {
		spec := gatewayv1.Listener(object.Spec.Listeners[i])
		l := x.listener(g, s, &spec)
		s.listeners, g.listeners = append(s.listeners, l), append(g.listeners, l)
	}
}

// refuse says that nothing of a set is served.
func (s *listenerSet) refuse(reason gatewayv1.ListenerSetConditionReason, message string) {
	for _, of := range []string{accepted, programmed} {
		s.conditions.set(of, metav1.ConditionFalse, string(reason), message)
	}
}

// attached tells whether a set has a listener that can be served, at a Gateway that can.
func (s *listenerSet) attached() bool {
	return s.gateway.conditions.is(accepted) && slices.ContainsFunc(s.listeners, (*listener).serves)
}

// status is what is said of a set when its routes were attached.
func (s *listenerSet) status() gatewayv1.ListenerSetStatus {
	var out gatewayv1.ListenerSetStatus
	faulty := 0
	for _, l := range s.listeners {
		if !l.serves() {
			faulty++
		}
		out.Listeners = append(out.Listeners, gatewayv1.ListenerEntryStatus(l.status()))
	}
	switch {
	case faulty == len(s.listeners):
		s.refuse(gatewayv1.ListenerSetReasonListenersNotValid, "no listener can be served")
	case !s.attached():
		s.refuse(gatewayv1.ListenerSetReasonParentNotAccepted, "the Gateway is not accepted")
	case faulty > 0:
		s.conditions.set(accepted, metav1.ConditionTrue, string(gatewayv1.ListenerSetReasonListenersNotValid), fmt.Sprintf("%d of %d listeners cannot be served", faulty, len(s.listeners)))
	default:
		s.conditions.set(accepted, metav1.ConditionTrue, string(gatewayv1.ListenerSetReasonAccepted), "")
	}
	out.Conditions = s.conditions.all()
	return out
}
