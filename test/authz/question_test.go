// SPDX-License-Identifier: Apache-2.0

package differential

import (
	"strings"
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apiserver/pkg/authentication/serviceaccount"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"sigs.k8s.io/yaml"

	"github.com/gatehouse-sh/gatehouse/internal/authz"
)

// identity is who asks: a ServiceAccount, or a name with groups.
type identity struct {
	namespace, account string // set: the ServiceAccount, with its groups
	name               string
	groups             []string
}

// subject is the identity as Gatehouse spells it.
func (i identity) subject() authz.Subject {
	if i.account != "" {
		return authz.ServiceAccount(i.namespace, i.account)
	}
	return authz.Subject{Name: i.name, Groups: i.groups}
}

// info is the identity as Kubernetes' own authenticators spell it.
func (i identity) info() user.Info {
	if i.account != "" {
		info := serviceaccount.UserInfo(i.namespace, i.account, "")
		return &user.DefaultInfo{Name: info.GetName(), Groups: append(info.GetGroups(), user.AllAuthenticated)}
	}
	return &user.DefaultInfo{Name: i.name, Groups: i.groups}
}

// question is one access question.
type question struct {
	identity
	authz.Request
}

// attributes is the question for the in-tree authorizer.
func (q question) attributes() authorizer.AttributesRecord {
	if q.Path != "" {
		return authorizer.AttributesRecord{User: q.info(), Verb: q.Verb, Path: q.Path}
	}
	return authorizer.AttributesRecord{
		User: q.info(), Verb: q.Verb, APIGroup: q.Group, APIVersion: "*", Resource: q.Resource, Subresource: q.Subresource,
		Name: q.Name, Namespace: q.Namespace, ResourceRequest: true,
	}
}

// review is the question for an API server.
func (q question) review() *authorizationv1.SubjectAccessReview {
	info := q.info()
	out := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{User: info.GetName(), Groups: info.GetGroups()}}
	if q.Path != "" {
		out.Spec.NonResourceAttributes = &authorizationv1.NonResourceAttributes{Verb: q.Verb, Path: q.Path}
		return out
	}
	out.Spec.ResourceAttributes = &authorizationv1.ResourceAttributes{
		Verb: q.Verb, Group: q.Group, Resource: q.Resource, Subresource: q.Subresource, Name: q.Name, Namespace: q.Namespace,
	}
	return out
}

// yaml is the question as `kubectl create -o yaml -f -` takes and answers it.
func (q question) yaml(t testing.TB) string {
	t.Helper()
	r := q.review()
	r.APIVersion, r.Kind = authorizationv1.SchemeGroupVersion.String(), "SubjectAccessReview"
	raw, err := yaml.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	text, _, _ := strings.Cut(string(raw), "status:\n")
	return "---\n" + text
}

// grant is a subject, a rule that it holds, and the namespace where, empty for
// everywhere.
type grant struct {
	subject   rbacv1.Subject
	rule      rbacv1.PolicyRule
	namespace string
}

// grants lists what the bindings of a settled universe mean to give. Rules that
// give nothing where they are bound, or that belong to a role of the same name
// elsewhere, are in it: questions near them must be refused.
func grants(u *universe) []grant {
	rules := map[string][]rbacv1.PolicyRule{}
	for _, r := range u.roles {
		rules["Role/"+r.Namespace+"/"+r.Name] = r.Rules
		rules["other/"+r.Name] = append(rules["other/"+r.Name], r.Rules...)
	}
	for _, r := range u.clusterRoles {
		rules["ClusterRole/"+r.Name] = r.Rules
		rules["other/"+r.Name] = append(rules["other/"+r.Name], r.Rules...)
	}
	var out []grant
	add := func(ref rbacv1.RoleRef, subjects []rbacv1.Subject, namespace string) {
		held, found := rules[ref.Kind+"/"+ref.Name]
		if ref.Kind == "Role" {
			held, found = rules["Role/"+namespace+"/"+ref.Name]
		}
		if !found {
			held = rules["other/"+ref.Name]
		}
		for _, s := range subjects {
			for _, rule := range held {
				out = append(out, grant{s, rule, namespace})
			}
		}
	}
	for _, b := range u.roleBindings {
		add(b.RoleRef, b.Subjects, b.Namespace)
	}
	for _, b := range u.clusterRoleBindings {
		add(b.RoleRef, b.Subjects, "")
	}
	return out
}
