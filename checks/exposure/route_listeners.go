// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"fmt"
	"strings"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// listenerOf is one listener of a Gateway or ListenerSet as a route sees it.
type listenerOf struct {
	owner    string // "Gateway edge/public"
	name     string
	host     string // empty: every host
	protocol gatewayv1.ProtocolType
	port     gatewayv1.PortNumber
	field    string // path of the listener in its owner
	home     inventory.Key
	allowed  *gatewayv1.AllowedRoutes
}

// String returns "listener http of Gateway edge/public".
func (l listenerOf) String() string { return "listener " + l.name + " of " + l.owner }

// plain reports whether a listener speaks HTTP without TLS.
func (l listenerOf) plain() bool { return l.protocol == gatewayv1.HTTPProtocolType }

// routeListeners returns the listeners that an HTTPRoute, GRPCRoute or TLSRoute
// may attach to by its parents, and the parents that the inventory does not
// hold. Parents in a mesh are left out. Whether a listener admits the route
// (allowedRoutes) is not considered.
func routeListeners(route inventory.Object, in checks.Input) (list []listenerOf, missing []parentOf) {
	common, isRoute := commonSpec(route)
	parents, _ := parentsOf(route)
	if !isRoute {
		return nil, nil
	}
	for i, p := range parents {
		var section gatewayv1.SectionName
		var port gatewayv1.PortNumber
		if i < len(common.ParentRefs) { // the default Gateways come after the parentRefs
			ref := &common.ParentRefs[i]
			if ref.SectionName != nil {
				section = *ref.SectionName
			}
			if ref.Port != nil {
				port = *ref.Port
			}
		}
		if where, _ := parentIs(p, in); where == inMesh {
			continue
		}
		all, known := parentListeners(p, in)
		if !known {
			missing = append(missing, p)
			continue
		}
		for _, l := range all {
			if section != "" && l.name != string(section) || port != 0 && l.port != port || !carries(l.protocol, route) {
				continue
			}
			list = append(list, l)
		}
	}
	return list, missing
}

// parentListeners returns the listeners of one parent; false when the inventory
// does not hold it.
func parentListeners(p parentOf, in checks.Input) ([]listenerOf, bool) {
	key := inventory.Key{Namespace: p.namespace, Name: p.name}
	key.Kind.Group, key.Kind.Kind = p.group, p.kind
	e := in.Inventory.Entry(key)
	if e == nil {
		if p.kind != defaultGateways {
			return nil, false
		}
		_, gw := parentIs(p, in)
		if gw == nil {
			return nil, false
		}
		return gatewayListeners(gw), true
	}
	if gw, ok := e.Object.(*gatewayv1.Gateway); ok {
		return gatewayListeners(gw), true
	}
	if ls, ok := asListenerSet(e.Object); ok {
		return setListeners(ls, key), true
	}
	return nil, false
}

func gatewayListeners(gw *gatewayv1.Gateway) []listenerOf {
	out := make([]listenerOf, 0, len(gw.Spec.Listeners))
	home := inventory.KeyOf(gw)
	owner := home.String()
	for i := range gw.Spec.Listeners {
		l := &gw.Spec.Listeners[i]
		out = append(out, listenerOf{owner, string(l.Name), hostOf(l.Hostname), l.Protocol, l.Port, fmt.Sprintf("spec.listeners[%d]", i), home, l.AllowedRoutes})
	}
	return out
}

func setListeners(ls *gatewayv1.ListenerSet, home inventory.Key) []listenerOf {
	out := make([]listenerOf, 0, len(ls.Spec.Listeners))
	owner := home.String()
	for i := range ls.Spec.Listeners {
		l := &ls.Spec.Listeners[i]
		out = append(out, listenerOf{owner, string(l.Name), hostOf(l.Hostname), l.Protocol, l.Port, fmt.Sprintf("spec.listeners[%d]", i), home, l.AllowedRoutes})
	}
	return out
}

func hostOf(h *gatewayv1.Hostname) string {
	if h == nil {
		return ""
	}
	return string(*h)
}

// carries reports whether a listener of a protocol takes routes of a kind.
// https://gateway-api.sigs.k8s.io/concepts/api-overview/#route-summary-table
func carries(p gatewayv1.ProtocolType, route inventory.Object) bool {
	switch route.(type) {
	case *gatewayv1.HTTPRoute, *gatewayv1.GRPCRoute:
		return p != gatewayv1.TCPProtocolType && p != gatewayv1.UDPProtocolType && p != gatewayv1.TLSProtocolType
	case *gatewayv1.TLSRoute:
		return p == gatewayv1.TLSProtocolType
	}
	return true
}

// narrow returns the host names that a route's and a listener's host name have
// in common, as one name; false when there are none. The Gateway API lets a
// wildcard stand for any number of labels.
// https://gateway-api.sigs.k8s.io/reference/spec/#hostname
func narrow(route, listener string) (string, bool) {
	switch {
	case listener == "" || strings.EqualFold(route, listener):
		return route, true
	case route == "" || under(listener, route):
		return listener, true
	case under(route, listener):
		return route, true
	}
	return "", false
}

// under reports whether a host name, which may be a wildcard itself, lies below
// a wildcard: "a.b.example.com" and "*.b.example.com" lie below "*.example.com".
func under(name, wildcard string) bool {
	suffix, ok := strings.CutPrefix(wildcard, "*")
	if !ok || len(suffix) < 2 {
		return false
	}
	name = strings.TrimPrefix(name, "*")
	return len(name) > len(suffix) && strings.EqualFold(name[len(name)-len(suffix):], suffix)
}

// wide reports whether a host name stands for more than one host.
func wide(host string) bool { return host == "" || host[0] == '*' }
