// SPDX-License-Identifier: Apache-2.0

package blast

import "github.com/gatehouse-sh/gatehouse/checks"

// guarded reports whether a chain is refused: any past the gateway, and one from
// the threshold on through it.
func guarded(h *hazard, in checks.Input) bool {
	return h.reach == outside || h.reach == gateway && h.severity() >= threshold(in)
}

// refused reports whether one of XR-001 to XR-004 takes a chain.
func refused(h *hazard, in checks.Input) bool { return h.harm.term != unmounted && guarded(h, in) }

// exposedEscape is a workload that has its node (XR-003).
func exposedEscape() checks.Check {
	c := chain{anywhere, func(h *hazard, in checks.Input) bool { return h.harm.term == byEscape && guarded(h, in) }}
	return checks.Check{
		ID: "XR-003", Name: "exposed-node-escape",
		Severity: checks.Critical,
		Actions:  checks.Actions{Baseline: checks.Deny, Strict: checks.Deny},
		Kinds:    kinds(),
		Doc: checks.Doc{
			Title: "What is reachable from outside cannot get out of its containers",
			Why: "A privileged container, a process of a Windows node (hostProcess), a capability such as SYS_ADMIN, the processes of the node, or a hostPath that holds its credentials, its runtime's socket or, when it can be written, its programs, its devices or the logs of its pods, which the kubelet reads as root, gives whoever takes the container over the node: its kubelet, every pod on it and every ServiceAccount of these. " +
				"For such a workload the token of its own account does not matter. A way through the bundled gateway does not make it harmless. " +
				"hostNetwork is reported by host-network (EXP-041), and counts here as a way in. In a user namespace of its own (hostUsers: false) capabilities do not count.",
			Attack: "whoever takes the workload over has its node, and with it every pod and ServiceAccount on it",
			Fix:    "run the workload without privileges on the node, or close the way from outside",
			Exempt: "A node agent that listens on addresses which only the cluster reaches.",
			Sources: []string{
				"https://kubernetes.io/docs/concepts/security/pod-security-standards/",
				"https://kubernetes.io/docs/concepts/storage/volumes/#hostpath",
				"https://kubernetes.io/docs/concepts/security/rbac-good-practices/#workload-creation",
				"https://kubernetes.io/docs/tasks/configure-pod-container/create-hostprocess-pod/",
				"https://avd.aquasec.com/misconfig/kubernetes/khv047",
				"https://man7.org/linux/man-pages/man7/capabilities.7.html",
			},
		},
		Run: c.run,
	}
}

// exposedCloudIdentity is a workload with rights in a cloud (XR-004).
func exposedCloudIdentity() checks.Check {
	c := chain{anywhere, func(h *hazard, in checks.Input) bool { return h.harm.term == byIdentity && guarded(h, in) }}
	return checks.Check{
		ID: "XR-004", Name: "exposed-cloud-identity",
		Severity: checks.Medium,
		Actions:  checks.Actions{Baseline: checks.Deny, Strict: checks.Deny},
		Kinds:    kinds(),
		Doc: checks.Doc{
			Title: "What is reachable from outside has no identity in a cloud",
			Why: "An annotation of the ServiceAccount lets its pods act as a role of a cloud: eks.amazonaws.com/role-arn, iam.gke.io/gcp-service-account, azure.workload.identity/client-id and those of Alibaba Cloud and Oracle Cloud. " +
				"What that role may do is not in the cluster, and often more than the cluster. The token for it is projected by the cloud's own webhook whatever automountServiceAccountToken says. " +
				"Past the bundled gateway such a workload is reported as High. Through the gateway it is Medium, which only a lower spec.parameters.gateway.privilegeThreshold refuses.",
			Attack: "whoever takes the workload over acts in the cloud as the role of its ServiceAccount",
			Fix:    "run the workload as a ServiceAccount without a cloud identity, or route to it through the gateway",
			Exempt: "A role that is known to allow nothing but what the workload serves, such as reading the bucket that it publishes.",
			Sources: []string{
				"https://docs.aws.amazon.com/eks/latest/userguide/iam-roles-for-service-accounts.html",
				"https://cloud.google.com/kubernetes-engine/docs/how-to/workload-identity",
				"https://azure.github.io/azure-workload-identity/docs/topics/service-account-labels-and-annotations.html",
			},
		},
		Run: c.run,
	}
}
