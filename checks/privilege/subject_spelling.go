// SPDX-License-Identifier: Apache-2.0

package privilege

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/authz"
)

// subjectSpelling flags subjects that do not look like who they are (RBAC-067).
func subjectSpelling() checks.Check {
	return checks.Check{
		ID: "RBAC-067", Name: "subject-spelling", Severity: checks.Medium, Actions: stricter, Softens: checks.StepPerGrade, Kinds: allBindings,
		Doc: checks.Doc{
			Title: "Subjects of bindings are written as what they are",
			Why: "The authorizer compares names, not kinds of objects: a User called system:serviceaccount:shop:web is the ServiceAccount, and reviews and scanners that look for ServiceAccounts overlook it. " +
				"Names that are written like those of Kubernetes but for case, spaces or invisible characters deceive the reader. Both are medium. " +
				"Low are a ServiceAccount without namespace, which means one of the binding's own, a subject that is listed twice, and a well-known group written as a User or the other way round, which names nobody. " +
				"Groups of ServiceAccounts are RBAC-062. A wrong apiGroup is refused by Kubernetes itself, and an empty one is filled in.",
			Attack:  "hides who holds a role from those who review it",
			Fix:     "write kind: ServiceAccount with namespace and name, each subject once",
			Exempt:  "A tool that writes accounts as users and cannot be changed.",
			Sources: []string{rbacDocs + "#referring-to-subjects", "https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/registry/rbac/validation/rule.go", "https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/"},
		},
		Run: func(in checks.Input) []checks.Finding {
			b, ok := bindingOf(in)
			if !ok {
				return unreadable(in)
			}
			var out []checks.Finding
			for i := range b.subjects {
				s := &b.subjects[i]
				if severity, message := misspelt(b, s); severity != checks.SeverityUnset {
					f := b.finding(s, severity, message)
					f.Path = nil
					out = append(out, f)
				}
			}
			return append(out, b.twice()...)
		},
	}
}

func misspelt(b *binding, s *subject) (checks.Severity, string) {
	if s.Kind == rbacv1.ServiceAccountKind {
		if b.Subjects[s.at].Namespace == "" {
			return checks.Low, "names ServiceAccount " + s.Name + " without its namespace, which is " + s.Namespace
		}
		return checks.SeverityUnset, ""
	}
	if plain := likeSystem(s.Name); plain != s.Name {
		return checks.Medium, fmt.Sprintf("names %s %q, which looks like %s and is not", s.Kind, s.Name, plain)
	}
	if s.Kind == rbacv1.UserKind && strings.HasPrefix(s.Name, authz.AccountPrefix) {
		if namespace, name, ok := authz.SplitAccount(s.Name); ok {
			return checks.Medium, "names ServiceAccount " + namespace + "/" + name + " as a User"
		}
		return checks.Medium, "names User " + s.Name + ", which looks like a ServiceAccount and is none"
	}
	isGroup := slices.Contains([]string{authz.Authenticated, authz.Unauthenticated, authz.AccountGroup, authz.Masters, "system:nodes"}, s.Name) ||
		strings.HasPrefix(s.Name, authz.AccountGroupPrefix)
	isUser := s.Name == authz.Anonymous || strings.HasPrefix(s.Name, authz.AccountPrefix)
	switch {
	case s.Kind == rbacv1.UserKind && isGroup:
		return checks.Low, "names the group " + s.Name + " as a User, whom nobody is"
	case s.Kind == rbacv1.GroupKind && isUser:
		return checks.Low, "names the user " + s.Name + " as a Group, in which nobody is"
	}
	return checks.SeverityUnset, ""
}

// likeSystem returns what a reader takes a name for: one of Kubernetes' own, or
// the name without spaces around it and without invisible characters.
func likeSystem(name string) string {
	seen := strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) || unicode.IsControl(r) {
			return -1
		}
		return r
	}, name))
	if lower := strings.ToLower(seen); strings.HasPrefix(lower, "system:") && !strings.HasPrefix(seen, "system:") {
		return lower
	}
	return seen
}

// twice reports who is listed more than once, by whatever spelling.
func (b *binding) twice() []checks.Finding {
	first := map[string]int{}
	told := map[string]bool{}
	var out []checks.Finding
	for i, s := range b.Subjects {
		name := s.Kind + " " + s.Name
		if s.Kind == rbacv1.ServiceAccountKind {
			name = subjectName(s, b.Key.Namespace)
		} else if namespace, account, ok := authz.SplitAccount(s.Name); ok && s.Kind == rbacv1.UserKind {
			name = "ServiceAccount " + namespace + "/" + account
		}
		if at, again := first[name]; again && !told[name] {
			told[name] = true
			out = append(out, checks.Finding{
				Severity: checks.Low, Subject: "twice/" + name, Field: fmt.Sprintf("subjects[%d]", i),
				Message: fmt.Sprintf("names %s a second time, after subjects[%d]", name, at),
			})
		} else if !again {
			first[name] = i
		}
	}
	return out
}
