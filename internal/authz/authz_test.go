// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
)

func rule(verbs, groups, resources []string, names ...string) rbacv1.PolicyRule {
	return rbacv1.PolicyRule{Verbs: verbs, APIGroups: groups, Resources: resources, ResourceNames: names}
}

type list = []string

func TestARuleAllowsWhatKubernetesSaysItDoes(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		rule rbacv1.PolicyRule
		ask  Request
		want bool
	}{
		"the resource that it names":                    {rule(list{"get"}, list{""}, list{"pods"}), Request{Verb: "get", Resource: "pods"}, true},
		"not another verb":                              {rule(list{"get"}, list{""}, list{"pods"}), Request{Verb: "list", Resource: "pods"}, false},
		"not another group":                             {rule(list{"get"}, list{"apps"}, list{"pods"}), Request{Verb: "get", Resource: "pods"}, false},
		"nothing without groups":                        {rule(list{"get"}, nil, list{"pods"}), Request{Verb: "get", Resource: "pods"}, false},
		"nothing without verbs":                         {rule(nil, list{""}, list{"pods"}), Request{Verb: "get", Resource: "pods"}, false},
		"escalate by a star of verbs":                   {rule(list{"*"}, list{"rbac.authorization.k8s.io"}, list{"roles"}), Request{Verb: "escalate", Group: "rbac.authorization.k8s.io", Resource: "roles"}, true},
		"a subresource by a star of resources":          {rule(list{"create"}, list{""}, list{"*"}), Request{Verb: "create", Resource: "pods", Subresource: "exec"}, true},
		"a subresource by its name":                     {rule(list{"create"}, list{""}, list{"pods/exec"}), Request{Verb: "create", Resource: "pods", Subresource: "exec"}, true},
		"a subresource of every resource":               {rule(list{"create"}, list{""}, list{"*/exec"}), Request{Verb: "create", Resource: "pods", Subresource: "exec"}, true},
		"not the resource by its subresource":           {rule(list{"create"}, list{""}, list{"pods/exec"}), Request{Verb: "create", Resource: "pods"}, false},
		"not a subresource by its resource":             {rule(list{"create"}, list{""}, list{"pods"}), Request{Verb: "create", Resource: "pods", Subresource: "exec"}, false},
		"nothing by a star after the slash":             {rule(list{"create"}, list{""}, list{"pods/*"}), Request{Verb: "create", Resource: "pods", Subresource: "exec"}, false},
		"not the resource by a star after the slash":    {rule(list{"create"}, list{""}, list{"pods/*"}), Request{Verb: "create", Resource: "pods"}, false},
		"not a subresource that ends alike":             {rule(list{"create"}, list{""}, list{"*/exec"}), Request{Verb: "create", Resource: "pods", Subresource: "kexec"}, false},
		"the object that it names":                      {rule(list{"get"}, list{""}, list{"secrets"}, "tls"), Request{Verb: "get", Resource: "secrets", Name: "tls"}, true},
		"not another object":                            {rule(list{"get"}, list{""}, list{"secrets"}, "tls"), Request{Verb: "get", Resource: "secrets", Name: "db"}, false},
		"not a list by names":                           {rule(list{"list"}, list{""}, list{"secrets"}, "tls"), Request{Verb: "list", Resource: "secrets"}, false},
		"not every object by a star as a name":          {rule(list{"get"}, list{""}, list{"secrets"}, "*"), Request{Verb: "get", Resource: "secrets", Name: "db"}, false},
		"a path":                                        {rbacv1.PolicyRule{Verbs: list{"get"}, NonResourceURLs: list{"/metrics"}}, Request{Verb: "get", Path: "/metrics"}, true},
		"a path by a star at the end":                   {rbacv1.PolicyRule{Verbs: list{"get"}, NonResourceURLs: list{"/debug/*"}}, Request{Verb: "get", Path: "/debug/pprof"}, true},
		"not a path by a star in the middle":            {rbacv1.PolicyRule{Verbs: list{"get"}, NonResourceURLs: list{"/*/pprof"}}, Request{Verb: "get", Path: "/debug/pprof"}, false},
		"not a path by a rule for resources":            {rule(list{"*"}, list{"*"}, list{"*"}), Request{Verb: "get", Path: "/metrics"}, false},
		"not a resource by a rule for paths":            {rbacv1.PolicyRule{Verbs: list{"*"}, NonResourceURLs: list{"*"}}, Request{Verb: "get", Resource: "pods"}, false},
		"not upper case":                                {rule(list{"GET"}, list{""}, list{"pods"}), Request{Verb: "get", Resource: "pods"}, false},
		"a constrained impersonation by its whole verb": {rule(list{"impersonate:user-info"}, list{"authentication.k8s.io"}, list{"users"}), Request{Verb: "impersonate:user-info", Group: "authentication.k8s.io", Resource: "users"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := Allows(&tc.rule, tc.ask); got != tc.want {
				t.Errorf("Allows(%v, %s) = %v, want %v", tc.rule, tc.ask, got, tc.want)
			}
		})
	}
}

func TestASubjectOfABindingMeansWhoKubernetesSaysItDoes(t *testing.T) {
	t.Parallel()
	web := ServiceAccount("shop", "web")
	for name, tc := range map[string]struct {
		subject   rbacv1.Subject
		namespace string
		want      bool
	}{
		"an account":                                  {rbacv1.Subject{Kind: "ServiceAccount", Namespace: "shop", Name: "web"}, "", true},
		"an account of another namespace":             {rbacv1.Subject{Kind: "ServiceAccount", Namespace: "bank", Name: "web"}, "shop", false},
		"an account of the binding's namespace":       {rbacv1.Subject{Kind: "ServiceAccount", Name: "web"}, "shop", true},
		"an account without namespace, cluster-wide":  {rbacv1.Subject{Kind: "ServiceAccount", Name: "web"}, "", false},
		"the user name of an account":                 {rbacv1.Subject{Kind: "User", Name: "system:serviceaccount:shop:web"}, "", true},
		"the group of all accounts":                   {rbacv1.Subject{Kind: "Group", Name: "system:serviceaccounts"}, "", true},
		"the group of its namespace":                  {rbacv1.Subject{Kind: "Group", Name: "system:serviceaccounts:shop"}, "", true},
		"the group of another namespace":              {rbacv1.Subject{Kind: "Group", Name: "system:serviceaccounts:bank"}, "", false},
		"everybody who is authenticated":              {rbacv1.Subject{Kind: "Group", Name: "system:authenticated"}, "", true},
		"everybody who is not":                        {rbacv1.Subject{Kind: "Group", Name: "system:unauthenticated"}, "", false},
		"a user of the account's name":                {rbacv1.Subject{Kind: "User", Name: "web"}, "shop", false},
		"the account by its user name":                {rbacv1.Subject{Kind: "ServiceAccount", Name: "system:serviceaccount:shop:web"}, "shop", false},
		"an account in an API group that has none":    {rbacv1.Subject{Kind: "ServiceAccount", APIGroup: "example.com", Namespace: "shop", Name: "web"}, "", true},
		"a kind that Kubernetes does not know":        {rbacv1.Subject{Kind: "Robot", Name: "web"}, "shop", false},
		"a star as a user, which is a name like many": {rbacv1.Subject{Kind: "User", Name: "*"}, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := web.Names(&tc.subject, tc.namespace); got != tc.want {
				t.Errorf("Names(%v, %q) = %v, want %v", tc.subject, tc.namespace, got, tc.want)
			}
		})
	}
}
