// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// noDefaultDeny flags exposed pods that everyone inside may reach as well
// (EXP-046).
func noDefaultDeny() checks.Check {
	return checks.Check{
		ID: "EXP-046", Name: "no-default-deny",
		Severity: checks.Medium,
		Actions:  checks.Actions{Baseline: checks.Warn, Strict: checks.Deny},
		Kinds:    slices.Concat(routeKinds(), templateKinds(), services, networkPolicies),
		Doc: checks.Doc{
			Title: "Exposed pods are guarded by a NetworkPolicy",
			Why: "Without a NetworkPolicy every pod of the cluster may connect to every other. A pod that strangers reach past the gateway is where an intruder starts, and what is left open around it decides how far he gets and who else can use the same door. " +
				"The rule fires when pods behind an exposed Service are selected by no policy for ingress, or when a policy lets everyone in to the ports in question: by a rule without from, by an ipBlock shorter than /8 (IPv6: /32) whatever it excepts, or by a selector that takes in all pods of all, or of all but some, namespaces. " +
				"Policies are read as Kubernetes defines them: ingress is isolated unless policyTypes says otherwise, an empty podSelector selects all, policies add up. " +
				"CiliumNetworkPolicy, CiliumClusterwideNetworkPolicy and ClusterNetworkPolicy (v1alpha2) count where they are installed: Cilium's add up with the others, unless one denies everyone; of ClusterNetworkPolicies a rule of the Admin tier for the pods of every namespace decides before the others, one of the Baseline tier where nothing else isolates, and no denial of theirs keeps out what comes from outside of the cluster. " +
				"A peer with a pod label in every namespace counts as a restriction, although anyone can set a label. Policies of further APIs (Calico, Antrea, AdminNetworkPolicy) are not read, and whether the network plugin enforces policies cannot be seen. " +
				"Ways through the bundled gateway are not reported. " +
				"There is one finding for each Service and port, which counts the workloads behind it and names the first. A scan of a cluster reports it on the Service; a request is judged by the object that completes the way, be it the Service, a route or the workload.",
			Attack: "any compromised pod, and whoever comes in by the exposed way, reaches every port of the pods",
			Fix:    "add a NetworkPolicy that selects the pods and lets in only the gateway's pods and the clients that are needed: gatehouse generate --cluster --namespace NAMESPACE --gateway GATEWAY-NAMESPACE/LABEL=VALUE writes one for every workload of a namespace, with a denial of the rest, and proves it",
			Exempt: "Pods whose isolation another API enforces, such as a GlobalNetworkPolicy of Calico.",
			Sources: []string{
				"https://kubernetes.io/docs/concepts/services-networking/network-policies/",
				"https://kubernetes.io/docs/reference/kubernetes-api/policy-resources/network-policy-v1/",
				"https://docs.cilium.io/en/stable/security/policy/language/",
				"https://network-policy-api.sigs.k8s.io/reference/spec/",
				"https://hub.armosec.io/docs/c-0260",
			},
		},
		Run: func(in checks.Input) []checks.Finding {
			if np, isPolicy := in.Object.(*networkingv1.NetworkPolicy); isPolicy {
				return openPolicy(np, in)
			}
			var out []checks.Finding
			for _, x := range exposedBy(in) {
				w, bypasses := bypassing(x.ways)
				if !bypasses || toldByService(x, in) {
					continue
				}
				for _, o := range openings(x, in) {
					f := o.finding(x, w)
					if !slices.ContainsFunc(out, func(o checks.Finding) bool { return o.Subject == f.Subject }) {
						out = append(out, f)
					}
				}
			}
			return out
		},
	}
}

var networkPolicies = []schema.GroupKind{inventory.NetworkPolicyKind}

// toldByService reports whether a scan of what is stored finds the same on the
// Service itself: it lies in the same namespace, so the same scan judges it, and
// all its workloads would only repeat the finding.
func toldByService(x exposed, in checks.Input) bool {
	svc, isService := in.Object.(*corev1.Service)
	return in.Request.Stored && (!isService || svc != x.svc) && x.svc.Namespace == in.Object.GetNamespace()
}

// portsBehind returns the ports of a workload that the object under judgement
// exposes: those that a route names, or all of the Service.
func portsBehind(x exposed, w *inventory.Workload) []podPort {
	if x.ref.Port == "" {
		return targetsOf(x.svc, w)
	}
	var out []podPort
	for _, p := range x.ports {
		out = append(out, targetPort(p, w))
	}
	return out
}

// openPolicy judges a policy that lets everyone in: it undoes the others for the
// exposed pods that it selects.
func openPolicy(np *networkingv1.NetworkPolicy, in checks.Input) []checks.Finding {
	if !isolatesIngress(np) {
		return nil
	}
	if _, open := letsEveryoneIn(np, nil); !open {
		return nil
	}
	for svc := range inventory.List[*corev1.Service](in.Inventory, inventory.ServiceKind, np.Namespace) {
		for w := range in.Inventory.Selected(svc.Namespace, svc.Spec.Selector) {
			selected, err := selects(&np.Spec.PodSelector, w.Labels)
			if err != nil || !selected {
				continue
			}
			from, open := letsEveryoneIn(np, targetsOf(svc, w))
			if !open {
				continue
			}
			way, exposed := bypassing(Ways(svc, in))
			if !exposed {
				break
			}
			name := root(w, in.Inventory)
			return []checks.Finding{{
				Severity: way.severity(checks.Medium), Certainty: way.certainty, Subject: "ingress", Field: "spec.ingress",
				Message: "lets in " + from + " to " + name + ", which " + way.By + " opens to " + whom(way) + way.doubt(),
				Path:    way.Path(name),
			}}
		}
	}
	return nil
}
