// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// problem is why something that a route names cannot be had. Without a reason it is said
// elsewhere.
type problem struct {
	reason  gatewayv1.RouteConditionReason
	message string
}

// backend finds what a reference of a route leads to.
func (x *index) backend(route *route, ref *gatewayv1.BackendObjectReference) (*config.Backend, *problem) {
	if of := kindOf(ref.Group, ref.Kind, serviceKind); of != serviceKind {
		return nil, &problem{gatewayv1.RouteReasonInvalidKind, fmt.Sprintf("%s %s is no Service", of, ref.Name)}
	}
	r := referTo(route.of, route.name.Namespace, serviceKind, ref.Namespace, ref.Name)
	if !x.granted(r) {
		return nil, &problem{gatewayv1.RouteReasonRefNotPermitted, r.refusal()}
	}
	s := x.services[r.name]
	switch {
	case s == nil:
		return nil, &problem{gatewayv1.RouteReasonBackendNotFound, fmt.Sprintf("there is no Service %s", r.name)}
	case s.Spec.Type == corev1.ServiceTypeExternalName:
		return nil, &problem{gatewayv1.RouteReasonUnsupportedProtocol, fmt.Sprintf("Service %s is an ExternalName, which is not followed: it could be any host (CVE-2021-25740)", r.name)}
	case ref.Port == nil:
		return nil, &problem{gatewayv1.RouteReasonBackendNotFound, fmt.Sprintf("Service %s: the port is missing", r.name)}
	}
	port := portOf(s, *ref.Port, route.of == udpRouteKind)
	if port == nil {
		return nil, &problem{gatewayv1.RouteReasonBackendNotFound, fmt.Sprintf("Service %s has no port %d that a %s could be for", r.name, *ref.Port, route.of.kind)}
	}
	out := &config.Backend{Name: r.name.Namespace + "/" + r.name.Name + "/" + strconv.Itoa(int(*ref.Port)), Endpoints: x.endpoints(r.name, port)}
	if by, is := x.guarded[r.name]; is && route.stream() {
		return nil, &problem{gatewayv1.RouteReasonUnsupportedProtocol, fmt.Sprintf("Service %s: AccessPolicy %s is for it, and can ask nothing of what is passed on unread", r.name, by.Name)}
	}
	defer func() { x.servicing[out.Name] = r.name }()
	switch route.of {
	case udpRouteKind:
		out.Name += "/udp"
		return out, nil
	case tcpRouteKind, tlsRouteKind: // who speaks through it says how
		out.Name += "/tcp"
		return out, nil
	case grpcRouteKind:
		out.Protocol = "h2c"
	}
	policy := x.policyOf(r.name, port.Name, route.parents)
	if port.AppProtocol != nil {
		of := *port.AppProtocol
		if !strings.Contains(of, "/") {
			of = strings.ToLower(of) // a name of IANA's, whose case says nothing (RFC 6335 §5.1)
		}
		switch {
		case of == "kubernetes.io/h2c":
			out.Protocol = "h2c"
		case of == "http", of == "kubernetes.io/ws", of == "https" && policy != nil, of == "kubernetes.io/wss" && policy != nil:
		default:
			return nil, &problem{gatewayv1.RouteReasonUnsupportedProtocol, fmt.Sprintf("Service %s: appProtocol %s of port %d is none of http, kubernetes.io/h2c, kubernetes.io/ws, and with a BackendTLSPolicy https, kubernetes.io/wss", r.name, *port.AppProtocol, port.Port)}
		}
	}
	if policy != nil {
		if policy.tls == nil {
			return nil, &problem{}
		}
		if out.TLS = policy.tls; out.Protocol == "h2c" {
			out.Protocol = "h2"
		}
	}
	if out.Protocol != "" {
		out.Name += "/" + out.Protocol // beside the same port by another protocol
	}
	return out, nil
}

// mentions notes which Services a rule names: those of its namespace, and those that are
// granted.
func (b *ruleBuilder) mentions(r *gatewayv1.HTTPRouteRule) {
	name := func(ref *gatewayv1.BackendObjectReference) {
		to := referTo(b.route.of, b.route.name.Namespace, serviceKind, ref.Namespace, ref.Name)
		if kindOf(ref.Group, ref.Kind, serviceKind) == serviceKind && !slices.Contains(b.out.services, to.name) && b.granted(to) {
			b.out.services = append(b.out.services, to.name)
		}
	}
	for i := range r.BackendRefs {
		name(&r.BackendRefs[i].BackendObjectReference)
	}
	for i := range r.Filters {
		if m := r.Filters[i].RequestMirror; m != nil {
			name(&m.BackendRef)
		}
	}
}

// portOf finds a port of a Service; nil if there is none.
func portOf(s *corev1.Service, number gatewayv1.PortNumber, datagrams bool) *corev1.ServicePort {
	i := slices.IndexFunc(s.Spec.Ports, func(p corev1.ServicePort) bool {
		return p.Port == number && (p.Protocol == corev1.ProtocolUDP) == datagrams
	})
	if i < 0 {
		return nil
	}
	return &s.Spec.Ports[i]
}

// stream tells whether what a route is for is passed on without being read.
func (r *route) stream() bool {
	return r.of == tcpRouteKind || r.of == tlsRouteKind || r.of == udpRouteKind
}

// endpoints are the addresses that are ready, in order and each once. They are read once
// for each port.
func (x *index) endpoints(service Name, port *corev1.ServicePort) []netip.AddrPort {
	out, known := x.ready[port]
	if !known {
		out = x.readyOf(service, port)
		x.ready[port] = out
	}
	return out
}

func (x *index) readyOf(service Name, port *corev1.ServicePort) []netip.AddrPort {
	var out []netip.AddrPort
	for _, s := range x.slices[service] {
		if s.AddressType == discoveryv1.AddressTypeFQDN {
			continue
		}
		for i := range s.Ports {
			p := &s.Ports[i]
			datagrams := p.Protocol != nil && *p.Protocol == corev1.ProtocolUDP
			if p.Port == nil || p.Name != nil && *p.Name != port.Name || p.Name == nil && port.Name != "" || datagrams != (port.Protocol == corev1.ProtocolUDP) {
				continue
			}
			for k := range s.Endpoints {
				e := &s.Endpoints[k]
				if e.Conditions.Ready != nil && !*e.Conditions.Ready {
					continue
				}
				// All addresses of an endpoint are the same one (discovery/v1): the first does.
				if len(e.Addresses) == 0 {
					continue
				}
				if a, err := netip.ParseAddr(e.Addresses[0]); err == nil && *p.Port > 0 && *p.Port < 1<<16 {
					out = append(out, netip.AddrPortFrom(a, uint16(*p.Port)))
				}
			}
		}
	}
	slices.SortFunc(out, func(a, b netip.AddrPort) int {
		return cmp.Or(a.Addr().Compare(b.Addr()), cmp.Compare(a.Port(), b.Port()))
	})
	return slices.Compact(out)
}
