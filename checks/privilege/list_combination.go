// SPDX-License-Identifier: Apache-2.0

package privilege

import "github.com/gatehouse-sh/gatehouse/checks"

// combinationChecks lists RBAC-080 to RBAC-086: permissions that are worth more
// together than each of them.
func combinationChecks() []checks.Check {
	const podSecurity = "https://kubernetes.io/docs/concepts/security/pod-security-admission/"
	return []checks.Check{
		combinedPower("RBAC-080", checks.Doc{
			Title: "Nobody may mint tokens through Secrets",
			Why: "Kubernetes writes a token that does not expire into a Secret of type kubernetes.io/service-account-token, for the account that its annotation names. " +
				"Creating Secrets and reading them in the same place is therefore as good as every ServiceAccount there.",
			Attack:  "has a lasting token of any ServiceAccount of the namespace",
			Fix:     "take away creating Secrets or reading them; most programs need neither by every name",
			Exempt:  "Operators that keep credentials of their own, in a namespace of their own.",
			Sources: []string{"https://kubernetes.io/docs/concepts/configuration/secret/#serviceaccount-token-secrets", goodPractices + "#listing-secrets", police},
		}),
		combinedPower("RBAC-081", checks.Doc{
			Title: "Nobody may drive Pods to a node of their choice",
			Why: "Deleting or evicting Pods makes their controllers create them again, and changing nodes or their status decides where: " +
				"with every other node unschedulable they come to one that the attacker controls, and bring their Secrets and tokens.",
			Attack:  "gathers Pods with powerful accounts on a node that it controls, and takes their tokens",
			Fix:     "take away changing nodes and their status, or deleting and evicting Pods",
			Exempt:  "Autoscalers of nodes and programs that drain them.",
			Sources: []string{police, goodPractices + "#privilege-escalation-risks", "https://kubernetes.io/docs/concepts/scheduling-eviction/api-eviction/"},
		}),
		combinedPower("RBAC-082", checks.Doc{
			Title: "Nobody may bind powerful roles to themselves",
			Why: "The verb bind lifts the rule that nobody hands out what they do not have, and creating or changing bindings is where it is used. " +
				"Together, on cluster-admin, admin, edit or roles of Kubernetes itself, or on no roles by name, they make an administrator.",
			Attack:  "binds cluster-admin to itself",
			Fix:     "limit the verb bind by resourceNames to the roles that the holder has to hand out",
			Exempt:  "The operator that sets up tenants.",
			Sources: []string{goodPractices + "#bind-verb", rbacDocs + "#restrictions-on-role-binding-creation-or-update"},
		}),
		combinedPower("RBAC-083", checks.Doc{
			Title: "Nobody may expose a Service and choose what answers for it",
			Why: "Writing Services, Endpoints or EndpointSlices decides what answers for a name, addresses in other namespaces included; writing Ingresses, routes or Gateways makes it public. " +
				"Together they put a way into the cluster that no other namespace agreed to (CVE-2021-25740). It is the ordinary right of a deployment pipeline, so look at who holds it.",
			Attack:  "publishes a service of another namespace, or answers for it to the outside",
			Fix:     "take away writing endpoints and endpointslices, and keep Ingresses and routes to a pipeline that is reviewed",
			Exempt:  "The pipelines that deploy and publish; Gatehouse judges what they write as well.",
			Sources: []string{"https://github.com/kubernetes/kubernetes/issues/103675", "https://gateway-api.sigs.k8s.io/concepts/security-model/"},
		}),
		combinedPower("RBAC-084", checks.Doc{
			Title: "Nobody may relax Pod security and use it",
			Why: "Labels of a Namespace choose its Pod Security level. Who may change them and run Pods, or workloads that do, runs privileged Pods however strict the level is. " +
				"A Role within the Namespace is enough for both.",
			Attack:  "labels the Namespace privileged, and runs a Pod that is the node",
			Fix:     "take away update and patch on namespaces",
			Exempt:  "Controllers that make Namespaces for tenants and set up what runs in them.",
			Sources: []string{podSecurity + "#pod-security-admission-labels-for-namespaces", goodPractices + "#namespace-modification"},
		}),
		combinedPower("RBAC-085", checks.Doc{
			Title: "Nobody may watch the Secrets of kube-system and run Pods there",
			Why: "kube-system holds the accounts of the controllers. Watching its Secrets shows every token that appears, and a Pod there runs as any of these accounts: " +
				"each is a way to the control plane, and together they leave it no secret.",
			Attack:  "acts as any controller of the control plane",
			Fix:     "bind nothing that reads Secrets or creates Pods in kube-system",
			Exempt:  "The program that installs the components of the cluster.",
			Sources: []string{goodPractices + "#listing-secrets", goodPractices + "#workload-creation"},
		}),
		nameReuse(),
	}
}
