// SPDX-License-Identifier: Apache-2.0

// Package authz answers access questions from the roles and bindings of an
// inventory exactly as the RBAC authorizer of Kubernetes does
// (plugin/pkg/auth/authorizer/rbac and pkg/component-helpers/auth/rbac/validation).
//
// It takes values and returns values. What a permission is worth to an attacker
// is the business of internal/authz/power; the checks and `gatehouse rbac` read
// both. A differential test against Kubernetes itself lives in test/authz.
package authz

import (
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
)

// Request is one access question. With a Path it is about a URL outside the API
// groups and the fields of a resource do not count.
type Request struct {
	Verb        string
	Group       string // "" is the core group
	Resource    string // plural
	Subresource string
	Name        string // empty where a request carries no name: list, watch, most creations
	Namespace   string // empty for cluster-scoped resources and for all namespaces at once
	Path        string // "/metrics"
}

// String returns "create apps/deployments/scale web in shop": verb, resource,
// name and namespace.
func (r Request) String() string {
	if r.Path != "" {
		return r.Verb + " " + r.Path
	}
	var b strings.Builder
	b.WriteString(r.Verb + " ")
	if r.Group != "" {
		b.WriteString(r.Group + "/")
	}
	b.WriteString(r.combined())
	if r.Name != "" {
		b.WriteString(" " + r.Name)
	}
	if r.Namespace != "" {
		b.WriteString(" in " + r.Namespace)
	}
	return b.String()
}

// combined is the resource as a rule spells it: "pods" or "pods/exec".
func (r Request) combined() string {
	if r.Subresource == "" {
		return r.Resource
	}
	return r.Resource + "/" + r.Subresource
}

// Allows reports whether a rule allows a request; where the rule applies is the
// caller's business. A rule without verbs, without API groups or without
// resources allows nothing. "*/exec" is the subresource of every resource,
// "pods/*" is a name that nothing has, and so is the resource name "*".
func Allows(rule *rbacv1.PolicyRule, r Request) bool {
	if !has(rule.Verbs, r.Verb, rbacv1.VerbAll) {
		return false
	}
	if r.Path != "" {
		return allowsPath(rule.NonResourceURLs, r.Path)
	}
	return has(rule.APIGroups, r.Group, rbacv1.APIGroupAll) &&
		allowsResource(rule.Resources, r) &&
		(len(rule.ResourceNames) == 0 || has(rule.ResourceNames, r.Name, r.Name))
}

func has(list []string, want, all string) bool {
	for _, s := range list {
		if s == want || s == all {
			return true
		}
	}
	return false
}

func allowsResource(list []string, r Request) bool {
	for _, s := range list {
		if s == rbacv1.ResourceAll || isJoined(s, r.Resource, r.Subresource) || r.Subresource != "" && isJoined(s, "*", r.Subresource) {
			return true
		}
	}
	return false
}

// isJoined reports whether s is what combined returns.
func isJoined(s, resource, sub string) bool {
	if sub == "" {
		return s == resource
	}
	n := len(resource)
	return len(s) == n+1+len(sub) && s[:n] == resource && s[n] == '/' && s[n+1:] == sub
}

func allowsPath(list []string, path string) bool {
	for _, s := range list {
		if s == rbacv1.NonResourceAll || s == path {
			return true
		}
		if prefix := strings.TrimRight(s, "*"); prefix != s && strings.HasPrefix(path, prefix) {
			return true
		}
	}
	return false
}
