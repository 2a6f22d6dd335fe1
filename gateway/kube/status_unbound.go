// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// portOf is where a listener of a list is.
func portOf(all []gatewayv1.Listener, name gatewayv1.SectionName) Port {
	for i := range all {
		if all[i].Name == name {
			return Port{uint16(all[i].Port), all[i].Protocol == gatewayv1.UDPProtocolType} //nolint:gosec // the API server bounds it
		}
	}
	return Port{}
}

// told tells whether translation has said that a listener is not served.
func told(said []metav1.Condition) bool {
	return slices.ContainsFunc(said, func(c metav1.Condition) bool { return c.Type == string(gatewayv1.ListenerConditionProgrammed) })
}

// unheard is how many listeners would be served if their ports could be had.
func unheard(state *State, spec []gatewayv1.Listener, said []gatewayv1.ListenerStatus) (n int) {
	for i := range said {
		if _, not := state.Unbound[portOf(spec, said[i].Name)]; not && !told(said[i].Conditions) {
			n++
		}
	}
	return n
}

// bound says of a listener that its port cannot be had, if so.
func bound(state *State, at Port, said []metav1.Condition) []metav1.Condition {
	why, not := state.Unbound[at]
	if !not || told(said) {
		return said
	}
	out := slices.Clone(said)
	for i := range out {
		if out[i].Type == string(gatewayv1.ListenerConditionAccepted) {
			out[i].Status, out[i].Reason, out[i].Message = metav1.ConditionFalse, string(gatewayv1.ListenerReasonPortUnavailable), why
			out = append(out, metav1.Condition{
				Type: string(gatewayv1.ListenerConditionProgrammed), Status: metav1.ConditionFalse, Reason: string(gatewayv1.ListenerEntryReasonPortUnavailable), Message: why, ObservedGeneration: out[i].ObservedGeneration,
			})
			break
		}
	}
	return out
}

// invalid says of a Gateway or a ListenerSet that is accepted that ports of it cannot be
// had.
func invalid(said []metav1.Condition, n int) []metav1.Condition {
	out := slices.Clone(said)
	for i := range out {
		if out[i].Type == string(gatewayv1.GatewayConditionAccepted) && out[i].Status == metav1.ConditionTrue {
			if out[i].Message != "" {
				out[i].Message += "; "
			}
			out[i].Reason = string(gatewayv1.GatewayReasonListenersNotValid)
			out[i].Message += fmt.Sprintf("of %d listeners the port cannot be had", n)
		}
	}
	return out
}
