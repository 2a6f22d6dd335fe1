// SPDX-License-Identifier: Apache-2.0

package differential

import (
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/kubernetes/plugin/pkg/auth/authorizer/rbac"

	"github.com/gatehouse-sh/gatehouse/internal/authz"
)

// FuzzAllows compares the matching of one rule with Kubernetes' own, for any
// text. Lists are separated by spaces; an empty text is an empty list.
func FuzzAllows(f *testing.F) {
	seed := seedOf(f)
	for i := range uint64(50) {
		u, d := universeAt(seed, i)
		settled := settle(f, u)
		near := grants(settled)
		if len(near) == 0 {
			continue
		}
		g := pick(d, near)
		r := requestOf(d, g)
		f.Add(join(g.rule.Verbs), join(g.rule.APIGroups), join(g.rule.Resources), join(g.rule.ResourceNames), join(g.rule.NonResourceURLs),
			r.Verb, r.Group, r.Resource, r.Subresource, r.Name, r.Path)
	}
	f.Add("get", "*", "pods/* a/b/c */exec", "", "/a* *", "get", "", "a/b", "c", "", "")
	f.Fuzz(func(t *testing.T, verbs, groups, resources, names, urls, verb, group, resource, subresource, name, path string) {
		rule := &rbacv1.PolicyRule{
			Verbs: split(verbs), APIGroups: split(groups), Resources: split(resources), ResourceNames: split(names), NonResourceURLs: split(urls),
		}
		r := authz.Request{Verb: verb, Group: group, Resource: resource, Subresource: subresource, Name: name, Path: path}
		if got, want := authz.Allows(rule, r), ruleAllows(rule, r); got != want {
			t.Errorf("allows: %t, Kubernetes says %t", got, want)
		}
	})
}

// ruleAllows is Kubernetes' answer for one rule.
func ruleAllows(rule *rbacv1.PolicyRule, r authz.Request) bool {
	return rbac.RuleAllows(question{Request: r}.attributes(), rule)
}

// TestEverySpellingIsReadAlike compares the matching of one rule for every pair
// of short spellings of a resource, and of a path, wildcards at any place.
func TestEverySpellingIsReadAlike(t *testing.T) {
	t.Parallel()
	spellings := []string{""}
	for begin := 0; len(spellings[begin]) < 4; begin++ {
		for _, letter := range []string{"a", "b", "*", "/"} {
			spellings = append(spellings, spellings[begin]+letter)
		}
	}
	all := []string{"*"}
	asked, allowed := 0, 0
	compare := func(rule *rbacv1.PolicyRule, r authz.Request) {
		got, want := authz.Allows(rule, r), ruleAllows(rule, r)
		if got != want {
			t.Errorf("%q %q ask for %+v: allows: %t, Kubernetes says %t", rule.Resources, rule.NonResourceURLs, r, got, want)
		}
		asked++
		if want {
			allowed++
		}
	}
	for _, held := range spellings {
		resource := &rbacv1.PolicyRule{Verbs: all, APIGroups: all, Resources: []string{held}}
		path := &rbacv1.PolicyRule{Verbs: all, NonResourceURLs: []string{held}}
		for _, wanted := range spellings {
			compare(resource, authz.Request{Verb: "get", Resource: wanted})
			for _, subresource := range []string{"a", "b", "*", "/", "a/a", "/a", "a*"} {
				compare(resource, authz.Request{Verb: "get", Resource: wanted, Subresource: subresource})
			}
			if wanted != "" {
				compare(path, authz.Request{Verb: "get", Path: wanted})
			}
			if t.Failed() {
				t.FailNow()
			}
		}
	}
	t.Logf("%d pairs, %d allowed", asked, allowed)
	if asked < 1_000_000 || allowed < 1000 {
		t.Errorf("only %d pairs, %d allowed", asked, allowed)
	}
}

func join(list []string) string { return strings.Join(list, " ") }

func split(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, " ")
}
