// SPDX-License-Identifier: Apache-2.0

package privilege

import "github.com/gatehouse-sh/gatehouse/checks"

// Pages that many checks cite.
const (
	goodPractices = "https://kubernetes.io/docs/concepts/security/rbac-good-practices/"
	rbacDocs      = "https://kubernetes.io/docs/reference/access-authn-authz/rbac/"
	cisBenchmark  = "https://www.cisecurity.org/benchmark/kubernetes"
	police        = "https://github.com/PaloAltoNetworks/rbac-police/tree/main/lib"
)

// administrationChecks lists RBAC-001, RBAC-010, RBAC-011 and RBAC-013: being an
// administrator, or making oneself one.
func administrationChecks() []checks.Check {
	return []checks.Check{
		rolePower("RBAC-001", checks.Doc{
			Title: "Roles do not allow everything",
			Why: "A rule with every verb on every resource of every API group is what cluster-admin is: it includes Secrets, exec, impersonation and everything that will be installed later. " +
				"The seven usual verbs spelled out (get, list, watch, create, update, patch, delete) count as a star. " +
				"The other checks say nothing about such a rule, because this one says it all.",
			Attack: "whoever takes over one account that holds the role owns the cluster, or the namespace of the Role",
			Fix:    "list the API groups, resources and verbs that the holder uses; `gatehouse rbac suggest` computes them from an audit log",
			Exempt: "A role of the people who run the cluster, bound to a group that an identity provider guards.",
			Sources: []string{
				cisBenchmark, goodPractices + "#least-privilege", rbacDocs + "#user-facing-roles",
			},
		}),
		rolePower("RBAC-010", checks.Doc{
			Title: "Roles do not allow the verb escalate",
			Why: "Kubernetes lets nobody write a role that allows more than its writer is allowed. The verb escalate on roles or clusterroles lifts that: with update on the same role, its holder gives itself any permission. " +
				"Limiting it to the name of one role limits nothing, for what is written into that role is free.",
			Attack:  "writes any permission into a role that it holds and is an administrator",
			Fix:     "remove the verb escalate; give the holder the permissions that it has to hand out instead",
			Exempt:  "The controller that installs roles for others, such as an operator lifecycle manager.",
			Sources: []string{goodPractices + "#escalate-verb", rbacDocs + "#restrictions-on-role-creation-or-update"},
		}),
		rolePower("RBAC-011", checks.Doc{
			Title: "Roles do not allow the verb bind on powerful roles",
			Why: "Kubernetes lets nobody bind a role that allows more than the writer of the binding is allowed. The verb bind on clusterroles or roles lifts that for the roles it covers. " +
				"Limited by resourceNames to roles of a team it is a way to delegate; cluster-admin, admin, edit and system: roles among the names, or no names at all, make it a way up.",
			Attack:  "binds cluster-admin to itself, in every namespace where it may write bindings",
			Fix:     "limit the rule by resourceNames to the roles that the holder has to hand out",
			Exempt:  "A tenant operator that binds admin or edit in the namespaces it makes.",
			Sources: []string{goodPractices + "#bind-verb", rbacDocs + "#restrictions-on-role-binding-creation-or-update"},
		}),
		rolePower("RBAC-013", checks.Doc{
			Title: "Roles do not allow writing RBAC objects",
			Why: "Who writes roles and bindings decides who may do what. Kubernetes limits such a holder to its own permissions, but not whom it hands them to: a binding that it may update can be given further subjects, " +
				"and an account that holds much passes all of it on. The same objects in OpenShift's older API count, and those of which Rancher makes roles and bindings.",
			Attack:  "adds an account of its own to bindings, and keeps access after the first way in is closed",
			Fix:     "remove create, update and patch on roles, clusterroles, rolebindings and clusterrolebindings, and let a pipeline that is reviewed write them",
			Exempt:  "Operators that make the ServiceAccounts and bindings of the workloads they run; bind such a role in one namespace.",
			Sources: []string{rbacDocs + "#privilege-escalation-prevention-and-bootstrapping", goodPractices + "#privilege-escalation-risks"},
		}),
	}
}
