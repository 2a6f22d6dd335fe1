// SPDX-License-Identifier: Apache-2.0

package convert

import (
	"regexp"
	"slices"
	"strings"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// canary says which requests of another Ingress an Ingress takes over: by a header line,
// or else a cookie, or else by chance.
type canary struct {
	header  string
	value   string // of the line; "": "always" does and "never" does not
	pattern string // of the line, without a value
	cookie  string // whose "always" does and "never" does not
	weight  int    // of total
	total   int
}

// canaryPrefix begins the annotations that a canary has a say in.
const canaryPrefix = "nginx.ingress.kubernetes.io/canary"

// canaries adds their backends to the rules that they are canaries of.
func (c *conversion) canaries() {
	for _, q := range c.plans {
		if q.canary == nil {
			continue
		}
		for i := range q.lines {
			if l := &q.lines[i]; q.controller.owns(l.Source) && !strings.HasPrefix(l.Source, canaryPrefix) {
				l.Outcome, l.Closes, l.Message = Equivalent, false, "of a canary it is not read: the Ingress that it is a canary of decides"
			}
		}
		for _, u := range q.rules {
			p, i := c.mainOf(q, &u)
			if p == nil {
				q.fault(u.at, "there is no other Ingress of this host and path in the input, of which it could be the canary")
				continue
			}
			if len(u.backends) > 0 {
				p.rules = slices.Replace(p.rules, i, i+1, q.canary.split(p.rules[i], u.backends[0])...)
			}
			q.made = p.made
		}
		q.rules = nil
	}
}

// mainOf finds the rule that a canary's is for: the last of its path, after those that
// look at header lines.
func (c *conversion) mainOf(q *plan, u *rule) (*plan, int) {
	for _, p := range c.plans {
		if p.canary != nil || p.ingress.Namespace != q.ingress.Namespace || p.controller != q.controller || p.class != q.class {
			continue
		}
		for i := len(p.rules) - 1; i >= 0; i-- {
			// Whether paths are expressions is for the main Ingress to say.
			if r := &p.rules[i]; r.host == u.host && (r.path == u.path || r.raw == u.raw) {
				return p, i
			}
		}
	}
	return nil, 0
}

// split makes rules of one: by header lines first, and the rest by weight.
func (k *canary) split(u rule, to gatewayv1.HTTPBackendRef) []rule {
	var out []rule
	add := func(backends []gatewayv1.HTTPBackendRef, name, value string, regex bool) {
		r := u
		line := gatewayv1.HTTPHeaderMatch{Name: gatewayv1.HTTPHeaderName(name), Value: value}
		if regex {
			of := gatewayv1.HeaderMatchRegularExpression
			line.Type = &of
		}
		r.matches = []gatewayv1.HTTPRouteMatch{{Headers: []gatewayv1.HTTPHeaderMatch{line}}}
		r.backends = backends
		out = append(out, r)
	}
	canary := []gatewayv1.HTTPBackendRef{to}
	switch {
	case k.header == "":
	case k.value != "":
		add(canary, k.header, k.value, false)
	case k.pattern != "":
		add(canary, k.header, k.pattern, true)
	default:
		add(canary, k.header, "always", false)
		add(u.backends, k.header, "never", false)
	}
	if k.cookie != "" {
		name := `(.*;\s*)?` + regexp.QuoteMeta(k.cookie) + "="
		add(canary, "Cookie", name+`always(\s*;.*)?`, true)
		add(u.backends, "Cookie", name+`never(\s*;.*)?`, true)
	}
	if k.weight > 0 && len(u.backends) > 0 {
		stable, part := u.backends[0], to
		least, most := int32(k.total-k.weight), int32(k.weight) //nolint:gosec // bounded where they are read
		stable.Weight, part.Weight = &least, &most
		u.backends = []gatewayv1.HTTPBackendRef{stable, part}
	}
	return append(out, u)
}
