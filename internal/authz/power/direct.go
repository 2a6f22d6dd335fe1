// SPDX-License-Identifier: Apache-2.0

package power

import (
	"cmp"
	"maps"
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/authz"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// Direct returns a subject's own powers, without whom it can become: at most one
// for each power and namespace, the most severe first. Shared and read-only.
func Direct(v authz.View, s authz.Subject) []Held {
	if _, _, account := s.Account(); !account {
		return direct(v, s)
	}
	held, _ := v.Inventory().Once(directOf{s.Name}, func(inv *inventory.Inventory) any { return direct(authz.Over(inv), s) }).([]Held)
	return held
}

func direct(v authz.View, s authz.Subject) []Held {
	var few [4]authz.Grant
	grants := few[:0]
	for g := range v.Grants(s) {
		if indexOf(grants, &g.Binding) < 0 {
			grants = append(grants, g)
		}
	}
	return heldBy(v, grants)
}

// heldBy returns what grants of one subject, each by another binding, give. Those of
// rules that possible leaves out need not be among them.
func heldBy(v authz.View, grants []authz.Grant) []Held {
	parts, everywhere := 0, false // of combined powers
	var out []Held
	for i := range grants {
		if v.Inventory().Ended() {
			return nil
		}
		g := &grants[i]
		if !Apart(g.Rules) {
			parts, everywhere = parts+1, everywhere || g.Namespace == ""
		}
		out = appendHeld(out, v, g)
	}
	// What the one grant of a namespace that has any part gives is known already.
	if len(grants) > 1 && (parts > 1 || everywhere) {
		out = append(out, together(v, grants)...)
	}
	if len(out) < 2 {
		return out
	}
	slices.SortStableFunc(out, compareHeld)
	return distinct(out)
}

// indexOf finds the grant by a binding; -1: there is none.
func indexOf(grants []authz.Grant, binding *inventory.Key) int {
	for i := range grants {
		if grants[i].Binding == *binding {
			return i
		}
	}
	return -1
}

// distinct drops, from a sorted list, what a more severe hold of the same power
// in the same place says already.
func distinct(sorted []Held) []Held {
	type place struct{ id, namespace string }
	seen := make(map[place]bool, len(sorted))
	out := sorted[:0]
	for _, h := range sorted {
		at := place{h.Power.ID, h.Grant.Namespace}
		if !seen[at] && !seen[place{h.Power.ID, ""}] {
			out = append(out, h)
		}
		seen[at] = true
	}
	return slices.Clip(out)
}

func compareHeld(a, b Held) int {
	return cmp.Or(
		cmp.Compare(b.Severity, a.Severity),
		cmp.Compare(a.Power.ID, b.Power.ID),
		cmp.Compare(a.Grant.Namespace, b.Grant.Namespace),
		a.Grant.Binding.Compare(b.Grant.Binding),
	)
}

// appendHeld appends what Of says of a grant, with the examples in its namespace.
// It is kept by role: many bindings share one.
func appendHeld(out []Held, v authz.View, g *authz.Grant) []Held {
	if possible(g.Rules) == 0 {
		return out
	}
	scope := Scope{g.Namespace}
	class := scope
	if class.Namespace != "" && !Special(class.Namespace) {
		class.Namespace = "-"
	}
	rules := g.Rules
	list, _ := v.Inventory().Once(holdsOf{g.Role, class}, func(*inventory.Inventory) any { return Of(rules, scope) }).([]Hold)
	out = slices.Grow(out, len(list))
	for _, h := range list {
		if h.Request.Path == "" {
			h.Request.Namespace = g.Namespace
		}
		out = append(out, Held{h, *g})
	}
	return out
}

// together returns the combined powers that no single grant gives: for the whole
// cluster, and for each namespace with what holds everywhere.
func together(v authz.View, grants []authz.Grant) []Held {
	var everywhere []authz.Grant
	within := map[string][]authz.Grant{}
	for _, g := range grants {
		if g.Namespace == "" {
			everywhere = append(everywhere, g)
		} else {
			within[g.Namespace] = append(within[g.Namespace], g)
		}
	}
	out := combinedOf(rulesOf(everywhere), grants, "")
	for _, namespace := range slices.Sorted(maps.Keys(within)) {
		if v.Inventory().Ended() {
			return nil
		}
		out = append(out, combinedOf(rulesOf(slices.Concat(everywhere, within[namespace])), grants, namespace)...)
	}
	return out
}

func combinedOf(rules []rbacv1.PolicyRule, grants []authz.Grant, namespace string) []Held {
	var out []Held
	for i := range table {
		p := &table[i]
		if !p.Combined() || p.severity(Scope{namespace}, false) == checks.SeverityUnset {
			continue
		}
		h, ok := p.combined(rules, Scope{namespace})
		if !ok {
			continue
		}
		// The grant that gives the first of the permissions stands for all.
		for _, g := range grants {
			if (g.Namespace == "" || g.Namespace == namespace) && g.Allows(h.Request) {
				g.Namespace = namespace
				out = append(out, Held{h, g})
				break
			}
		}
	}
	return out
}
