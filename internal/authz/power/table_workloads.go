// SPDX-License-Identifier: Apache-2.0

package power

import (
	"slices"

	"github.com/gatehouse-sh/gatehouse/checks"
)

// workloads is running code as others, and reaching into what runs.
var workloads = []Power{
	{
		ID: "RBAC-030", Name: "create-pods", Can: "create Pods",
		Wide: checks.Critical, Narrow: checks.High, System: checks.Critical, Named: checks.Medium, Becomes: Accounts,
		Any: []Pattern{on(core, write, "pods")},
	},
	{
		ID: "RBAC-031", Name: "write-workloads", Can: "write workloads, which run Pods",
		Wide: checks.Critical, Narrow: checks.High, System: checks.Critical, Becomes: Accounts,
		Any: slices.Concat(unlimited(
			// A name is no limit: a workload that may be changed may run as any account.
			on(group("apps"), write, "deployments", "statefulsets", "daemonsets", "replicasets"),
			on(group("batch"), write, "jobs", "cronjobs"),
			on(core, write, "replicationcontrollers", "podtemplates"),
		), runPods, []Pattern{
			// Until an update of a StatefulSet is over, or while it is held by a partition, Pods are
			// made of the ControllerRevision that its status names, whoever wrote that.
			// https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/controller/statefulset/stateful_set_control.go (getStatefulSetRevisions, ApplyRevision)
			on(group("apps"), []string{"create"}, "controllerrevisions").most(checks.Medium),
			on(group("apps"), change, "deployments/scale", "statefulsets/scale", "replicasets/scale").most(checks.Low),
			on(core, change, "replicationcontrollers/scale").most(checks.Low),
			on(group("apps.openshift.io"), change, "deploymentconfigs/scale").most(checks.Low),
		}),
	},
	{
		ID: "RBAC-032", Name: "exec-into-pods", Can: "run commands in Pods",
		Wide: checks.Critical, Narrow: checks.High, System: checks.Critical, Named: checks.Medium, Becomes: Accounts,
		Any: []Pattern{on(core, []string{"create", "get"}, "pods/exec", "pods/attach")},
	},
	{
		ID: "RBAC-033", Name: "inject-containers", Can: "add ephemeral containers to Pods",
		Wide: checks.Critical, Narrow: checks.High, System: checks.Critical, Named: checks.Medium, Becomes: Accounts,
		Any: []Pattern{on(core, change, "pods/ephemeralcontainers")},
	},
	{
		ID: "RBAC-034", Name: "port-forward", Can: "open tunnels to Pods",
		Wide: checks.Medium, Narrow: checks.Medium, Becomes: Nobody,
		Any: []Pattern{on(core, []string{"create", "get"}, "pods/portforward")},
	},
	{
		ID: "RBAC-035", Name: "proxy-to-pods", Can: "reach Pods and Services through the API server",
		Wide: checks.High, Narrow: checks.Medium, Becomes: Nobody,
		Any: []Pattern{on(core, []string{"get", "create", "update", "patch", "delete"}, "pods/proxy", "services/proxy")},
	},
	{
		ID: "RBAC-036", Name: "read-logs", Can: "read the logs of Pods",
		Wide: checks.Low, Narrow: checks.Low, Becomes: Nobody,
		Any: []Pattern{on(core, []string{"get"}, "pods/log")},
	},
	{
		ID: "RBAC-037", Name: "steer-pods", Can: "change the status, the node or the life of Pods",
		Wide: checks.Medium, Narrow: checks.Medium, Becomes: Nobody,
		Any: []Pattern{
			on(core, write, "pods/status", "pods/resize", "pods/finalizers"),
			on(core, []string{"create"}, "pods/binding", "bindings", "pods/eviction"),
		},
	},
}

// nodes is reaching the machines.
var nodes = []Power{
	{
		ID: "RBAC-040", Name: "proxy-to-nodes", Can: "reach the kubelets through the API server",
		Wide: checks.Critical, Named: checks.High, Becomes: Accounts,
		Any: []Pattern{on(core, []string{"get", "create", "update", "patch", "delete"}, "nodes/proxy")},
	},
	{
		ID: "RBAC-041", Name: "write-nodes", Can: "change nodes or read through their kubelets",
		Wide: checks.High, Named: checks.Medium, Becomes: Nobody,
		Any: []Pattern{
			on(core, modify, "nodes"),
			on(core, change, "nodes/status"),
			on(core, []string{"get", "create"}, "nodes/log", "nodes/checkpoint", "nodes/configz", "nodes/pods"),
		},
	},
	{
		ID: "RBAC-042", Name: "issue-certificates", Can: "request a client certificate and approve it",
		Wide: checks.Critical, Becomes: Anyone,
		All: [][]Pattern{
			{on(group(csr), []string{"create"}, "certificatesigningrequests")},
			// Kubernetes itself approves the requests of who may create nodeclient.
			{on(group(csr), change, "certificatesigningrequests/approval"), on(group(csr), []string{"create"}, "certificatesigningrequests/nodeclient")},
			{on(group(csr), []string{"approve"}, "signers").named("kubernetes.io/*"), on(group(csr), []string{"create"}, "certificatesigningrequests/nodeclient")},
		},
	},
	{
		ID: "RBAC-050", Name: "write-volumes", Can: "create volumes on the disks of nodes",
		Wide: checks.High, Becomes: Nobody,
		Any: []Pattern{
			on(core, write, "persistentvolumes"),
			on(group("storage.k8s.io"), write, "storageclasses", "csidrivers", "volumeattachments"),
			on(group("snapshot.storage.k8s.io"), write, "volumesnapshotcontents"),
		},
	},
}
