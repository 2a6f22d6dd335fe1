// SPDX-License-Identifier: Apache-2.0

package privilege

import (
	"cmp"
	"fmt"
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/authz"
	"github.com/gatehouse-sh/gatehouse/internal/authz/power"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// binding is a RoleBinding or ClusterRoleBinding under judgement, worked out once
// for all checks of an evaluation.
type binding struct {
	authz.Bound
	scope power.Scope
	role  inventory.Key
	grant authz.Grant

	// subjects are those that Kubernetes does not ship, each once.
	subjects []subject

	// rules are the role's, and of a role of Kubernetes what it ships with, for
	// the API server restores what is taken away. known says that there are any
	// to judge.
	rules []rbacv1.PolicyRule
	known bool
	holds []power.Hold

	joined      []union
	joinedKnown bool
}

// subject is one of whom a binding is for.
type subject struct {
	rbacv1.Subject // with the namespace of the binding where an account has none
	at             int
	name           string
	as             authz.Subject
}

// bindingOf reads the object under judgement; false when it is no binding.
func bindingOf(in checks.Input) (*binding, bool) {
	b := checks.Shared(in, in.Object, func() *binding { return readBinding(in) })
	return b, b != nil
}

func readBinding(in checks.Input) *binding {
	bound, ok := authz.BoundOf(in.Object)
	if !ok {
		return nil
	}
	b := resolve(authz.Over(in.Inventory), bound)
	if byAPIServer(in) {
		b.subjects = nil
	}
	return b
}

// resolve works out what a binding gives and to whom.
func resolve(v authz.View, bound authz.Bound) *binding {
	b := &binding{Bound: bound, scope: power.Scope{Namespace: bound.Key.Namespace}, role: bound.Role(), grant: v.Grant(bound)}
	b.rules, b.known = b.grant.Rules, !b.grant.Missing
	if s := shippedAs(b.role); s != nil && !s.kubeadm {
		b.rules, b.known = slices.Concat(b.rules, s.rules), true
	}
	b.holds = power.Of(b.rules, b.scope)
	b.subjects = subjectsOf(bound)
	return b
}

// subjectsOf returns the subjects of a binding that Kubernetes does not ship with
// it, each once.
func subjectsOf(b authz.Bound) []subject {
	out := make([]subject, 0, len(b.Subjects))
	ships := shippedAs(b.Key) != nil
	var seen map[string]bool
	if len(b.Subjects) > 1 {
		seen = make(map[string]bool, len(b.Subjects))
	}
	for i, s := range b.Subjects {
		name := subjectName(s, b.Key.Namespace)
		if seen[name] || ships && shippedBinding(authz.Bound{Key: b.Key, RoleRef: b.RoleRef, Subjects: b.Subjects[i : i+1]}) {
			continue
		}
		if seen != nil {
			seen[name] = true
		}
		if s.Kind == rbacv1.ServiceAccountKind {
			s.Namespace = cmp.Or(s.Namespace, b.Key.Namespace)
		}
		out = append(out, subject{Subject: s, at: i, name: name, as: actor(s)})
	}
	return out
}

// actor is who asks when a subject of a binding does. Its namespace is filled in.
func actor(s rbacv1.Subject) authz.Subject {
	switch s.Kind {
	case rbacv1.ServiceAccountKind:
		return authz.ServiceAccount(s.Namespace, s.Name)
	case rbacv1.GroupKind:
		return authz.Subject{Groups: []string{s.Name}}
	}
	if namespace, name, account := authz.SplitAccount(s.Name); account {
		return authz.ServiceAccount(namespace, name)
	}
	return authz.User(s.Name)
}

// account returns the ServiceAccount that a subject means, by either spelling.
func (s *subject) account() (namespace, name string, ok bool) {
	if s.Kind == rbacv1.GroupKind {
		return "", "", false
	}
	return s.as.Account()
}

// where says how far the binding reaches.
func (b *binding) where() string {
	if b.scope.Namespace == "" {
		return " in the whole cluster"
	}
	return " in namespace " + b.scope.Namespace
}

// worst is the severity of what the role holds where it is bound; SeverityUnset
// when that is nothing, or the role is not known.
func (b *binding) worst() checks.Severity {
	out := checks.SeverityUnset
	for i := range b.holds {
		out = max(out, b.holds[i].Severity)
	}
	return out
}

// harmless reports whether the role is known and holds nothing that is more than
// recorded.
func (b *binding) harmless() bool { return b.known && b.worst() < checks.Medium }

// can names the worst of what the role holds: "read Secrets, write Secrets".
func (b *binding) can() string {
	worst := b.worst()
	var out []string
	for i := range b.holds {
		if b.holds[i].Severity == worst {
			out = append(out, b.holds[i].Power.Can)
		}
	}
	return joinFew(out, "power")
}

// full reports whether the binding gives full control.
func (b *binding) full() (checks.Severity, bool) {
	for i := range b.holds {
		if b.holds[i].Power.ID == "RBAC-001" {
			return b.holds[i].Severity, true
		}
	}
	return checks.SeverityUnset, false
}

// finding reports one subject of the binding.
func (b *binding) finding(s *subject, severity checks.Severity, message string) checks.Finding {
	return checks.Finding{
		Severity: severity, Subject: "subject/" + s.name, Field: fmt.Sprintf("subjects[%d]", s.at), Message: message,
		Path: []string{s.name, b.Key.String(), b.role.String()},
	}
}

// eachSubject makes a check of a function that judges one subject of a binding;
// SeverityUnset means that there is nothing to say.
func eachSubject(judge func(b *binding, s *subject, in checks.Input) (checks.Severity, string)) func(checks.Input) []checks.Finding {
	return func(in checks.Input) []checks.Finding {
		b, ok := bindingOf(in)
		if !ok {
			return unreadable(in)
		}
		var out []checks.Finding
		for i := range b.subjects {
			if severity, message := judge(b, &b.subjects[i], in); severity != checks.SeverityUnset {
				out = append(out, b.finding(&b.subjects[i], severity, message))
			}
		}
		return out
	}
}

// worstHold is the severity of what a grant gives.
func worstHold(g authz.Grant) checks.Severity {
	out := checks.SeverityUnset
	for _, h := range power.Of(g.Rules, power.Scope{Namespace: g.Namespace}) {
		out = max(out, h.Severity)
	}
	return out
}
