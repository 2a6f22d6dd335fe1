// SPDX-License-Identifier: Apache-2.0

package privilege

import (
	"fmt"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
)

// deadRule names the parts of rules that grant nothing, or less than they seem to
// (RBAC-006).
func deadRule() checks.Check {
	return checks.Check{
		ID: "RBAC-006", Name: "dead-rule", Severity: checks.Info, Actions: checks.Actions{Baseline: checks.Warn, Strict: checks.Warn}, Kinds: roles,
		Doc: checks.Doc{
			Title: "Rules mean what they say",
			Why: "Kubernetes takes any text for a verb, a resource or a name, and says nothing when it matches none. pods/* is no subresource of pods, \"*\" among resourceNames is an object of that name, a creation has no name that resourceNames could match, " +
				"list, watch and deletecollection match names only when a field selector of the request gives one, verbs and resources are compared letter by letter, and within a namespace cluster-scoped resources, URLs and the impersonation of users mean nothing. " +
				"Such rules are reported here and not counted as grants by the other checks. Verbs are only known for kinds of Kubernetes.",
			Attack:  "a reviewer believes that a rule grants or limits something that it does not",
			Fix:     "remove what has no effect, or write what was meant",
			Exempt:  "A role that is made by a tool and cannot be changed.",
			Sources: []string{rbacDocs + "#referring-to-resources", "https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/apis/rbac/v1/evaluation_helpers.go"},
		},
		Run: func(in checks.Input) []checks.Finding {
			r, ok := roleOf(in)
			if !ok {
				return unreadable(in)
			}
			var out []checks.Finding
			for i := range r.judged {
				for _, d := range deadParts(&r.judged[i], r.scope.Namespace != "") {
					if !slices.ContainsFunc(out, func(f checks.Finding) bool { return f.Subject == d.subject }) {
						out = append(out, checks.Finding{Subject: d.subject, Field: fmt.Sprintf("rules[%d].%s", i, d.field), Message: d.says})
					}
				}
			}
			return out
		},
	}
}

// dead is a part of a rule without effect.
type dead struct{ subject, field, says string }

// deadParts lints one rule; within says that it holds in a namespace.
func deadParts(rule *rbacv1.PolicyRule, within bool) []dead {
	var out []dead
	if len(rule.Resources) > 0 && len(rule.APIGroups) == 0 {
		out = append(out, dead{"apiGroups", "apiGroups", "names no API group for " + joinFew(rule.Resources, "resource") + ", so it grants nothing; \"\" is the core group"})
	}
	if len(rule.Verbs) == 0 && len(rule.Resources)+len(rule.NonResourceURLs) > 0 {
		out = append(out, dead{"verbs", "verbs", "names no verb, so it grants nothing"})
	}
	if within && len(rule.NonResourceURLs) > 0 {
		out = append(out, dead{"nonResourceURLs", "nonResourceURLs", "allows URLs, which a Role cannot grant"})
	}
	out = append(out, deadVerbs(rule)...)
	out = append(out, deadResources(rule, within)...)
	return append(out, deadNames(rule)...)
}

// knownVerbs are those that Kubernetes asks about for its own kinds, and those of
// HTTP for URLs.
var knownVerbs = []string{
	"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection",
	"use", "bind", "escalate", "impersonate", "approve", "sign", "attest", "post", "put", "head", "options", rbacv1.VerbAll,
}

func deadVerbs(rule *rbacv1.PolicyRule) []dead {
	var out []dead
	for i, v := range rule.Verbs {
		field := fmt.Sprintf("verbs[%d]", i)
		switch {
		case v != strings.ToLower(v):
			out = append(out, dead{"verb/" + v, field, "has the verb " + v + ", which no request has: verbs are written in lower case"})
		case slices.Contains(knownVerbs, v) || strings.Contains(v, ":"):
		case len(rule.APIGroups) > 0 && !slices.ContainsFunc(rule.APIGroups, func(g string) bool { return !isBuiltIn(g) || g == rbacv1.APIGroupAll }):
			out = append(out, dead{"verb/" + v, field, "has the verb " + v + ", which Kubernetes does not know"})
		}
	}
	return out
}

