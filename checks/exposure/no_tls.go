// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"fmt"
	"strconv"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
)

// noTLS flags what is served over plain HTTP (EXP-023).
func noTLS() checks.Check {
	return checks.Check{
		ID: "EXP-023", Name: "no-tls",
		Severity: checks.Medium,
		Actions:  checks.Actions{Baseline: checks.Warn, Strict: checks.Deny},
		Kinds:    tlsKinds,
		Doc: checks.Doc{
			Title: "What is published is published over TLS",
			Why: "Without TLS everybody on the way reads and changes what users and the application say to each other, session cookies first. " +
				"An Ingress is accepted when each host of its rules is covered by spec.tls (a wildcard covers one label; an entry without hosts covers all), or when an annotation of its controller provides the certificate or passes TLS through. " +
				"With TLS, an annotation that turns the redirect from HTTP off is reported. " +
				"A Gateway or ListenerSet is judged by its listeners: one of protocol HTTP needs one of protocol HTTPS or TLS for the same hosts beside it, because a redirect is all that it is good for; " +
				"a HTTPRoute or GRPCRoute on a plain listener must then do nothing but redirect to https. " +
				"Not seen are certificates, redirects that controllers make by default or by their own settings, and TLS that ends at an appliance in front of the cluster.",
			Attack: "reads and changes the traffic on its way, including passwords and session cookies",
			Fix:    "list every host under spec.tls with a Secret, or attach the route to an HTTPS listener by sectionName and let the plain one only redirect",
			Exempt: "TLS ends at a load balancer in front of the cluster that only it can reach.",
			Sources: []string{
				"https://kubernetes.io/docs/concepts/services-networking/ingress/#tls",
				"https://gateway-api.sigs.k8s.io/guides/tls/",
				"https://gateway-api.sigs.k8s.io/guides/http-redirect-rewrite/",
			},
		},
		Run: func(in checks.Input) []checks.Finding {
			switch o := in.Object.(type) {
			case *networkingv1.Ingress:
				return plainIngress(o, in)
			case *gatewayv1.Gateway:
				return plainGateway(o, in)
			case *gatewayv1.HTTPRoute:
				return plainRoute(o.Spec.Hostnames, func() bool { return onlyRedirects(o) }, in)
			case *gatewayv1.GRPCRoute:
				return plainRoute(o.Spec.Hostnames, func() bool { return false }, in)
			}
			if ls, ok := asListenerSet(in.Object); ok {
				return plainListenerSet(ls, in)
			}
			return []checks.Finding{{Certainty: checks.Undetermined, Message: "is of a kind that this check cannot read"}}
		},
	}
}

func plainIngress(ing *networkingv1.Ingress, in checks.Input) []checks.Finding {
	attached := len(ing.Annotations) == 0 || ingressAttached(ing, in)
	if !attached && tlsElsewhere(ing.Annotations) {
		return nil
	}
	var out []checks.Finding
	tls, before := tlsOf(ing.Spec.TLS), tlsBefore(in)
	for i, host := range distinctHosts(ing.Spec.Rules) {
		if tls.cover(host) {
			continue
		}
		f := checks.Finding{
			Subject: "host/" + hostName(host), Field: fmt.Sprintf("spec.rules[%d].host", i),
			Message: "serves " + host + " without TLS" + hadTLS(host, before),
			Path:    []string{"internet", "http://" + hostName(host), inputName(in)},
		}
		if host == "" {
			f.Message = "serves every host name, but spec.tls does not cover every one"
		}
		if len(ing.Spec.TLS) == 0 && host == "" {
			f.Message = "serves every host name without TLS"
		}
		out = append(out, f)
	}
	if len(ing.Spec.Rules) == 0 && ing.Spec.DefaultBackend != nil && len(ing.Spec.TLS) == 0 {
		out = append(out, checks.Finding{
			Subject: "host/" + anyHostName, Field: "spec.tls", Message: "serves its default backend without TLS",
			Path: []string{"internet", "http://" + anyHostName, inputName(in)},
		})
	}
	if !attached && len(ing.Spec.TLS) > 0 {
		out = append(out, redirectOff(ing, in)...)
	}
	return out
}

