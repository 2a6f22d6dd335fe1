// SPDX-License-Identifier: Apache-2.0

package privilege

import (
	"slices"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/authz/power"
)

// dataChecks lists RBAC-005, RBAC-053 to RBAC-059: reading, changing or
// destroying what the cluster keeps, and steering its traffic.
func dataChecks() []checks.Check {
	return []checks.Check{
		debugEndpoints(),
		rolePower("RBAC-053", checks.Doc{
			Title: "Roles do not allow changing Services, Ingresses and network policies",
			Why: "Services and Ingresses decide what is reachable, endpoints who answers, and NetworkPolicies who may talk to whom. Who writes endpoints can make a Service lead to an address of its own (CVE-2021-25740). " +
				"Who deletes the IPAddress of a Service can give its cluster address to another, which is medium, as are ServiceCIDRs. " +
				"Network policies of Cilium, Calico and of the API group policy.networking.k8s.io count.",
			Attack:  "exposes what is internal, answers for other Services, or removes the isolation between Pods",
			Fix:     "remove the verbs that write endpoints, endpointslices, ingressclasses and network policies, and give Services and Ingresses in single namespaces only",
			Exempt:  "Deployment pipelines and operators that expose the workloads they run; Gatehouse judges the Services themselves too.",
			Sources: []string{"https://github.com/kubernetes/kubernetes/issues/103675", "https://kubernetes.io/docs/concepts/services-networking/network-policies/"},
		}),
		rolePower("RBAC-054", checks.Doc{
			Title: "Roles do not allow announcing addresses of Services and Ingresses",
			Why: "A load balancer address in the status of a Service makes every node send traffic for it to that Service (CVE-2020-8554). " +
				"Only load balancer controllers have to write it. No node reads the address of an Ingress, but what publishes DNS names may, so writing only that is low.",
			Attack:  "draws traffic for an address of somebody else to a Pod of its own",
			Fix:     "remove update and patch on services/status and ingresses/status",
			Exempt:  "Load balancer and ingress controllers.",
			Sources: []string{"https://github.com/kubernetes/kubernetes/issues/97076", police},
		}),
		rolePower("RBAC-055", checks.Doc{
			Title:   "Roles do not allow opening gateways",
			Why:     "Gateways and routes are ways into the cluster, a ReferenceGrant lets other namespaces use what is in this one, and AccessPolicies, TrafficPolicies and ClientPolicies say how the bundled gateway authenticates and limits.",
			Attack:  "opens a way in that nobody authenticates",
			Fix:     "give routes in single namespaces, and Gateways, GatewayClasses and policies to the people who run the gateway",
			Exempt:  "Deployment pipelines that publish routes; Gatehouse judges the routes themselves too.",
			Sources: []string{"https://gateway-api.sigs.k8s.io/concepts/security-model/", "https://gateway-api.sigs.k8s.io/concepts/roles-and-personas/"},
		}),
		rolePower("RBAC-056", checks.Doc{
			Title: "Roles do not allow changing the configuration of the cluster",
			Why: "ConfigMaps of kube-system configure DNS (coredns), kube-proxy, the trust of the front proxy (extension-apiserver-authentication), kubeadm and, on Amazon EKS, who is administrator (aws-auth); cluster-info in kube-public is what joining nodes trust. " +
				"A ClusterRole that writes ConfigMaps by no name writes these too.",
			Attack:  "sends every DNS name where it likes, or makes itself administrator of an EKS cluster",
			Fix:     "write ConfigMaps by a Role in the holder's namespace, or name them in resourceNames; use Leases instead of ConfigMaps for leader election",
			Exempt:  "The controller of the component itself, such as an autoscaler of the DNS server.",
			Sources: []string{"https://kubescape.io/docs/controls/c-0037/", "https://docs.aws.amazon.com/eks/latest/userguide/auth-configmap.html", "https://kubernetes.io/docs/tasks/administer-cluster/dns-custom-nameservers/"},
		}),
		rolePower("RBAC-057", checks.Doc{
			Title:   "Roles do not allow destroying workloads and data",
			Why:     "delete and deletecollection on Pods, workloads, Services, Secrets, volume claims, Namespaces and nodes stop what runs, and some of it does not come back. deletecollection takes everything with one request.",
			Attack:  "deletes workloads and their data",
			Fix:     "remove delete and deletecollection, or limit delete by resourceNames",
			Exempt:  "Operators and pipelines, which delete what they made.",
			Sources: []string{"https://kubescape.io/docs/controls/c-0007/", goodPractices},
		}),
		rolePower("RBAC-058", checks.Doc{
			Title:   "Roles that delete events are known",
			Why:     "Events and logs show what happened. Few programs have to delete them, for Kubernetes lets events expire by itself.",
			Attack:  "removes the tracks of an intrusion",
			Fix:     "remove delete and deletecollection on events and on pods/log",
			Exempt:  "Programs that prune events in large clusters.",
			Sources: []string{"https://kubescape.io/docs/controls/c-0031/"},
		}),
		rolePower("RBAC-059", checks.Doc{
			Title: "Roles do not allow changing leader elections of the control plane",
			Why: "The schedulers, the controller managers and many add-ons elect their leader by a Lease in kube-system. Who may change it holds the lease and stops them all. " +
				"A ClusterRole that writes Leases by no name includes those; the name of another Lease of kube-system is no safer to give.",
			Attack:  "stops the scheduler and the controllers of the cluster",
			Fix:     "write Leases by a Role in the holder's own namespace",
			Exempt:  "Add-ons that run in kube-system and elect their leader there.",
			Sources: []string{"https://kubernetes.io/docs/concepts/architecture/leases/#leader-election"},
		}),
	}
}

// debugEndpoints is RBAC-005. Metrics, the only path that is low, are no memory and
// no logs, and there is no narrower path to name.
func debugEndpoints() checks.Check {
	c := rolePower("RBAC-005", checks.Doc{
		Title: "Roles do not allow the debugging endpoints of the API server",
		Why: "Below /debug the API server gives profiles that hold parts of its memory, and below /logs its log files. A star of paths covers them, and so does any prefix of theirs. " +
			"/metrics alone, which monitoring reads, is low; /openid and /.well-known are meant for everybody.",
		Attack:  "reads memory and logs of the API server",
		Fix:     "name the paths that are read, such as /metrics",
		Exempt:  "People who debug the control plane.",
		Sources: []string{rbacDocs + "#referring-to-resources", "https://kubernetes.io/docs/reference/command-line-tools-reference/kube-apiserver/"},
	})
	run := c.Run
	c.Run = func(in checks.Input) []checks.Finding {
		out := run(in)
		if !metricsAlone(in) {
			return out
		}
		for i := range out {
			out[i].Attack = "learns which kinds and webhooks the cluster has and how much they are used"
			out[i].Fix = "give it to the account that collects metrics, by a role of its own"
		}
		return out
	}
	return c
}

// metricsAlone reports whether no path of a role is worth more than the metrics are.
func metricsAlone(in checks.Input) bool {
	p, known := power.Lookup("RBAC-005")
	r, ok := roleOf(in)
	return known && ok && !slices.ContainsFunc(p.Permissions(r.judged, r.scope), func(q power.Permission) bool { return q.Severity > checks.Low })
}
