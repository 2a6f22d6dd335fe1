// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"fmt"
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
)

// externalIPs flags Services that claim addresses for themselves (EXP-004).
func externalIPs() checks.Check {
	return checks.Check{
		ID: "EXP-004", Name: "external-ips",
		Severity: checks.Critical,
		Actions:  checks.Actions{Baseline: checks.Deny, Strict: checks.Deny},
		Kinds:    services,
		Doc: checks.Doc{
			Title: "Services claim only allowed external IPs",
			Why: "Every node redirects traffic for an address in spec.externalIPs to the Service's pods, and Kubernetes does not check whose address it is. " +
				"An address of a node, of a load balancer or of a server elsewhere draws that traffic to the pods, also that which other pods send out (CVE-2020-8554). " +
				"It works on any Service that has a cluster IP, ClusterIP included, and needs no more than the right to write Services. " +
				"The field is deprecated since Kubernetes 1.36. " +
				"The rule also judges headless and ExternalName Services, where kube-proxy ignores the field, because other implementations may not.",
			Attack: "traffic of others is intercepted, or the pods are opened on an address that the network routes to a node",
			Fix:    "remove spec.externalIPs and route to the Service through the gateway",
			Exempt: "Addresses that are routed to the nodes for this purpose: list their networks as allowedExternalIPs in a CheckPolicy instead.",
			Sources: []string{
				"https://kubernetes.io/docs/concepts/services-networking/service/#external-ips",
				"https://github.com/kubernetes/kubernetes/issues/97076",
				"https://github.com/kubernetes/enhancements/issues/5707",
			},
		},
		Run: checks.On(func(svc *corev1.Service, in checks.Input) []checks.Finding {
			if len(svc.Spec.ExternalIPs) == 0 || in.Parameters.Gateway.OwnsService(svc) {
				return nil
			}
			return externalIPFindings(svc, in)
		}),
	}
}

func externalIPFindings(svc *corev1.Service, in checks.Input) []checks.Finding {
	var out []checks.Finding
	old, isUpdate := checks.Old[*corev1.Service](in)
	for i, text := range svc.Spec.ExternalIPs {
		name, why := text, "which is not in an allowed network"
		// Leading zeros are octal to some readers and decimal to others; what
		// cannot be read in one way only is never allowed.
		addr, err := netip.ParseAddr(text)
		if err == nil {
			addr = addr.Unmap().WithZone("")
			name = addr.String()
			if inAny(addr, in.Parameters.AllowedExternalIPs) {
				continue
			}
			if addr.IsLoopback() || addr.IsLinkLocalUnicast() || addr.IsUnspecified() {
				why = "which belongs to every node itself"
			}
		} else {
			why = "which cannot be read as an address"
		}
		if slices.ContainsFunc(out, func(f checks.Finding) bool { return f.Subject == "externalIP/"+name }) {
			continue
		}
		verb := "claims"
		if isUpdate && !slices.Contains(old.Spec.ExternalIPs, text) {
			verb = "newly claims"
		}
		out = append(out, checks.Finding{
			Subject: "externalIP/" + name, Field: fmt.Sprintf("spec.externalIPs[%d]", i),
			Message: fmt.Sprintf("%s the address %q, %s", verb, text, why),
			Path:    []string{"external IP " + name, inputName(in) + " (externalIPs)"},
		})
	}
	return out
}
