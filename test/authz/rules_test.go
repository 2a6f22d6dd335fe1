// SPDX-License-Identifier: Apache-2.0

package differential

import (
	rbacv1 "k8s.io/api/rbac/v1"
)

// rules makes the rules of a role. Only those of a ClusterRole may name paths.
func (g *generator) rules(kind string) []rbacv1.PolicyRule {
	var out []rbacv1.PolicyRule
	for range g.between(0, 3) {
		out = append(out, g.rule(kind))
	}
	return out
}

func (g *generator) rule(kind string) rbacv1.PolicyRule {
	if (kind == "ClusterRole" || g.valid == anything && g.chance(20)) && g.chance(20) {
		r := rbacv1.PolicyRule{Verbs: some(g.dice, pathVerbs, 2), NonResourceURLs: some(g.dice, paths, 3)}
		return g.spoilRule(r)
	}
	r := rbacv1.PolicyRule{Verbs: some(g.dice, verbs, 4), APIGroups: some(g.dice, apiGroups, 2)}
	for range g.between(1, 3) {
		r.Resources = append(r.Resources, g.resource())
	}
	if g.chance(30) {
		r.ResourceNames = some(g.dice, resourceNames, 3)
	}
	return g.spoilRule(r)
}

// resource makes one element of a rule's resources.
func (g *generator) resource() string {
	switch n := g.IntN(100); {
	case n < 6:
		return "*"
	case n < 18:
		return "*/" + pick(g.dice, subresources)
	case n < 45:
		return pick(g.dice, resources) + "/" + pick(g.dice, subresources)
	case n < 48:
		return pick(g.dice, []string{"*/", "pods/", "/exec", "Pods", "*pods", "*/*/exec", ""})
	default:
		return pick(g.dice, resources)
	}
}

// spoilRule makes some rules such as no API server stores.
func (g *generator) spoilRule(r rbacv1.PolicyRule) rbacv1.PolicyRule {
	if g.valid == storable || !g.chance(20) {
		return r
	}
	switch g.IntN(5) {
	case 0:
		r.Verbs = nil
	case 1:
		r.APIGroups = nil
	case 2:
		r.Resources = nil
	case 3: // both kinds of rule in one
		r.NonResourceURLs = some(g.dice, paths, 2)
		r.APIGroups = some(g.dice, apiGroups, 2)
		r.Resources = []string{g.resource()}
	case 4:
		r.ResourceNames = some(g.dice, resourceNames, 2)
	}
	return r
}
