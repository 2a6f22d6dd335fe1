// SPDX-License-Identifier: Apache-2.0

package privilege

import "github.com/gatehouse-sh/gatehouse/checks"

// workloadChecks lists RBAC-030 to RBAC-037: running code as others, and
// reaching into what runs.
func workloadChecks() []checks.Check {
	const (
		proxies = "https://kubernetes.io/docs/concepts/cluster-administration/proxies/"
		exec    = "https://kubernetes.io/docs/reference/kubectl/generated/kubectl_exec/"
	)
	return []checks.Check{
		rolePower("RBAC-030", checks.Doc{
			Title: "Roles do not allow creating Pods",
			Why: "A Pod runs as any ServiceAccount of its namespace and mounts any Secret there, so who creates Pods has what all of them have. Where no Pod Security level forbids it, it may mount the disk of the node too. " +
				"update and patch replace images and labels of Pods that run.",
			Attack:  "runs code as the most powerful ServiceAccount of the namespace",
			Fix:     "let the holder create the one kind of workload that it needs, in a namespace of its own",
			Exempt:  "Controllers that run Pods for people, such as build systems, in namespaces without other accounts.",
			Sources: []string{goodPractices + "#workload-creation", cisBenchmark, police},
		}),
		rolePower("RBAC-031", checks.Doc{
			Title: "Roles do not allow writing workloads",
			Why: "A Deployment, a Job or any other object with a pod template makes a controller create Pods, as any ServiceAccount of the namespace. This is as good as creating Pods. " +
				"Custom resources that run Pods with an image, a template or an account of the writer's choice count: workflows, pipelines, Prometheus, Knative, KubeVirt, Ray, Spark, Kubeflow, Volcano, OpenShift's DeploymentConfigs and others, which docs/privilege.md lists. " +
				"Limiting it by resourceNames limits nothing, for the template of the one workload may name any account; changing only the number of replicas (the scale subresource) is low. " +
				"Creating ControllerRevisions is medium: while a StatefulSet is updated, it makes Pods of the one that its status names.",
			Attack:  "runs code as the most powerful ServiceAccount of the namespace",
			Fix:     "remove create, update and patch on workloads, or bind the role only in namespaces whose accounts hold nothing",
			Exempt:  "Deployment pipelines and operators; bind the role in the namespaces that they serve.",
			Sources: []string{goodPractices + "#workload-creation", police, "https://kubernetes.io/docs/concepts/workloads/controllers/"},
		}),
		rolePower("RBAC-032", checks.Doc{
			Title: "Roles do not allow running commands in Pods",
			Why: "pods/exec and pods/attach run commands in a container that exists, with its ServiceAccount, its Secrets and its network. " +
				"Before Kubernetes 1.35 get is enough: clients that use WebSockets open the connection with a GET request, and no other verb is asked for.",
			Attack:  "is every ServiceAccount whose Pods it can run commands in",
			Fix:     "remove pods/exec and pods/attach, and debug with ephemeral access that expires",
			Exempt:  "People on call, by a binding that is removed after the incident.",
			Sources: []string{exec, "https://github.com/kubernetes/kubernetes/issues/78741", "https://polaris.docs.fairwinds.com/checks/security/"},
		}),
		rolePower("RBAC-033", checks.Doc{
			Title: "Roles do not allow adding ephemeral containers",
			Why: "An ephemeral container is put into a Pod that runs, with an image of the caller's choice and, unless a Pod Security level forbids it, privileged. " +
				"It sees the processes, volumes and network of the Pod and acts as its ServiceAccount.",
			Attack:  "runs an image of its own inside any Pod, as the Pod's ServiceAccount",
			Fix:     "remove pods/ephemeralcontainers",
			Exempt:  "People on call, by a binding that is removed after the incident.",
			Sources: []string{"https://kubernetes.io/docs/concepts/workloads/pods/ephemeral-containers/", "https://kubernetes.io/docs/tasks/debug/debug-application/debug-running-pod/#ephemeral-container", police},
		}),
		rolePower("RBAC-034", checks.Doc{
			Title:   "Roles do not allow tunnels to Pods",
			Why:     "pods/portforward opens a connection to any port of a Pod, those that listen on the loopback address only included. It passes no Service, no gateway and, with most network plugins, no NetworkPolicy.",
			Attack:  "reaches databases and administration ports that nothing exposes",
			Fix:     "remove pods/portforward",
			Exempt:  "Developers in namespaces of their own.",
			Sources: []string{"https://kubernetes.io/docs/tasks/access-application-cluster/port-forward-access-application-cluster/", "https://kubescape.io/docs/controls/c-0063/"},
		}),
		rolePower("RBAC-035", checks.Doc{
			Title: "Roles do not allow reaching Pods and Services through the API server",
			Why: "pods/proxy and services/proxy pass HTTP requests through the API server to anything inside. They arrive from the address of the control plane, which NetworkPolicies seldom forbid, and no gateway authenticates them. " +
				"The verb is that of the HTTP request: get reads, create posts.",
			Attack:  "calls every HTTP interface inside the cluster, past NetworkPolicies and the gateway",
			Fix:     "remove pods/proxy and services/proxy; expose what is needed through the gateway",
			Exempt:  "The dashboard or metrics collector that is documented to need services/proxy; name the Service in resourceNames.",
			Sources: []string{proxies, "https://kubernetes.io/docs/tasks/access-application-cluster/access-cluster-services/"},
		}),
		rolePower("RBAC-036", checks.Doc{
			Title:   "Roles that read logs are known",
			Why:     "Logs hold tokens, addresses and personal data more often than their authors know. Reading them is a common and mild permission, so it is recorded and no more.",
			Attack:  "finds credentials that a program wrote into its log",
			Fix:     "remove pods/log where people and programs do not need it",
			Exempt:  "Log collectors, and people who run the workload.",
			Sources: []string{"https://kubernetes.io/docs/concepts/cluster-administration/logging/", "https://cheatsheetseries.owasp.org/cheatsheets/Logging_Cheat_Sheet.html#data-to-exclude"},
		}),
		rolePower("RBAC-037", checks.Doc{
			Title: "Roles do not allow steering Pods",
			Why: "The status of a Pod says whether Services send it traffic, and an update of it takes labels too; pods/binding and bindings put a Pod on a node; pods/eviction drives it from there; pods/resize changes its resources. " +
				"Together with a node under control they bring powerful Pods to it (RBAC-081).",
			Attack:  "draws traffic to a Pod of its own, or moves Pods to a node that it controls",
			Fix:     "remove the subresources status, binding, eviction, resize and finalizers of pods",
			Exempt:  "Schedulers, deschedulers and autoscalers.",
			Sources: []string{police, "https://kubernetes.io/docs/concepts/scheduling-eviction/api-eviction/"},
		}),
	}
}
