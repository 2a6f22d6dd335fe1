// SPDX-License-Identifier: Apache-2.0

package differential

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// settle returns the universe as the aggregation controller leaves it: the
// rules of a ClusterRole with an aggregation rule are those of the ClusterRoles
// that it selects, its own excepted, to a fixed point. TestAPIServer shows that
// the controller of a real cluster arrives at the same.
// https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/controller/clusterroleaggregation/clusterroleaggregation_controller.go
func settle(t testing.TB, u *universe) *universe {
	t.Helper()
	out := u.clone()
	aggregated := false
	for _, r := range out.clusterRoles {
		if r.AggregationRule != nil {
			r.Rules, aggregated = nil, true
		}
	}
	for changed := aggregated; changed; {
		changed = false
		for _, r := range out.clusterRoles {
			if r.AggregationRule == nil {
				continue
			}
			if rules := aggregate(t, out, r); !slices.Equal(ruleSet(rules), ruleSet(r.Rules)) {
				r.Rules, changed = rules, true
			}
		}
	}
	return out
}

// aggregate collects what a ClusterRole selects, each rule once.
func aggregate(t testing.TB, u *universe, into *rbacv1.ClusterRole) []rbacv1.PolicyRule {
	t.Helper()
	var out []rbacv1.PolicyRule
	seen := map[string]bool{}
	for _, source := range sources(t, u, into) {
		for _, rule := range source.Rules {
			if key := ruleKey(&rule); !seen[key] {
				seen[key] = true
				out = append(out, rule)
			}
		}
	}
	return out
}

// sources are the other ClusterRoles that a ClusterRole selects.
func sources(t testing.TB, u *universe, into *rbacv1.ClusterRole) []*rbacv1.ClusterRole {
	t.Helper()
	var out []*rbacv1.ClusterRole
	for i := range into.AggregationRule.ClusterRoleSelectors {
		selector, err := metav1.LabelSelectorAsSelector(&into.AggregationRule.ClusterRoleSelectors[i])
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range u.clusterRoles {
			if r.Name != into.Name && selector.Matches(labels.Set(r.Labels)) {
				out = append(out, r)
			}
		}
	}
	return out
}

// ruleSet returns the rules as sorted text, each once.
func ruleSet(rules []rbacv1.PolicyRule) []string {
	var out []string
	for i := range rules {
		out = append(out, ruleKey(&rules[i]))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// ruleKey is the same for equal rules only, whether a list is empty or absent.
func ruleKey(r *rbacv1.PolicyRule) string {
	var out strings.Builder
	for _, list := range [][]string{r.Verbs, r.APIGroups, r.Resources, r.ResourceNames, r.NonResourceURLs} {
		for _, s := range list {
			out.WriteString(strconv.Quote(s))
		}
		out.WriteByte('\n')
	}
	return out.String()
}
