// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	"cmp"
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/component-helpers/auth/rbac/validation"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/authz"
	"github.com/gatehouse-sh/gatehouse/internal/authz/power"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// Sort says what a change is. The zero value is the one to worry about most.
type Sort uint8

// What can have changed.
const (
	Granted  Sort = iota // a subject is bound to a role that it was not bound to
	Widened              // a role allows what it did not allow
	Revived              // a binding points again at a role or an account that was missing
	Dangling             // a binding points at a role or an account that is missing
	Revoked              // a subject is no longer bound to a role
	Narrowed             // a role no longer allows what it allowed
)

var sortNames = [...]string{"granted", "widened", "revived", "dangling", "revoked", "narrowed"}

// String returns the word of the outputs.
func (s Sort) String() string {
	if int(s) < len(sortNames) {
		return sortNames[s]
	}
	return sortNames[Granted]
}

// Gains reports whether somebody can do more than before.
func (s Sort) Gains() bool { return s == Granted || s == Widened || s == Revived }

// Change is one difference between two moments.
type Change struct {
	Sort    Sort
	Binding inventory.Key  // zero for a changed role
	Role    inventory.Key  // the role that is bound or changed
	Subject rbacv1.Subject // zero for a changed role

	// Missing is what a dangling binding points at, or what a revived one points
	// at again: the role, or a ServiceAccount.
	Missing inventory.Key

	// Rules are the permissions gained or lost, one combination of verb, group and
	// resource each, ordered.
	Rules []rbacv1.PolicyRule

	// Powers are the dangerous ones among them, the most severe first, and
	// Severity is that of the first; SeverityUnset when there is none.
	Powers   []power.Hold
	Severity checks.Severity
}

// Diff returns what is different in b: gains before losses, the most severe
// first. What dangled in a as well is no difference.
func Diff(a, b *Snapshot) []Change {
	before, after := index(a), index(b)
	out := slices.Concat(roleChanges(before, after), bindingChanges(before, after), danglers(before, after))
	slices.SortStableFunc(out, func(x, y Change) int {
		return cmp.Or(
			cmp.Compare(x.Sort, y.Sort), cmp.Compare(y.Severity, x.Severity),
			x.Role.Compare(y.Role), x.Binding.Compare(y.Binding),
			cmp.Compare(subjectName(x.Subject), subjectName(y.Subject)), x.Missing.Compare(y.Missing),
		)
	})
	return out
}

// indexed is a snapshot to look things up in.
type indexed struct {
	snapshot *Snapshot
	roles    map[inventory.Key]*Role
	bindings map[inventory.Key]*Binding
	accounts map[Name]bool
}

func index(s *Snapshot) *indexed {
	x := &indexed{s, make(map[inventory.Key]*Role, len(s.Roles)), make(map[inventory.Key]*Binding, len(s.Bindings)), make(map[Name]bool, len(s.Accounts))}
	for i := range s.Roles {
		x.roles[inventory.KeyOf(s.Roles[i].object())] = &s.Roles[i]
	}
	for i := range s.Bindings {
		x.bindings[inventory.KeyOf(s.Bindings[i].object())] = &s.Bindings[i]
	}
	for _, n := range s.Accounts {
		x.accounts[n] = true
	}
	return x
}

func (x *indexed) rules(role inventory.Key) []rbacv1.PolicyRule {
	if r := x.roles[role]; r != nil {
		return r.Rules
	}
	return nil
}

// roleChanges compares the roles that both have. What a new role allows matters
// when it is bound, which is a change of its own.
func roleChanges(before, after *indexed) []Change {
	var out []Change
	for key, r := range after.roles {
		old := before.roles[key]
		if old == nil {
			continue
		}
		if more := lacking(old.Rules, r.Rules); len(more) > 0 {
			out = append(out, Change{Sort: Widened, Role: key}.with(more, key.Namespace))
		}
		if less := lacking(r.Rules, old.Rules); len(less) > 0 {
			out = append(out, Change{Sort: Narrowed, Role: key}.with(less, key.Namespace))
		}
	}
	return out
}

// lacking returns what the servant's rules allow and the owner's do not, by the
// comparison that guards Kubernetes' own escalation check.
func lacking(owner, servant []rbacv1.PolicyRule) []rbacv1.PolicyRule {
	covered, missing := validation.Covers(owner, servant)
	if covered {
		return nil
	}
	slices.SortFunc(missing, compareRules)
	return missing
}

func (c Change) with(rules []rbacv1.PolicyRule, namespace string) Change {
	c.Rules = rules
	c.Powers = power.Of(rules, power.Scope{Namespace: namespace})
	slices.SortStableFunc(c.Powers, func(a, b power.Hold) int { return cmp.Compare(b.Severity, a.Severity) })
	if len(c.Powers) > 0 {
		c.Severity = c.Powers[0].Severity
	}
	return c
}

