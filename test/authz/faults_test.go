// SPDX-License-Identifier: Apache-2.0

package differential

import (
	"slices"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apiserver/pkg/authentication/serviceaccount"
)

// faults are mistakes that RBAC tools make, each as a change to a settled
// universe under which the in-tree authorizer answers as the mistaken tool does.
var faults = map[string]func(testing.TB, *universe){
	"pods/* grants subresources": eachResource(func(s string) []string {
		if resource, ok := strings.CutSuffix(s, "/*"); ok {
			return []string{s, resource + "/exec", resource + "/log"}
		}
		return []string{s}
	}),
	"pods grants its subresources": eachResource(func(s string) []string {
		if strings.Contains(s, "/") {
			return []string{s}
		}
		return []string{s, s + "/exec", s + "/status"}
	}),
	"*/exec grants nothing": eachResource(func(s string) []string {
		if strings.HasPrefix(s, "*/") {
			return nil
		}
		return []string{s}
	}),
	"the resource name * is a wildcard": eachRule(func(r *rbacv1.PolicyRule) {
		if slices.Contains(r.ResourceNames, "*") {
			r.ResourceNames = nil
		}
	}),
	"resource names are not looked at": eachRule(func(r *rbacv1.PolicyRule) { r.ResourceNames = nil }),
	"no API group means the core group": eachRule(func(r *rbacv1.PolicyRule) {
		if len(r.APIGroups) == 0 {
			r.APIGroups = []string{""}
		}
	}),
	"the API group * is a name": eachRule(func(r *rbacv1.PolicyRule) {
		r.APIGroups = slices.DeleteFunc(r.APIGroups, func(s string) bool { return s == "*" })
	}),
	"the verb * leaves out impersonate": eachRule(func(r *rbacv1.PolicyRule) {
		if slices.Contains(r.Verbs, "*") {
			r.Verbs = slices.DeleteFunc(slices.Clone(verbs), func(s string) bool { return s == "*" || s == "impersonate" })
		}
	}),
	"/a** is the prefix /a*": eachRule(func(r *rbacv1.PolicyRule) {
		r.NonResourceURLs = slices.DeleteFunc(r.NonResourceURLs, func(s string) bool { return strings.HasSuffix(s, "**") })
	}),
	"/api/* includes /api": eachRule(func(r *rbacv1.PolicyRule) {
		for _, s := range slices.Clone(r.NonResourceURLs) {
			if path, ok := strings.CutSuffix(s, "/*"); ok {
				r.NonResourceURLs = append(r.NonResourceURLs, path)
			}
		}
	}),
	"an account without namespace is nobody": eachSubject(func(s *rbacv1.Subject, _ string) bool {
		return s.Kind != rbacv1.ServiceAccountKind || s.Namespace != ""
	}),
	"an account is always of the binding's namespace": eachSubject(func(s *rbacv1.Subject, namespace string) bool {
		if s.Kind == rbacv1.ServiceAccountKind && namespace != "" {
			s.Namespace = namespace
		}
		return true
	}),
	"an account is not a user": eachSubject(func(s *rbacv1.Subject, _ string) bool {
		return s.Kind != rbacv1.UserKind || !strings.HasPrefix(s.Name, serviceaccount.ServiceAccountUsernamePrefix)
	}),
	"an account is in no group of its namespace": eachSubject(func(s *rbacv1.Subject, _ string) bool {
		return s.Kind != rbacv1.GroupKind || !strings.HasPrefix(s.Name, serviceaccount.ServiceAccountGroupPrefix)
	}),
	"a subject of a foreign API group is nobody": eachSubject(func(s *rbacv1.Subject, _ string) bool {
		return s.APIGroup == "" || s.APIGroup == rbacv1.GroupName
	}),
	"a group may be bound as a user": eachSubject(func(s *rbacv1.Subject, _ string) bool {
		if s.Kind == rbacv1.UserKind && slices.Contains(groups, s.Name) {
			s.Kind = rbacv1.GroupKind
		}
		return true
	}),
	"a RoleBinding to a ClusterRole holds everywhere": func(_ testing.TB, u *universe) {
		for _, b := range u.roleBindings {
			if b.RoleRef.Kind == "ClusterRole" {
				u.clusterRoleBindings = append(u.clusterRoleBindings, &rbacv1.ClusterRoleBinding{RoleRef: b.RoleRef, Subjects: b.Subjects})
			}
		}
	},
	"a RoleBinding finds the Role of another namespace": func(_ testing.TB, u *universe) {
		for _, r := range slices.Clone(u.roles) {
			for _, namespace := range namespaces {
				r := r.DeepCopy()
				r.Namespace = namespace
				u.roles = append(u.roles, r) // the first of a name counts
			}
		}
	},
	"aggregation selects nothing": func(_ testing.TB, u *universe) {
		for _, r := range u.clusterRoles {
			if r.AggregationRule != nil {
				r.Rules = nil
			}
		}
	},
	"aggregation goes one step": func(t testing.TB, u *universe) {
		t.Helper()
		before := u.clone()
		for i, r := range u.clusterRoles {
			if r.AggregationRule == nil {
				continue
			}
			r.Rules = nil
			for _, s := range sources(t, before, before.clusterRoles[i]) {
				if s.AggregationRule == nil {
					r.Rules = append(r.Rules, s.Rules...)
				}
			}
		}
	},
}

