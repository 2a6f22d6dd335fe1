// SPDX-License-Identifier: Apache-2.0

package privilege

import "github.com/gatehouse-sh/gatehouse/checks"

// controlChecks lists RBAC-045 to RBAC-049, RBAC-051 and RBAC-052: changing what
// the control plane enforces or trusts.
func controlChecks() []checks.Check {
	const (
		certificates = "https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/"
		webhooks     = "https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/"
	)
	return []checks.Check{
		rolePower("RBAC-045", checks.Doc{
			Title: "Roles do not allow approving certificates",
			Why: "An approved CertificateSigningRequest of the signers of Kubernetes becomes a client certificate for the user and groups that it names, which cannot be revoked. " +
				"update or patch on certificatesigningrequests/approval and the verb approve on the signer are needed together, or sign and certificatesigningrequests/status; each half is reported, because the other is easily missed. " +
				"The half that names the signer is what counts: without one of Kubernetes (kubernetes.io/..., or no name at all) certificatesigningrequests/approval and /status are medium, as with cert-manager, which signs for issuers of its own. " +
				"Signers of your own, named in resourceNames, are not reported: the API server trusts no certificate of theirs.",
			Attack:  "gets a certificate for any user that is valid until it expires",
			Fix:     "limit signers by resourceNames to those of your own",
			Exempt:  "The approver that a platform ships, such as the one for the certificates of kubelets.",
			Sources: []string{goodPractices + "#csrs-and-certificate-issuing", certificates + "#authorization", certificates + "#kubernetes-signers"},
		}),
		rolePower("RBAC-046", checks.Doc{
			Title: "Roles do not allow planting trust anchors",
			Why: "A ClusterTrustBundle is a list of authorities that Pods mount and believe. Who writes one, or may attest for its signer, makes its own certificates valid for them; " +
				"who writes the status of PodCertificateRequests issues certificates to Pods.",
			Attack:  "stands between Pods that trust the bundle, with certificates of its own",
			Fix:     "limit the verb attest by resourceNames to signers of your own, and remove writes of clustertrustbundles",
			Exempt:  "The controller of a signer of your own.",
			Sources: []string{certificates + "#cluster-trust-bundles", "https://github.com/kubernetes/enhancements/issues/3257", "https://github.com/kubernetes/enhancements/issues/4317"},
		}),
		rolePower("RBAC-047", checks.Doc{
			Title: "Roles do not allow changing admission webhooks",
			Why: "A webhook sees every object that it asks for, Secrets included, and a mutating one changes them. Removing or narrowing a configuration switches off the guard behind it, Gatehouse among them. " +
				"resourceNames limit what may be deleted, which is medium then. They do not limit update and patch: the one configuration may be rewritten to be asked about every object and to send them to an address of the writer's choice, so that one name of a mutating configuration is as bad as all. " +
				"A validating one sees everything and changes nothing, which is high. That goes for a controller's own configuration too, whose certificate it keeps current: RBAC has no right to the certificate alone.",
			Attack:  "reads and changes everything that is written to the cluster, or switches off what would refuse it",
			Fix:     "let one certificate manager inject the CA bundles of all webhooks, and remove the verbs that write webhook configurations elsewhere",
			Exempt:  "The certificate manager that injects CA bundles, and controllers that keep the certificate of their own configuration current; name it in resourceNames.",
			Sources: []string{goodPractices + "#control-admission-webhooks", webhooks, cisBenchmark},
		}),
		rolePower("RBAC-048", checks.Doc{
			Title: "Roles do not allow changing admission policies",
			Why: "ValidatingAdmissionPolicies and MutatingAdmissionPolicies run inside the API server. No webhook sees writes to them, so nothing refuses one that switches off a guard or mutates every Pod. " +
				"The cluster-wide policies of Gatekeeper, Kyverno and Kubewarden, and OpenShift's SecurityContextConstraints, count too. " +
				"A name does not limit update and patch on what mutates, generates or lets in: the one policy may be rewritten to match everything.",
			Attack: "switches off the policies that would refuse it, or has a container added to every Pod",
			Fix:    "remove the verbs that write admission policies and their bindings, or limit update and patch by resourceNames",
			Exempt: "Policy engines that generate admission policies.",
			Sources: []string{
				"https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/", "https://kubernetes.io/docs/reference/access-authn-authz/mutating-admission-policy/",
				"https://open-policy-agent.github.io/gatekeeper/website/docs/mutation/", "https://kyverno.io/docs/policy-types/cluster-policy/mutate/",
			},
		}),
		rolePower("RBAC-049", checks.Doc{
			Title: "Roles do not allow changing API definitions",
			Why: "An APIService sends the requests of a whole API group to a server of the writer's choice, with the users' names in them. That is critical. " +
				"A CustomResourceDefinition may name a conversion webhook that sees every object of its kind, and deleting one deletes them all; that is high.",
			Attack:  "answers for a whole API group, or deletes every custom resource of a kind",
			Fix:     "remove the verbs that write apiservices and customresourcedefinitions; install definitions with the rights of an administrator",
			Exempt:  "Operators that install their own definitions; limit update and patch by resourceNames.",
			Sources: []string{"https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definition-versioning/#webhook-conversion", "https://kubernetes.io/docs/concepts/extend-kubernetes/api-extension/apiserver-aggregation/"},
		}),
		rolePower("RBAC-051", checks.Doc{
			Title: "Roles do not allow changing Namespaces",
			Why: "Labels of a Namespace choose its Pod Security level, the NetworkPolicies that let it in, the Gateways whose routes it may attach, and whether Gatehouse judges it. " +
				"A Role in the Namespace is enough to change them, although Namespaces are cluster-scoped: requests for a single one count as within it.",
			Attack:  "labels its Namespace so that privileged Pods run there and no guard looks",
			Fix:     "remove create, update, patch and delete on namespaces",
			Exempt:  "Controllers that make Namespaces for tenants.",
			Sources: []string{goodPractices + "#namespace-modification", "https://kubernetes.io/docs/concepts/security/pod-security-admission/#pod-security-admission-labels-for-namespaces"},
		}),
		rolePower("RBAC-052", checks.Doc{
			Title: "Roles do not allow changing quotas, priorities and sandboxes",
			Why: "ResourceQuotas and LimitRanges keep one tenant from starving the others, PriorityClasses decide whose Pods are evicted, FlowSchemas and PriorityLevelConfigurations whose requests the API server answers first, " +
				"and a RuntimeClass may replace a sandbox by a plain container.",
			Attack:  "starves other tenants, or runs without the sandbox that was meant for it",
			Fix:     "remove the verbs that write these kinds",
			Exempt:  "Controllers that set quotas for tenants.",
			Sources: []string{goodPractices + "#denial-of-service-risks", "https://kubernetes.io/docs/concepts/policy/resource-quotas/", "https://kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption/"},
		}),
	}
}