// bindingChanges compares who is bound to what, whatever the bindings are
// called: one that was renamed or split changes nothing.
func bindingChanges(before, after *indexed) []Change {
	was, is := before.grants(), after.grants()
	var out []Change
	for g, binding := range is {
		// Nobody has a role that does not exist. One that a binding of another name
		// pointed at before it existed is new; for one of the same name see danglers.
		old, had := was[g]
		had = had && (before.roles[g.role] != nil || old == binding)
		if !had && after.roles[g.role] != nil {
			out = append(out, Change{Sort: Granted, Binding: binding, Role: g.role, Subject: g.subject}.with(after.rules(g.role), binding.Namespace))
		}
	}
	for g, binding := range was {
		if _, has := is[g]; !has {
			out = append(out, Change{Sort: Revoked, Binding: binding, Role: g.role, Subject: g.subject}.with(before.rules(g.role), binding.Namespace))
		}
	}
	return out
}

// grant is that a subject has a role in a namespace, or everywhere.
type grant struct {
	subject   rbacv1.Subject
	role      inventory.Key
	namespace string
}

// grants lists who has what, with the first binding that says so.
func (x *indexed) grants() map[grant]inventory.Key {
	out := map[grant]inventory.Key{}
	for i := range x.snapshot.Bindings {
		b := &x.snapshot.Bindings[i]
		bound, ok := authz.BoundOf(b.object())
		if !ok {
			continue
		}
		for _, s := range b.Subjects {
			g := grant{canonical(s, b.Namespace), bound.Role(), b.Namespace}
			if _, there := out[g]; !there {
				out[g] = bound.Key
			}
		}
	}
	return out
}

// canonical spells a subject in one way: an account by its user name is the
// account.
func canonical(s rbacv1.Subject, namespace string) rbacv1.Subject {
	s.APIGroup = ""
	if s.Kind == rbacv1.UserKind {
		if ns, name, ok := authz.SplitAccount(s.Name); ok {
			return rbacv1.Subject{Kind: rbacv1.ServiceAccountKind, Namespace: ns, Name: name}
		}
	}
	if s.Kind == rbacv1.ServiceAccountKind {
		s.Namespace = cmp.Or(s.Namespace, namespace)
	} else {
		s.Namespace = ""
	}
	return s
}

// danglers lists the bindings that point at nothing, and those that pointed at
// nothing and point at something now: a name that was taken again brings back
// whatever was bound to it.
func danglers(before, after *indexed) []Change {
	var out []Change
	for key, b := range after.bindings {
		old := before.bindings[key]
		bound, ok := authz.BoundOf(b.object())
		if !ok {
			continue
		}
		role := bound.Role()
		pointed := old != nil && before.roles[role] == nil && old.RoleRef.Kind == b.RoleRef.Kind && old.RoleRef.Name == b.RoleRef.Name // at the same, which was missing
		switch missing := after.roles[role] == nil; {
		case missing && pointed:
		case missing:
			out = append(out, Change{Sort: Dangling, Binding: key, Role: role, Missing: role})
		case pointed:
			out = append(out, Change{Sort: Revived, Binding: key, Role: role, Missing: role}.with(after.rules(role), key.Namespace))
		}
		for _, s := range b.Subjects {
			s = canonical(s, b.Namespace)
			name := Name{s.Namespace, s.Name}
			if s.Kind != rbacv1.ServiceAccountKind {
				continue
			}
			change := Change{Binding: key, Role: role, Subject: s, Missing: inventory.Key{Kind: inventory.ServiceAccountKind, Namespace: name.Namespace, Name: name.Name}}
			pointed := old != nil && !before.accounts[name] && names(old, s)
			switch missing := !after.accounts[name]; {
			case missing && pointed:
			case missing:
				change.Sort = Dangling
				out = append(out, change.with(after.rules(role), key.Namespace))
			case pointed:
				change.Sort = Revived
				out = append(out, change.with(after.rules(role), key.Namespace))
			}
		}
	}
	return out
}

func names(b *Binding, s rbacv1.Subject) bool {
	return slices.ContainsFunc(b.Subjects, func(o rbacv1.Subject) bool { return canonical(o, b.Namespace) == s })
}

func subjectName(s rbacv1.Subject) string { return s.Kind + " " + s.Namespace + "/" + s.Name }

func compareRules(a, b rbacv1.PolicyRule) int {
	return cmp.Or(
		slices.Compare(a.NonResourceURLs, b.NonResourceURLs), slices.Compare(a.APIGroups, b.APIGroups),
		slices.Compare(a.Resources, b.Resources), slices.Compare(a.ResourceNames, b.ResourceNames), slices.Compare(a.Verbs, b.Verbs),
	)
}
