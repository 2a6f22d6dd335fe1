// SPDX-License-Identifier: Apache-2.0

package differential

import (
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apiserver/pkg/authentication/serviceaccount"
	"k8s.io/apiserver/pkg/authentication/user"

	"github.com/gatehouse-sh/gatehouse/internal/authz"
)

// ask draws a question near one of the grants.
func ask(d dice, grants []grant) question {
	if len(grants) == 0 || d.chance(5) {
		return question{randomIdentity(d), randomRequest(d)}
	}
	g := pick(d, grants)
	q := question{identityOf(d, g), requestOf(d, g)}
	for d.chance(33) {
		mutate(d, &q)
	}
	return q
}

func randomIdentity(d dice) identity {
	if d.chance(50) {
		return identity{namespace: pick(d, namespaces), account: pick(d, accounts)}
	}
	i := identity{name: pick(d, users)}
	if d.chance(15) {
		i.name = serviceaccount.MakeUsername(pick(d, namespaces), pick(d, accounts))
	}
	if d.chance(60) {
		i.groups = some(d, groupSubjects, 3)
	}
	return i
}

// identityOf draws somebody whom the subject of a grant names. Nobody has no
// name: no authenticator lets that in, and no API server stores such a subject.
func identityOf(d dice, g grant) identity {
	i := randomIdentity(d)
	if g.subject.Name == "" {
		return i
	}
	switch s := g.subject; s.Kind {
	case rbacv1.ServiceAccountKind:
		namespace := s.Namespace
		if namespace == "" {
			namespace = g.namespace
		}
		if d.chance(80) {
			return identity{namespace: namespace, account: s.Name}
		}
		return identity{name: serviceaccount.MakeUsername(namespace, s.Name)}
	case rbacv1.UserKind:
		if parts := strings.Split(s.Name, ":"); len(parts) == 4 && d.chance(80) {
			return identity{namespace: parts[2], account: parts[3]}
		}
		return identity{name: s.Name, groups: i.groups}
	case rbacv1.GroupKind:
		namespace, ofOne := strings.CutPrefix(s.Name, serviceaccount.ServiceAccountGroupPrefix)
		switch {
		case ofOne && d.chance(80):
			return identity{namespace: namespace, account: pick(d, accounts)}
		case i.account != "" && (s.Name == serviceaccount.AllServiceAccountsGroup || s.Name == user.AllAuthenticated):
			return i
		}
		return identity{name: pick(d, users), groups: slices.Insert(slices.Clone(i.groups), d.IntN(len(i.groups)+1), s.Name)}
	default:
		return i
	}
}

func randomRequest(d dice) authz.Request {
	if d.chance(15) {
		return authz.Request{Verb: pick(d, pathVerbs), Path: pick(d, paths)}
	}
	r := authz.Request{Verb: pick(d, verbs), Group: pick(d, apiGroups), Resource: pick(d, resources), Namespace: namespaceOf(d, "")}
	if d.chance(40) {
		r.Subresource = pick(d, subresources)
	}
	if d.chance(40) {
		r.Name = pick(d, resourceNames)
	}
	return r
}

// namespaceOf draws where to ask for something that is granted in a namespace.
func namespaceOf(d dice, namespace string) string {
	switch {
	case namespace != "":
		return namespace
	case d.chance(30):
		return ""
	case d.chance(5):
		return "elsewhere"
	default:
		return pick(d, namespaces)
	}
}

// requestOf draws something that a rule seems to allow.
func requestOf(d dice, g grant) authz.Request {
	r := randomRequest(d)
	word := func(list []string, otherwise string) string {
		if len(list) == 0 {
			return otherwise
		}
		if one := pick(d, list); one != "*" || d.chance(10) {
			return one
		}
		return otherwise
	}
	r.Verb = word(g.rule.Verbs, r.Verb)
	if len(g.rule.NonResourceURLs) > 0 && (len(g.rule.Resources) == 0 || d.chance(50)) {
		path := pick(d, g.rule.NonResourceURLs)
		if d.chance(60) {
			path = strings.ReplaceAll(path, "*", pick(d, []string{"", "v1", "/x/y", "*"}))
		}
		if path == "" {
			path = "/"
		}
		return authz.Request{Verb: r.Verb, Path: path}
	}
	if r.Path != "" || len(g.rule.Resources) == 0 {
		return r
	}
	r.Namespace = namespaceOf(d, g.namespace)
	r.Group = word(g.rule.APIGroups, r.Group)
	resource, subresource, _ := strings.Cut(word(g.rule.Resources, r.Resource), "/")
	r.Subresource = word([]string{subresource}, r.Subresource)
	r.Resource = word([]string{resource}, r.Resource)
	if len(g.rule.ResourceNames) > 0 {
		r.Name = pick(d, g.rule.ResourceNames)
	}
	return r
}

// mutate changes one thing of a question.
func mutate(d dice, q *question) {
	other := randomRequest(d)
	if d.chance(20) {
		q.identity = randomIdentity(d)
		return
	}
	if q.Path != "" {
		switch d.IntN(4) {
		case 0:
			q.Verb = pick(d, pathVerbs)
		case 1:
			q.Path = pick(d, paths)
		case 2:
			q.Path += pick(d, []string{"/", "x", "*", "/x"})
		case 3:
			q.Path = q.Path[:max(1, len(q.Path)-1)]
		}
		return
	}
	switch d.IntN(8) {
	case 0:
		q.Verb = pick(d, verbs)
	case 1:
		q.Group = pick(d, apiGroups)
	case 2:
		q.Resource = pick(d, resources)
	case 3:
		q.Subresource = other.Subresource
	case 4:
		q.Subresource = pick(d, subresources)
	case 5:
		q.Name = pick(d, resourceNames)
	case 6:
		q.Namespace = namespaceOf(d, "")
	case 7: // spellings that no request path has, but a SubjectAccessReview may
		q.Resource = pick(d, []string{"pods/exec", "*", "", "Pods", "pods/", "*/exec", q.Resource + "/" + q.Subresource})
	}
}
