// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// canary says which requests of another Ingress an Ingress gets.
type canary struct {
	header        string
	value         config.ValueMatch // of the header
	cookie        string
	weight, total int
}

// bird is an Ingress that is a canary.
type bird struct {
	*manner
	gateway *gateway
}

// split reads which requests of another Ingress are this one's.
func (m *manner) split() {
	if on, _ := m.flag("canary"); !on {
		return
	}
	c := &canary{total: cmp.Or(m.number("canary-weight-total", 1, 1_000_000), 100)}
	if c.weight = m.number("canary-weight", 0, 1_000_000); c.weight > c.total {
		m.fault("canary-weight", fmt.Sprintf("%d is more than canary-weight-total, %d", c.weight, c.total))
	}
	c.header, _ = m.value("canary-by-header")
	c.cookie, _ = m.value("canary-by-cookie")
	exact, given := m.value("canary-by-header-value")
	pattern, expression := m.value("canary-by-header-pattern")
	switch {
	case given:
		c.value = config.ValueMatch{Name: c.header, Exact: exact}
	case expression:
		c.value = config.ValueMatch{Name: c.header, Regex: pattern}
	}
	if c.header == "" && (given || expression) {
		m.fault("canary-by-header", "it is missing beside the value or the pattern")
	}
	if c.cookie != "" && !isCookie.MatchString(c.cookie) {
		m.fault("canary-by-cookie", fmt.Sprintf("%.80q is no name of a cookie", c.cookie))
	}
	m.canary = c
}

var isCookie = regexp.MustCompile(`^[A-Za-z0-9_-]{1,100}$`)

// line is a header line of requests that are sent to a canary, or never are.
type line struct {
	config.ValueMatch
	to bool
}

// lines are those of a canary, in the order in which they count.
func (c *canary) lines() []line {
	var out []line
	switch {
	case c.header != "" && c.value.Name != "":
		out = append(out, line{c.value, true})
	case c.header != "":
		out = append(out, line{config.ValueMatch{Name: c.header, Exact: "always"}, true}, line{config.ValueMatch{Name: c.header, Exact: "never"}, false})
	}
	if c.cookie != "" {
		has := func(value string) config.ValueMatch {
			return config.ValueMatch{Name: "Cookie", Regex: `(?:.*;\s*)?` + regexp.QuoteMeta(c.cookie) + "=" + value + `(?:\s*;.*)?`}
		}
		out = append(out, line{has("always"), true}, line{has("never"), false})
	}
	return out
}

// flight is a rule that has a canary.
type flight struct {
	route  *route
	origin string
}

// divide gives canaries their part of the requests of older Ingresses of their namespace.
func (d *doors) divide() {
	slices.SortFunc(d.canaries, func(a, b *bird) int {
		return cmp.Or(a.ingress.CreationTimestamp.Compare(b.ingress.CreationTimestamp.Time), compareNames(nameOf(a.ingress), nameOf(b.ingress)))
	})
	taken := map[flight]*networkingv1.Ingress{}
	for _, c := range d.canaries {
		for _, h := range hostsOf(c.ingress, nil) {
			for _, path := range h.paths {
				if h.last {
					continue // a default backend is no rule
				}
				d.divideOne(c, h.host, path, taken)
			}
		}
	}
}

func (d *doors) divideOne(c *bird, host string, path pathOf, taken map[flight]*networkingv1.Ingress) {
	of := fmt.Sprintf("host %s, path %s", shown(host), path.Path)
	for _, p := range d.all {
		found := false
		if p.host != host || p.last || p.at().gateway != c.gateway || p.ingress.Namespace != c.ingress.Namespace {
			continue
		}
		for _, r := range []*route{p.plain, p.secure} {
			n := slices.IndexFunc(r.rules, func(u rule) bool { return u.origin == path.origin() })
			if n < 0 {
				continue
			}
			if by := taken[flight{r, path.origin()}]; by != nil {
				d.say(c.ingress, "Conflicted", fmt.Sprintf("%s: Ingress %s, which is older, is its canary", of, nameOf(by)))
				return
			}
			found = true
			if rules := d.divided(c, p, r, r.rules[n], path); rules != nil {
				r.rules = slices.Replace(r.rules, n, n+1, rules...)
				taken[flight{r, path.origin()}] = c.ingress
			}
		}
		if found {
			return
		}
	}
	d.say(c.ingress, "NoMainIngress", of+": no other Ingress of the namespace has it, of which this one could be the canary")
}

// divided are the rules that a rule becomes beside a canary; nil if it stays.
func (d *doors) divided(c *bird, p *door, r *route, base rule, path pathOf) []rule {
	if base.Redirect != nil || base.closed {
		return nil
	}
	b := &ruleBuilder{index: d.index, route: r, at: path.at, out: &rule{}}
	share := d.share(b, p.manner, path)
	both := slices.Concat(base.services, b.out.services)
	to := func(lines []config.ValueMatch, services []Name, shares ...config.Weighted) rule {
		out := base
		out.matches = []config.Match{base.matches[0]}
		out.matches[0].Headers = lines
		out.services = services
		out.Backends, out.backends = shares, append(slices.Clone(base.backends), b.out.backends...)
		return out
	}
	var out []rule
	for _, l := range c.canary.lines() {
		shares, services := base.Backends, base.services
		if l.to { // whatever guards the main Ingress is no choice of the client
			shares, services = []config.Weighted{share}, both
		}
		out = append(out, to([]config.ValueMatch{l.ValueMatch}, services, shares...))
	}
	main, rest := base.Backends[0], c.canary.total-c.canary.weight
	main.Weight, share.Weight = &rest, &c.canary.weight
	out = append(out, to(nil, both, main, share))
	for i := range out {
		own := out[i]
		judged := &ruleBuilder{index: d.index, route: r, at: path.at, out: &own}
		if judged.judge(); len(judged.out.faults) > len(out[i].faults) {
			d.say(c.ingress, unsupportedAnnotation, strings.Join(judged.out.faults, "; "))
			return nil
		}
		out[i].size = judged.out.size
	}
	return out
}
