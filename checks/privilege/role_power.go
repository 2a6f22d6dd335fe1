// SPDX-License-Identifier: Apache-2.0

package privilege

import (
	"fmt"
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/authz"
	"github.com/gatehouse-sh/gatehouse/internal/authz/power"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// Subjects of what rolePower reports: everything that a role grants of a power
// is one fault, and what an update adds to it is another. Taking something away
// therefore never makes a new fault, and adding always does.
const (
	granted = "rules"
	added   = "rules/added/"
)

// rolePower is the check of one entry of the table of powers, judged on the Role
// or ClusterRole whose rules grant it. It takes id, name and severities from the
// table, and adds to the documentation how the severities come about.
//
// A Role is judged where it is, a ClusterRole as if it were bound in the whole
// cluster, for nothing keeps a later binding from doing that. What Kubernetes
// ships is not judged, and rules that an aggregated role has from others are
// judged there.
func rolePower(id string, doc checks.Doc) checks.Check {
	p, known := power.Lookup(id)
	if !known {
		return checks.Check{ID: id} // refused by checks.NewSet
	}
	severity, actions := grade(p)
	doc.Why += " " + arithmetic(p)
	kinds := roles
	if p.Narrow == checks.SeverityUnset {
		kinds = clusterRoles
	}
	return checks.Check{
		ID: p.ID, Name: p.Name, Severity: severity, Actions: actions, Softens: checks.StepPerGrade, Kinds: kinds, Doc: doc,
		Run: func(in checks.Input) []checks.Finding { return judgeRole(p, in) },
	}
}

// grade chooses the defaults so that in the baseline profile a critical or high
// finding denies, a medium one warns and any other is recorded. In the strict
// profile a power that is medium at its worst denies, one that is low warns.
func grade(p *power.Power) (checks.Severity, checks.Actions) {
	switch {
	case p.Wide >= checks.High:
		return checks.High, checks.Actions{Baseline: checks.Deny, Strict: checks.Deny}
	case p.Wide == checks.Medium:
		return checks.Medium, checks.Actions{Baseline: checks.Warn, Strict: checks.Deny}
	}
	return p.Wide, checks.Actions{Baseline: checks.Audit, Strict: checks.Warn}
}

// arithmetic says in words what the table says of a power.
func arithmetic(p *power.Power) string {
	out := fmt.Sprintf("In a ClusterRole, which may be bound in the whole cluster, it is %s", p.Wide)
	if p.Narrow != checks.SeverityUnset {
		out += fmt.Sprintf("; in a Role it is %s", p.Narrow)
		if p.System > p.Narrow {
			out += fmt.Sprintf(", in namespace kube-system %s", p.System)
		}
	}
	if limited := min(p.Wide, max(p.Named, checks.Low)); limited < p.Wide && namesMatter(p) {
		out += fmt.Sprintf("; where resourceNames limit it to objects that are not known to be dangerous it is at most %s", limited)
	}
	return out + "."
}

// namesMatter reports whether resourceNames make anything of a power less severe.
func namesMatter(p *power.Power) bool {
	return slices.ContainsFunc(slices.Concat(p.Any, slices.Concat(p.All...)), func(t power.Pattern) bool {
		return len(t.Paths) == 0 && t.Most == checks.SeverityUnset && len(t.Names) == 0
	})
}

func judgeRole(p *power.Power, in checks.Input) []checks.Finding {
	r, ok := roleOf(in)
	if !ok {
		return unreadable(in)
	}
	now := p.Permissions(r.judged, r.scope)
	if len(now) == 0 {
		return nil
	}
	if in.Old == nil {
		return []checks.Finding{r.finding(p, granted, now, in)}
	}
	before := p.Permissions(rulesOf(in.Old), r.scope)
	most := checks.Low
	var kept, more []power.Permission
	for _, q := range now {
		switch {
		case in.Ended():
			return nil
		case slices.ContainsFunc(before, func(b power.Permission) bool { return includes(b, q) }):
			kept, most = append(kept, q), max(most, q.Severity)
		case impliedBefore(in, q):
			kept = append(kept, q)
		default:
			more = append(more, q)
		}
	}
	var out []checks.Finding
	if len(kept) > 0 {
		f := r.finding(p, granted, kept, in)
		f.Severity = min(f.Severity, most)
		out = append(out, f)
	}
	if len(more) > 0 {
		subject := granted
		if len(before) > 0 || len(kept) > 0 {
			subject = added + r.spell(more)
		}
		out = append(out, r.finding(p, subject, more, in))
	}
	return out
}

// impliedBefore reports whether the object gave a permission before the update by
// a wider rule that was not counted for this power: one that allows everything, of
// which only RBAC-001 spoke, or a star for subresources without fixed names. What
// is left of it counts as low in the verdict on the update, which takes something
// away; a scan that follows says how severe it is.
func impliedBefore(in checks.Input, q power.Permission) bool {
	return slices.ContainsFunc(rulesOf(in.Old), func(rule rbacv1.PolicyRule) bool {
		return len(rule.ResourceNames) == 0 && authz.Allows(&rule, q.Request)
	})
}

// unreadable is what is said of an object that is none of the kinds of a check.
func unreadable(in checks.Input) []checks.Finding {
	return []checks.Finding{{Certainty: checks.Undetermined, Subject: granted, Message: fmt.Sprintf("is a %T, which this check cannot read", in.Object)}}
}

// includes reports whether a permission that was there before gives one that is
// there now.
func includes(before, now power.Permission) bool {
	if before.Request != now.Request {
		return false
	}
	if len(before.Names) == 0 {
		return true
	}
	return len(now.Names) > 0 && !slices.ContainsFunc(now.Names, func(n string) bool { return !slices.Contains(before.Names, n) })
}

// finding reports permissions, which must not be empty, by the worst of them.
func (r *role) finding(p *power.Power, subject string, list []power.Permission, in checks.Input) checks.Finding {
	severity := checks.SeverityUnset
	for _, q := range list {
		severity = max(severity, q.Severity)
	}
	worst := slices.DeleteFunc(slices.Clone(list), func(q power.Permission) bool { return q.Severity < severity })
	out := checks.Finding{
		Severity: severity, Subject: subject, Field: r.field(worst[0]),
		Message: "may " + p.Can + r.place(p, worst) + ": " + r.spell(worst),
		Path:    r.path(in),
	}
	if !slices.ContainsFunc(worst, func(q power.Permission) bool { return len(q.Names) == 0 || len(q.Pattern.Names) > 0 }) {
		out.Attack = "does this to the objects that are named, and to them only"
		out.Fix = "remove the names and verbs that the holder does not use"
	}
	return out
}

// rulesOf returns the rules of a Role or ClusterRole.
func rulesOf(o inventory.Object) []rbacv1.PolicyRule {
	switch o := o.(type) {
	case *rbacv1.Role:
		return o.Rules
	case *rbacv1.ClusterRole:
		return o.Rules
	}
	return nil
}
