// SPDX-License-Identifier: Apache-2.0

package privilege

import (
	"cmp"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/gatehouse-sh/gatehouse/internal/authz"
	"github.com/gatehouse-sh/gatehouse/internal/authz/power"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// gathering collects what subjects are given besides one binding. It asks once for
// each group, because a thousand accounts share theirs. It belongs to one goroutine.
type gathering struct {
	view    authz.View
	byGroup map[string][]authz.Grant
}

func gather(v authz.View) *gathering {
	return &gathering{authz.Over(v.Inventory().Sweep()), map[string][]authz.Grant{}}
}

// apart reports whether all subjects of a binding are accounts and nothing that
// they are given besides is a part of a combined power, as it is for most. Then
// there are no unions. It is a quick look; false proves nothing.
func (g *gathering) apart(b authz.Bound) bool {
	for i := range b.Subjects {
		namespace, name, account := meant(&b.Subjects[i], b.Key.Namespace)
		if !account || !g.alone(namespace, name, b.Key) {
			return false
		}
	}
	return true
}

// alone is apart for one account.
func (g *gathering) alone(namespace, name string, one inventory.Key) bool {
	inv := g.view.Inventory()
	for _, group := range [...]string{authz.AccountGroup, authz.Authenticated} {
		grants := g.ofGroup(group)
		for i := range grants {
			if grants[i].Binding != one && !power.Apart(grants[i].Rules) {
				return false
			}
		}
	}
	for e := range inv.BindingsOf(rbacv1.ServiceAccountKind, namespace, name) {
		if !g.without(e, one) {
			return false
		}
	}
	for e := range inv.BindingsOf(rbacv1.UserKind, "", authz.AccountPrefix+namespace+":"+name) {
		if !g.without(e, one) {
			return false
		}
	}
	for e := range inv.BindingsOf(rbacv1.GroupKind, "", authz.AccountGroupPrefix+namespace) {
		if !g.without(e, one) {
			return false
		}
	}
	return true
}

// without reports whether a binding is the one, or gives no part of a combined
// power.
func (g *gathering) without(e *inventory.Entry, one inventory.Key) bool {
	if e.Key == one {
		return true
	}
	b, ok := authz.BoundOf(e.Object)
	if !ok {
		return true
	}
	rules, _ := g.view.Rules(b.Role())
	return power.Apart(rules)
}

// meant returns the ServiceAccount that a subject of a binding means, by either
// spelling; false also for names that no account can have.
func meant(s *rbacv1.Subject, home string) (namespace, name string, ok bool) {
	switch s.Kind {
	case rbacv1.UserKind:
		return authz.SplitAccount(s.Name)
	case rbacv1.ServiceAccountKind:
		namespace = cmp.Or(s.Namespace, home)
		return namespace, s.Name, namespace != "" && s.Name != "" && !strings.Contains(namespace, ":") && !strings.Contains(s.Name, ":")
	}
	return "", "", false
}

// ofGroup returns the grants of a group.
func (g *gathering) ofGroup(name string) []authz.Grant {
	grants, known := g.byGroup[name]
	if !known {
		grants = slices.Collect(g.view.Grants(authz.Subject{Groups: []string{name}}))
		g.byGroup[name] = grants
	}
	return grants
}

// besides returns the grants of a subject that are not by one binding, each once.
func (g *gathering) besides(who authz.Subject, one inventory.Key) []authz.Grant {
	var out []authz.Grant
	add := func(grant authz.Grant) {
		if grant.Binding != one && !slices.ContainsFunc(out, func(o authz.Grant) bool { return o.Binding == grant.Binding }) {
			out = append(out, grant)
		}
	}
	for grant := range g.view.Grants(authz.Subject{Name: who.Name}) {
		add(grant)
	}
	for _, name := range who.Groups {
		for _, grant := range g.ofGroup(name) {
			add(grant)
		}
	}
	return out
}

// unions returns the unions that a grant makes with the other grants of its
// subjects.
func (g *gathering) unions(one authz.Grant, subjects []subject, field func(subject) string) []union {
	var out []union
	for _, s := range subjects {
		for _, who := range members(g.view, s) {
			for _, j := range power.Completes(one, g.besides(who, one.Binding), g.view.Inventory().Ended) {
				out = append(out, union{Joined: j, who: who, grant: one, field: field(s)})
			}
		}
	}
	return out
}

// members returns who has what a subject of a binding is given: the subject, and
// of the group of a namespace's accounts those that bindings name too.
func members(v authz.View, s subject) []authz.Subject {
	out := []authz.Subject{s.as}
	if s.Kind != rbacv1.GroupKind {
		return out
	}
	namespace, one := strings.CutPrefix(s.Name, authz.AccountGroupPrefix)
	if !one {
		return out
	}
	for e := range v.Inventory().BindingsWithin(namespace) {
		bound, ok := authz.BoundOf(e.Object)
		if !ok {
			continue
		}
		for _, of := range subjectsOf(bound) {
			if of.Kind == rbacv1.ServiceAccountKind && of.Namespace == namespace && !slices.ContainsFunc(out, func(o authz.Subject) bool { return o.Name == of.as.Name }) {
				out = append(out, of.as)
			}
		}
	}
	return out
}
