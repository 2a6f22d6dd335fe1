// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// statusHijack flags load balancer addresses that nobody with that office wrote
// (EXP-011).
func statusHijack() checks.Check {
	return checks.Check{
		ID: "EXP-011", Name: "status-hijack",
		Severity: checks.High,
		Actions:  checks.Actions{Baseline: checks.Deny, Strict: checks.Deny},
		Kinds:    []schema.GroupKind{{Kind: "Service"}, {Group: "networking.k8s.io", Kind: "Ingress"}},
		OnStatus: true,
		Doc: checks.Doc{
			Title: "Only load balancer controllers write load balancer addresses",
			Why: "Every node redirects traffic for an address in a Service's status.loadBalancer.ingress to that Service's pods, exactly as for spec.externalIPs: this is the second half of CVE-2020-8554, and nothing in Kubernetes checks whose address it is. " +
				"Tools such as ExternalDNS publish the addresses and host names in the status of Services and Ingresses as they stand. " +
				"The rule judges writes to the status subresource that add or change an entry. Kubernetes' own controllers, the usual accounts of AWS Load Balancer Controller, Cilium, kube-vip and MetalLB, and the bundled gateway may write. " +
				"Any other controller must be listed, or its addresses are refused. Files are not judged, for the API server drops a status that comes with the object.",
			Attack: "traffic of pods and nodes to any address of the attacker's choice is redirected to his pods, or a DNS name is made to point to him",
			Fix:    "leave the status to the load balancer controller; list its user as a statusWriter in a CheckPolicy if it is one",
			Exempt: "None: list the controller's user as a statusWriter instead.",
			Sources: []string{
				"https://github.com/kubernetes/kubernetes/issues/97076",
				"https://kubernetes.io/docs/concepts/services-networking/service/#loadbalancer",
				"https://github.com/kubernetes/kubernetes/blob/v1.36.0/pkg/proxy/serviceport.go",
			},
		},
		Run: func(in checks.Input) []checks.Finding {
			now := statusAddresses(in.Object)
			if len(now) == 0 || writesStatus(in) {
				return nil
			}
			var had []statusAddress
			if in.Old != nil {
				had = statusAddresses(in.Old)
			}
			var out []checks.Finding
			for i, a := range now {
				if contains(had, a) || contains(now[:i], a) {
					continue
				}
				out = append(out, checks.Finding{
					Subject: "loadBalancer/" + a.value, Field: fmt.Sprintf("status.loadBalancer.ingress[%d].%s", a.entry, a.field),
					Message: fmt.Sprintf("gets the address %q written by %s, who is not a load balancer controller", a.value, requester(in)),
					Path:    []string{"traffic to " + a.value, inputName(in) + " (status)"},
				})
			}
			return out
		},
	}
}

// statusAddress is one address in status.loadBalancer.ingress.
type statusAddress struct {
	entry        int
	field, value string
}

func contains(list []statusAddress, a statusAddress) bool {
	for _, other := range list {
		if other.value == a.value {
			return true
		}
	}
	return false
}

// statusAddresses lists the addresses and host names in the order of the
// entries; an entry may have both.
func statusAddresses(o inventory.Object) []statusAddress {
	var out []statusAddress
	add := func(entry int, ip, host string) {
		if ip != "" {
			out = append(out, statusAddress{entry, "ip", ip})
		}
		if host != "" {
			out = append(out, statusAddress{entry, "hostname", host})
		}
	}
	switch o := o.(type) {
	case *corev1.Service:
		for i := range o.Status.LoadBalancer.Ingress {
			add(i, o.Status.LoadBalancer.Ingress[i].IP, o.Status.LoadBalancer.Ingress[i].Hostname)
		}
	case *networkingv1.Ingress:
		for i := range o.Status.LoadBalancer.Ingress {
			add(i, o.Status.LoadBalancer.Ingress[i].IP, o.Status.LoadBalancer.Ingress[i].Hostname)
		}
	}
	return out
}
