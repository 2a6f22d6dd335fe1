// SPDX-License-Identifier: Apache-2.0

package blast

import (
	"slices"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/authz"
	"github.com/gatehouse-sh/gatehouse/internal/authz/power"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// steppingStone is how severe a power is at least by which one becomes the
// accounts of a namespace; a test reads it off the table.
const steppingStone = checks.High

// becoming adds the accounts that can become one of those named so far, and those
// that can become these.
//
// Whoever may run pods, mint tokens and the like in a namespace can become each of
// its accounts (power.Effective). Such a power in one namespace comes from a
// RoleBinding of that namespace, so the bindings of the namespaces of the named
// accounts tell who has one; their subjects are looked at in turn. Who has such a
// power in the whole cluster is at the top of the scale already, and no object
// makes him worse. Nor does one that gives nothing more severe than a stepping
// stone: who can become the named accounts is as severe without it. Which of the
// accounts the object really makes worse is left to ours.
func (r *rights) becoming() {
	var queue []string
	seen := map[string]bool{}
	push := func(namespace string) {
		if !seen[namespace] {
			seen[namespace] = true
			queue = append(queue, namespace)
		}
	}
	if !r.climbs() {
		return
	}
	for a := range r.to {
		push(a.namespace)
	}
	for namespace := range r.within {
		push(namespace)
	}
	known := map[stone]bool{}
	for ; len(queue) > 0 && !r.all; queue = queue[1:] {
		for e := range r.j.inv.Entries(inventory.RoleBindingKind, queue[0]) {
			b, ok := authz.BoundOf(e.Object)
			if !ok || !r.stands(b, known) {
				continue
			}
			with := rights{to: map[account]bool{}, within: map[string]bool{}}
			with.name(b)
			for a := range with.to {
				r.to[a] = true
				push(a.namespace)
			}
			for namespace := range with.within {
				r.within[namespace] = true
				push(namespace)
			}
			r.all = r.all || with.all
		}
	}
}

// climbs is a quick look at whether the object gives anything that can lead above
// a stepping stone, alone or with what else an account has.
func (r *rights) climbs() bool {
	for id := range r.powers {
		if p, known := power.Lookup(id); known && p.Wide >= steppingStone {
			return true
		}
	}
	return false
}

// stone is a role where its rules are worth the same: in kube-system and our own
// namespace they may be worth something else than in others.
type stone struct {
	role      inventory.Key
	namespace string
}

// stands reports whether a binding gives a power by which one becomes the
// accounts of its namespace.
func (r *rights) stands(b authz.Bound, known map[stone]bool) bool {
	at := stone{b.Role(), b.Key.Namespace}
	if at.role.Namespace == "" && !power.Special(at.namespace) {
		at.namespace = ""
	}
	if is, done := known[at]; done {
		return is
	}
	rules, _ := r.view.Rules(at.role)
	known[at] = slices.ContainsFunc(power.Of(rules, power.Scope{Namespace: b.Key.Namespace}), func(h power.Hold) bool {
		return h.Power.Becomes != power.Nobody && !h.Named
	})
	return known[at]
}
