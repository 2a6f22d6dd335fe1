// SPDX-License-Identifier: Apache-2.0

package power

import (
	"slices"

	"github.com/gatehouse-sh/gatehouse/checks"
)

// control is changing what the control plane enforces or trusts.
var control = []Power{
	{
		ID: "RBAC-045", Name: "approve-certificates", Can: "approve or sign client certificates",
		Wide: checks.Critical, Becomes: Anyone,
		Any: []Pattern{
			// The API server trusts what the signers of Kubernetes issue, and no other:
			// https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/#kubernetes-signers
			on(group(csr), []string{"approve", "sign"}, "signers").named("kubernetes.io/*"),
			// For which signer a request is approved or answered the admission plugins
			// CertificateApproval and CertificateSigning ask besides, by the rule above. This
			// half alone, or with signers of one's own as cert-manager has it, makes nobody
			// anybody else.
			on(group(csr), change, "certificatesigningrequests/approval", "certificatesigningrequests/status").most(checks.Medium),
		},
	},
	{
		ID: "RBAC-046", Name: "write-trust-anchors", Can: "plant certificates that others trust",
		Wide: checks.High, Becomes: Nobody,
		Any: []Pattern{
			on(group(csr), write, "clustertrustbundles"),
			on(group(csr), []string{"attest"}, "signers"),
			on(group(csr), change, "podcertificaterequests/status"),
		},
	},
	{
		ID: "RBAC-047", Name: "write-webhooks", Can: "change admission webhooks",
		Wide: checks.Critical, Named: checks.Medium, Becomes: Accounts,
		Any: []Pattern{
			// A name limits what may be deleted, not what may be written: whoever changes one
			// configuration, its own or somebody else's, may have every object of the cluster
			// sent to an address of its choice, and changed there, the account of every Pod
			// among them. RBAC has no right to the CA
			// bundle alone, and does not say whose a configuration is. Our own is no more than
			// Medium: the webhook must renew its CA bundle, and the controller compares the
			// rest with what it should be and tells (docs/background.md).
			on(group(admission), write, "mutatingwebhookconfigurations").named("*").except(ownRegistration),
			on(group(admission), modify, "mutatingwebhookconfigurations").most(checks.Critical),
			// One that only validates is shown every object, the Secrets that are written
			// among them, and may refuse all; it changes none.
			on(group(admission), change, "validatingwebhookconfigurations").named("*").except(ownRegistration).most(checks.High),
			on(group(admission), modify, "validatingwebhookconfigurations").most(checks.Critical),
		},
	},
	{
		ID: "RBAC-048", Name: "write-admission-policies", Can: "change admission policies",
		Wide: checks.Critical, Named: checks.Medium, Becomes: Accounts,
		Any: slices.Concat([]Pattern{
			// What the one policy matches and how it changes it may be rewritten, as above.
			on(group(admission), write, "mutatingadmissionpolicies").named("*"),
			on(group(admission), modify,
				"validatingadmissionpolicies", "validatingadmissionpolicybindings", "validatingadmissionpolicies/status",
				"mutatingadmissionpolicies", "mutatingadmissionpolicybindings", "mutatingadmissionpolicies/status").most(checks.Critical),
		}, guards),
	},
	{
		ID: "RBAC-049", Name: "write-api-definitions", Can: "change API definitions",
		Wide: checks.Critical, Named: checks.Medium, Becomes: Nobody,
		Any: []Pattern{
			on(group("apiregistration.k8s.io"), modify, "apiservices"),
			on(group("apiextensions.k8s.io"), modify, "customresourcedefinitions").most(checks.High),
		},
	},
	{
		ID: "RBAC-051", Name: "write-namespaces", Can: "change Namespaces and the labels that guard them",
		Wide: checks.High, Narrow: checks.High, Named: checks.Medium, Becomes: Nobody,
		Any: []Pattern{
			// Requests for one Namespace count as within it, creations do not.
			on(core, []string{"update", "patch", "delete"}, "namespaces"),
			on(core, []string{"create"}, "namespaces").clusterOnly(),
		},
	},
	{
		ID: "RBAC-052", Name: "write-limits", Can: "change quotas, priorities and sandboxes",
		Wide: checks.Medium, Narrow: checks.Medium, Becomes: Nobody,
		Any: []Pattern{
			on(core, modify, "resourcequotas", "limitranges"),
			on(group("scheduling.k8s.io"), modify, "priorityclasses").clusterOnly(),
			on(group("flowcontrol.apiserver.k8s.io"), modify, "flowschemas", "prioritylevelconfigurations").clusterOnly(),
			on(group("node.k8s.io"), modify, "runtimeclasses").clusterOnly(),
		},
	},
	{
		ID: "RBAC-070", Name: "disable-gatehouse", Can: "change what Gatehouse enforces",
		Wide: checks.Critical, Narrow: checks.Critical, Becomes: Nobody,
		Any: []Pattern{
			on(group("gatehouse.sh"), modify, "checkpolicies").clusterOnly(),
			on(group("gatehouse.sh"), modify, "exemptions").within(ownNamespace),
			on(group("apps"), modify, "deployments").insideOwn().named("gatehouse-*"),
			// Without replicas nobody judges objects that have no namespace, nor scans.
			on(group("apps"), change, "deployments/scale").insideOwn().named("gatehouse-*"),
			on(core, modify, "services", "serviceaccounts").insideOwn().named("gatehouse-*"),
			// Its certificates stop it from answering, which refuses more, not less.
			on(core, modify, "secrets").insideOwn().named("gatehouse-*").most(checks.Medium),
		},
	},
	{
		ID: "RBAC-072", Name: "use-privileged-constraints", Can: "run Pods under a privileged security context constraint",
		Wide: checks.High, Narrow: checks.High, Becomes: Nobody,
		Any: []Pattern{
			on(group("security.openshift.io"), []string{"use"}, "securitycontextconstraints").
				named("privileged", "anyuid", "hostaccess", "hostmount-anyuid", "hostnetwork", "hostnetwork-v2", "node-exporter"),
			on(group("policy", "extensions"), []string{"use"}, "podsecuritypolicies"),
		},
	},
}
