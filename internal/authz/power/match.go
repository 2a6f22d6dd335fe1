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

// Special reports whether rules may be worth something else in a namespace than
// in others.
func Special(namespace string) bool {
	return namespace == systemNamespace || namespace == ownNamespace || namespace == publicNamespace
}

// publicNamespace holds what everybody may read, cluster-info among it.
const publicNamespace = "kube-public"

// ownNamespace is where Gatehouse is installed.
const ownNamespace = "gatehouse-system"

// ownRegistration is the name of both of its webhook configurations.
const ownRegistration = "gatehouse"

// everyVerb are the verbs that together are worth a star.
var everyVerb = []string{"get", "list", "watch", "create", "update", "patch", "delete"}

// Everything reports whether a rule is full control (RBAC-001): every verb on
// every resource of every group, or of the core group, which alone holds Secrets,
// Pods, nodes and those whom one may impersonate. What such a rule allows besides
// is no more than that.
func Everything(r *rbacv1.PolicyRule) bool { return isEverything(r) }

func isEverything(r *rbacv1.PolicyRule) bool {
	return len(r.ResourceNames) == 0 && slices.Contains(r.Resources, rbacv1.ResourceAll) && isEveryVerb(r.Verbs) &&
		(slices.Contains(r.APIGroups, rbacv1.APIGroupAll) || slices.Contains(r.APIGroups, ""))
}

func isEveryVerb(verbs []string) bool {
	if slices.Contains(verbs, rbacv1.VerbAll) {
		return true
	}
	return !slices.ContainsFunc(everyVerb, func(v string) bool { return !slices.Contains(verbs, v) })
}

// onBehalf begins the verbs that a constrained impersonation needs besides the
// right to impersonate: "impersonate-on:user-info:get"
// (https://kubernetes.io/docs/reference/access-authn-authz/user-impersonation/).
const onBehalf = "impersonate-on:"

// asGranted returns the rule with the verbs that it allows on behalf of others
// counted as its own: whoever may do it as somebody else may do it. The rule is
// returned as it is when it has no such verb.
func asGranted(rule *rbacv1.PolicyRule) *rbacv1.PolicyRule {
	var verbs []string
	for _, v := range rule.Verbs {
		rest, constrained := strings.CutPrefix(v, onBehalf)
		if !constrained {
			continue
		}
		// A star behind the mode is no wildcard: requests name the verb.
		if _, verb, _ := strings.Cut(rest, ":"); verb != "" && verb != rbacv1.VerbAll {
			verbs = append(verbs, verb)
		}
	}
	if verbs == nil {
		return rule
	}
	out := *rule
	out.Verbs = slices.Concat(rule.Verbs, verbs)
	return &out
}

// grantedPath returns a path that a list of nonResourceURLs gives and that a
// pattern means. A pattern that ends in "*" means every path below it.
func grantedPath(urls []string, pattern string) (string, bool) {
	prefix, open := strings.CutSuffix(pattern, "*")
	for _, url := range urls {
		below := strings.TrimRight(url, "*")
		switch {
		case url == pattern, !open && below != url && strings.HasPrefix(pattern, below):
			return prefix, true
		case open && below != url && strings.HasPrefix(prefix, below):
			return prefix, true
		case open && strings.HasPrefix(below, prefix):
			return below, true
		}
	}
	return "", false
}

// meets reports whether a list of a rule holds one of the wanted words, or the
// word for all.
func meets(list, wanted []string, all string) bool {
	for _, s := range list {
		if s == all || slices.Contains(wanted, s) {
			return true
		}
	}
	return false
}
