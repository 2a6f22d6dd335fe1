// SPDX-License-Identifier: Apache-2.0

package convert

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
)

const noBalancer = "the load balancer before the gateway is made for the Service of the gateway"

// alb is the controller of AWS:
// https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/ingress/annotations/
func alb() *Controller {
	const begin = "alb.ingress.kubernetes.io/"
	return &Controller{
		Name: "aws", Title: "AWS Load Balancer Controller", class: "ingress.k8s.aws/alb", classes: []string{"alb"},
		prefixes: []string{begin}, paths: wildcards, stars: true, inside: albInside, services: true, shares: albSharing(),
		Annotations: prefixed(begin, albAnnotations(),
			each(refused, "pods that are not ready get nothing: let the readiness probe tell", "healthcheck-port", "healthcheck-protocol", "healthcheck-path", "healthcheck-interval-seconds", "healthcheck-timeout-seconds", "healthy-threshold-count", "unhealthy-threshold-count"),
			each(refused, noBalancer, "load-balancer-name", "tags", "ip-address-type", "subnets", "customer-owned-ipv4-pool", "load-balancer-attributes", "manage-backend-security-group-rules", "multi-cluster-target-group",
				"minimum-load-balancer-capacity", "ipam-ipv4-pool-id", "enable-frontend-nlb", "frontend-nlb-*")),
	}
}

func albAnnotations() []Annotation {
	return []Annotation{
		converted("scheme", "Gateway spec.infrastructure.annotations", "internal, for the Service of the gateway", (*reader).albScheme),
		closing("listen-ports", "HTTPRoute spec.parentRefs", "80 for HTTP and 443 for HTTPS", (*reader).listenPorts),
		closing("ssl-redirect", toRedirect, "to port 443", (*reader).albRedirect),
		closing("certificate-arn", "", "", func(r *reader, _ string) error {
			r.wantsTLS = true
			return r.holds("keys of ACM do not leave it: a Secret has the certificate now, as spec.tls or the caller names it")
		}),
		closing("inbound-cidrs", toAuthorization, "the address is the connection's, or what trustedProxies of a ClientPolicy tell", func(r *reader, v string) error { return r.addresses(v, r.allows) }),
		guarded("security-groups", "they let addresses in: name these in inbound-cidrs, or an AccessPolicy"), guarded("security-group-prefix-lists", "name the addresses in inbound-cidrs, or an AccessPolicy"),
		guarded("mutual-authentication", "say it in spec.tls.frontend of the Gateway, with a ConfigMap of the authorities"),
		guarded("auth-type", "the gateway logs nobody in: an AccessPolicy takes tokens of the same issuer, or asks a service that logs in", "none"),
		part("auth-idp-cognito", "auth-type", ""), part("auth-idp-oidc", "auth-type", ""), part("auth-on-unauthenticated-request", "auth-type", ""), part("auth-scope", "auth-type", ""), part("auth-session-cookie", "auth-type", ""), part("auth-session-timeout", "auth-type", ""),
		closing("jwt-validation", toAuthentication, "of any audience, since it names none: name yours", (*reader).albTokens),
		guarded("wafv2-acl-arn", noWAF, "none"), guarded("wafv2-acl-name", noWAF, "none"), guarded("waf-acl-id", noWAF, "none"), guarded("web-acl-id", noWAF, "none"), guarded("shield-advanced-protection", noWAF, "false"),
		closing("actions.*", toBackends, "redirects, and shares of Services", (*reader).albAction), closing("conditions.*", "HTTPRoute spec.rules[].matches[]", "all but addresses", (*reader).albCondition),
		guarded("transforms.*", "rewrites by expressions have no counterpart"),
		closing("use-regex-path-match", toPath, "", func(r *reader, v string) error {
			yes, err := truth(v)
			if err == nil && yes {
				r.specific = func(p string) (pathMatch, error) { return expression(p, false, false) }
			}
			return err
		}),
		closing("backend-protocol", toBackendTLS, "HTTP, and HTTPS with a certificate that is verified now", (*reader).plainOrTLS),
		closing("backend-protocol-version", toBackends, "HTTP1, GRPC by a GRPCRoute", (*reader).albVersion),
		guarded("group.order", "the most specific path is taken: name paths that do not overlap", "0"),
		needless("group.name", "Ingresses of a class and namespace are together, or all with --gateway; one that lacks what another one of the group keeps out is closed"),
		refused("success-codes", "pods that are not ready get nothing: let the readiness probe tell"),
		refused("ssl-policy", noCiphers), refused("target-type", "requests go to pods"), refused("target-node-labels", "requests go to pods"), refused("target-group-attributes", noUpstream), refused("target-control-port", noUpstream),
		refused("listener-attributes.*", "header lines of responses are filters of the route"), refused("dry-run-plan", "convert is one"),
		refused("create-acm-cert", "cert-manager makes certificates: annotate the Gateway for it"), refused("acm-pca-arn", "cert-manager makes certificates: annotate the Gateway for it"),
	}
}

