// SPDX-License-Identifier: Apache-2.0

package blast

import (
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"

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
// makes him worse.
//
// Nor does an object that gives an account nothing more severe than a stepping
// stone in its own namespace: who can become the account can become all others of
// the namespace too, and has them already. So the search begins only where an
// account gets a permission in another namespace, or one that is worth more
// (seed). Which of the accounts the object really makes worse is left to ours.
func (r *rights) becoming() {
	var queue []string
	seen := map[string]bool{}
	push := func(namespace string) {
		if !seen[namespace] {
			seen[namespace] = true
			queue = append(queue, namespace)
		}
	}
	for namespace := range r.seeds {
		push(namespace)
	}
	known := map[stone]bool{}
	for ; len(queue) > 0 && !r.all; queue = queue[1:] {
		for e := range r.j.inv.Entries(inventory.RoleBindingKind, queue[0]) {
			b, ok := authz.BoundOf(e.Object)
			if !ok || !r.stands(b, known) {
				continue
			}
			with := rights{within: map[string]bool{}, seeds: map[string]bool{}}
			with.name(b)
			r.to = append(r.to, with.to...)
			for _, a := range with.to {
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

// seed notes that accounts of a namespace get the rules in a namespace, "" for
// everywhere.
func (r *rights) seed(of, in string) {
	if of != in || r.climbs || power.Special(of) {
		r.seeds[of] = true
	}
}

// climbing reports whether rules give more than a stepping stone in a namespace,
// or a part of what is more together.
func climbing(rules []rbacv1.PolicyRule) bool {
	onBehalf := func(verb string) bool { return strings.HasPrefix(verb, "impersonate") }
	if slices.ContainsFunc(rules, func(rule rbacv1.PolicyRule) bool { return slices.ContainsFunc(rule.Verbs, onBehalf) }) {
		return true
	}
	for _, p := range power.All() {
		if p.Narrow <= steppingStone {
			continue
		}
		for _, list := range append(slices.Clone(p.All), p.Any) {
			for i := range list {
				if slices.ContainsFunc(rules, func(rule rbacv1.PolicyRule) bool { return touches(&list[i], rule) }) {
					return true
				}
			}
		}
	}
	return false
}

// touches reports whether a rule gives a permission of a pattern, for whatever
// objects. Those that only count in a special namespace are left to seed.
func touches(p *power.Pattern, rule rbacv1.PolicyRule) bool {
	if p.Namespace != "" && power.Special(p.Namespace) {
		return false
	}
	rule.ResourceNames = nil
	for _, verb := range p.Verbs {
		for _, group := range p.Groups {
			for _, resource := range p.Resources {
				name, sub, _ := strings.Cut(resource, "/")
				if authz.Allows(&rule, authz.Request{Verb: verb, Group: group, Resource: name, Subresource: sub}) {
					return true
				}
			}
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
		return h.Power.Becomes != power.Nobody
	})
	return known[at]
}
