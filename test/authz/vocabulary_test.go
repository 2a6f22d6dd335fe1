// SPDX-License-Identifier: Apache-2.0

package differential

import (
	"slices"

	"k8s.io/apiserver/pkg/authentication/serviceaccount"
	"k8s.io/apiserver/pkg/authentication/user"
)

// The vocabularies are small, so that rules and questions meet often. Words
// that only look like wildcards or like each other are in them on purpose.
var (
	namespaces   = []string{"red", "green", "red-2"}
	accounts     = []string{"default", "web", "web-2"}
	users        = []string{"alice", "bob", "dev", user.Anonymous, "*"}
	groups       = []string{"dev", "ops", "alice", "*"}
	builtInRoles = []string{"view", "edit", "admin", "system:discovery", "system:node"}

	verbs = []string{
		"get", "get", "list", "watch", "create", "update", "patch", "delete", "deletecollection",
		"impersonate", "bind", "escalate", "approve", "use", "impersonate:user-info", "impersonate-on:user-info:get", "GET", "*",
	}
	pathVerbs     = []string{"get", "get", "post", "put", "head", "list", "*"}
	apiGroups     = []string{"", "", "", "apps", "rbac.authorization.k8s.io", "app", "*"}
	resources     = []string{"pods", "pods", "secrets", "services", "nodes", "deployments", "roles", "clusterroles", "users", "serviceaccounts", "pod"}
	subresources  = []string{"exec", "log", "token", "proxy", "status", "xec", "*"}
	resourceNames = []string{"a", "b", "web", "a*", "*", ""}
	paths         = []string{
		"/", "/*", "*", "/api", "/api/", "/api/*", "/api/v1", "/ap*", "/api**", "/a*i", "/metrics", "/metrics/*", "/healthz", "/healthz/*", "/healthz/ping", "metrics", "**",
	}

	labelKeys   = []string{"tier", "team"}
	labelValues = []string{"a", "b", "true"}
)

// aggregateToView is what the ClusterRole view of every cluster selects.
const aggregateToView = "rbac.authorization.k8s.io/aggregate-to-view"

// groupSubjects are the groups that bindings and users name: those of people
// and those that Kubernetes gives out itself.
var groupSubjects = slices.Concat(groups, groups, systemGroups())

func systemGroups() []string {
	out := []string{user.AllAuthenticated, user.AllUnauthenticated, user.SystemPrivilegedGroup, serviceaccount.AllServiceAccountsGroup}
	for _, namespace := range namespaces {
		out = append(out, serviceaccount.MakeNamespaceGroupName(namespace))
	}
	return out
}
