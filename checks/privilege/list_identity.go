// SPDX-License-Identifier: Apache-2.0

package privilege

import "github.com/gatehouse-sh/gatehouse/checks"

// identityChecks lists RBAC-012 and RBAC-020 to RBAC-023: acting as somebody
// else, and getting at credentials.
func identityChecks() []checks.Check {
	const accounts = "https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/"
	return []checks.Check{
		rolePower("RBAC-012", checks.Doc{
			Title: "Roles do not allow impersonation",
			Why: "The verb impersonate lets a request be made as another user, group or ServiceAccount, with all of its permissions. Users, groups, UIDs and extra fields have no namespace, so only a ClusterRole grants them; ServiceAccounts are granted within a namespace too. " +
				"Names of Kubernetes itself (system:masters among them) are as bad as none. The constrained verbs of Kubernetes 1.35 and later count: impersonate:user-info, impersonate:serviceaccount and impersonate:arbitrary-node like impersonate, " +
				"impersonate:associated-node as medium, and impersonate-on:MODE:VERB is judged by the other checks as if VERB itself were granted. A rule for userextras/* grants nothing, for its star is no wildcard.",
			Attack:  "makes requests as a member of system:masters",
			Fix:     "limit the rule by resourceNames to the users that the holder stands for, or remove it",
			Exempt:  "An authenticating proxy in front of the API server, such as that of an identity provider.",
			Sources: []string{"https://kubernetes.io/docs/reference/access-authn-authz/user-impersonation/", goodPractices + "#impersonate-verb", "https://github.com/kubernetes/enhancements/issues/5284"},
		}),
		rolePower("RBAC-020", checks.Doc{
			Title: "Roles do not allow reading Secrets",
			Why: "Secrets hold tokens, keys and passwords. get, list and watch are alike: a list returns the contents. In kube-system they include those of the control plane. " +
				"A rule for get with resourceNames is how a workload should read a Secret of its own, and is only recorded.",
			Attack:  "reads every credential where the role holds, tokens of other ServiceAccounts among them",
			Fix:     "mount the Secret into the Pod instead, or allow get with resourceNames only",
			Exempt:  "Controllers whose business is Secrets: certificate managers, ingress controllers, secret synchronisation.",
			Sources: []string{goodPractices + "#listing-secrets", "https://kubernetes.io/docs/concepts/security/secrets-good-practices/", cisBenchmark},
		}),
		rolePower("RBAC-021", checks.Doc{
			Title: "Roles do not allow writing Secrets",
			Why: "Kubernetes fills a Secret of type kubernetes.io/service-account-token with the token of the ServiceAccount that its annotation names; in kube-system a Secret of type bootstrap.kubernetes.io/token lets nodes join. " +
				"Overwriting a Secret replaces certificates and registry credentials of whoever uses it. Together with reading it is worse still (RBAC-080).",
			Attack:  "has a token of any ServiceAccount of the namespace written into a Secret of its own, or replaces credentials that others trust",
			Fix:     "limit update and patch by resourceNames and remove create",
			Exempt:  "Controllers whose business is Secrets: certificate managers, secret synchronisation.",
			Sources: []string{"https://kubernetes.io/docs/concepts/configuration/secret/#serviceaccount-token-secrets", "https://kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens/", "https://github.com/WithSecureLabs/IceKube"},
		}),
		rolePower("RBAC-022", checks.Doc{
			Title: "Roles do not allow requesting tokens of ServiceAccounts",
			Why: "create on serviceaccounts/token issues a token for an existing ServiceAccount: its holder is that account, and the token outlives the permission. " +
				"With resourceNames it is as dangerous as the accounts that are named.",
			Attack:  "gets a token of the most powerful ServiceAccount where the role holds",
			Fix:     "limit the rule by resourceNames to the accounts that the holder stands for",
			Exempt:  "Controllers that pass tokens to systems outside, such as secret stores; name the accounts.",
			Sources: []string{goodPractices + "#token-request", accounts + "#tokenrequest-api", police},
		}),
		rolePower("RBAC-023", checks.Doc{
			Title: "Roles do not allow writing ServiceAccounts",
			Why: "Annotations of a ServiceAccount attach roles of the cloud provider to it, and its imagePullSecrets and secrets are handed to Pods. " +
				"An account that is created under the name of a deleted one has all permissions of the bindings that were left.",
			Attack:  "attaches a cloud role to an account that it controls, or revives an account that bindings still list",
			Fix:     "remove create, update and patch on serviceaccounts, or limit update and patch by resourceNames",
			Exempt:  "Operators that make accounts for the workloads they run.",
			Sources: []string{accounts, goodPractices + "#periodic-review", "https://docs.aws.amazon.com/eks/latest/userguide/iam-roles-for-service-accounts.html"},
		}),
	}
}
