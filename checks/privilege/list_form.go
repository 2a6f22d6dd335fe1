// SPDX-License-Identifier: Apache-2.0

package privilege

import (
	"fmt"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
)

// formChecks lists RBAC-002 to RBAC-004, RBAC-006, RBAC-007, RBAC-014 and
// RBAC-015: how roles are written, and how they are put together.
func formChecks() []checks.Check {
	return []checks.Check{starVerb(), starResource(), starGroup(), deadRule(), starSubresource(), aggregatedPower(), tamperedDefaults()}
}

// formed returns High for a ClusterRole and Medium for a Role when a rule is about
// kinds of Kubernetes itself, and Low when it is only about those of others, whose
// harm the other checks know.
func (r *role) formed(rule *rbacv1.PolicyRule) checks.Severity {
	switch {
	case !slices.ContainsFunc(rule.APIGroups, isBuiltIn):
		return checks.Low
	case r.scope.Namespace == "":
		return checks.High
	}
	return checks.Medium
}

// isBuiltIn reports whether an API group holds kinds of Kubernetes itself, or may:
// names without a dot and those below k8s.io are reserved to it.
// https://kubernetes.io/docs/reference/using-api/#api-groups
func isBuiltIn(group string) bool {
	return group == rbacv1.APIGroupAll || !strings.Contains(group, ".") || strings.HasSuffix(group, ".k8s.io")
}

var stricter = checks.Actions{Baseline: checks.Deny, Strict: checks.Deny}

func starVerb() checks.Check {
	return checks.Check{
		ID: "RBAC-002", Name: "star-verb", Severity: checks.High, Actions: stricter, Softens: checks.StepPerGrade, Kinds: roles,
		Doc: checks.Doc{
			Title: "Roles name the verbs that they allow",
			Why: "A star of verbs holds escalate, bind, impersonate, approve, sign, attest and use, which the seven usual verbs do not, and every verb that will be invented. " +
				"On kinds of Kubernetes it is high in a ClusterRole and medium in a Role; on kinds of others only, such as the custom resources of an operator, it is low.",
			Attack:  "uses verbs that nobody meant to allow, such as escalate and impersonate",
			Fix:     "list the verbs: get, list, watch, create, update, patch, delete, as far as they are used",
			Exempt:  "An operator for the custom resources that it owns.",
			Sources: []string{goodPractices + "#least-privilege", rbacDocs + "#referring-to-resources", cisBenchmark},
		},
		Run: func(in checks.Input) []checks.Finding {
			return judgeRules(in, func(r *role, rule *rbacv1.PolicyRule, at int) []atom {
				i := slices.Index(rule.Verbs, rbacv1.VerbAll)
				if i < 0 {
					return nil
				}
				var out []atom
				for _, what := range objectsOf(rule) {
					out = append(out, atom{what, fmt.Sprintf("rules[%d].verbs[%d]", at, i), r.formed(rule)})
				}
				return out
			}, func(list []atom) string {
				return "allows every verb on " + joinFew(keys(list), "resource")
			})
		},
	}
}

func starResource() checks.Check {
	return checks.Check{
		ID: "RBAC-003", Name: "star-resource", Severity: checks.High, Actions: stricter, Softens: checks.StepPerGrade, Kinds: roles,
		Doc: checks.Doc{
			Title: "Roles name the resources that they allow",
			Why: "A star of resources holds every kind of the API group with its subresources (exec, proxy, token, approval), those included that will be installed later. " +
				"On groups of Kubernetes it is high in a ClusterRole and medium in a Role; on groups of others only, such as that of an operator's custom resources, it is low.",
			Attack:  "reaches kinds that nobody meant to allow, subresources such as pods/exec among them",
			Fix:     "list the resources that the holder uses",
			Exempt:  "An operator for the API group that it owns.",
			Sources: []string{goodPractices + "#least-privilege", rbacDocs + "#referring-to-resources", cisBenchmark},
		},
		Run: func(in checks.Input) []checks.Finding {
			return judgeRules(in, func(r *role, rule *rbacv1.PolicyRule, at int) []atom {
				i := slices.Index(rule.Resources, rbacv1.ResourceAll)
				if i < 0 {
					return nil
				}
				var out []atom
				for _, verb := range rule.Verbs {
					for _, group := range rule.APIGroups {
						out = append(out, atom{verb + " " + groupsOf([]string{group}), fmt.Sprintf("rules[%d].resources[%d]", at, i), r.formed(rule)})
					}
				}
				return out
			}, func(list []atom) string {
				var verbs, groups []string
				for _, a := range list {
					verb, group, _ := strings.Cut(a.key, " ")
					verbs, groups = addOnce(verbs, verb), addOnce(groups, group)
				}
				if slices.Contains(verbs, rbacv1.VerbAll) {
					verbs = []string{"every verb"}
				}
				return "allows " + strings.Join(verbs, ", ") + " on every resource of " + joinFew(groups, "group")
			})
		},
	}
}

