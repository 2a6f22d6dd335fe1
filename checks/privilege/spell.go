// SPDX-License-Identifier: Apache-2.0

package privilege

import (
	"fmt"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/authz"
	"github.com/gatehouse-sh/gatehouse/internal/authz/power"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// shown is how many things of one sort a message names before it counts them.
const shown = 4

// spell names permissions, rule by rule, by the words of the rule where it holds
// stars: "get, list on secrets; create, patch on deployments.apps".
func (r *role) spell(list []power.Permission) string {
	var rules []string
	for len(list) > 0 {
		at := list[0].Rule
		n := slices.IndexFunc(list, func(q power.Permission) bool { return q.Rule != at })
		if n < 0 {
			n = len(list)
		}
		if text := spellRule(&r.judged[at], list[:n]); !slices.Contains(rules, text) {
			rules = append(rules, text)
		}
		list = list[n:]
	}
	return strings.Join(fewOf(rules, "rule"), "; ")
}

// spellRule names what one rule gives.
func spellRule(rule *rbacv1.PolicyRule, list []power.Permission) string {
	var verbs, objects []string
	for _, q := range list {
		verbs = addOnce(verbs, q.Request.Verb)
		objects = addOnce(objects, target(q.Request))
	}
	switch {
	case slices.Contains(rule.Verbs, rbacv1.VerbAll):
		verbs = []string{"every verb"}
	case verbs[0] == rbacv1.VerbAll: // RBAC-001 by verbs that are spelled out
		verbs = rule.Verbs
	}
	switch {
	case list[0].Request.Path != "":
		objects = rule.NonResourceURLs
	case slices.Contains(rule.Resources, rbacv1.ResourceAll):
		objects = []string{"every resource of " + groupsOf(rule.APIGroups)}
	}
	out := strings.Join(verbs, ", ") + " on " + joinFew(objects, "resource")
	if len(rule.ResourceNames) > 0 {
		out += " named " + joinFew(rule.ResourceNames, "name")
	}
	return out
}

// target writes what a request is about as kubectl does: "deployments.apps",
// "pods/exec", "/metrics".
func target(q authz.Request) string {
	if q.Path != "" {
		return q.Path
	}
	out := q.Resource
	if q.Group != "" {
		out += "." + q.Group
	}
	if q.Subresource != "" {
		out += "/" + q.Subresource
	}
	return out
}

// groupsOf writes a list of API groups.
func groupsOf(list []string) string {
	if slices.Contains(list, rbacv1.APIGroupAll) {
		return "every group"
	}
	names := make([]string, 0, len(list))
	for _, g := range list {
		if g == "" {
			g = "the core group"
		}
		names = append(names, g)
	}
	return joinFew(names, "group")
}

// fewOf returns the first of a list, and how many more there are in place of the
// others.
func fewOf(list []string, one string) []string {
	if len(list) <= shown {
		return list
	}
	more := len(list) - shown + 1
	return append(slices.Clone(list[:shown-1]), fmt.Sprintf("and %s more", counted(more, one)))
}

// counted writes "1 rule" or "3 rules".
func counted(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}

func addOnce(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

// place says where permissions hold: " in namespace shop", " in every
// namespace", or nothing for what has no namespace.
func (r *role) place(p *power.Power, list []power.Permission) string {
	if r.scope.Namespace != "" {
		return " in namespace " + r.scope.Namespace
	}
	if p.Narrow == checks.SeverityUnset {
		return ""
	}
	where := ""
	for _, q := range list {
		switch {
		case q.Pattern == nil:
			return " in the whole cluster"
		case q.Pattern.ClusterOnly:
		case q.Pattern.Namespace != "" && where == "":
			where = " in namespace " + q.Pattern.Namespace
		case q.Pattern.Namespace == "":
			return " in every namespace"
		}
	}
	return where
}

// path shows who holds the role by which binding; nil when nothing binds it.
func (r *role) path(in checks.Input) []string {
	if r.asked {
		return r.holders
	}
	r.asked = true
	bindings, extra := 0, 0
	var first authz.Bound
	var who rbacv1.Subject
	for e := range in.Inventory.BindingsTo(r.key) {
		b, ok := authz.BoundOf(e.Object)
		if !ok || len(b.Subjects) == 0 {
			continue
		}
		bindings++
		extra += len(b.Subjects)
		// Cluster-wide bindings are worth more than those of a namespace.
		if bindings == 1 || first.Key.Namespace != "" && b.Key.Namespace == "" {
			first, who = b, b.Subjects[0]
		}
	}
	if bindings == 0 {
		return nil
	}
	r.holders = []string{
		subjectName(who, first.Key.Namespace) + andMore(extra-1),
		first.Key.String() + andMore(bindings-1),
		r.key.String(),
	}
	return r.holders
}

// andMore writes " and 3 more"; nothing for none.
func andMore(n int) string {
	if n <= 0 {
		return ""
	}
	return fmt.Sprintf(" and %d more", n)
}

// subjectName names a subject of a binding: "ServiceAccount shop/web", "Group
// system:authenticated". The namespace is the binding's.
func subjectName(s rbacv1.Subject, namespace string) string {
	if s.Kind != rbacv1.ServiceAccountKind {
		return s.Kind + " " + s.Name
	}
	if s.Namespace != "" {
		namespace = s.Namespace
	}
	return inventory.Key{Kind: inventory.ServiceAccountKind, Namespace: namespace, Name: s.Name}.String()
}

// ruleText writes a rule as one line: "get, list on pods, pods/log".
func ruleText(rule *rbacv1.PolicyRule) string {
	verbs := strings.Join(rule.Verbs, ", ")
	if slices.Contains(rule.Verbs, rbacv1.VerbAll) {
		verbs = "every verb"
	}
	out := verbs + " on " + joinFew(objectsOf(rule), "resource")
	if len(rule.ResourceNames) > 0 {
		out += " named " + joinFew(rule.ResourceNames, "name")
	}
	return out
}

// joinFew writes the first of a list and how many more there are.
func joinFew(list []string, one string) string { return strings.Join(fewOf(list, one), ", ") }
