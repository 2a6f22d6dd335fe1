// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"slices"

	"k8s.io/apimachinery/pkg/api/equality"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// listenerSet says of a ListenerSet what gateway says of a Gateway: it is served when its
// Gateway is.
func (t *teller) listenerSet(o *gatewayv1.ListenerSet) (status any, shared, differs bool) {
	own, ours := t.result.ListenerSets[nameOf(o)]
	if !ours {
		return nil, false, false
	}
	state, gateway := t.state(own.Gateway), t.result.Gateways[own.Gateway]
	is := programmed(gateway.Conditions, &state, o.Generation)
	out := gatewayv1.ListenerSetStatus{Conditions: t.since(o.Status.Conditions, t.listener(own.Status.Conditions, &is))}
	same := equal(o.Status.Conditions, out.Conditions) && len(o.Status.Listeners) == len(own.Status.Listeners)
	for _, l := range own.Status.Listeners {
		var before gatewayv1.ListenerEntryStatus
		if i := slices.IndexFunc(o.Status.Listeners, func(b gatewayv1.ListenerEntryStatus) bool { return b.Name == l.Name }); i >= 0 {
			before = o.Status.Listeners[i]
		}
		l.Conditions = t.since(before.Conditions, t.listener(l.Conditions, &is))
		same = same && before.Name == l.Name && before.AttachedRoutes == l.AttachedRoutes && equality.Semantic.DeepEqual(before.SupportedKinds, l.SupportedKinds) && equal(before.Conditions, l.Conditions)
		out.Listeners = append(out.Listeners, l)
	}
	return &out, false, !same
}
