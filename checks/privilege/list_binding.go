// SPDX-License-Identifier: Apache-2.0

package privilege

import (
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/authz"
	"github.com/gatehouse-sh/gatehouse/internal/authz/power"
)

// bindingChecks lists RBAC-060 to RBAC-067: who is given what.
func bindingChecks() []checks.Check {
	return []checks.Check{
		fullControlBinding(), powerfulDefaultRole(), everybodyBound(), boundDefaultAccount(), otherNamespace(), staleBinding(), couldBeNamespaced(), subjectSpelling(),
	}
}

// onlyWarned are the actions of checks whose denial in the strict profile would make
// the order matter in which the documents of one file are applied.
var onlyWarned = checks.Actions{Baseline: checks.Warn, Strict: checks.Warn}

const periodicReview = goodPractices + "#periodic-review"

func fullControlBinding() checks.Check {
	return checks.Check{
		ID: "RBAC-060", Name: "bind-full-control", Severity: checks.High, Actions: stricter, Softens: checks.StepPerGrade, Kinds: allBindings,
		Doc: checks.Doc{
			Title: "Nobody is bound to full control",
			Why: "cluster-admin, and every role whose rules allow every verb on every resource, holds all that there is and all that will be installed. " +
				"A binding to it is critical: a RoleBinding, too, gives the whole namespace with its Secrets and accounts. " +
				"The binding of system:masters that Kubernetes ships, and that of kubeadm:cluster-admins, are not reported.",
			Attack:  "whoever takes over the subject is administrator of the cluster, or of the namespace",
			Fix:     "bind a role that lists what the subject uses; `gatehouse rbac suggest` computes it from an audit log",
			Exempt:  "The group of the people who run the cluster, guarded by an identity provider.",
			Sources: []string{cisBenchmark, goodPractices + "#least-privilege", rbacDocs + "#user-facing-roles"},
		},
		Run: eachSubject(func(b *binding, s *subject, _ checks.Input) (checks.Severity, string) {
			severity, full := b.full()
			if !full {
				return checks.SeverityUnset, ""
			}
			return severity, "gives " + s.name + " full control" + b.where()
		}),
	}
}

func powerfulDefaultRole() checks.Check {
	return checks.Check{
		ID: "RBAC-061", Name: "bind-default-role", Severity: checks.High, Actions: stricter, Softens: checks.StepPerGrade, Kinds: allBindings,
		Doc: checks.Doc{
			Title: "Powerful roles of Kubernetes itself are not given away",
			Why: "admin and edit hold the Secrets and the Pods of a namespace. The roles of controllers, the scheduler, kubelets and certificate approvers are meant for these alone, and grow with every version. " +
				"Such a role is high in a ClusterRoleBinding or in kube-system, and medium in any other RoleBinding, where admin and edit belong. " +
				"system:auth-delegator, which tells whose token a token is and what anybody may do, is medium; " +
				"system:node-bootstrapper, which requests certificates of nodes, is high. view and the roles that only discover are not reported, and cluster-admin is RBAC-060.",
			Attack:  "uses a role that was made for the control plane, or every namespace at once",
			Fix:     "bind admin or edit by a RoleBinding in the namespace where it is needed, and write a role of your own in place of a system: role",
			Exempt:  "The people who own a namespace, and extension API servers, which are documented to need system:auth-delegator.",
			Sources: []string{rbacDocs + "#user-facing-roles", rbacDocs + "#core-component-roles", rbacDocs + "#controller-roles"},
		},
		Run: func(in checks.Input) []checks.Finding {
			out := eachSubject(judgeDefaultRole)(in)
			if b, ok := bindingOf(in); ok && b.scope.Namespace != "" && slices.Contains([]string{"admin", "edit"}, b.RoleRef.Name) {
				for i := range out {
					out[i].Attack = "reads the Secrets of the namespace and runs Pods as any of its ServiceAccounts"
					out[i].Fix = "bind a Role that lists what the subject uses; `gatehouse rbac suggest` computes it from an audit log"
				}
			}
			return out
		},
	}
}

// byUse are roles of Kubernetes whose worth the table of powers does not show:
// what they allow means something only to the control plane.
var byUse = map[string]struct {
	severity checks.Severity
	can      string
}{
	"system:auth-delegator":    {checks.Medium, "ask whose token a token is and what anybody may do"},
	"system:node-bootstrapper": {checks.High, "request the certificate of a node"},
}

