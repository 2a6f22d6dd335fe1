// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"fmt"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/gatehouse-sh/gatehouse/inventory"
)

// maxCombinations is how many combinations of a verb, an API group and a resource the
// rules of a role may allow, and of a verb and a path. A rule says them in as many
// words as it has of each, and the checks look at each combination: three lists of
// 2,000 words are 8,000,000,000. The largest role of which we know, which lists every
// resource of a cloud provider's operator, has some 25,000.
const maxCombinations = 100_000

// combined refuses a role whose rules allow too many combinations to be looked at.
func combined(o inventory.Object) error {
	var rules []rbacv1.PolicyRule
	switch o := o.(type) {
	case *rbacv1.Role:
		rules = o.Rules
	case *rbacv1.ClusterRole:
		rules = o.Rules
	}
	total := 0 // no overflow: a list has at most 2,000 words (usual)
	for i := range rules {
		r := &rules[i]
		total += len(r.Verbs) * (len(r.APIGroups)*len(r.Resources) + len(r.NonResourceURLs))
		if total > maxCombinations {
			return fmt.Errorf("its rules allow more than %d combinations of a verb, an API group and a resource, up to rules[%d]", maxCombinations, i)
		}
	}
	return nil
}
