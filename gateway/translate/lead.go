// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"reflect"
	"slices"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// leadOf is what a route of a kind refers to. To whom it leads is the same for all of them,
// but where a BackendTLSPolicy has a part in it, which notes who speaks to its Services.
type leadOf struct {
	of   kind
	name Name
	port gatewayv1.PortNumber
}

// lead finds what a reference of a rule leads to: once for all routes of a kind, and the same
// one as in the state before, if it is as it was.
func (b *ruleBuilder) lead(ref *gatewayv1.BackendObjectReference) (*config.Backend, *problem) {
	to := referTo(b.route.of, b.route.name.Namespace, serviceKind, ref.Namespace, ref.Name)
	if ref.Port == nil || kindOf(ref.Group, ref.Kind, serviceKind) != serviceKind || !b.granted(to) {
		return b.backend(b.route, ref) // which says what is wrong
	}
	at := leadOf{b.route.of, to.name, *ref.Port}
	if known := b.memory.backends[at]; known != nil {
		return known, nil
	}
	out, p := b.backend(b.route, ref)
	if p != nil || b.policyOf(to.name, portOf(b.services[to.name], *ref.Port, false).Name, nil) != nil {
		return out, p
	}
	if was := b.memory.last.backends[at]; was != nil {
		if slices.Equal(was.Endpoints, out.Endpoints) {
			out.Endpoints = was.Endpoints
		}
		if reflect.DeepEqual(was, out) {
			out = was
		}
	}
	b.memory.backends[at] = out
	return out, nil
}