// oneLabelUnder reports whether a host is a wildcard's domain with one label in
// front: that is how far a wildcard of an Ingress or of a certificate reaches.
func oneLabelUnder(host, wildcard string) bool {
	if !under(host, wildcard) || wide(host) {
		return false
	}
	return strings.IndexByte(host, '.') == len(host)-len(wildcard)+1
}

// tlsBefore is what spec.tls covered before an update.
func tlsBefore(in checks.Input) tlsHosts {
	old, isUpdate := checks.Old[*networkingv1.Ingress](in)
	if !isUpdate {
		return tlsHosts{}
	}
	return tlsOf(old.Spec.TLS)
}

func hadTLS(host string, before tlsHosts) string {
	if !before.cover(host) {
		return ""
	}
	return "; before this update spec.tls covered it"
}

// tlsMarks are annotations by which controllers get a certificate elsewhere
// than in spec.tls, or pass TLS through; the value is the one that counts, or
// empty for any.
//
// https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/ingress/annotations/
// https://cloud.google.com/kubernetes-engine/docs/how-to/ingress-multi-ssl
// https://azure.github.io/application-gateway-kubernetes-ingress/annotations/
// https://doc.traefik.io/traefik/reference/routing-configuration/kubernetes/ingress/
// https://kubernetes.github.io/ingress-nginx/user-guide/tls/#ssl-passthrough
// https://github.com/haproxytech/kubernetes-ingress/blob/master/documentation/annotations.md
var tlsMarks = map[string]string{
	"alb.ingress.kubernetes.io/certificate-arn":         "",
	"networking.gke.io/managed-certificates":            "",
	"networking.gke.io/certmap":                         "",
	"ingress.gcp.kubernetes.io/pre-shared-cert":         "",
	"appgw.ingress.kubernetes.io/appgw-ssl-certificate": "",
	"traefik.ingress.kubernetes.io/router.tls":          "true",
	"nginx.ingress.kubernetes.io/ssl-passthrough":       "true",
	"haproxy.org/ssl-passthrough":                       "true",
	"haproxy.com/ssl-passthrough":                       "true",
}

// albPorts lists the listeners of an ALB as JSON: [{"HTTP": 80}, {"HTTPS": 443}].
// Without it, a certificate makes the ALB listen on 443 only.
const (
	albPorts    = "alb.ingress.kubernetes.io/listen-ports"
	albRedirect = "alb.ingress.kubernetes.io/ssl-redirect"
)

func tlsElsewhere(annotations map[string]string) bool {
	if ports := annotations[albPorts]; ports != "" {
		return strings.Contains(ports, `"HTTPS"`) && (!strings.Contains(ports, `"HTTP"`) || annotations[albRedirect] != "")
	}
	for key, value := range annotations {
		if want, mark := tlsMarks[key]; mark && (value == want || want == "" && value != "") {
			return true
		}
	}
	return false
}

// redirects are the annotations that turn the redirect to HTTPS off.
var redirects = []string{
	"nginx.ingress.kubernetes.io/ssl-redirect",
	"haproxy-ingress.github.io/ssl-redirect",
	"haproxy.com/ssl-redirect",
	"haproxy.org/ssl-redirect",
	"ingress.kubernetes.io/ssl-redirect",
}

const forceRedirect = "nginx.ingress.kubernetes.io/force-ssl-redirect"

func redirectOff(ing *networkingv1.Ingress, in checks.Input) []checks.Finding {
	for _, key := range redirects {
		value, set := ing.Annotations[key]
		if !set {
			continue
		}
		on, err := strconv.ParseBool(value)
		forced, _ := strconv.ParseBool(ing.Annotations[forceRedirect]) // anything else than a boolean is ignored by the controller
		if err != nil || on || forced {
			continue
		}
		return []checks.Finding{{
			Subject: "redirect", Field: annotationField(key),
			Message: "has TLS, but answers plain HTTP as well because the redirect is off",
			Fix:     "remove the annotation " + key,
			Path:    []string{"internet", "http://" + hostName(firstHost(ing)), inputName(in)},
		}}
	}
	return nil
}

func firstHost(ing *networkingv1.Ingress) string {
	if len(ing.Spec.Rules) == 0 {
		return ""
	}
	return ing.Spec.Rules[0].Host
}
