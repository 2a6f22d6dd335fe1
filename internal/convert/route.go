// SPDX-License-Identifier: Apache-2.0

package convert

import (
	"cmp"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// The bounds of an HTTPRoute (HTTPRouteSpec.Rules, HTTPRouteRule.Matches).
const (
	maxRules   = 16
	maxMatches = 64
)

// write makes the routes of an Ingress, and what belongs to them.
func (c *conversion) write(p *plan) {
	if p.closed() {
		c.closed = append(c.closed, Name{Namespace: p.ingress.Namespace, Name: p.ingress.Name})
	}
	closed := p.closed() && !c.options.AllowOpen
	g := c.gatewayOf(p)
	hosts := p.hosts()
	for _, h := range hosts {
		name := p.ingress.Name
		if len(hosts) > 1 {
			name += "-" + cmp.Or(slug(h), "default")
		}
		hostnames := []string{h}
		if h == hosts[0] {
			hostnames = append(hostnames, p.aliases...)
		}
		refs, redirected := c.parents(p, g, hostnames)
		switch {
		case closed && p.through: // what has no route is not passed on
			continue
		case closed:
			c.routes(p, name, hostnames, append(refs, redirected...), p.refusals(h))
			continue
		case p.through:
			c.passthrough(p, name, h, refs)
			continue
		case p.grpc:
			c.grpcRoutes(p, name, hostnames, refs)
		default:
			c.routes(p, name, hostnames, refs, p.httpRules(h))
		}
		if len(redirected) > 0 {
			c.routes(p, name+"-to-https", hostnames, redirected, p.toHTTPS(h))
		}
		if p.www {
			c.www(p, g, name, h)
		}
	}
	if !closed {
		c.externalAuth(p)
		c.policies(p, g)
	}
}

// parents are the listeners on which a host is served, and those on which it is
// redirected to https.
func (c *conversion) parents(p *plan, g *gateway, hostnames []string) (serve, redirect []gatewayv1.ParentReference) {
	if p.through {
		if l := g.covers(gatewayv1.TLSProtocolType, hostnames[0]); l != nil {
			serve = append(serve, g.parent(p, l))
		}
		return serve, nil
	}
	inClear := g.covers(gatewayv1.HTTPProtocolType, "")
	var secure []*gatewayv1.Listener
	for _, h := range p.named(hostnames) {
		if l := g.covers(gatewayv1.HTTPSProtocolType, h); l != nil && !p.unsecured {
			secure = appendOnce(secure, l)
		}
	}
	for _, l := range secure {
		serve = append(serve, g.parent(p, l))
	}
	switch {
	case inClear == nil:
	case p.secure != 0 && (len(secure) > 0 || p.always):
		redirect = append(redirect, g.parent(p, inClear))
	case !p.plain:
		serve = append(serve, g.parent(p, inClear))
	}
	return serve, redirect
}

// named are hosts by which a route is asked for: one without hosts has those of the TLS of
// its Ingress.
func (p *plan) named(hostnames []string) []string {
	if hostnames[0] != "" {
		return hostnames
	}
	out := slices.Clone(hostnames)
	for _, t := range p.ingress.Spec.TLS {
		for _, h := range t.Hosts {
			out = append(out, strings.ToLower(h))
		}
	}
	return out
}

// reachable closes an Ingress of which a host would be served nowhere.
func (c *conversion) reachable(p *plan) {
	if slices.ContainsFunc(p.lines, func(l Line) bool { return l.Source == "spec.tls" && l.Closes }) {
		return
	}
	for _, h := range p.hosts() {
		if serve, _ := c.parents(p, c.gatewayOf(p), []string{h}); len(serve) == 0 && p.redirect == nil {
			p.fault("spec.tls", "%q is wanted by HTTPS alone, and nothing names a certificate for it", h)
		}
	}
}

// routes writes rules as HTTPRoutes, as many as it takes.
func (c *conversion) routes(p *plan, name string, hostnames []string, refs []gatewayv1.ParentReference, rules []gatewayv1.HTTPRouteRule) {
	if len(refs) == 0 || len(rules) == 0 {
		return
	}
	for part := range slices.Chunk(rules, maxRules) {
		out := &gatewayv1.HTTPRoute{
			TypeMeta:   gatewayMeta("HTTPRoute"),
			ObjectMeta: metav1.ObjectMeta{Namespace: p.ingress.Namespace, Name: c.name("HTTPRoute", p.ingress.Namespace, name)},
			Spec:       gatewayv1.HTTPRouteSpec{CommonRouteSpec: gatewayv1.CommonRouteSpec{ParentRefs: refs}, Hostnames: hostsOf(hostnames), Rules: part},
		}
		c.out = append(c.out, out)
		of := "redirect"
		if slices.ContainsFunc(part, func(r gatewayv1.HTTPRouteRule) bool { return len(r.BackendRefs) > 0 }) {
			of = "HTTPRoute"
			p.targets = append(p.targets, target(of, out.Name))
		}
		p.made[of] = append(p.made[of], out.Namespace+"/"+out.Name)
	}
}

func hostsOf(names []string) []gatewayv1.Hostname {
	var out []gatewayv1.Hostname
	for _, h := range names {
		if h != "" {
			out = append(out, gatewayv1.Hostname(h))
		}
	}
	return out
}

// httpRules are those of a host.
func (p *plan) httpRules(hostname string) []gatewayv1.HTTPRouteRule {
	var out []gatewayv1.HTTPRouteRule
	if p.appRoot != "" {
		exact := pathMatch{gatewayv1.PathMatchExact, "/"}
		status := 302
		to := gatewayv1.HTTPRequestRedirectFilter{StatusCode: &status, Path: &gatewayv1.HTTPPathModifier{Type: gatewayv1.FullPathHTTPPathModifier, ReplaceFullPath: &p.appRoot}}
		out = append(out, gatewayv1.HTTPRouteRule{
			Matches: []gatewayv1.HTTPRouteMatch{exact.match()},
			Filters: []gatewayv1.HTTPRouteFilter{{Type: gatewayv1.HTTPRouteFilterRequestRedirect, RequestRedirect: &to}},
		})
	}
	for i := range p.rules {
		if u := &p.rules[i]; u.host == hostname {
			most := maxMatches
			if u.rewrite != nil && u.rewrite.ReplacePrefixMatch != nil { // the API wants one match then, so that the prefix is known
				most = 1
			}
			for part := range slices.Chunk(p.matchesOf(u), most) {
				r := p.rule(u)
				r.Matches = part
				out = append(out, r)
			}
		}
	}
	return out
}

// match is what an HTTPRoute has for a path.
func (m pathMatch) match() gatewayv1.HTTPRouteMatch {
	return gatewayv1.HTTPRouteMatch{Path: &gatewayv1.HTTPPathMatch{Type: &m.kind, Value: &m.value}}
}

// matchesOf are the requests of a rule: its path, with each of the methods.
func (p *plan) matchesOf(u *rule) []gatewayv1.HTTPRouteMatch {
	base := u.matches
	if len(base) == 0 {
		base = []gatewayv1.HTTPRouteMatch{{}}
	}
	var out []gatewayv1.HTTPRouteMatch
	for _, m := range base {
		m.Headers = slices.Concat(m.Headers, p.headers)
		if m.Path == nil {
			m.Path = u.path.match().Path
		}
		for _, method := range p.methods {
			each := m
			of := gatewayv1.HTTPMethod(method)
			each.Method = &of
			out = append(out, each)
		}
		if len(p.methods) == 0 {
			out = append(out, m)
		}
	}
	return out
}

// rule is all of one but which requests it is for.
func (p *plan) rule(u *rule) gatewayv1.HTTPRouteRule {
	var out gatewayv1.HTTPRouteRule
	add := func(f gatewayv1.HTTPRouteFilter) { out.Filters = append(out.Filters, f) }
	if h := p.response; len(h.Set)+len(h.Add)+len(h.Remove) > 0 {
		add(gatewayv1.HTTPRouteFilter{Type: gatewayv1.HTTPRouteFilterResponseHeaderModifier, ResponseHeaderModifier: &h})
	}
	if to := cmp.Or(u.redirect, p.redirect); to != nil {
		add(gatewayv1.HTTPRouteFilter{Type: gatewayv1.HTTPRouteFilterRequestRedirect, RequestRedirect: to})
		return out
	}
	if h := p.request; len(h.Set)+len(h.Add)+len(h.Remove) > 0 {
		add(gatewayv1.HTTPRouteFilter{Type: gatewayv1.HTTPRouteFilterRequestHeaderModifier, RequestHeaderModifier: &h})
	}
	if p.host != "" || u.rewrite != nil {
		to := gatewayv1.HTTPURLRewriteFilter{Path: u.rewrite}
		if p.host != "" {
			name := gatewayv1.PreciseHostname(p.host)
			to.Hostname = &name
		}
		add(gatewayv1.HTTPRouteFilter{Type: gatewayv1.HTTPRouteFilterURLRewrite, URLRewrite: &to})
	}
	if p.cors != nil {
		add(gatewayv1.HTTPRouteFilter{Type: gatewayv1.HTTPRouteFilterCORS, CORS: p.cors})
	}
	if p.mirror != nil {
		add(gatewayv1.HTTPRouteFilter{Type: gatewayv1.HTTPRouteFilterRequestMirror, RequestMirror: p.mirror})
	}
	if p.timeouts != (gatewayv1.HTTPRouteTimeouts{}) {
		out.Timeouts = &p.timeouts
	}
	out.Retry = p.retry
	out.BackendRefs = u.backends
	return out
}
