// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
)

func TestWhatARuleIsAboutIsNamed(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		rule rbacv1.PolicyRule
		want string
	}{
		"a core resource":           {rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{"secrets"}}, "secrets"},
		"a subresource of a group":  {rbacv1.PolicyRule{APIGroups: []string{"apps"}, Resources: []string{"deployments/scale"}}, "deployments.apps/scale"},
		"objects by name":           {rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{"secrets"}, ResourceNames: []string{"a", "b"}}, "secrets named a,b"},
		"every resource":            {rbacv1.PolicyRule{APIGroups: []string{"*"}, Resources: []string{"*"}}, "*"},
		"every path, unlike those":  {rbacv1.PolicyRule{NonResourceURLs: []string{"*"}}, "every path"},
		"every path and one of all": {rbacv1.PolicyRule{NonResourceURLs: []string{"/metrics", "*"}}, "every path"},
		"the paths below one":       {rbacv1.PolicyRule{NonResourceURLs: []string{"/logs/*", "/healthz"}}, "/logs/*,/healthz"},
		"nothing":                   {rbacv1.PolicyRule{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := Objects(tc.rule); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}
