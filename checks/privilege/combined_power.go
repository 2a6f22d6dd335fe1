// SPDX-License-Identifier: Apache-2.0

package privilege

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/authz"
	"github.com/gatehouse-sh/gatehouse/internal/authz/power"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// combinedPower is rolePower for permissions that count together. A role that
// has them all is judged alone; those that a subject has by several bindings are
// judged on each of these bindings, and on their roles.
func combinedPower(id string, doc checks.Doc) checks.Check {
	doc.Why += " One role that has them all is reported for itself. " +
		"Permissions that come from several bindings are counted for each ServiceAccount, User and Group that a binding names, the groups that every account belongs to included; " +
		"the groups of users stand in no object, and a binding for every account of the cluster is RBAC-062. Whichever binding or role comes last is refused."
	c := rolePower(id, doc)
	p, known := power.Lookup(id)
	if !known {
		return c // refused by checks.NewSet
	}
	bindings := allBindings
	if p.Narrow == checks.SeverityUnset {
		bindings = clusterBindings
	}
	c.Kinds = slices.Concat(c.Kinds, bindings)
	c.Run = func(in checks.Input) []checks.Finding {
		if b, ok := bindingOf(in); ok {
			return joined(p, b.joinedBy(in))
		}
		return append(judgeRole(p, in), joined(p, joinedByRole(in))...)
	}
	return c
}

var (
	allBindings     = []schema.GroupKind{inventory.RoleBindingKind, inventory.ClusterBindingKind}
	clusterBindings = []schema.GroupKind{inventory.ClusterBindingKind}
)

// union is a combined power that a subject has by several grants.
type union struct {
	power.Joined
	who   authz.Subject
	grant authz.Grant // the one under judgement
	field string
}

// joined reports the unions that make one power.
func joined(p *power.Power, list []union) []checks.Finding {
	var out []checks.Finding
	for _, u := range list {
		if u.Power != p {
			continue
		}
		where := " in the whole cluster"
		who := u.who.String()
		subject := "together/" + who
		if u.Namespace != "" {
			where = " in namespace " + u.Namespace
			subject += " in " + u.Namespace
		}
		var with []string
		for _, g := range u.With {
			with = addOnce(with, g.Binding.String()+" ("+g.Role.String()+")")
		}
		out = append(out, checks.Finding{
			Severity: u.Severity, Subject: subject, Field: u.field,
			Message: "together with " + joinFew(with, "binding") + " lets " + who + " " + p.Can + where,
			Path:    []string{who, u.grant.Binding.String(), u.grant.Role.String()},
			Fix:     "remove one of these bindings, or the permission from one of their roles",
		})
	}
	return out
}

// joinedBy returns the unions that the binding is a part of, worked out once for
// all checks of an evaluation.
func (b *binding) joinedBy(in checks.Input) []union {
	if b.joinedKnown {
		return b.joined
	}
	b.joinedKnown = true
	if power.Contributes(b.grant.Rules) {
		b.joined = gather(authz.Over(in.Inventory)).unions(b.grant, b.subjects, func(s subject) string { return fmt.Sprintf("subjects[%d]", s.at) })
	}
	return b.joined
}

// joinedByRole returns the unions of those who hold the role under judgement, or
// one that collects it.
func joinedByRole(in checks.Input) []union {
	r, ok := roleOf(in)
	if !ok {
		return nil
	}
	if r.joinedKnown {
		return r.joined
	}
	r.joinedKnown = true
	if !power.Contributes(r.judged) {
		return nil
	}
	v := authz.Over(in.Inventory)
	seen := map[string]bool{}
	all := gather(v)
	v = all.view
	for _, key := range r.holding(v) {
		for e := range in.Inventory.BindingsTo(key) {
			bound, ok := authz.BoundOf(e.Object)
			if !ok {
				continue
			}
			if all.apart(bound) {
				continue
			}
			for _, u := range all.unions(v.Grant(bound), subjectsOf(bound), func(subject) string { return "rules" }) {
				if id := u.Power.ID + u.who.String() + u.Namespace; !seen[id] {
					seen[id] = true
					r.joined = append(r.joined, u)
				}
			}
		}
	}
	if in.Old != nil {
		before := gather(authz.Over(in.Before().Inventory))
		r.joined = slices.DeleteFunc(r.joined, before.hadOtherwise)
	}
	return r.joined
}

// hadOtherwise reports whether the power of a union was there before an update in
// another way: by the role alone, or by full control. Taking that away leaves the
// union behind, and is no reason to refuse.
func (g *gathering) hadOtherwise(u union) bool {
	e := g.view.Inventory().Entry(u.grant.Binding)
	if e == nil {
		return false
	}
	bound, ok := authz.BoundOf(e.Object)
	if !ok {
		return false
	}
	one := g.view.Grant(bound)
	others := g.besides(u.who, one.Binding)
	return u.Power.By(append(others, one), u.Namespace) >= u.Severity &&
		!slices.ContainsFunc(power.Completes(one, others, g.view.Inventory().Ended), func(j power.Joined) bool {
			return j.Power == u.Power && j.Namespace == u.Namespace
		})
}
