// SPDX-License-Identifier: Apache-2.0

package power

import (
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/authz"
)

// Permission is one request that a rule allows and that makes a power, or one
// part of a combined one.
type Permission struct {
	Rule     int           // index of the rule
	Pattern  *Pattern      // that it matches; nil for RBAC-001
	Request  authz.Request // without a name
	Names    []string      // the resourceNames of the rule; empty: any object
	Severity checks.Severity
}

// Permissions returns everything in a list of rules that makes the power in a
// scope, ordered by rule; of a combined power what makes its parts, and nothing
// unless all of them are there. Where Of answers whether and how severely,
// this says by what. It allocates.
func (p *Power) Permissions(rules []rbacv1.PolicyRule, s Scope) []Permission {
	if p.severity(s, false) == checks.SeverityUnset {
		return nil
	}
	if p.Combined() {
		return p.parts(rules, s)
	}
	var out []Permission
	for i := range rules {
		switch {
		case p.whole != nil:
			if h, ok := p.in(&rules[i], s); ok {
				out = append(out, Permission{Rule: i, Request: h.Request, Severity: h.Severity})
			}
		case !isEverything(&rules[i]):
			out = append(out, p.permissions(&rules[i], i, p.Any, s)...)
		}
	}
	return out
}

// parts is Permissions for a combined power.
func (p *Power) parts(rules []rbacv1.PolicyRule, s Scope) []Permission {
	h, ok := p.combined(rules, s)
	if !ok {
		return nil
	}
	var out []Permission
	for i := range rules {
		if isEverything(&rules[i]) {
			continue
		}
		for _, part := range p.All {
			for _, q := range p.permissions(&rules[i], i, part, s) {
				q.Severity = h.Severity
				out = append(out, q)
			}
		}
	}
	return out
}

// permissions lists what one rule gives of some patterns. What two patterns mean
// is listed once, at its worst.
func (p *Power) permissions(rule *rbacv1.PolicyRule, at int, list []Pattern, s Scope) []Permission {
	var out []Permission
	var seen map[authz.Request]int
	for i := range list {
		t := &list[i]
		t.each(rule, s, func(req authz.Request, named bool) bool {
			req.Name = ""
			q := Permission{at, t, req, rule.ResourceNames, p.worth(t, s, named)}
			if j, known := seen[req]; !known {
				if seen == nil {
					seen = map[authz.Request]int{}
				}
				seen[req] = len(out)
				out = append(out, q)
			} else if q.Severity > out[j].Severity {
				out[j] = q
			}
			return true
		})
	}
	return out
}
