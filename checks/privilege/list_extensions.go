// SPDX-License-Identifier: Apache-2.0

package privilege

import "github.com/gatehouse-sh/gatehouse/checks"

// extensionChecks lists RBAC-070 to RBAC-075: what is added to a cluster, and
// acts for whoever may write its custom resources.
func extensionChecks() []checks.Check {
	const (
		constraints = "https://docs.okd.io/latest/authentication/managing-security-context-constraints.html"
		istio       = "https://istio.io/latest/docs/reference/config/"
	)
	return []checks.Check{
		rolePower("RBAC-070", checks.Doc{
			Title: "Roles do not allow changing what Gatehouse enforces",
			Why: "CheckPolicies say what is refused and Exemptions in gatehouse-system say what is let through; the Deployments and their scale, the Services and ServiceAccounts of that Namespace are the guard itself. Its certificates, which are Secrets, are medium: without them every request is refused that it should judge. " +
				"Objects of gatehouse-system count in a Role there; a ClusterRole that writes Deployments or Secrets everywhere is reported for that by other checks. " +
				"Its webhook configurations are RBAC-047, and the label of a Namespace that switches it off is RBAC-051.",
			Attack:  "switches off the guard, or exempts its own objects",
			Fix:     "remove create, update, patch and delete on checkpolicies and exemptions, and bind nothing that writes within gatehouse-system",
			Exempt:  "The people who run Gatehouse, and the pipeline that installs it.",
			Sources: []string{goodPractices + "#control-admission-webhooks", "https://kubernetes.io/docs/concepts/cluster-administration/admission-webhooks-good-practices/"},
		}),
		rolePower("RBAC-071", checks.Doc{
			Title: "Roles do not allow changing the policies of a service mesh",
			Why: "EnvoyFilters and WasmPlugins put code into every proxy they select, those of an ingress gateway included. AuthorizationPolicies, PeerAuthentications and RequestAuthentications of Istio, " +
				"and the policies of Linkerd, say who may call whom and whether callers have to prove who they are. In the root namespace of the mesh they hold for all of it.",
			Attack:  "opens services to callers who prove nothing, or reads what passes a proxy",
			Fix:     "remove the verbs that write these kinds, and let a pipeline that is reviewed write them",
			Exempt:  "The people who run the mesh, and its own control plane.",
			Sources: []string{istio + "security/authorization-policy/", istio + "networking/envoy-filter/", "https://linkerd.io/2/reference/authorization-policy/"},
		}),
		rolePower("RBAC-072", checks.Doc{
			Title: "Roles do not allow the use of privileged security constraints",
			Why: "On OpenShift the verb use on a SecurityContextConstraint decides which Pods are admitted: privileged, anyuid, hostaccess, hostmount-anyuid, hostnetwork and node-exporter let them at the node or run as root. " +
				"A rule without resourceNames allows them all. PodSecurityPolicies worked in the same way until Kubernetes 1.25 and are reported, for a role that still holds them was meant to allow something.",
			Attack:  "runs a privileged Pod and is the node",
			Fix:     "name restricted-v2 or a constraint of your own in resourceNames",
			Exempt:  "Agents that have to run on the node itself, such as storage and network drivers.",
			Sources: []string{constraints, "https://kubernetes.io/docs/concepts/security/pod-security-policy/"},
		}),
		rolePower("RBAC-073", checks.Doc{
			Title: "Roles do not allow steering controllers that hold more",
			Why: "Some controllers do whatever their custom resources say, with rights of their own, which are often those of an administrator: Argo CD, Flux, External Secrets, cert-manager, Crossplane, Capsule, the hierarchical namespace controller, Kyverno, " +
				"the Operator Lifecycle Manager, Velero, Terraform operators, the AWS controllers, Cluster API, Fleet and others, which docs/privilege.md lists. Who writes the resource acts with these rights. What exactly follows depends on how the controller is set up, which RBAC does not show.",
			Attack:  "has the controller create for it what it may not create itself",
			Fix:     "remove create, update and patch on these kinds, or let the controller act as a ServiceAccount of the tenant (Argo CD projects, Flux --default-service-account)",
			Exempt:  "Deployment pipelines in the namespaces whose resources the controller confines.",
			Sources: []string{"https://fluxcd.io/flux/installation/configuration/multitenancy/", "https://argo-cd.readthedocs.io/en/stable/operator-manual/app-any-namespace/", "https://external-secrets.io/latest/guides/security-best-practices/"},
		}),
		rolePower("RBAC-074", checks.Doc{
			Title: "Roles do not allow consoles of virtual machines, and do not forge metrics",
			Why: "The consoles, VNC screens and port forwardings of KubeVirt are to virtual machines what exec is to Pods; some images log their console in without a password. " +
				"Metrics are read by autoscalers, and the metrics API has no use for writes: a role that allows them was widened carelessly, and a server of custom metrics that takes them lets its writer decide how many Pods run.",
			Attack:  "works on the console of a virtual machine, or scales workloads up and down",
			Fix:     "remove console, vnc and portforward of virtualmachineinstances, and every verb but get, list and watch on metrics",
			Exempt:  "The people who run the virtual machines.",
			Sources: []string{"https://kubevirt.io/user-guide/user_workloads/accessing_virtual_machines/", "https://kubevirt.io/user-guide/cluster_admin/authorization/", "https://kubernetes.io/docs/concepts/workloads/autoscaling/horizontal-pod-autoscale/#support-for-metrics-apis"},
		}),
		rolePower("RBAC-075", checks.Doc{
			Title: "Roles do not allow changing who is who on OpenShift",
			Why: "OpenShift keeps in objects what elsewhere stands outside the cluster: the members of groups (Group), who logs in as which user (UserIdentityMapping, and the identity providers of the OAuth configuration) and the hashes of access tokens. " +
				"Who writes them is whom they like, without the verb impersonate. The name of one Group leaves what is bound to that group, which is medium; other names limit nothing. " +
				"On clusters without these API groups the permission is worth nothing.",
			Attack:  "adds itself to the group of the administrators, or makes a token for any user",
			Fix:     "remove create, update and patch on these kinds, or limit those on groups by resourceNames to groups that are bound to little",
			Exempt:  "The operator that keeps groups in step with a directory.",
			Sources: []string{"https://github.com/openshift/api/blob/master/user/v1/types.go", "https://github.com/openshift/api/blob/master/oauth/v1/types.go", "https://github.com/openshift/api/blob/master/config/v1/types_oauth.go"},
		}),
	}
}
