// SPDX-License-Identifier: Apache-2.0

package convert

import (
	"slices"
	"strings"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// refusals take the requests of a host and answer them 500: a rule without backends
// (GEP-718).
func (p *plan) refusals(hostname string) []gatewayv1.HTTPRouteRule {
	return perMatches(p.paths(hostname), gatewayv1.HTTPRouteRule{})
}

// toHTTPS redirects the paths of a host.
func (p *plan) toHTTPS(hostname string) []gatewayv1.HTTPRouteRule {
	scheme, status := "https", p.secure
	return perMatches(p.paths(hostname), gatewayv1.HTTPRouteRule{Filters: []gatewayv1.HTTPRouteFilter{{
		Type: gatewayv1.HTTPRouteFilterRequestRedirect, RequestRedirect: &gatewayv1.HTTPRequestRedirectFilter{Scheme: &scheme, StatusCode: &status},
	}}})
}

// paths are all of a host, whatever else a request must have. Of a path that could not be
// read nothing is known: everything is meant.
func (p *plan) paths(hostname string) []gatewayv1.HTTPRouteMatch {
	var seen []pathMatch
	var out []gatewayv1.HTTPRouteMatch
	for i := range p.rules {
		if u := &p.rules[i]; u.host == hostname && !slices.Contains(seen, u.path) {
			seen = append(seen, u.path)
			out = append(out, u.path.match())
		}
	}
	if p.appRoot != "" && !slices.Contains(seen, everything) {
		out = append(out, pathMatch{gatewayv1.PathMatchExact, "/"}.match())
	}
	return out
}

func perMatches(matches []gatewayv1.HTTPRouteMatch, r gatewayv1.HTTPRouteRule) []gatewayv1.HTTPRouteRule {
	var out []gatewayv1.HTTPRouteRule
	for part := range slices.Chunk(matches, maxMatches) {
		each := r
		each.Matches = part
		out = append(out, each)
	}
	return out
}

// www redirects the name with www. to the one without, or the other way.
func (c *conversion) www(p *plan, g *gateway, name, hostname string) {
	other, has := strings.CutPrefix(hostname, "www.")
	if !has {
		other = "www." + hostname
	}
	if hostname == "" || strings.HasPrefix(hostname, "*") {
		return
	}
	status, to := 308, gatewayv1.PreciseHostname(hostname)
	serve, redirect := c.parents(p, g, []string{other})
	c.routes(p, name+"-www", []string{other}, append(serve, redirect...), []gatewayv1.HTTPRouteRule{{
		Matches: []gatewayv1.HTTPRouteMatch{everything.match()},
		Filters: []gatewayv1.HTTPRouteFilter{{Type: gatewayv1.HTTPRouteFilterRequestRedirect, RequestRedirect: &gatewayv1.HTTPRequestRedirectFilter{Hostname: &to, StatusCode: &status}}},
	}})
}