func starGroup() checks.Check {
	return checks.Check{
		ID: "RBAC-004", Name: "star-group", Severity: checks.Medium, Actions: checks.Actions{Baseline: checks.Warn, Strict: checks.Deny},
		Softens: checks.StepPerGrade, Kinds: roles,
		Doc: checks.Doc{
			Title: "Roles name the API groups that they allow",
			Why: "A resource of every API group is also the custom resource of that name which somebody installs tomorrow: services exists in the core group and in Knative's, secrets in several. " +
				"It is medium in a ClusterRole and low in a Role. Rules for every resource are RBAC-003.",
			Attack:  "gets permissions on custom resources that happen to have the same name",
			Fix:     "name the API group; the empty string is the core group",
			Exempt:  "A tool that follows one resource through renamed API groups.",
			Sources: []string{rbacDocs + "#referring-to-resources"},
		},
		Run: func(in checks.Input) []checks.Finding {
			return judgeRules(in, func(r *role, rule *rbacv1.PolicyRule, at int) []atom {
				i := slices.Index(rule.APIGroups, rbacv1.APIGroupAll)
				if i < 0 || slices.Contains(rule.Resources, rbacv1.ResourceAll) {
					return nil
				}
				severity := checks.Medium
				if r.scope.Namespace != "" {
					severity = checks.Low
				}
				var out []atom
				for _, resource := range rule.Resources {
					out = append(out, atom{resource, fmt.Sprintf("rules[%d].apiGroups[%d]", at, i), severity})
				}
				return out
			}, func(list []atom) string {
				return "allows " + joinFew(keys(list), "resource") + " of every API group"
			})
		},
	}
}

// wideSubresources are subresources by which one acts as somebody else, whatever
// they belong to.
var wideSubresources = []string{"exec", "attach", "proxy", "token", "approval", "ephemeralcontainers", "portforward"}

func starSubresource() checks.Check {
	return checks.Check{
		ID: "RBAC-007", Name: "star-subresource", Severity: checks.High, Actions: stricter, Softens: checks.StepPerGrade, Kinds: roles,
		Doc: checks.Doc{
			Title: "Roles name the resource whose subresource they allow",
			Why: "A resource such as */exec is the subresource of every resource, and reads as if it were none: reviews and scanners look for pods/exec. " +
				"exec, attach, proxy, token, approval, ephemeralcontainers and portforward, and writing any other, are high in a ClusterRole and medium in a Role; reading any other is low.",
			Attack:  "has pods/exec, nodes/proxy or serviceaccounts/token by a name that nobody looks for",
			Fix:     "write the resource in front of the slash",
			Exempt:  "Autoscalers that scale any kind by its subresource scale.",
			Sources: []string{rbacDocs + "#referring-to-resources", "https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/apis/rbac/v1/evaluation_helpers.go"},
		},
		Run: func(in checks.Input) []checks.Finding {
			return judgeRules(in, func(r *role, rule *rbacv1.PolicyRule, at int) []atom {
				var out []atom
				for i, resource := range rule.Resources {
					sub, star := strings.CutPrefix(resource, "*/")
					if !star {
						continue
					}
					severity := checks.High
					if r.scope.Namespace != "" {
						severity = checks.Medium
					}
					for _, verb := range rule.Verbs {
						worth := severity
						if slices.Contains([]string{"get", "list", "watch"}, verb) && !slices.Contains(wideSubresources, sub) {
							worth = checks.Low
						}
						out = append(out, atom{verb + " " + resource, fmt.Sprintf("rules[%d].resources[%d]", at, i), worth})
					}
				}
				return out
			}, func(list []atom) string {
				return "allows a subresource of every resource: " + joinFew(keys(list), "permission")
			})
		},
	}
}

// objectsOf names what a rule is about, in the words of the rule.
func objectsOf(rule *rbacv1.PolicyRule) []string {
	out := slices.Clone(rule.NonResourceURLs)
	for _, group := range rule.APIGroups {
		for _, resource := range rule.Resources {
			switch {
			case resource == rbacv1.ResourceAll:
				out = append(out, "every resource of "+groupsOf([]string{group}))
			case group == "":
				out = append(out, resource)
			case group == rbacv1.APIGroupAll:
				out = append(out, resource+" of every group")
			default:
				name, sub, nested := strings.Cut(resource, "/")
				if nested {
					sub = "/" + sub
				}
				out = append(out, name+"."+group+sub)
			}
		}
	}
	return out
}
