// SPDX-License-Identifier: Apache-2.0

package privilege

import (
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/authz/power"
)

// atom is the smallest part of a fault of an object: what an update may keep, and
// may not add to.
type atom struct {
	key      string // says what it is, for subjects and messages
	field    string
	severity checks.Severity
}

// keptAndAdded makes at most two findings of the atoms of an object: one of those
// that it had before the update, or of all where there was none, and one of those
// that are new. say writes the message for atoms, of which there is at least one.
func keptAndAdded(before, now []atom, say func([]atom) string) []checks.Finding {
	if len(now) == 0 {
		return nil
	}
	if len(before) == 0 {
		return []checks.Finding{ofAtoms(granted, now, say)}
	}
	var kept, more []atom
	for _, a := range now {
		if holds(before, a) {
			kept = append(kept, a)
		} else {
			more = append(more, a)
		}
	}
	var out []checks.Finding
	if len(kept) > 0 {
		out = append(out, ofAtoms(granted, kept, say))
	}
	if len(more) > 0 {
		out = append(out, ofAtoms(added+strings.Join(keys(more), ","), more, say))
	}
	return out
}

// holds reports whether a list has an atom, no less severe.
func holds(list []atom, a atom) bool {
	return slices.ContainsFunc(list, func(b atom) bool { return b.key == a.key && b.severity >= a.severity })
}

// ofAtoms reports atoms by the worst of them.
func ofAtoms(subject string, list []atom, say func([]atom) string) checks.Finding {
	worst := list[0]
	for _, a := range list {
		if a.severity > worst.severity {
			worst = a
		}
	}
	list = slices.DeleteFunc(slices.Clone(list), func(a atom) bool { return a.severity < worst.severity })
	return checks.Finding{Severity: worst.severity, Subject: subject, Field: worst.field, Message: say(list)}
}

// keys returns the keys, each once, in order of appearance.
func keys(list []atom) []string {
	var out []string
	for _, a := range list {
		out = addOnce(out, a.key)
	}
	return out
}

// judgeRules runs a rule-by-rule check over a role and its older self. find
// returns the atoms of one rule, which has the given index; it is not asked about
// rules of which RBAC-001 says all that there is to say.
func judgeRules(in checks.Input, find func(r *role, rule *rbacv1.PolicyRule, at int) []atom, say func([]atom) string) []checks.Finding {
	r, ok := roleOf(in)
	if !ok {
		return unreadable(in)
	}
	all := func(rules []rbacv1.PolicyRule) (out []atom) {
		for i := range rules {
			if !power.Everything(&rules[i]) {
				out = append(out, find(r, &rules[i], i)...)
			}
		}
		return out
	}
	if in.Old == nil {
		return r.found(nil, all(r.judged), say, in)
	}
	before := all(rulesOf(in.Old))
	var now []atom
	for i := range r.judged {
		if power.Everything(&r.judged[i]) {
			continue
		}
		narrower := covers(rulesOf(in.Old), &r.judged[i])
		for _, a := range find(r, &r.judged[i], i) {
			if narrower && !holds(before, a) {
				// The rule takes something away of a wider one, of which another check spoke.
				a.severity = min(a.severity, checks.Low)
				before = append(before, a)
			}
			now = append(now, a)
		}
	}
	return r.found(before, now, say, in)
}

// found is keptAndAdded with the path of the role.
func (r *role) found(before, now []atom, say func([]atom) string, in checks.Input) []checks.Finding {
	out := keptAndAdded(before, now, say)
	for i := range out {
		out[i].Path = r.path(in)
	}
	return out
}
