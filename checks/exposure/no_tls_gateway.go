// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// tlsKinds are what EXP-023 judges.
var tlsKinds = []schema.GroupKind{
	inventory.IngressKind,
	inventory.GatewayKind,
	listenerSetKind,
	xListenerSetKind,
	{Group: inventory.GatewayGroup, Kind: "HTTPRoute"},
	{Group: inventory.GatewayGroup, Kind: "GRPCRoute"},
}

func plainGateway(gw *gatewayv1.Gateway, in checks.Input) []checks.Finding {
	if waypoint(gw, in) {
		return nil
	}
	own := gatewayListeners(gw)
	return plainListeners(own, own)
}

// plainListenerSet judges the listeners of a set beside those of its Gateway.
func plainListenerSet(ls *gatewayv1.ListenerSet, in checks.Input) []checks.Finding {
	own := setListeners(ls, inventory.KeyOf(in.Object))
	out := plainListeners(own, own)
	if len(out) == 0 {
		return nil
	}
	parent := listenerSetParent(ls)
	beside, known := parentListeners(parent, in)
	if known {
		return plainListeners(own, append(beside, own...))
	}
	for i := range out {
		out[i].Certainty = checks.Undetermined
		out[i].Message += "; the listeners of " + parent.String() + " are not known here"
	}
	return out
}

// plainListeners reports each plain listener for which there is none with TLS
// that serves the same hosts.
func plainListeners(own, beside []listenerOf) []checks.Finding {
	var out []checks.Finding
	for _, l := range own {
		if !l.plain() || hasSecure(l, beside) {
			continue
		}
		served := l.host
		if served == "" {
			served = "every host name"
		}
		out = append(out, checks.Finding{
			Subject: "listener/" + l.name, Field: l.field + ".protocol",
			Message: "serves " + served + " on listener " + l.name + " over plain HTTP, with no listener for HTTPS beside it",
			Fix:     "add an HTTPS listener for the same host name, and let this one only redirect",
			Path:    []string{"internet", "http://" + hostName(l.host), l.owner},
		})
	}
	return out
}

func hasSecure(l listenerOf, beside []listenerOf) bool {
	for _, o := range beside {
		if o.protocol != gatewayv1.HTTPSProtocolType && o.protocol != gatewayv1.TLSProtocolType {
			continue
		}
		if common, some := narrow(l.host, o.host); some && strings.EqualFold(common, l.host) {
			return true
		}
		if l.host == "" { // a plain listener for all hosts beside secure ones for some
			return true
		}
	}
	return false
}

// plainRoute reports each plain listener that serves a route which does more
// than redirect.
func plainRoute(names []gatewayv1.Hostname, redirects func() bool, in checks.Input) []checks.Finding {
	if !facesOut(in.Object) || redirects() {
		return nil
	}
	listeners, missing := routeListeners(in.Object, in)
	var out []checks.Finding
	for _, p := range missing {
		out = append(out, checks.Finding{
			Certainty: checks.Undetermined, Subject: p.subject(), Field: p.field,
			Message: "attaches to " + p.String() + ", whose listeners are not known here, so it may be served without TLS",
		})
	}
	for _, l := range listeners {
		host, served := servedHost(names, l)
		if !l.plain() || !served {
			continue
		}
		out = append(out, checks.Finding{
			Subject: "listener/" + strings.Replace(l.owner, " ", "/", 1) + "/" + l.name, Field: "spec.parentRefs",
			Message: "is served over plain HTTP by " + l.String(),
			Path:    []string{"internet", "http://" + hostName(host), l.String(), inputName(in)},
		})
	}
	return out
}

// servedHost returns the first host name under which a listener serves a route.
func servedHost(names []gatewayv1.Hostname, l listenerOf) (string, bool) {
	if len(names) == 0 {
		return l.host, true
	}
	for _, name := range names {
		if host, some := narrow(string(name), l.host); some {
			return host, true
		}
	}
	return "", false
}

// onlyRedirects reports whether every rule of a route redirects to https and
// sends nothing to a backend.
func onlyRedirects(r *gatewayv1.HTTPRoute) bool {
	for i := range r.Spec.Rules {
		secure := false
		for _, f := range r.Spec.Rules[i].Filters {
			if f.RequestRedirect != nil && f.RequestRedirect.Scheme != nil && strings.EqualFold(*f.RequestRedirect.Scheme, "https") {
				secure = true
			}
		}
		if !secure {
			return false
		}
	}
	return len(r.Spec.Rules) > 0
}
