// SPDX-License-Identifier: Apache-2.0

package power

import "github.com/gatehouse-sh/gatehouse/checks"

// combinations are worth more than their parts. Each needs all of its patterns
// in one place, from whichever rules and bindings.
var combinations = []Power{
	{
		ID: "RBAC-080", Name: "mint-token-secrets", Can: "create a Secret that Kubernetes fills with a token, and read it",
		Wide: checks.Critical, Narrow: checks.High, System: checks.Critical, Becomes: Accounts,
		All: [][]Pattern{{on(core, []string{"create"}, "secrets")}, {on(core, read, "secrets")}},
	},
	{
		ID: "RBAC-081", Name: "steal-pods", Can: "drive Pods from their nodes onto one that it controls",
		Wide: checks.High, Becomes: Nobody,
		All: [][]Pattern{
			{on(core, remove, "pods"), on(core, []string{"create"}, "pods/eviction")},
			{on(core, change, "nodes", "nodes/status")},
		},
	},
	{
		ID: "RBAC-082", Name: "bind-itself", Can: "bind any role to itself",
		Wide: checks.Critical, Narrow: checks.Critical, Becomes: Accounts,
		All: [][]Pattern{
			{on(group(rbacGroup), write, "rolebindings"), on(group(rbacGroup), write, "clusterrolebindings").clusterOnly()},
			{on(group(rbacGroup), []string{"bind"}, "clusterroles", "roles").named("cluster-admin", "admin", "edit", "system:*")},
		},
	},
	{
		ID: "RBAC-083", Name: "hijack-traffic", Can: "expose a Service and choose what answers for it",
		Wide: checks.High, Narrow: checks.High, Becomes: Nobody,
		All: [][]Pattern{
			{on(core, write, "services", "endpoints"), on(group("discovery.k8s.io"), write, "endpointslices")},
			{on(group(networking), write, "ingresses"), on(group(gatewayAPI), write, "httproutes", "gateways")},
		},
	},
	{
		ID: "RBAC-084", Name: "lift-pod-security", Can: "relax the Pod security of a Namespace and run Pods in it",
		Wide: checks.Critical, Narrow: checks.Critical, Becomes: Accounts,
		All: [][]Pattern{
			{on(core, change, "namespaces")},
			{
				on(core, write, "pods", "replicationcontrollers"),
				on(group("apps"), write, "deployments", "statefulsets", "daemonsets", "replicasets"),
				on(group("batch"), write, "jobs", "cronjobs"),
			},
		},
	},
	{
		ID: "RBAC-085", Name: "watch-and-run", Can: "watch the Secrets of kube-system and run Pods there",
		Wide: checks.Critical, Narrow: checks.Critical, Becomes: Accounts,
		All: [][]Pattern{
			{on(core, []string{"list", "watch"}, "secrets").within(systemNamespace)},
			{on(core, []string{"create"}, "pods").within(systemNamespace)},
		},
	},
}
