// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	"cmp"
	"fmt"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/gatehouse-sh/gatehouse/internal/authz"
)

// fewRules are how many permissions a sentence names.
const fewRules = 4

// String returns the change as one sentence without a final stop: what has
// changed and, where somebody gains, the worst that it allows.
func (c Change) String() string {
	var text string
	switch c.Sort {
	case Granted:
		text = fmt.Sprintf("%s has %s by %s", authz.Named(c.Subject), c.Role, c.Binding)
	case Revoked:
		text = fmt.Sprintf("%s no longer has %s, which %s gave it", authz.Named(c.Subject), c.Role, c.Binding)
	case Widened:
		text = fmt.Sprintf("%s allows more: %s", c.Role, rulesText(c.Rules))
	case Narrowed:
		text = fmt.Sprintf("%s allows less: %s", c.Role, rulesText(c.Rules))
	case Revived:
		text = fmt.Sprintf("%s, which had been gone, is there again and %s applies to it", c.Missing, c.Binding)
	case Dangling:
		text = fmt.Sprintf("%s points at %s, which does not exist: whoever creates it brings the binding to life", c.Binding, c.Missing)
	}
	if c.Sort.Gains() && len(c.Powers) > 0 {
		text += fmt.Sprintf("; it may now %s (%s)", c.Powers[0].Power.Can, c.Powers[0].Power.ID)
		if more := len(c.Powers) - 1; more > 0 {
			text += fmt.Sprintf(" and %d more", more)
		}
	}
	return text
}

func rulesText(rules []rbacv1.PolicyRule) string {
	var out []string
	for i, r := range rules {
		if i == fewRules {
			out = append(out, fmt.Sprintf("and %d more", len(rules)-i))
			break
		}
		out = append(out, strings.Join(r.Verbs, ",")+" "+cmp.Or(authz.Objects(r), "nothing"))
	}
	return strings.Join(out, "; ")
}
