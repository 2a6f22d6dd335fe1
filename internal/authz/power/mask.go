// SPDX-License-Identifier: Apache-2.0

package power

import (
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"
)

// mask is a set of powers: bits are places in the table. A test says that they
// suffice.
type mask uint64

const everyPower = ^mask(0)

// byResource are the powers with a pattern for a resource or one of its
// subresources, and byPath those with one for URLs. Of reads them first, so that
// harmless rules, which are most, are not compared with the whole table.
var byResource, byPath = masks()

func masks() (map[string]mask, mask) {
	resources, paths := map[string]mask{}, mask(0)
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
			}
		}
	}
	return resources, paths
}

// possible returns the powers that rules may hold; what it leaves out they do
// not. Only a rule for every resource is everything, or names a resource by a
// star.
func possible(rules []rbacv1.PolicyRule) mask {
	var out mask
	for i := range rules {
		if len(rules[i].NonResourceURLs) > 0 {
			out |= byPath
		}
		for _, r := range rules[i].Resources {
			name, _ := split(r)
			if name == rbacv1.ResourceAll {
				return everyPower
			}
			out |= byResource[name]
		}
	}
	return out
}
