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
	had := worstOfEach(before)
	for _, a := range now {
		if had.holds(a) {
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

// atoms are atoms by their keys, of which there may be thousands: how severe those of
// each are at most.
type atoms map[string]checks.Severity

func worstOfEach(list []atom) atoms {
	out := make(atoms, len(list))
	for _, a := range list {
		out.add(a)
	}
	return out
}

func (l atoms) add(a atom) { l[a.key] = max(l[a.key], a.severity) }

// holds reports whether there is the atom, no less severe.
func (l atoms) holds(a atom) bool {
	severity, known := l[a.key]
	return known && severity >= a.severity
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
	seen := make(map[string]bool, len(list)) // there may be thousands
	for i := range list {
		if key := list[i].key; !seen[key] {
			seen[key] = true
			out = append(out, key)
		}
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
			if !power.Everything(&rules[i]) && !in.Ended() {
				out = append(out, find(r, &rules[i], i)...)
			}
		}
		return out
	}
	if in.Old == nil {
		return r.found(nil, all(r.judged), say, in)
	}
	before := all(rulesOf(in.Old))
	had := worstOfEach(before)
	var now []atom
	for i := range r.judged {
		if power.Everything(&r.judged[i]) {
			continue
		}
		narrower := covers(in, rulesOf(in.Old), &r.judged[i])
		for _, a := range find(r, &r.judged[i], i) {
			if narrower && !had.holds(a) {
				// The rule takes something away of a wider one, of which another check spoke.
				a.severity = min(a.severity, checks.Low)
				before = append(before, a)
				had.add(a)
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
