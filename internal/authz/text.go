// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
)

// Objects names what a rule is about: "secrets", "deployments.apps",
// "secrets named a,b", or paths. Empty for a rule that is about nothing.
func Objects(r rbacv1.PolicyRule) string {
	if len(r.NonResourceURLs) > 0 {
		if slices.Contains(r.NonResourceURLs, rbacv1.NonResourceAll) {
			return "every path" // beside the * of resources a * would mean those
		}
		return strings.Join(r.NonResourceURLs, ",")
	}
	var out []string
	for _, resource := range r.Resources {
		for _, group := range r.APIGroups {
			if group == "" || group == "*" && resource == "*" {
				out = append(out, resource)
				continue
			}
			name, sub, nested := strings.Cut(resource, "/")
			if name += "." + group; nested {
				name += "/" + sub
			}
			out = append(out, name)
		}
	}
	text := strings.Join(out, ",")
	if len(r.ResourceNames) > 0 {
		text += " named " + strings.Join(r.ResourceNames, ",")
	}
	return text
}

// Named names a subject of a binding: "ServiceAccount shop/web", "User alice".
func Named(s rbacv1.Subject) string {
	if s.Namespace != "" {
		return s.Kind + " " + s.Namespace + "/" + s.Name
	}
	return s.Kind + " " + s.Name
}
