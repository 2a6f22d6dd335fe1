// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"iter"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/gatehouse-sh/gatehouse/inventory"
)

// View reads the roles and bindings of one version of the inventory. The zero
// value is not usable; Over makes one. Safe for concurrent use.
type View struct{ inv *inventory.Inventory }

// Over returns the view of an inventory. It costs nothing.
func Over(inv *inventory.Inventory) View { return View{inv} }

// Inventory returns the version that the view reads.
func (v View) Inventory() *inventory.Inventory { return v.inv }

// Grant is a role that a binding gives to a subject. What it points to is
// shared and read-only.
type Grant struct {
	Binding inventory.Key
	Role    inventory.Key

	// Subject is the entry of the binding that means the subject, as it stands
	// there: a group, a user name in the form of an account, an account.
	Subject rbacv1.Subject

	// Namespace is where the rules hold; empty means everywhere, cluster-scoped
	// resources and paths included.
	Namespace string

	// Rules of the role; nil with Missing set when no such role exists.
	Rules   []rbacv1.PolicyRule
	Missing bool
}

// Bound is what a RoleBinding and a ClusterRoleBinding have in common. Its
// slices are the object's own.
type Bound struct {
	Key      inventory.Key
	RoleRef  rbacv1.RoleRef
	Subjects []rbacv1.Subject
}

// BoundOf reads a binding; false for any other object.
func BoundOf(o inventory.Object) (Bound, bool) {
	switch b := o.(type) {
	case *rbacv1.RoleBinding:
		return Bound{inventory.Key{Kind: inventory.RoleBindingKind, Namespace: b.Namespace, Name: b.Name}, b.RoleRef, b.Subjects}, true
	case *rbacv1.ClusterRoleBinding:
		return Bound{inventory.Key{Kind: inventory.ClusterBindingKind, Name: b.Name}, b.RoleRef, b.Subjects}, true
	}
	return Bound{}, false
}

// Role returns the identity of the role that the binding refers to. A
// ClusterRoleBinding that refers to a Role refers to nothing.
func (b Bound) Role() inventory.Key {
	switch b.RoleRef.Kind {
	case inventory.ClusterRoleKind.Kind:
		return inventory.Key{Kind: inventory.ClusterRoleKind, Name: b.RoleRef.Name}
	case inventory.RoleKind.Kind:
		return inventory.Key{Kind: inventory.RoleKind, Namespace: b.Key.Namespace, Name: b.RoleRef.Name}
	}
	return inventory.Key{Name: b.RoleRef.Name}
}

// Bindings yields the bindings that list a subject, by whatever spelling; one
// that lists it more than once comes once for each.
func (v View) Bindings(s Subject) iter.Seq[Bound] {
	return func(yield func(Bound) bool) {
		visit := func(e *inventory.Entry) bool {
			b, ok := BoundOf(e.Object)
			return !ok || yield(b)
		}
		for namespace, name := range splits(s.Name) {
			if !every(v.inv.BindingsOf(rbacv1.ServiceAccountKind, namespace, name), visit) {
				return
			}
		}
		if s.Name != "" && !every(v.inv.BindingsOf(rbacv1.UserKind, "", s.Name), visit) {
			return
		}
		for i, g := range s.Groups {
			if !slices.Contains(s.Groups[:i], g) && !every(v.inv.BindingsOf(rbacv1.GroupKind, "", g), visit) {
				return
			}
		}
	}
}

// splits yields every way in which a user name is that of an account of a
// namespace. There is
// one for a real account; but a binding may list an account whose namespace holds
// a colon, which RBAC does not validate, and a certificate may name the user that
// it then means.
func splits(user string) iter.Seq2[string, string] {
	return func(yield func(namespace, name string) bool) {
		rest, account := strings.CutPrefix(user, AccountPrefix)
		for i := range len(rest) {
			if account && i > 0 && rest[i] == ':' && !yield(rest[:i], rest[i+1:]) {
				return
			}
		}
	}
}

func every[T any](seq iter.Seq[T], visit func(T) bool) bool {
	for x := range seq {
		if !visit(x) {
			return false
		}
	}
	return true
}

// Grants yields what bindings give to a subject, missing roles included.
func (v View) Grants(s Subject) iter.Seq[Grant] {
	return func(yield func(Grant) bool) {
		for b := range v.Bindings(s) {
			g := v.Grant(b)
			for i := range b.Subjects {
				if s.Names(&b.Subjects[i], b.Key.Namespace) {
					g.Subject = b.Subjects[i]
					break
				}
			}
			if !yield(g) {
				return
			}
		}
	}
}

// Grant resolves the role of a binding.
func (v View) Grant(b Bound) Grant {
	g := Grant{Binding: b.Key, Role: b.Role(), Namespace: b.Key.Namespace}
	rules, found := v.Rules(g.Role)
	g.Rules, g.Missing = rules, !found
	return g
}

// Allows reports whether one of the grant's rules allows the request where the
// request takes place.
func (g *Grant) Allows(r Request) bool {
	if g.Namespace != "" && (r.Namespace != g.Namespace || r.Path != "") {
		return false
	}
	for i := range g.Rules {
		if Allows(&g.Rules[i], r) {
			return true
		}
	}
	return false
}

// Allowed reports whether a subject may do what is asked, and by which grant. A
// member of system:masters may do everything, and no binding says so: the grant
// is empty then.
func (v View) Allowed(s Subject, r Request) (Grant, bool) {
	if slices.Contains(s.Groups, Masters) {
		return Grant{}, true
	}
	for g := range v.Grants(s) {
		if g.Allows(r) {
			return g, true
		}
	}
	return Grant{}, false
}

// Holder is a subject of a binding that may do what was asked.
type Holder struct {
	Subject rbacv1.Subject // as it stands in the binding, a missing namespace filled in
	Grant   Grant
}

// Holders returns every subject that a binding allows the request, ordered by
// kind, namespace and name of the subject, then by binding. system:masters, which
// needs no binding, is not in it, nor are subjects of kinds that mean nobody.
func (v View) Holders(r Request) []Holder {
	var out []Holder
	collect := func(e *inventory.Entry) {
		b, ok := BoundOf(e.Object)
		if !ok {
			return
		}
		g := v.Grant(b)
		if !g.Allows(r) {
			return
		}
		for _, s := range b.Subjects {
			switch {
			case s.Kind == rbacv1.ServiceAccountKind && s.Namespace == "":
				s.Namespace = b.Key.Namespace
			case s.Kind != rbacv1.ServiceAccountKind && s.Kind != rbacv1.UserKind && s.Kind != rbacv1.GroupKind:
				continue
			}
			g.Subject = s
			out = append(out, Holder{s, g})
		}
	}
	for e := range v.inv.Entries(inventory.ClusterBindingKind, "") {
		collect(e)
	}
	if r.Namespace != "" && r.Path == "" {
		for e := range v.inv.Entries(inventory.RoleBindingKind, r.Namespace) {
			collect(e)
		}
	}
	slices.SortFunc(out, compareHolders)
	return slices.CompactFunc(out, func(a, b Holder) bool { return compareHolders(a, b) == 0 })
}
