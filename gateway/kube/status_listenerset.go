// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"slices"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// listenerSet says of a ListenerSet what gateway says of a Gateway: it is served when its
// Gateway is.
func (t *teller) listenerSet(o *gatewayv1.ListenerSet) (status any, shared, differs bool) {
	own, ours := t.result.ListenerSets[nameOf(o)]
	if !ours {
		return nil, false, false
	}
	state, accepted := t.state(own.Gateway), t.result.Gateways[own.Gateway].Conditions
	if state.Waits && len(o.Status.Listeners) > 0 {
		own.Status = setAsBefore(&o.Status)
		accepted = own.Status.Conditions
	}
	is := programmed(accepted, &state, o.Generation)
	entries, said := make([]gatewayv1.Listener, len(o.Spec.Listeners)), make([]gatewayv1.ListenerStatus, len(own.Status.Listeners))
	for i := range entries {
		entries[i] = gatewayv1.Listener(o.Spec.Listeners[i])
	}
	for i := range said {
		said[i] = gatewayv1.ListenerStatus(own.Status.Listeners[i])
	}
	conditions := own.Status.Conditions
	if n := unheard(&state, entries, said); n > 0 {
		conditions = invalid(conditions, n)
		if !slices.ContainsFunc(said, func(l gatewayv1.ListenerStatus) bool {
			_, not := state.Unbound[portOf(entries, l.Name)]
			return !not && !told(l.Conditions)
		}) {
			is.Status, is.Reason, is.Message = metav1.ConditionFalse, string(gatewayv1.ListenerSetReasonListenersNotValid), "no listener can be served"
		}
	}
	out := gatewayv1.ListenerSetStatus{Conditions: t.since(o.Status.Conditions, t.listener(conditions, &is))}
	same := equal(o.Status.Conditions, out.Conditions) && len(o.Status.Listeners) == len(own.Status.Listeners)
	for _, l := range own.Status.Listeners {
		var before gatewayv1.ListenerEntryStatus
		if i := slices.IndexFunc(o.Status.Listeners, func(b gatewayv1.ListenerEntryStatus) bool { return b.Name == l.Name }); i >= 0 {
			before = o.Status.Listeners[i]
		}
		l.Conditions = t.since(before.Conditions, t.listener(bound(&state, portOf(entries, l.Name), l.Conditions), &is))
		same = same && before.Name == l.Name && before.AttachedRoutes == l.AttachedRoutes && equality.Semantic.DeepEqual(before.SupportedKinds, l.SupportedKinds) && equal(before.Conditions, l.Conditions)
		out.Listeners = append(out.Listeners, l)
	}
	return &out, false, !same
}
