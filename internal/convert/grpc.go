// SPDX-License-Identifier: Apache-2.0

package convert

import (
	"regexp"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// calls decides how Ingresses of gRPC are written. A GRPCRoute says that its backends
// speak HTTP/2, and an HTTPRoute needs a port of a Service that says so; a host can have
// only one kind of both.
func (c *conversion) calls() {
	for _, p := range c.plans {
		if !p.grpc {
			continue
		}
		if why := c.noCalls(p); why != "" {
			p.grpc = false
			for i := range p.rules {
				u := &p.rules[i]
				if !c.speaksHTTP2(p, u) {
					p.fault(u.at, "it cannot be a GRPCRoute: %s; and for an HTTPRoute, the port of the Service must say appProtocol: kubernetes.io/h2c", why)
				}
			}
			continue
		}
		for i := range p.lines {
			l := &p.lines[i]
			switch {
			case l.object != "HTTPRoute" || l.Outcome != Converted:
			case strings.Contains(l.field, "timeouts") || strings.Contains(l.field, "retry"):
				l.Outcome, l.Message = NotSupported, "a GRPCRoute has none; calls end when their clients' deadlines do"
			default:
				l.object = "GRPCRoute"
			}
		}
	}
}

// noCalls says why an Ingress cannot be a GRPCRoute, "" if it can.
func (c *conversion) noCalls(p *plan) string {
	if p.cors != nil || p.host != "" || p.redirect != nil || p.appRoot != "" || len(p.methods) > 0 || p.rewrite != nil || p.www || p.regex {
		return "that has no redirects, rewrites, methods, expressions or CORS"
	}
	for i := range p.rules {
		u := &p.rules[i]
		if _, is := call(u.path); !is || len(u.matches) > 0 || u.redirect != nil || u.rewrite != nil {
			return "that has services and methods, and no other paths or header lines"
		}
		for _, other := range c.plans {
			if other != p && !other.grpc && slices.Contains(other.hosts(), u.host) && c.gatewayOf(other) == c.gatewayOf(p) {
				return "another Ingress has HTTP for the same host"
			}
		}
	}
	return ""
}

// speaksHTTP2 tells whether the backend's port says so.
func (c *conversion) speaksHTTP2(p *plan, u *rule) bool {
	if u.backend == nil || u.backend.Service == nil {
		return false
	}
	port, err := c.port(Name{Namespace: p.ingress.Namespace, Name: u.backend.Service.Name}, u.backend.Service.Port)
	return err == nil && port.AppProtocol != nil && *port.AppProtocol == "kubernetes.io/h2c"
}

var callPath = regexp.MustCompile(`^/([A-Za-z_][A-Za-z0-9_.]*)(?:/([A-Za-z_][A-Za-z0-9_]*))?$`)

// call reads a path as a service, and perhaps a method of it.
func call(m pathMatch) (gatewayv1.GRPCRouteMatch, bool) {
	if m == everything {
		return gatewayv1.GRPCRouteMatch{}, true
	}
	parts := callPath.FindStringSubmatch(m.value)
	if parts == nil || (m.kind == gatewayv1.PathMatchExact) != (parts[2] != "") {
		return gatewayv1.GRPCRouteMatch{}, false
	}
	of := gatewayv1.GRPCMethodMatchExact
	out := &gatewayv1.GRPCMethodMatch{Type: &of, Service: &parts[1]}
	if parts[2] != "" {
		out.Method = &parts[2]
	}
	return gatewayv1.GRPCRouteMatch{Method: out}, true
}

// grpcRoutes writes the rules of a host as GRPCRoutes.
func (c *conversion) grpcRoutes(p *plan, name string, hostnames []string, refs []gatewayv1.ParentReference) {
	var rules []gatewayv1.GRPCRouteRule
	for i := range p.rules {
		u := &p.rules[i]
		match, is := call(u.path)
		if u.host != hostnames[0] || !is {
			continue
		}
		match.Headers = grpcHeaders(p.headers)
		var r gatewayv1.GRPCRouteRule
		if match.Method != nil || len(match.Headers) > 0 {
			r.Matches = []gatewayv1.GRPCRouteMatch{match}
		}
		if h := p.request; len(h.Set)+len(h.Add)+len(h.Remove) > 0 {
			r.Filters = append(r.Filters, gatewayv1.GRPCRouteFilter{Type: gatewayv1.GRPCRouteFilterRequestHeaderModifier, RequestHeaderModifier: &h})
		}
		if h := p.response; len(h.Set)+len(h.Add)+len(h.Remove) > 0 {
			r.Filters = append(r.Filters, gatewayv1.GRPCRouteFilter{Type: gatewayv1.GRPCRouteFilterResponseHeaderModifier, ResponseHeaderModifier: &h})
		}
		if p.mirror != nil {
			r.Filters = append(r.Filters, gatewayv1.GRPCRouteFilter{Type: gatewayv1.GRPCRouteFilterRequestMirror, RequestMirror: p.mirror})
		}
		for _, b := range u.backends {
			r.BackendRefs = append(r.BackendRefs, gatewayv1.GRPCBackendRef{BackendRef: b.BackendRef})
		}
		rules = append(rules, r)
	}
	for part := range slices.Chunk(rules, maxRules) {
		out := &gatewayv1.GRPCRoute{
			TypeMeta:   gatewayMeta("GRPCRoute"),
			ObjectMeta: metav1.ObjectMeta{Namespace: p.ingress.Namespace, Name: c.name("GRPCRoute", p.ingress.Namespace, name)},
			Spec:       gatewayv1.GRPCRouteSpec{CommonRouteSpec: gatewayv1.CommonRouteSpec{ParentRefs: refs}, Hostnames: hostsOf(hostnames), Rules: part},
		}
		p.targets = append(p.targets, target("GRPCRoute", out.Name))
		c.add(p, out)
	}
}

func grpcHeaders(list []gatewayv1.HTTPHeaderMatch) []gatewayv1.GRPCHeaderMatch {
	out := make([]gatewayv1.GRPCHeaderMatch, 0, len(list))
	for _, h := range list {
		each := gatewayv1.GRPCHeaderMatch{Name: gatewayv1.GRPCHeaderName(h.Name), Value: h.Value}
		if h.Type != nil {
			of := gatewayv1.GRPCHeaderMatchType(*h.Type)
			each.Type = &of
		}
		out = append(out, each)
	}
	return out
}

// passthrough writes a host whose TLS ends at the backend: of its paths nothing is seen.
func (c *conversion) passthrough(p *plan, name, hostname string, refs []gatewayv1.ParentReference) {
	u := p.whole(hostname)
	if len(refs) == 0 || u == nil || len(u.backends) == 0 {
		return
	}
	c.add(p, &gatewayv1.TLSRoute{
		TypeMeta:   gatewayMeta("TLSRoute"),
		ObjectMeta: metav1.ObjectMeta{Namespace: p.ingress.Namespace, Name: c.name("TLSRoute", p.ingress.Namespace, name)},
		Spec: gatewayv1.TLSRouteSpec{
			CommonRouteSpec: gatewayv1.CommonRouteSpec{ParentRefs: refs}, Hostnames: hostsOf([]string{hostname}),
			Rules: []gatewayv1.TLSRouteRule{{BackendRefs: []gatewayv1.BackendRef{u.backends[0].BackendRef}}},
		},
	})
}
