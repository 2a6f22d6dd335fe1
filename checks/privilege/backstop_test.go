// SPDX-License-Identifier: Apache-2.0

package privilege

import (
	"slices"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/gatehouse-sh/gatehouse/internal/authz/power"
)

// TestTheBackstopsListsAreThoseOfThePowers: what internal/authz/power keeps to
// itself is written down here a second time.
func TestTheBackstopsListsAreThoseOfThePowers(t *testing.T) {
	t.Parallel()
	for i := range everyVerb {
		for _, rule := range []rbacv1.PolicyRule{
			{Verbs: everyVerb, APIGroups: []string{""}, Resources: []string{"*"}},
			{Verbs: slices.Delete(slices.Clone(everyVerb), i, i+1), APIGroups: []string{""}, Resources: []string{"*"}},
		} {
			if got, want := power.Everything(&rule), len(rule.Verbs) == len(everyVerb); got != want {
				t.Errorf("a rule of the verbs %v is everything: %v, want %v", rule.Verbs, got, want)
			}
		}
	}
	// The namespaces that patterns name are those where rules are worth more.
	all, named := power.All(), map[string]bool{}
	for i := range all {
		for _, p := range slices.Concat(all[i].Any, slices.Concat(all[i].All...)) {
			if p.Namespace != "" {
				named[p.Namespace] = true
			}
		}
	}
	if len(named) == 0 {
		t.Fatal("no pattern names a namespace")
	}
	for _, namespace := range specialNamespaces {
		if !power.Special(namespace) {
			t.Errorf("%s is no special namespace", namespace)
		}
		delete(named, namespace)
	}
	if len(named) > 0 {
		t.Errorf("%v are not among the special namespaces", named)
	}
}

// TestTheBackstopsOfRolesNameEveryPower: a power that is added to the table gets a
// backstop without anybody's doing.
func TestTheBackstopsOfRolesNameEveryPower(t *testing.T) {
	t.Parallel()
	table, all := powerBackstops(), power.All()
	for i := range all {
		p := &all[i]
		inside := !p.Combined() && !slices.ContainsFunc(p.Any, func(t power.Pattern) bool { return !t.Inside }) && p.ID != starPower
		if b, has := table[p.ID]; !inside && (!has || len(b.Rules(nil)) == 0) {
			t.Errorf("%s has no backstop", p.ID)
		}
	}
	if len(all) == 0 {
		t.Fatal("there are no powers")
	}
}
