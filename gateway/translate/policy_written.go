// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// unwrite has routes write no line in which the policies of others tell backends who asks,
// and says so at those that would.
func (b *snapshotBuilder) unwrite() {
	took := b.out.Unwrite()
	for _, i := range slices.Sorted(maps.Keys(took)) {
		r, parts := b.origins[i], strings.Split(b.out.Routes[i].Name, "/")
		rule := parts[len(parts)-2] // see rules
		what := fmt.Sprintf("rules[%s] is served without writing %s, in which an AccessPolicy that is not for it tells backends of the same namespace who asks", rule, strings.Join(took[i], ", "))
		if r.of.isDoor() {
			b.gateway.events = append(b.gateway.events, Event{Kind: r.of.kind, Name: r.name, Reason: unsupportedAnnotation, Message: what})
			continue
		}
		for _, p := range r.parents {
			if p.gateway == b.gateway {
				p.conditions.set(string(gatewayv1.RouteConditionPartiallyInvalid), metav1.ConditionTrue, string(gatewayv1.RouteReasonUnsupportedValue), what)
			}
		}
	}
}
