// SPDX-License-Identifier: Apache-2.0

package privilege

import (
	"fmt"
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/authz"
	"github.com/gatehouse-sh/gatehouse/internal/authz/power"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// autoUpdate keeps the API server from repairing an object of its own.
const autoUpdate = "rbac.authorization.kubernetes.io/autoupdate"

// everybody are the shipped roles that every authenticated or even anonymous
// request holds.
var everybody = []string{"system:basic-user", "system:discovery", "system:public-info-viewer", "system:service-account-issuer-discovery"}

// tamperedDefaults flags roles and bindings of Kubernetes that were changed
// (RBAC-015).
func tamperedDefaults() checks.Check {
	return checks.Check{
		ID: "RBAC-015", Name: "tampered-defaults", Severity: checks.High, Actions: stricter, Softens: checks.StepPerGrade,
		Kinds: []schema.GroupKind{inventory.RoleKind, inventory.ClusterRoleKind, inventory.RoleBindingKind, inventory.ClusterBindingKind},
		Doc: checks.Doc{
			Title: "The default roles and bindings of Kubernetes grant what they shipped with",
			Why: "Roles such as system:discovery and admin exist in every cluster and nobody reviews them: a rule or a subject that is added there hides well, and the API server, which restores at its start what is missing, leaves additions alone. " +
				"Compared is with what Kubernetes 1.31 to 1.36 ships. Rules beyond it are high when they are dangerous (by the other checks), when everybody holds the role, or when an update adds them; otherwise they are low, for a later version of Kubernetes may ship them. " +
				"A subject beyond it is high, and so is the annotation " + autoUpdate + ": \"false\", which keeps the API server from restoring the object. What the API server writes itself is not judged, and taking rules away is not reported.",
			Attack:  "keeps a way back in that looks like a part of Kubernetes",
			Fix:     "take the additions out, and put them into a role or binding of your own",
			Exempt:  "A hardening guide of the distribution that sets the annotation after taking rules away.",
			Sources: []string{rbacDocs + "#auto-reconciliation", rbacDocs + "#default-roles-and-role-bindings", "https://github.com/kubernetes/kubernetes/blob/v1.36.3/plugin/pkg/auth/authorizer/rbac/bootstrappolicy/policy.go"},
		},
		Run: judgeDefaults,
	}
}

func judgeDefaults(in checks.Input) []checks.Finding {
	s := shippedAs(inventory.KeyOf(in.Object))
	if s == nil || s.kubeadm || byAPIServer(in) {
		return nil
	}
	var out []checks.Finding
	if in.Object.GetAnnotations()[autoUpdate] == "false" {
		out = append(out, checks.Finding{
			Subject: "autoupdate", Field: "metadata.annotations[" + autoUpdate + "]",
			Message: "is kept from being restored by the API server",
		})
	}
	if b, ok := authz.BoundOf(in.Object); ok {
		return append(out, foreignSubjects(s, b)...)
	}
	if role, ok := in.Object.(*rbacv1.ClusterRole); ok && s.collectsMore(role.AggregationRule) {
		out = append(out, checks.Finding{
			Subject: "aggregationRule", Field: "aggregationRule.clusterRoleSelectors", Message: "collects other roles than Kubernetes lets it",
		})
	}
	return append(out, foreignRules(s, in)...)
}

func foreignSubjects(s *shippedObject, b authz.Bound) []checks.Finding {
	if s.role != b.RoleRef.Kind+" "+b.RoleRef.Name {
		return []checks.Finding{{Subject: "roleRef", Field: "roleRef", Message: "binds " + b.Role().String() + ", where Kubernetes binds " + s.role}}
	}
	var out []checks.Finding
	for i, subject := range b.Subjects {
		one := authz.Bound{Key: b.Key, RoleRef: b.RoleRef, Subjects: []rbacv1.Subject{subject}}
		if shippedBinding(one) {
			continue
		}
		name := subjectName(subject, b.Key.Namespace)
		out = append(out, checks.Finding{
			Subject: "subject/" + name, Field: fmt.Sprintf("subjects[%d]", i),
			Message: "gives " + b.Role().String() + " to " + name + ", to whom Kubernetes does not give it",
			Path:    []string{name, b.Key.String(), b.Role().String()},
		})
	}
	return out
}

// foreignRules reports the rules of a shipped role that no known version has.
func foreignRules(s *shippedObject, in checks.Input) []checks.Finding {
	r, ok := roleOf(in)
	if !ok {
		return unreadable(in)
	}
	usual := map[string]checks.Severity{}
	for _, h := range power.Of(s.rules, r.scope) {
		usual[h.Power.ID] = h.Severity
	}
	var now, before []atom
	for i := range r.judged {
		rule := &r.judged[i]
		if len(rule.Verbs) == 0 || in.Ended() {
			continue
		}
		a := atom{ruleText(rule), fmt.Sprintf("rules[%d]", i), checks.Low}
		dangerous := slices.ContainsFunc(power.Of(r.judged[i:i+1], r.scope), func(h power.Hold) bool { return h.Severity > max(usual[h.Power.ID], checks.Low) })
		known := in.Old != nil && covers(in, rulesOf(in.Old), rule)
		if dangerous || slices.Contains(everybody, r.key.Name) || in.Old != nil && !known {
			a.severity = checks.High
		}
		now = append(now, a)
		if known {
			before = append(before, a)
		}
	}
	if in.Old != nil {
		before = append(before, atom{}) // the object was there, with other rules if with none of these
	}
	out := keptAndAdded(before, now, func(list []atom) string {
		return "allows what Kubernetes does not ship with it: " + joinFew(keys(list), "rule")
	})
	for i := range out {
		out[i].Path = r.path(in)
	}
	return out
}
