// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"fmt"
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// emptyOrWildcardHost flags Ingresses and routes that claim more than named
// hosts (EXP-021).
func emptyOrWildcardHost() checks.Check {
	return checks.Check{
		ID: "EXP-021", Name: "empty-or-wildcard-host",
		Severity: checks.Medium,
		Actions:  checks.Actions{Baseline: checks.Deny, Strict: checks.Deny},
		Kinds:    hostKinds,
		Doc: checks.Doc{
			Title: "Ingresses and routes name their hosts",
			Why: "A rule without host answers for every name that reaches the load balancer, also for a bare IP address and for names of other teams that nobody has claimed yet. " +
				"A wildcard does the same below one domain. The mistake is quiet: the application works, and it works under names that were never meant, such as those of an abandoned DNS record. " +
				"A Gateway API route without hostnames takes those of its listeners, so it is accepted when every listener that it attaches to names one host, and reported as undetermined when a Gateway is not known here. " +
				"A wildcard on a route is accepted when the listeners narrow it to one host. " +
				"Routes whose parents are Services (traffic between workloads) are left out. The check applies behind the bundled gateway as well.",
			Attack: "reaches the backend under any name, and answers for names that belong to others",
			Fix:    "name each host in full in rules[].host or spec.hostnames",
			Exempt: "An application that serves a name per customer below one domain of its own.",
			Sources: []string{
				"https://kubernetes.io/docs/concepts/services-networking/ingress/#hostname-wildcards",
				"https://gateway-api.sigs.k8s.io/api-types/httproute/#hostnames",
				"https://gateway-api.sigs.k8s.io/concepts/security-model/",
			},
		},
		Run: func(in checks.Input) []checks.Finding {
			switch o := in.Object.(type) {
			case *networkingv1.Ingress:
				return ingressHosts(o, in)
			case *gatewayv1.HTTPRoute:
				return routeHosts(o.Spec.Hostnames, in)
			case *gatewayv1.GRPCRoute:
				return routeHosts(o.Spec.Hostnames, in)
			case *gatewayv1.TLSRoute:
				return routeHosts(o.Spec.Hostnames, in)
			}
			return []checks.Finding{{Certainty: checks.Undetermined, Message: "is neither an Ingress nor a route that this check can read"}}
		},
	}
}

func ingressHosts(ing *networkingv1.Ingress, in checks.Input) []checks.Finding {
	var out []checks.Finding
	for i, host := range distinctHosts(ing.Spec.Rules) {
		if !wide(host) {
			continue
		}
		out = append(out, wideHost(host, fmt.Sprintf("spec.rules[%d].host", i), in))
	}
	return out
}

func wideHost(host, field string, in checks.Input) checks.Finding {
	f := checks.Finding{
		Subject: "host/" + hostName(host), Field: field,
		Message: "claims every host below " + strings.TrimPrefix(host, "*."),
		Path:    []string{"internet", "any host below " + strings.TrimPrefix(host, "*."), inputName(in)},
	}
	if host == "" || host == "*" {
		f.Message, f.Path[1] = "claims every host name", "any host name"
	}
	return f
}

// routeHosts judges the host names of a route together with those of its
// listeners.
func routeHosts(names []gatewayv1.Hostname, in checks.Input) []checks.Finding {
	if len(names) > 0 && !slices.ContainsFunc(names, func(h gatewayv1.Hostname) bool { return wide(string(h)) }) {
		return nil
	}
	if !facesOut(in.Object) {
		return nil
	}
	listeners, missing := routeListeners(in.Object, in)
	if len(names) == 0 {
		return hostsOfListeners(listeners, missing, in)
	}
	var out []checks.Finding
	for i, name := range names {
		host := string(name)
		if !wide(host) || len(missing) == 0 && len(listeners) > 0 && !slices.ContainsFunc(listeners, func(l listenerOf) bool { return staysWide(host, l) }) {
			continue
		}
		out = append(out, wideHost(host, fmt.Sprintf("spec.hostnames[%d]", i), in))
	}
	return out
}

func staysWide(host string, l listenerOf) bool {
	common, some := narrow(host, l.host)
	return some && wide(common)
}

// hostsOfListeners judges a route without host names.
func hostsOfListeners(listeners []listenerOf, missing []parentOf, in checks.Input) []checks.Finding {
	var out []checks.Finding
	for _, l := range listeners {
		if !wide(l.host) {
			continue
		}
		f := wideHost(l.host, "spec.hostnames", in)
		if slices.ContainsFunc(out, func(o checks.Finding) bool { return o.Subject == f.Subject }) {
			continue
		}
		f.Message = "names no hosts, and " + l.String() + " takes " + widely(l.host)
		f.Path[0], f.Path[1] = "internet", l.String()
		out = append(out, f)
	}
	if len(out) > 0 || len(listeners) > 0 && len(missing) == 0 {
		return out
	}
	message := "names no hosts, and no listener that it could attach to is known here"
	if len(missing) > 0 {
		message = "names no hosts, and the listeners of " + missing[0].String() + " are not known here"
	}
	return append(out, checks.Finding{Certainty: checks.Undetermined, Subject: "host/" + anyHostName, Field: "spec.hostnames", Message: message})
}

func widely(host string) string {
	if host == "" || host == "*" {
		return "every host name"
	}
	return "every host below " + strings.TrimPrefix(host, "*.")
}

// facesOut reports whether a route has a parent that is not a Service: only
// then does it let traffic in.
func facesOut(o inventory.Object) bool {
	common, isRoute := commonSpec(o)
	if !isRoute {
		return true
	}
	if common.UseDefaultGateways != "" && common.UseDefaultGateways != gatewayv1.GatewayDefaultScopeNone {
		return true
	}
	for i := range common.ParentRefs {
		ref := &common.ParentRefs[i]
		if ref.Group == nil || ref.Kind == nil || *ref.Group != "" || *ref.Kind != "Service" {
			return true
		}
	}
	return false
}