func judgeDefaultRole(b *binding, s *subject, _ checks.Input) (checks.Severity, string) {
	shipped := shippedAs(b.role)
	if _, full := b.full(); full || shipped == nil || shipped.kubeadm {
		return checks.SeverityUnset, ""
	}
	severity, can := checks.SeverityUnset, ""
	for _, h := range power.Of(shipped.rules, b.scope) {
		severity = max(severity, h.Severity)
	}
	severity = min(severity, checks.High)
	if severity >= checks.Medium {
		can = b.can()
	}
	if use, known := byUse[b.RoleRef.Name]; known && b.scope.Namespace == "" && use.severity > severity {
		severity, can = use.severity, use.can
	}
	if b.scope.Namespace != "" && b.scope.Namespace != "kube-system" {
		severity = min(severity, checks.Medium)
	}
	if severity < checks.Medium {
		return checks.SeverityUnset, ""
	}
	return severity, "gives " + s.name + " the role " + b.RoleRef.Name + " of Kubernetes" + b.where() + ": may " + can
}

func everybodyBound() checks.Check {
	return checks.Check{
		ID: "RBAC-062", Name: "bind-everybody", Severity: checks.High, Actions: stricter, Softens: checks.StepPerGrade, Kinds: allBindings,
		Doc: checks.Doc{
			Title: "Roles are not given to everybody",
			Why: "system:unauthenticated and system:anonymous are callers who prove nothing, system:authenticated is everybody with any account (on Google Kubernetes Engine everybody with a Google account), " +
				"system:serviceaccounts is every Pod that has a token, system:nodes every machine. Bound to them, a role is critical, whatever it holds, for it will be widened by somebody who does not know who holds it; " +
				"every account or authenticated user within one namespace is high, and so is the group of one namespace's accounts, which is medium in that namespace itself. " +
				"Everybody may have system:discovery, system:basic-user, system:public-info-viewer and system:service-account-issuer-discovery; callers who prove nothing only the last two. " +
				"system:masters may do everything without a binding, so that one misleads its reader; the user or group \"*\" is no wildcard. Both are medium. What Kubernetes and kubeadm ship is not reported.",
			Attack:  "uses the role without an account of its own, or from any Pod",
			Fix:     "bind the role to the ServiceAccounts or the group that need it",
			Exempt:  "Image pull rights for the accounts of one namespace, and documents that are meant to be public.",
			Sources: []string{goodPractices + "#hardening", "https://cloud.google.com/kubernetes-engine/docs/best-practices/rbac", rbacDocs + "#discovery-roles", rbacDocs + "#referring-to-subjects"},
		},
		Run: eachSubject(judgeEverybody),
	}
}

// crowds are subjects who are many or anybody, and who they are.
var crowds = map[string]struct {
	who    string
	wide   checks.Severity
	narrow checks.Severity
}{
	"User system:anonymous":        {"callers who prove nothing", checks.Critical, checks.Critical},
	"Group system:unauthenticated": {"callers who prove nothing", checks.Critical, checks.Critical},
	"Group system:authenticated":   {"everybody with any account", checks.Critical, checks.High},
	"Group system:serviceaccounts": {"every ServiceAccount", checks.Critical, checks.High},
	"Group system:nodes":           {"every node", checks.Critical, checks.High},
	"Group system:masters":         {"a group that may do everything without a binding", checks.Medium, checks.Medium},
	"Group *":                      {"a group of that name, for a star is no wildcard", checks.Medium, checks.Medium},
	"User *":                       {"a user of that name, for a star is no wildcard", checks.Medium, checks.Medium},
}

// public are the roles that callers who prove nothing may have.
var public = []string{"system:public-info-viewer", "system:service-account-issuer-discovery"}

func judgeEverybody(b *binding, s *subject, _ checks.Input) (checks.Severity, string) {
	crowd, known := crowds[s.Kind+" "+s.Name]
	if namespace, one := strings.CutPrefix(s.Name, authz.AccountGroupPrefix); one && s.Kind == rbacv1.GroupKind {
		crowd.who, crowd.wide, crowd.narrow, known = "every ServiceAccount of namespace "+namespace, checks.High, checks.High, true
		if namespace == b.scope.Namespace {
			crowd.narrow = checks.Medium
		}
	}
	allowed := everybody
	if crowd.narrow == checks.Critical {
		allowed = public
	}
	if !known || b.RoleRef.Kind == "ClusterRole" && slices.Contains(allowed, b.RoleRef.Name) {
		return checks.SeverityUnset, ""
	}
	severity := crowd.wide
	if b.scope.Namespace != "" {
		severity = crowd.narrow
	}
	return severity, "gives " + b.role.String() + b.where() + " to " + s.name + ", " + crowd.who
}
