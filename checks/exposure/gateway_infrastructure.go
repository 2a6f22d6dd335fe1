// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"fmt"
	"slices"
	"strings"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
)

// gatewayInfrastructure flags Gateways that reach through to what their
// controller makes for them (EXP-033).
func gatewayInfrastructure() checks.Check {
	return checks.Check{
		ID: "EXP-033", Name: "gateway-infrastructure",
		Severity: checks.Medium,
		Actions:  checks.Actions{Baseline: checks.Deny, Strict: checks.Deny},
		Kinds:    gateways,
		Doc: checks.Doc{
			Title: "Gateways do not steer the infrastructure made for them",
			Why: "A controller copies spec.infrastructure.annotations and labels to the Service and the pods it makes for a Gateway, and cloud providers read from there whether the load balancer is public. " +
				"parametersRef replaces the settings of the class, and spec.addresses asks for particular addresses. Together they turn a Gateway of an internal class into a public one. " +
				"Annotations that speak of load balancers, parametersRef and addresses are reported as Medium. Any other annotation or label is Low: whether a controller acts on it cannot be seen here. " +
				"Gateways in the namespaces of the bundled gateway belong to the platform and are not judged.",
			Attack: "turns the Gateway's internal load balancer into a public one, or takes an address that is meant for something else",
			Fix:    "remove spec.infrastructure and spec.addresses, and let the GatewayClass decide",
			Exempt: "Labels and annotations that only cost accounting reads.",
			Sources: []string{
				"https://gateway-api.sigs.k8s.io/geps/gep-1867/",
				"https://gateway-api.sigs.k8s.io/geps/gep-1762/",
			},
		},
		Run: checks.On(judgeInfrastructure),
		Fix: checks.FixOn(func(gw *gatewayv1.Gateway) {
			gw.Spec.Infrastructure, gw.Spec.Addresses = nil, nil
		}),
	}
}

func judgeInfrastructure(gw *gatewayv1.Gateway, in checks.Input) []checks.Finding {
	if gw.Spec.Infrastructure == nil && len(gw.Spec.Addresses) == 0 ||
		bundledGateway(gw, in) || slices.Contains(in.Parameters.Gateway.Namespaces, gw.Namespace) {
		return nil
	}
	var out []checks.Finding
	if infra := gw.Spec.Infrastructure; infra != nil {
		for _, key := range sortedKeys(infra.Annotations) {
			f := checks.Finding{
				Subject: "annotation/" + key, Field: "spec.infrastructure.annotations[" + key + "]",
				Message: fmt.Sprintf("sets the annotation %s = %q on the load balancer made for it", key, infra.Annotations[gatewayv1.AnnotationKey(key)]),
			}
			if !steersLoadBalancer(key) {
				f.Severity = checks.Low
			}
			out = append(out, f)
		}
		for _, key := range sortedKeys(infra.Labels) {
			out = append(out, checks.Finding{
				Severity: checks.Low,
				Subject:  "label/" + key, Field: "spec.infrastructure.labels[" + key + "]",
				Message: fmt.Sprintf("sets the label %s = %q on the Service and pods made for it", key, infra.Labels[gatewayv1.LabelKey(key)]),
			})
		}
		if ref := infra.ParametersRef; ref != nil {
			out = append(out, checks.Finding{
				Subject: "parametersRef", Field: "spec.infrastructure.parametersRef",
				Message: fmt.Sprintf("takes its settings from %s %s instead of its class", ref.Kind, ref.Name),
			})
		}
	}
	for i, a := range gw.Spec.Addresses {
		out = append(out, checks.Finding{
			Subject: "address/" + a.Value, Field: fmt.Sprintf("spec.addresses[%d]", i),
			Message: "asks for the address " + orAny(a.Value),
		})
	}
	return out
}

func orAny(address string) string {
	if address == "" {
		return "that its controller picks from a pool"
	}
	return address
}

// steersLoadBalancer reports whether an annotation key is one of those that
// load balancer controllers read. Their keys name what they are about or come
// from a domain that is about nothing else.
func steersLoadBalancer(key string) bool {
	k := strings.ToLower(key)
	for _, part := range []string{
		"load-balancer", "loadbalancer", "l4-rbs", "elb.", "metallb", "lbipam", "lb-ipam", "kube-vip", "purelb", "openelb", "tailscale", "external-dns", "ako.vmware",
	} {
		if strings.Contains(k, part) {
			return true
		}
	}
	return false
}

// sortedKeys lists the keys of a map of any string type in order.
func sortedKeys[K ~string, V any](m map[K]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, string(k))
	}
	slices.Sort(out)
	return out
}
