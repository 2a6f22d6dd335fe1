// SPDX-License-Identifier: Apache-2.0

package blast

import (
	"cmp"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/gatehouse-sh/gatehouse/internal/authz"
	"github.com/gatehouse-sh/gatehouse/internal/authz/power"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// The objects that give rights.

// account is a ServiceAccount, which need not exist.
type account struct{ namespace, name string }

// ofAccount adds the chains to the workloads that run as a ServiceAccount. What
// their containers can do without it has nothing to do with the account.
func (j *judge) ofAccount(sa *corev1.ServiceAccount) []*hazard {
	own := inventory.KeyOf(sa)
	return j.running(nil, account{sa.Namespace, sa.Name}, func(h harm) (harm, bool) { return h, h.term != byEscape && h.account == own })
}

// running adds the chains to the workloads that run as an account, or take a token
// of it from a Secret.
func (j *judge) running(out []*hazard, a account, keep func(harm) (harm, bool)) []*hazard {
	for _, t := range j.targets(a) {
		out = j.add(out, t, keep)
	}
	return j.holding(out, a, j.secretsOf(a), keep)
}

// targets returns the workloads that run as an account and can be reached.
func (j *judge) targets(a account) []target {
	known, asked := j.reached[a]
	if asked {
		return known
	}
	var out []target
	var last *inventory.Workload
	for w := range j.inv.RunningAs(a.namespace, a.name) {
		if !replica(last, w) || j.listed(w) {
			last = w
			if by := j.doorsOf(w); !by.none() {
				out = append(out, target{w, by})
			}
		}
	}
	if j.reached != nil {
		j.reached[a] = out
	}
	return out
}

// rights is what a role or a binding under judgement gives, and to whom.
type rights struct {
	j    *judge
	view authz.View

	role    inventory.Key          // under judgement; zero for a binding
	binding inventory.Key          // under judgement; zero for a role
	feeds   map[inventory.Key]bool // aggregated roles that take the role's rules over
	powers  map[string]bool        // of the role's own rules, by id
	before  *inventory.Inventory   // without the object; nil until it is asked for
	to      []account              // whom bindings name
	within  map[string]bool        // namespaces all of whose accounts they name
	all     bool                   // they name every account

	climbs bool            // climbing, of the role's rules
	seeds  map[string]bool // namespaces in which becoming begins
}

// ofRights adds the chains to the workloads that a role or binding gives a
// dangerous permission, or takes a step towards one: those that run as the
// accounts that it is bound to, and those that can become one of these
// (becoming). A role without a dangerous permission ends the search.
func (j *judge) ofRights(o inventory.Object) []*hazard {
	j.sweep()
	r := &rights{
		j: j, view: authz.Over(j.inv), feeds: map[inventory.Key]bool{}, powers: map[string]bool{},
		within: map[string]bool{}, seeds: map[string]bool{},
	}
	key := inventory.KeyOf(o)
	from := key
	b, isBinding := authz.BoundOf(o)
	if isBinding {
		from = b.Role()
	}
	rules, _ := r.view.Rules(from)
	for _, h := range power.Of(rules, power.Scope{}) {
		r.powers[h.Power.ID] = true
	}
	if len(r.powers) == 0 {
		return nil
	}
	r.climbs = climbing(rules)
	if isBinding {
		r.binding = key
		r.name(b)
	} else {
		r.role = key
		r.bound(key)
		if cr, isCluster := o.(*rbacv1.ClusterRole); isCluster {
			for _, up := range r.view.Aggregators(cr.Name, cr.Labels) {
				k := inventory.Key{Kind: inventory.ClusterRoleKind, Name: up.Name}
				r.feeds[k] = true
				r.bound(k)
			}
		}
	}
	return r.hazards()
}

// bound collects the subjects of every binding to a role.
func (r *rights) bound(role inventory.Key) {
	for e := range r.j.inv.BindingsTo(role) {
		if b, ok := authz.BoundOf(e.Object); ok {
			r.name(b)
		}
	}
}

// name collects the accounts that a binding means, in every spelling.
func (r *rights) name(b authz.Bound) {
	for i := range b.Subjects {
		s := &b.Subjects[i]
		switch s.Kind {
		case rbacv1.ServiceAccountKind:
			if namespace := cmp.Or(s.Namespace, b.Key.Namespace); namespace != "" {
				r.to = append(r.to, account{namespace, s.Name})
				r.seed(namespace, b.Key.Namespace)
			}
		case rbacv1.UserKind:
			if namespace, name, ok := authz.SplitAccount(s.Name); ok {
				r.to = append(r.to, account{namespace, name})
				r.seed(namespace, b.Key.Namespace)
			}
		case rbacv1.GroupKind:
			r.group(s.Name, b.Key.Namespace)
		}
	}
}

func (r *rights) group(name, in string) {
	if name == authz.AccountGroup || name == authz.Authenticated {
		r.all = true
	}
	if n := len(authz.AccountGroupPrefix); len(name) > n && name[:n] == authz.AccountGroupPrefix {
		r.within[name[n:]] = true
		r.seed(name[n:], in)
	}
}

func (r *rights) hazards() []*hazard {
	if !r.all {
		r.becoming()
	}
	if r.all {
		return r.j.exposed(r.ours)
	}
	var out []*hazard
	for _, namespace := range slices.Sorted(maps.Keys(r.within)) {
		for w := range r.j.workloads(namespace) {
			out = r.j.add(out, target{w, r.j.doorsOf(w)}, r.ours)
		}
	}
	// In order, because whoever searches in order has less to search.
	slices.SortFunc(r.to, func(a, b account) int {
		return cmp.Or(cmp.Compare(a.namespace, b.namespace), cmp.Compare(a.name, b.name))
	})
	r.to = slices.Compact(r.to)
	if r.j.in.Old != nil && r.j.reached == nil {
		r.j.reached = make(map[account][]target, len(r.to))
	}
	for _, a := range r.to {
		if !r.within[a.namespace] {
			out = r.j.running(out, a, r.ours)
		}
	}
	return out
}

// ours keeps a harm that the object under judgement gives, with the steps that
// lead through it: it is on the way to the worst, or it gives the account a
// permission of its own that counts, or, for permissions that are dangerous only
// together, less is left without it.
func (r *rights) ours(h harm) (harm, bool) {
	if h.term != byAccount && h.term != unmounted {
		return h, false
	}
	e := h.effect
	if slices.ContainsFunc(e.Steps, func(s power.Step) bool { return r.gives(&s.Held) }) {
		return h, true
	}
	together := false
	for i := range e.Direct {
		held := &e.Direct[i]
		if held.Severity < atLeast {
			continue
		}
		if r.gives(held) {
			h.severity = held.Severity
			h.steps = []power.Step{{Subject: e.Subject, Held: *held}}
			return h, true
		}
		together = together || held.Power.Combined()
	}
	if !together && !slices.ContainsFunc(e.Steps, func(s power.Step) bool { return s.Held.Power.Combined() }) {
		return h, false
	}
	if r.before == nil {
		r.before = r.j.inv.Without(inventory.KeyOf(r.j.in.Object))
	}
	was := power.Effective(authz.Over(r.before), e.Subject)
	return h, was.Severity < e.Severity || len(was.Direct) < len(e.Direct)
}

// gives reports whether a power comes from the object under judgement. An
// aggregated role has rules of others as well.
func (r *rights) gives(h *power.Held) bool {
	switch {
	case r.binding.Name != "":
		return h.Grant.Binding == r.binding
	case h.Grant.Role == r.role:
		return true
	}
	return r.feeds[h.Grant.Role] && r.powers[h.Power.ID]
}
