// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// Origin is what a route or a stream of a snapshot was made of.
type Origin struct {
	Route
	Rule int // position in the object's rules; -1 of a stream, which has one
}

// OriginOf reads the name of a route or a stream of a snapshot. False for what was made
// of no object: the answer to those who ask for what nobody serves.
func OriginOf(name string) (Origin, bool) {
	part := strings.Split(name, "/")
	if len(part) < 5 {
		return Origin{}, false
	}
	out := Origin{Route{spelling(part[0]), Name{Namespace: part[1], Name: part[2]}}, -1}
	if rule, err := strconv.Atoi(part[len(part)-2]); err == nil { // of an Ingress, a part of it may stand before
		out.Rule = rule
	}
	return out, true
}

// spelling is a kind as it stands in a file.
func spelling(lower string) string {
	for _, k := range []string{httpRouteKind.kind, grpcRouteKind.kind, tlsRouteKind.kind, tcpRouteKind.kind, udpRouteKind.kind, "Ingress", serviceKind.kind} {
		if strings.EqualFold(k, lower) {
			return k
		}
	}
	return lower
}

// ServiceOf reads the name of a backend of a snapshot. False for a backend that is no
// Service.
func ServiceOf(backend string) (service Name, port int32, ok bool) {
	part := strings.Split(backend, "/")
	if len(part) < 3 {
		return Name{}, 0, false
	}
	n, err := strconv.ParseInt(part[2], 10, 32)
	return Name{Namespace: part[0], Name: part[1]}, int32(n), err == nil
}

// Serving returns the listener of a Gateway that is asked for a host on a port, and the
// ListenerSet in which it is written, if it is not the Gateway's own: the most specific one;
// nil if there is none. A host may be a name, or "*." and a name, or "*". Of the sets those
// count that are the Gateway's in the result, but for listeners that left their place to
// others.
func (r *Result) Serving(g *gatewayv1.Gateway, sets []*gatewayv1.ListenerSet, port gatewayv1.PortNumber, host string, udp bool) (*gatewayv1.Listener, *gatewayv1.ListenerSet) {
	var out *gatewayv1.Listener
	var of *gatewayv1.ListenerSet
	best := ""
	look := func(spec *gatewayv1.Listener, set *gatewayv1.ListenerSet) {
		l := &listener{spec: spec}
		if l.spec.Port != port || datagrams(l) != udp || !covers(l.host(), host) {
			return
		}
		if out == nil || covers(best, l.host()) {
			out, of, best = l.spec, set, l.host()
		}
	}
	for i := range g.Spec.Listeners {
		look(&g.Spec.Listeners[i], nil)
	}
	for _, s := range sets {
		became, is := r.ListenerSets[nameOf(s)]
		if !is || became.Gateway != nameOf(g) {
			continue
		}
		for i := range became.Status.Listeners { // none: the Gateway does not take the set
			if entry := &became.Status.Listeners[i]; !meta.IsStatusConditionTrue(entry.Conditions, conflicted) {
				spec := gatewayv1.Listener(s.Spec.Listeners[i])
				look(&spec, s)
			}
		}
	}
	return out, of
}

// Owner returns the position of the most specific of some hosts of which another one is a
// part; -1 if there is none.
func Owner(hosts []string, host string) int { return owner(hosts, host) }
