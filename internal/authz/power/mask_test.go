// SPDX-License-Identifier: Apache-2.0

package power

import (
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
)

func TestAMaskHoldsTheTable(t *testing.T) {
	t.Parallel()
	if n := len(table); n == 0 || n > 64 {
		t.Errorf("the table has %d powers, and a mask 64 bits", n)
	}
}

// TestAMaskLeavesNothingOut asks every power about a rule for every resource of
// the table: what holds must be in the rule's mask.
func TestAMaskLeavesNothingOut(t *testing.T) {
	t.Parallel()
	resources := map[string]bool{"configmaps": true, "widgets": true, "*": true, "*/exec": true, "pods/*": true}
	verbs := map[string]bool{"*": true, "get": true, "impersonate-on:user-info:get": true, "impersonate-on:user-info:create": true, "": true}
	for i := range table {
		for _, list := range append(table[i].All, table[i].Any) {
			for _, p := range list {
				for _, r := range p.Resources {
					resources[r] = true
				}
				for _, v := range p.Verbs {
					verbs[v] = true
				}
			}
		}
	}
	asked, held := 0, 0
	for r := range resources {
		for v := range verbs {
			rules := []rbacv1.PolicyRule{{APIGroups: []string{"*"}, Resources: []string{r}, Verbs: []string{v}}}
			may := possible(rules)
			for i := range table {
				asked++
				if gives(&table[i], rules) {
					held++
					if may&(1<<i) == 0 {
						t.Errorf("%s is not in the mask of a rule for %s %s", table[i].ID, v, r)
					}
				}
			}
		}
	}
	if held == 0 {
		t.Fatal("nothing holds")
	}
	if got := possible([]rbacv1.PolicyRule{{Resources: []string{"widgets"}}}); got != 0 {
		t.Errorf("a resource that no power is about has the mask %b", got)
	}
	if got := possible([]rbacv1.PolicyRule{{Resources: []string{"configmaps"}, Verbs: []string{"get", "list", "watch"}}}); got != 0 {
		t.Errorf("reading ConfigMaps, which no power is about, has the mask %b", got)
	}
	t.Logf("%d questions, %d powers held", asked, held)
}

// gives reports whether rules give a power in some namespace or the whole cluster,
// or a part of it.
func gives(p *Power, rules []rbacv1.PolicyRule) bool {
	for _, namespace := range []string{"", "shop", systemNamespace, publicNamespace, ownNamespace} {
		s := Scope{namespace}
		if _, ok := p.single(rules, s); ok {
			return true
		}
		for _, part := range p.All {
			if _, _, _, ok := among(part, rules, s); ok {
				return true
			}
		}
	}
	return false
}