func (r *reader) albScheme(v string) error {
	switch v {
	case "internet-facing":
		r.line.Outcome = Equivalent
		r.note("the Service of the gateway is reachable from outside unless it says otherwise")
		return nil
	case "internal":
		return r.inside(albSchemeKey, "internal")
	}
	return fmt.Errorf("%.30q is neither internal nor internet-facing", v)
}

const albSchemeKey = "service.beta.kubernetes.io/aws-load-balancer-scheme"

// albInside knows that load balancers of AWS are internal unless they are told otherwise.
func albInside(p *plan) {
	if p.ingress.Annotations["alb.ingress.kubernetes.io/scheme"] == "" {
		p.private = [2]string{albSchemeKey, "internal"}
		p.remark("metadata.annotations", "without scheme its load balancer is internal, and so is the Service of the gateway: %s", albSchemeKey)
	}
}

// inside has the Service of the gateway annotated so that it is not reachable from
// outside.
func (r *reader) inside(key, value string) error {
	r.private = [2]string{key, value}
	r.note("where the gateway's Service is made for the Gateway, it gets the annotation %s: %s; elsewhere, see to it", key, value)
	return nil
}

func (r *reader) listenPorts(v string) error {
	var ports []map[string]int
	if err := json.Unmarshal([]byte(v), &ports); err != nil || len(ports) == 0 {
		return errors.New(`it is no list such as [{"HTTP": 80}, {"HTTPS": 443}]`)
	}
	plain, secure := false, false
	for _, each := range ports {
		for protocol, port := range each {
			switch {
			case protocol == "HTTP" && port == 80:
				plain = true
			case protocol == "HTTPS" && port == 443:
				secure = true
			default:
				return fmt.Errorf("%.10s %d: add a listener to the Gateway, and its sectionName to the route", protocol, port)
			}
		}
	}
	r.plain, r.unsecured = !plain, !secure
	r.wantsTLS = r.wantsTLS || secure
	return nil
}

func (r *reader) albRedirect(v string) error {
	if v != "443" {
		return fmt.Errorf("port %.10q: HTTPS is on port 443", v)
	}
	r.secure, r.always = 301, true
	return nil
}

// albTokens reads which signed tokens are taken.
func (r *reader) albTokens(v string) error {
	var in struct {
		JWKS   string `json:"jwksEndpoint"`
		Issuer string `json:"issuer"`
		Claims []struct {
			Format string   `json:"format"`
			Name   string   `json:"name"`
			Values []string `json:"values"`
		} `json:"additionalClaims"`
	}
	if err := json.Unmarshal([]byte(v), &in); err != nil || in.Issuer == "" {
		return errors.New("it is no JSON with an issuer and a jwksEndpoint")
	}
	if r.access.jwt != nil {
		return errors.New("tokens are asked for twice: say it once")
	}
	r.access.jwt = &v1alpha1.JWT{Issuer: in.Issuer, AnyAudience: true, JWKS: v1alpha1.JWKS{URI: in.JWKS}, Algorithms: []string{"RS256"}}
	for _, c := range in.Claims {
		if len(c.Values) == 0 || c.Name == "" {
			return errors.New("a claim has no name or no values")
		}
		if c.Name == "aud" {
			r.access.jwt.AnyAudience, r.access.jwt.Audiences = false, c.Values
			continue
		}
		if c.Format == "space-separated-values" {
			return fmt.Errorf("claim %.40q holds words between spaces: add a rule with scopes or when to the AccessPolicy", c.Name)
		}
		if r.access.claims == nil {
			r.access.claims = map[string]v1alpha1.ClaimValues{}
		}
		r.access.claims[c.Name] = c.Values
	}
	return nil
}

func (r *reader) plainOrTLS(v string) error {
	switch v {
	case "HTTP", "http":
		return r.holds("backends are spoken to by HTTP")
	case "HTTPS", "https":
		service := ""
		if r.line.Kind == "Service" {
			service = r.line.Name
		}
		r.secureBackends(service, &backendTLS{})
		return nil
	}
	return fmt.Errorf("%.20q is neither HTTP nor HTTPS", v)
}

func (r *reader) albVersion(v string) error {
	switch v {
	case "HTTP1":
		return r.holds("backends are spoken to by HTTP/1.1")
	case "GRPC":
		r.grpc = true
		r.line.object = "GRPCRoute"
		return r.single()
	case "HTTP2":
		for _, name := range r.serviceNames() {
			r.line.Kind, r.line.Name = "Service", name
			err := r.wantsH2C()
			r.line.Kind, r.line.Name = "Ingress", r.ingress.Name
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		return nil
	}
	return fmt.Errorf("%.20q is none of HTTP1, HTTP2, GRPC", v)
}
