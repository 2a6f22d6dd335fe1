// SPDX-License-Identifier: Apache-2.0

package power

import (
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/authz"
)

// Joined is a combined power that several grants of a subject make together.
type Joined struct {
	Hold
	Namespace string        // where it holds; empty: in the whole cluster
	With      []authz.Grant // others that give a part which the one does not, one for each part
}

// Contributes reports whether rules give a part of a combined power: only then
// can a grant of them complete one.
func Contributes(rules []rbacv1.PolicyRule) bool {
	may := possible(rules)
	for i := range table {
		p := &table[i]
		if may&(1<<i) == 0 || !p.Combined() {
			continue
		}
		for _, part := range p.All {
			if _, _, _, ok := among(part, rules, Scope{}); ok {
				return true
			}
		}
	}
	return false
}

// Completes returns the combined powers that a subject has by one of its grants
// and the others together, and neither by the one alone nor, as severely, by the
// others alone. Where some grant is full control, nothing is. Ordered by power,
// the whole cluster before namespaces; a power that holds in the whole cluster is
// not repeated.
//
// There may be thousands of grants: ended says that the answer is not wanted any more,
// and may be any.
func Completes(one authz.Grant, others []authz.Grant, ended func() bool) []Joined {
	if len(others) == 0 {
		return nil
	}
	places := []string{one.Namespace}
	if one.Namespace == "" {
		for _, g := range others {
			places = append(places, g.Namespace)
		}
		slices.Sort(places)
		places = slices.Compact(places)
	}
	var out []Joined
	for _, namespace := range places {
		if ended() {
			return nil
		}
		var here []authz.Grant
		for _, g := range others {
			if g.Namespace == "" || g.Namespace == namespace {
				here = append(here, g)
			}
		}
		rest := rulesOf(here)
		all := slices.Concat(one.Rules, rest)
		if len(here) == 0 || slices.ContainsFunc(all, func(r rbacv1.PolicyRule) bool { return isEverything(&r) }) {
			continue
		}
		for i := range table {
			p := &table[i]
			s := Scope{namespace}
			if ended() {
				return nil
			}
			if !p.Combined() || p.severity(s, false) == checks.SeverityUnset {
				continue
			}
			h, ok := p.combined(all, s)
			if !ok || p.isIn(one.Rules, s, h.Severity) || p.isIn(rest, s, h.Severity) {
				continue
			}
			if !slices.ContainsFunc(out, func(j Joined) bool { return j.Power == p && j.Namespace == "" && j.Severity >= h.Severity }) {
				out = append(out, Joined{h, namespace, p.others(one.Rules, here, s)})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b Joined) int { return compareID(a.Power.ID, b.Power.ID) })
	return out
}

// By returns how severely grants give a combined power in a namespace, or in the
// whole cluster where that is empty; full control is critical. SeverityUnset: not
// at all.
func (p *Power) By(grants []authz.Grant, namespace string) checks.Severity {
	var here []authz.Grant
	for _, g := range grants {
		if g.Namespace == "" || g.Namespace == namespace {
			here = append(here, g)
		}
	}
	rules := rulesOf(here)
	if slices.ContainsFunc(rules, func(r rbacv1.PolicyRule) bool { return isEverything(&r) }) {
		return checks.Critical
	}
	if !p.Combined() || p.severity(Scope{namespace}, false) == checks.SeverityUnset {
		return checks.SeverityUnset
	}
	h, _ := p.combined(rules, Scope{namespace})
	return h.Severity
}

// isIn reports whether rules give the combined power at least as severely.
func (p *Power) isIn(rules []rbacv1.PolicyRule, s Scope, least checks.Severity) bool {
	h, ok := p.combined(rules, s)
	return ok && h.Severity >= least
}

// others picks, for each part of a combined power that rules do not give as
// widely as some grant does, that grant.
func (p *Power) others(rules []rbacv1.PolicyRule, grants []authz.Grant, s Scope) []authz.Grant {
	var out []authz.Grant
	for _, part := range p.All {
		if _, _, named, ok := among(part, rules, s); ok && !named {
			continue
		}
		best, limited := -1, true
		for i := range grants {
			_, _, named, ok := among(part, grants[i].Rules, s)
			if ok && (best < 0 || limited && !named) {
				best, limited = i, named
			}
		}
		if best >= 0 && !slices.ContainsFunc(out, func(g authz.Grant) bool { return g.Binding == grants[best].Binding }) {
			out = append(out, grants[best])
		}
	}
	return out
}

// rulesOf returns the rules of grants, those that several share once: a role of 2,000
// rules that 2,000 bindings give would be half a gigabyte.
func rulesOf(grants []authz.Grant) []rbacv1.PolicyRule {
	var out []rbacv1.PolicyRule
	seen := make(map[*rbacv1.PolicyRule]bool, len(grants)) // the first rule of a role
	for i := range grants {
		if rules := grants[i].Rules; len(rules) > 0 && !seen[&rules[0]] {
			seen[&rules[0]] = true
			out = append(out, rules...)
		}
	}
	return out
}
