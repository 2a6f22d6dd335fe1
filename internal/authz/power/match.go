// SPDX-License-Identifier: Apache-2.0

package power

import (
	"cmp"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
)

func compareID(a, b string) int { return cmp.Compare(a, b) }

func split(resource string) (name, sub string) {
	name, sub, _ = strings.Cut(resource, "/")
	return name, sub
}

// anySubresource returns a subresource that a rule names for a resource whose
// subresources are not a fixed list, such as "userextras/scopes". A rule for
// every resource has all of them, one that nothing is called included.
func anySubresource(list []string, resource string) string {
	for _, s := range list {
		if of, sub, nested := strings.Cut(s, "/"); nested && sub != "*" && (of == resource || of == "*") {
			return sub
		}
	}
	return "any"
}

// matchesName reports whether a name is one of a list whose items may end in
// "*".
func matchesName(list []string, name string) bool {
	return slices.ContainsFunc(list, func(p string) bool {
		if prefix, open := strings.CutSuffix(p, "*"); open {
			return strings.HasPrefix(name, prefix)
		}
		return p == name
	})
}

// special reports whether rules may be worth something else in a namespace than
// in others.
func special(namespace string) bool { return namespace == systemNamespace || namespace == ownNamespace }

// ownNamespace is where Gatehouse is installed.
const ownNamespace = "gatehouse-system"

// everyVerb are the verbs that together are worth a star.
var everyVerb = []string{"get", "list", "watch", "create", "update", "patch", "delete"}

// isEverything reports whether a rule allows every verb on every resource of
// every group, or of the core group and all others spelled out as a star.
func isEverything(r *rbacv1.PolicyRule) bool {
	return len(r.ResourceNames) == 0 &&
		slices.Contains(r.APIGroups, rbacv1.APIGroupAll) && slices.Contains(r.Resources, rbacv1.ResourceAll) && isEveryVerb(r.Verbs)
}

func isEveryVerb(verbs []string) bool {
	if slices.Contains(verbs, rbacv1.VerbAll) {
		return true
	}
	return !slices.ContainsFunc(everyVerb, func(v string) bool { return !slices.Contains(verbs, v) })
}
