// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// asBefore is a status as translation would have said it, of a Gateway of which it cannot
// say anything new.
func asBefore(s *gatewayv1.GatewayStatus) gatewayv1.GatewayStatus {
	out := *s.DeepCopy()
	out.Addresses, out.Conditions = nil, translated(out.Conditions)
	for i := range out.Listeners {
		out.Listeners[i].Conditions = translated(out.Listeners[i].Conditions)
	}
	return out
}

// setAsBefore is asBefore, of a ListenerSet.
func setAsBefore(s *gatewayv1.ListenerSetStatus) gatewayv1.ListenerSetStatus {
	out := *s.DeepCopy()
	out.Conditions = translated(out.Conditions)
	for i := range out.Listeners {
		out.Listeners[i].Conditions = translated(out.Listeners[i].Conditions)
	}
	return out
}

// translated are the conditions that are translation's: whether something is served is not, and
// those with a "/" are others'.
func translated(all []metav1.Condition) []metav1.Condition {
	return slices.DeleteFunc(all, func(c metav1.Condition) bool {
		return c.Type == string(gatewayv1.GatewayConditionProgrammed) || strings.Contains(c.Type, "/")
	})
}