// clusterScoped are the resources of Kubernetes without a namespace. A request
// for one Namespace counts as within it, so that namespaces is not among them.
// https://kubernetes.io/docs/reference/kubernetes-api/
var clusterScoped = []string{
	"/componentstatuses", "/nodes", "/persistentvolumes",
	"admissionregistration.k8s.io/mutatingadmissionpolicies", "admissionregistration.k8s.io/mutatingadmissionpolicybindings",
	"admissionregistration.k8s.io/mutatingwebhookconfigurations", "admissionregistration.k8s.io/validatingadmissionpolicies",
	"admissionregistration.k8s.io/validatingadmissionpolicybindings", "admissionregistration.k8s.io/validatingwebhookconfigurations",
	"apiextensions.k8s.io/customresourcedefinitions", "apiregistration.k8s.io/apiservices",
	"authentication.k8s.io/selfsubjectreviews", "authentication.k8s.io/tokenreviews",
	"authorization.k8s.io/selfsubjectaccessreviews", "authorization.k8s.io/selfsubjectrulesreviews", "authorization.k8s.io/subjectaccessreviews",
	"certificates.k8s.io/certificatesigningrequests", "certificates.k8s.io/clustertrustbundles",
	"flowcontrol.apiserver.k8s.io/flowschemas", "flowcontrol.apiserver.k8s.io/prioritylevelconfigurations",
	"networking.k8s.io/ingressclasses", "networking.k8s.io/ipaddresses", "networking.k8s.io/servicecidrs", "node.k8s.io/runtimeclasses",
	"rbac.authorization.k8s.io/clusterrolebindings", "resource.k8s.io/deviceclasses", "resource.k8s.io/resourceslices",
	"scheduling.k8s.io/priorityclasses", "storage.k8s.io/csidrivers", "storage.k8s.io/csinodes", "storage.k8s.io/storageclasses", "storage.k8s.io/volumeattachments",
}

// impersonated are what a request may be made as, ServiceAccounts excepted: none
// of it has a namespace.
var impersonated = []string{"users", "groups", "uids", "userextras"}

func deadResources(rule *rbacv1.PolicyRule, within bool) []dead {
	var out []dead
	for i, resource := range rule.Resources {
		field := fmt.Sprintf("resources[%d]", i)
		name, sub, _ := strings.Cut(resource, "/")
		switch {
		case resource != strings.ToLower(resource):
			out = append(out, dead{"resource/" + resource, field, "names the resource " + resource + ", which no request has: resources are plurals in lower case"})
		case sub == "*":
			out = append(out, dead{"resource/" + resource, field, "names " + resource + ", which grants nothing: a star is no wildcard behind a slash"})
		case within && slices.Contains(impersonated, name) && !slices.ContainsFunc(rule.Verbs, func(v string) bool { return !strings.HasPrefix(v, "impersonate") }):
			out = append(out, dead{"resource/" + resource, field, "allows impersonating " + name + ", which a Role cannot grant"})
		case within && isClusterScoped(rule.APIGroups, name):
			out = append(out, dead{"resource/" + resource, field, "names " + resource + ", which has no namespace, so that a Role cannot grant it"})
		}
	}
	return out
}

// isClusterScoped reports whether a resource has no namespace in any of the
// groups.
func isClusterScoped(groups []string, resource string) bool {
	return len(groups) > 0 && !slices.ContainsFunc(groups, func(g string) bool { return !slices.Contains(clusterScoped, g+"/"+resource) })
}

func deadNames(rule *rbacv1.PolicyRule) []dead {
	if len(rule.ResourceNames) == 0 {
		return nil
	}
	var out []dead
	if i := slices.Index(rule.ResourceNames, "*"); i >= 0 {
		out = append(out, dead{"name/*", fmt.Sprintf("resourceNames[%d]", i), `limits the rule to an object named "*": a star is no wildcard among resourceNames`})
	}
	for i, v := range rule.Verbs {
		field := fmt.Sprintf("verbs[%d]", i)
		switch v {
		case "create":
			if slices.ContainsFunc(rule.Resources, func(s string) bool { return !strings.Contains(s, "/") }) {
				out = append(out, dead{"names/create", field, "limits create by resourceNames, which no creation matches: the name is not known when it is authorised"})
			}
		case "list", "watch", "deletecollection":
			out = append(out, dead{"names/" + v, field, "limits " + v + " by resourceNames, which only requests match that select metadata.name by a field selector"})
		}
	}
	return out
}
