// SPDX-License-Identifier: Apache-2.0

package blast

import "github.com/gatehouse-sh/gatehouse/checks"

// sources back the rules of this package.
var sources = []string{
	"https://kubernetes.io/docs/concepts/security/rbac-good-practices/",
	"https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/#opt-out-of-api-credential-automounting",
	"https://github.com/cyberark/KubiScan",
	"https://github.com/kubewarden/helm-charts/security/advisories/GHSA-5877-g4h3-mf3c",
}

// arithmetic is what the pages of these rules have in common.
const arithmetic = " The severity is that of the worst permission, as docs/checks tells for each of the RBAC rules; what the account can become by running pods, minting tokens, reading Secrets and the like counts as its own. " +
	"Every object of the chain is judged: the Service, Ingress, route, Gateway or endpoints that open the way, what stands between a route and a Service (an ExternalName that means a Service of the cluster, a TraefikService; two in a row), the pod or workload (also with no replicas, and a CronJob between two runs), the ServiceAccount, the role, also when an aggregated one takes it over, and the binding in every spelling of the account. " +
	"The finding falls on the object that completes the chain; of files and in a scan, where nothing is the last, on every object of it. An update is refused only when it adds a workload or makes one worse; one more account whose token a workload takes makes it worse, whatever that account may do, unless it comes for one that may do more. " +
	"A route counts for every Gateway that it names, whether or not the Gateway admits it. A pod whose controller is in the same chain is not reported again."

// exposedAndPrivileged is the product of both halves (XR-001).
func exposedAndPrivileged() checks.Check {
	c := chain{outside, func(h *hazard, _ checks.Input) bool { return h.harm.term == byAccount }}
	return checks.Check{
		ID: "XR-001", Name: "exposed-and-privileged",
		Severity: checks.Medium,
		Actions:  checks.Actions{Baseline: checks.Deny, Strict: checks.Deny},
		Kinds:    kinds(),
		Doc: checks.Doc{
			Title: "What is reachable from outside has no rights that do harm",
			Why: "A workload that the internet, or whoever reaches a node, can talk to is the first that falls. With a token of a ServiceAccount that may do harm its attacker goes on from there with what the account may do. " +
				"Each half is legal: the Service that opens the way, and the binding that gives the rights. Together they are refused from the severity Medium on, unless the only way leads through the bundled gateway (XR-002), to which a higher threshold applies." + arithmetic +
				" Without a token in the pod (automountServiceAccountToken of the pod, or else of the account, and no projected token) the account's rights are not within reach; the strict profile does not rely on that (XR-005). " +
				"A token that the pod takes from a Secret, by a volume or the environment, counts for the account that it is of, its own or another of the namespace: when the Secret is among the files or is the last to come, and else when the account lists it under a name that Kubernetes gave. Gatehouse reads no Secrets of the cluster, so a token that somebody put into a Secret earlier is not known. " +
				"An account that is not known may forbid the token; its workloads are undetermined until it comes.",
			Attack:  "whoever takes the workload over goes on with the rights of its ServiceAccount",
			Fix:     "close the way from outside, keep the token out of the pods, or take the rights from the account",
			Exempt:  "An ingress controller of the platform, whose rights are what it is for. Name every object of the chain that is applied: the Service or the route, the workload, its account, the binding and the role; each is judged.",
			Sources: sources,
		},
		Run: c.run,
	}
}

// gatewayAndPrivileged is the same behind the bundled gateway (XR-002).
func gatewayAndPrivileged() checks.Check {
	c := chain{gateway, func(h *hazard, in checks.Input) bool {
		return h.harm.term == byAccount && h.severity() >= threshold(in)
	}}
	return checks.Check{
		ID: "XR-002", Name: "gateway-exposed-and-privileged",
		Severity: checks.Medium,
		Actions:  checks.Actions{Baseline: checks.Deny, Strict: checks.Deny},
		Kinds:    kinds(),
		Doc: checks.Doc{
			Title: "What is published through the gateway has no rights that lose a namespace or the cluster",
			Why: "The bundled gateway authenticates, limits and filters, so that a workload behind it may have more rights than one that anybody can reach. It does not make a fault of the workload harmless: " +
				"from the threshold on (spec.parameters.gateway.privilegeThreshold of the CheckPolicy, High unless it says otherwise) the chain is refused as any other. " +
				"What is published by an Ingress or a route of the gateway counts, and so does a Service that its annotation gatehouse.sh/expose publishes. The threshold is the same whether an AccessPolicy asks for credentials or not: where none is in force, EXP-050 says so. " +
				"A workload that can also be reached past the gateway is judged by XR-001." + arithmetic,
			Attack:  "a request that the gateway lets through turns into the rights of the ServiceAccount",
			Fix:     "keep the token out of the pods, take the rights from the account, or do not publish the workload",
			Exempt:  "A console of the platform, behind authentication, that does its work with the rights of its account.",
			Sources: sources,
		},
		Run: c.run,
	}
}

// exposedWithoutToken does not rely on a field that anybody can turn (XR-005).
func exposedWithoutToken() checks.Check {
	c := chain{anywhere, func(h *hazard, in checks.Input) bool {
		return h.harm.term == unmounted && (h.reach == outside || h.reach == gateway && h.severity() >= threshold(in))
	}}
	return checks.Check{
		ID: "XR-005", Name: "exposed-account-without-token",
		Severity: checks.Medium,
		Actions:  checks.Actions{Baseline: checks.Audit, Strict: checks.Deny},
		Kinds:    kinds(),
		Doc: checks.Doc{
			Title: "What is reachable from outside runs as an account without rights, token or not",
			Why: "XR-001 and XR-002 accept a workload whose pods hold no token of their ServiceAccount. Whoever can change the workload, or start another pod under the account, has the token back with one field. " +
				"The baseline profile records such a workload; the strict profile refuses it as if the token were there." + arithmetic,
			Attack:  "one field of the pod, or another pod of the same account, brings the token back",
			Fix:     "run the workload as a ServiceAccount that nothing is bound to",
			Exempt:  "A workload that shares the account of an internal one and can be changed by the same people only.",
			Sources: sources,
		},
		Run: c.run,
	}
}

// reachableInside is what an internal network can reach (XR-006).
func reachableInside() checks.Check {
	c := chain{inside, func(h *hazard, _ checks.Input) bool { return h.harm.term != unmounted }}
	return checks.Check{
		ID: "XR-006", Name: "internally-reachable-and-privileged",
		Severity: checks.Medium,
		Actions:  checks.Actions{Baseline: checks.Audit, Strict: checks.Deny},
		Kinds:    kinds(),
		Doc: checks.Doc{
			Title: "What an internal network can reach past the gateway has no rights that do harm",
			Why: "An internal load balancer, or an Ingress class that serves one, is not the internet, and the baseline profile only records what stands behind it. " +
				"The strict profile counts every network outside the cluster as outside: permissions, cloud identities and ways out of the container are judged as in XR-001, XR-003 and XR-004." + arithmetic,
			Attack:  "whoever is in the internal network takes the workload over and goes on with its rights",
			Fix:     "route to the workload through the gateway, keep the token out of the pods, or take the rights from the account",
			Exempt:  "An internal tool of the platform that is reached from the network of its operators only.",
			Sources: sources,
		},
		Run: c.run,
	}
}
