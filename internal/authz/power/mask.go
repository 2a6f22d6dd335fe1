// SPDX-License-Identifier: Apache-2.0

package power

import (
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
)

// mask is a set of powers: bits are places in the table. A test says that they
// suffice.
type mask uint64

const everyPower = ^mask(0)

// byResource are the powers with a pattern for a resource or one of its
// subresources, byVerb those with a pattern for a verb, and byPath those with one
// for URLs. Of reads them first, so that harmless rules, which are most, are not
// compared with the whole table.
var byResource, byVerb, byPath = masks()

func masks() (resources, verbs map[string]mask, paths mask) {
	resources, verbs = map[string]mask{}, map[string]mask{}
	for i := range table {
		p := &table[i]
		for _, list := range append(slices.Clone(p.All), p.Any) {
			for _, t := range list {
				if len(t.Paths) > 0 {
					paths |= 1 << i
				}
				for _, r := range t.Resources {
					name, _ := split(r)
					resources[name] |= 1 << i
				}
				for _, v := range t.Verbs {
					verbs[v] |= 1 << i
				}
			}
		}
	}
	return resources, verbs, paths
}

// possible returns the powers that rules may hold; what it leaves out they do
// not. Only a rule for every resource is everything, or names a resource by a
// star.
func possible(rules []rbacv1.PolicyRule) mask {
	var out mask
	for i := range rules {
		rule := &rules[i]
		if len(rule.NonResourceURLs) > 0 {
			out |= byPath
		}
		var about mask
		for _, r := range rule.Resources {
			name, _ := split(r)
			if name == rbacv1.ResourceAll {
				return everyPower
			}
			about |= byResource[name]
		}
		if about&^out != 0 {
			out |= about & doing(rule.Verbs)
		}
	}
	return out
}

// doing returns the powers that verbs may make. One with a colon stands for others
// (asGranted).
func doing(verbs []string) mask {
	var out mask
	for _, v := range verbs {
		if v == rbacv1.VerbAll || strings.Contains(v, ":") {
			return everyPower
		}
		out |= byVerb[v]
	}
	return out
}
