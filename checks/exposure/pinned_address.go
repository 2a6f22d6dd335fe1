// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"fmt"
	"net/netip"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/checks/loadbalancer"
)

// pinnedAddress flags load balancers that ask for a certain public address
// (EXP-005).
func pinnedAddress() checks.Check {
	return checks.Check{
		ID: "EXP-005", Name: "pinned-address",
		Severity: checks.Medium,
		Actions:  checks.Actions{Baseline: checks.Warn, Strict: checks.Deny},
		Kinds:    services,
		Doc: checks.Doc{
			Title: "Load balancers do not pick public addresses",
			Why: "spec.loadBalancerIP, deprecated since Kubernetes 1.24, and annotations of several controllers let the author of a Service choose the address of its load balancer. " +
				"An address that DNS, an allow-list or a certificate already trusts can so be moved to other pods, and an address that a firewall passes can be taken on purpose. " +
				"Addresses that are private by registration (RFC 1918, RFC 4193, RFC 6598, link-local) or in the trusted pools of a CheckPolicy are accepted. " +
				"Pins by the name of a reserved address, which several clouds offer, cannot be resolved here and are not reported.",
			Attack: "the pods receive what is meant for a public address that others already trust",
			Fix:    "remove spec.loadBalancerIP and the annotation, and route to the Service through the gateway",
			Exempt: "An address that is reserved for this Service: list its network as a trusted pool in a CheckPolicy instead.",
			Sources: []string{
				"https://kubernetes.io/docs/reference/kubernetes-api/service-resources/service-v1/#ServiceSpec",
				"https://github.com/kubernetes/kubernetes/pull/107235",
				"https://metallb.io/usage/#requesting-specific-ips",
				"https://docs.cilium.io/en/stable/network/lb-ipam/",
			},
		},
		Run: checks.On(func(svc *corev1.Service, in checks.Input) []checks.Finding {
			if !isLoadBalancer(svc, in) || svc.Spec.LoadBalancerIP == "" && len(svc.Annotations) == 0 {
				return nil
			}
			var out []checks.Finding
			v := classify(svc, in)
			for _, addr := range v.PinnedAddresses {
				if privateAddress(addr, in.Parameters.LoadBalancers.TrustedPools) {
					continue
				}
				what := "which is neither private nor in a trusted pool"
				if addr.IsUnspecified() {
					what = "which leaves the choice to the network"
				}
				out = append(out, checks.Finding{
					Subject: "address/" + addr.String(), Field: pinField(svc, addr),
					Message: fmt.Sprintf("asks for the address %s, %s", addr, what),
					Path:    loadBalancerPath(v, in),
				})
			}
			return out
		}),
	}
}

// pinField is the field that asks for an address.
func pinField(svc *corev1.Service, addr netip.Addr) string {
	if holdsAddress(svc.Spec.LoadBalancerIP, addr) {
		return "spec.loadBalancerIP"
	}
	for _, p := range loadbalancer.Providers() {
		for _, group := range p.PinKeys {
			for _, key := range group {
				if holdsAddress(svc.Annotations[key], addr) {
					return annotationField(key)
				}
			}
		}
	}
	return "metadata.annotations"
}

// holdsAddress reports whether a comma-separated list holds an address in any
// spelling.
func holdsAddress(list string, addr netip.Addr) bool {
	for item := range strings.SplitSeq(list, ",") {
		if a, err := netip.ParseAddr(strings.TrimSpace(item)); err == nil && a.Unmap() == addr {
			return true
		}
	}
	return false
}