func eachRule(change func(*rbacv1.PolicyRule)) func(testing.TB, *universe) {
	return func(_ testing.TB, u *universe) {
		for _, r := range u.roles {
			for i := range r.Rules {
				change(&r.Rules[i])
			}
		}
		for _, r := range u.clusterRoles {
			for i := range r.Rules {
				change(&r.Rules[i])
			}
		}
	}
}

func eachResource(change func(string) []string) func(testing.TB, *universe) {
	return eachRule(func(r *rbacv1.PolicyRule) {
		var out []string
		for _, s := range r.Resources {
			out = append(out, change(s)...)
		}
		r.Resources = out
	})
}

// eachSubject changes the subjects and keeps those for which keep is true. The
// namespace is the binding's.
func eachSubject(keep func(s *rbacv1.Subject, namespace string) bool) func(testing.TB, *universe) {
	return func(_ testing.TB, u *universe) {
		for _, b := range u.roleBindings {
			b.Subjects = keepSubjects(b.Subjects, b.Namespace, keep)
		}
		for _, b := range u.clusterRoleBindings {
			b.Subjects = keepSubjects(b.Subjects, "", keep)
		}
	}
}

func keepSubjects(list []rbacv1.Subject, namespace string, keep func(*rbacv1.Subject, string) bool) []rbacv1.Subject {
	var out []rbacv1.Subject
	for _, s := range list {
		if keep(&s, namespace) {
			out = append(out, s)
		}
	}
	return out
}

// faultLimit is how many questions may pass before a fault shows. TestInTree
// asks five times more.
const faultLimit = manyQuestions / 5

// TestKnownFaultsAreFound shows that the questions tell a right answer from
// those of known mistakes, and soon.
func TestKnownFaultsAreFound(t *testing.T) {
	t.Parallel()
	seed := seedOf(t)
	if len(faults) == 0 {
		t.Fatal("no faults")
	}
	for name, spoil := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			asked := 0
			for i := uint64(1); asked < faultLimit; i++ {
				u, d := universeAt(seed, i)
				settled := settle(t, u)
				near, right := grants(settled), inTree(t, settled)
				spoiled := settled.clone()
				spoil(t, spoiled)
				wrong := inTree(t, spoiled)
				for range questionsFor(u) {
					asked++
					if q := ask(d, near); right(q) != wrong(q) {
						t.Logf("seed %d: found with question %d", seed, asked)
						return
					}
				}
			}
			t.Errorf("seed %d: not found with %d questions", seed, asked)
		})
	}
}
