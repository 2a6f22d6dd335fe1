// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// unwrite has routes write no line in which the policies of others tell backends who asks,
// and refuses those by which policies of other namespaces would. Either is said.
func (b *snapshotBuilder) unwrite() {
	usurped := b.out.Usurped()
	for _, i := range slices.Sorted(maps.Keys(usurped)) {
		b.out.Routes[i].Target = config.Target{Backends: b.origins[i].refused()}
		b.unwritten(i, fmt.Sprintf("is answered %d: by an AccessPolicy of another namespace it would tell backends who asks in %s, in which an AccessPolicy of their own namespace or of the Gateway does", b.origins[i].failure(), strings.Join(usurped[i], ", ")))
	}
	took := b.out.Unwrite()
	for _, i := range slices.Sorted(maps.Keys(took)) {
		b.unwritten(i, fmt.Sprintf("is served without writing %s, in which an AccessPolicy that is not for it tells backends of the same namespace who asks", strings.Join(took[i], ", ")))
	}
}

// unwritten says what became of a rule, by the position of its route.
func (b *snapshotBuilder) unwritten(i int, what string) {
	r, parts := b.origins[i], strings.Split(b.out.Routes[i].Name, "/")
	what = fmt.Sprintf("rules[%s] %s", parts[len(parts)-2], what) // see rules
	if r.of.isDoor() {
		b.gateway.events = append(b.gateway.events, Event{Kind: r.of.kind, Name: r.name, Reason: unsupportedAnnotation, Message: what})
		return
	}
	for _, p := range r.parents {
		if p.gateway == b.gateway {
			p.conditions.set(string(gatewayv1.RouteConditionPartiallyInvalid), metav1.ConditionTrue, string(gatewayv1.RouteReasonUnsupportedValue), what)
		}
	}
}
