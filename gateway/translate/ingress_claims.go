// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// claim is a path of a host of a listener.
type claim struct {
	listener *listener
	host     string
	path     config.PathMatch
}

// settle finds out which of two Ingresses, or of an Ingress and an HTTPRoute, has a path
// of a host: the older one, and the other one is told. What is not claimed that way is
// left to the order of routes.
func (d *doors) settle(routes []*route) {
	slices.SortFunc(d.all, func(a, b *door) int {
		return cmp.Or(cmp.Compare(rank(a.last), rank(b.last)), a.plain.created.Compare(b.plain.created), compareNames(a.plain.name, b.plain.name), cmp.Compare(a.host, b.host))
	})
	d.divide()
	taken, requests, all := map[claim]*route{}, shared{}, shared{}
	for _, r := range routes {
		if len(d.all) == 0 {
			break // nobody asks
		}
		if all.add(r); r.of == httpRouteKind {
			r.claims(func(c claim, _ int) { taken[c] = older(taken[c], r) })
		}
		if r.of == httpRouteKind || r.of == grpcRouteKind {
			requests.add(r)
		}
	}
	for _, p := range d.all {
		all.add(p.plain)
		all.add(p.secure)
	}
	for _, p := range d.all {
		for _, r := range []*route{p.plain, p.secure} {
			if by := p.overlaid(r, requests); by != nil {
				d.say(p.ingress, "Conflicted", fmt.Sprintf("host %s: %s %s, which is older, has it", shown(p.host), by.of.kind, by.name))
				r.rules = nil
				continue
			}
			lost := d.expressions(p, r, all)
			r.claims(func(c claim, rule int) {
				if by := taken[c]; by != nil && by != r && older(by, r) == by {
					d.say(p.ingress, "Conflicted", fmt.Sprintf("host %s, path %s: %s %s, which is older, has it", shown(p.host), cmp.Or(c.path.Exact, c.path.Prefix+"/"), by.of.kind, by.name))
					lost[rule] = true
					return
				}
				taken[c] = r
			})
			r.without(lost)
		}
	}
	d.certificates(routes)
}

// overlaid returns an older route of another namespace for the names that are below the
// host of a part, whatever their labels: one label would take them from it.
func (p *door) overlaid(r *route, routes shared) *route {
	if !strings.HasPrefix(p.host, "?") {
		return nil
	}
	return routes.before(r, func(attachment) string { return "*" + p.host[1:] })
}

// expressions are the positions of rules with expressions on a host that another
// namespace had first: they are found before the prefixes of others, whoever is older.
func (d *doors) expressions(p *door, r *route, all shared) map[int]bool {
	lost := map[int]bool{}
	for n := range r.rules {
		if r.rules[n].matches[0].Path.Regex == "" {
			continue
		}
		by := all.before(r, func(a attachment) string { return a.hosts[0] })
		if by == nil {
			break
		}
		d.say(p.ingress, "Conflicted", fmt.Sprintf("host %s, path %s: %s %s, which is older and of another namespace, has paths of the host, which an expression could take", shown(p.host), r.rules[n].origin, by.of.kind, by.name))
		lost[n] = true
	}
	return lost
}

// rank puts what is last behind the rest.
func rank(last bool) int {
	if last {
		return 1
	}
	return 0
}

// older is the one of two routes that stays; any may be nil.
func older(a, b *route) *route {
	switch {
	case a == nil:
		return b
	case b == nil || byAge(a, b) <= 0:
		return a
	}
	return b
}

// byAge is the order in which routes are served: of two that ask for the same the older
// one is (GEP-713).
func byAge(a, b *route) int {
	if n := cmp.Compare(rank(a.last), rank(b.last)); n != 0 {
		return n
	}
	if n := a.created.Compare(b.created); n != 0 {
		return n
	}
	if n := compareNames(a.name, b.name); n != 0 {
		return n
	}
	return cmp.Or(cmp.Compare(a.of.kind, b.of.kind), cmp.Compare(a.part, b.part))
}

// claims calls each for what a route is for by its path alone, and the position of the
// rule.
func (r *route) claims(each func(c claim, rule int)) {
	for n := range r.rules {
		for _, m := range r.rules[n].matches {
			if m.Method != "" || len(m.Headers)+len(m.Query) > 0 {
				continue
			}
			m.Path.Prefix = strings.TrimSuffix(m.Path.Prefix, "/")
			for _, p := range r.parents {
				for _, a := range p.at {
					for _, h := range a.hosts {
						each(claim{a.listener, h, m.Path}, n)
					}
				}
			}
		}
	}
}

// without drops rules by their positions, and what is made of the same paths: a rule that
// asks for a header line, too, would be found before the path of who has it.
func (r *route) without(lost map[int]bool) {
	var kept []rule
	origins := map[string]bool{}
	for n := range r.rules {
		if lost[n] {
			origins[r.rules[n].origin] = true
		}
	}
	for n := range r.rules {
		if !lost[n] && (r.rules[n].origin == "" || !origins[r.rules[n].origin]) {
			kept = append(kept, r.rules[n])
		}
	}
	r.rules = kept
}

// tell says what was found out of the routes of Ingresses, and where they are served.
func (d *doors) tell(out *Result) {
	served := map[Name]map[Name]bool{}
	for _, p := range d.all {
		for _, r := range []*route{p.plain, p.secure} {
			for _, parent := range r.parents {
				for _, c := range parent.conditions.all() {
					if !good(c) {
						d.say(p.ingress, c.Reason, c.Message)
					}
				}
				if r.of == ingressKind && len(r.rules) > 0 && len(parent.at) > 0 {
					if served[r.name] == nil {
						served[r.name] = map[Name]bool{}
					}
					served[r.name][nameOf(parent.gateway.object)] = true
				}
			}
		}
	}
	for name, gateways := range served {
		for g := range gateways {
			out.Ingresses[name] = append(out.Ingresses[name], g)
		}
		slices.SortFunc(out.Ingresses[name], compareNames)
	}
	out.Events = byObject(d.events)
}
