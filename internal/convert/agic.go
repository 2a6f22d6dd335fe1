// SPDX-License-Identifier: Apache-2.0

package convert

import (
	"errors"
	"strings"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// agic is the Application Gateway Ingress Controller of Azure:
// https://azure.github.io/application-gateway-kubernetes-ingress/annotations/
func agic() *Controller {
	const begin = "appgw.ingress.kubernetes.io/"
	return &Controller{
		Name: "azure", Title: "Azure Application Gateway Ingress Controller", class: "azure/application-gateway", classes: []string{"azure/application-gateway", "azure-application-gateway"},
		prefixes: []string{begin}, paths: agicPath, stars: true, Annotations: prefixed(begin, agicAnnotations()),
	}
}

func agicAnnotations() []Annotation {
	const probes = "pods that are not ready get nothing: let the readiness probe tell"
	return []Annotation{
		closing("backend-path-prefix", toRewrite, "", func(r *reader, v string) error {
			m, err := prefix(v)
			r.strips(m.value)
			return err
		}),
		closing("backend-hostname", toRewrite, "", func(r *reader, v string) (err error) {
			r.host, err = host(v)
			return err
		}),
		closing("backend-protocol", toBackendTLS, "http, and https with a certificate that is verified now", func(r *reader, v string) error {
			if err := r.plainOrTLS(strings.ToLower(v)); err != nil || r.tls[""] == nil {
				return err
			}
			r.tls[""].name = strings.ToLower(r.get("backend-hostname"))
			return nil
		}),
		closing("ssl-redirect", toRedirect, "", func(r *reader, v string) error {
			yes, err := truth(v)
			if err != nil || !yes {
				return errors.Join(err, r.holds("it asks for nothing"))
			}
			r.secure, r.always = 301, true
			return nil
		}),
		converted("request-timeout", toTimeout, "until the head of the response", (*reader).timeout),
		converted("hostname-extension", toHosts, "for the first host of the Ingress", (*reader).serverAlias),
		converted("use-private-ip", "Gateway spec.infrastructure.annotations", "for the Service of the gateway", func(r *reader, v string) error {
			yes, err := truth(v)
			if err != nil || !yes {
				return errors.Join(err, r.holds("it asks for nothing"))
			}
			return r.inside("service.beta.kubernetes.io/azure-load-balancer-internal", "true")
		}),
		guarded("override-frontend-port", "add a listener to the Gateway, and its sectionName to the route"),
		needsSecret("appgw-ssl-certificate"),
		guarded("appgw-ssl-profile", "say whose certificates clients show in spec.tls.frontend of the Gateway, and versions of TLS in a ClientPolicy"),
		refused("appgw-trusted-root-certificate", "name a ConfigMap with ca.crt in the BackendTLSPolicy"),
		guarded("waf-policy-for-path", noWAF),
		guarded("rewrite-rule-set", "rules of the Application Gateway are not in the cluster: write filters"), guarded("rewrite-rule-set-custom-resource", "write filters of the route"),
		guarded("rule-priority", "the most specific path is taken: name paths that do not overlap"),
		refused("cookie-based-affinity", noAffinity), part("cookie-based-affinity-distinct-name", "cookie-based-affinity", ""),
		needless("connection-draining", "connections are drained"), needless("connection-draining-timeout", "connections are drained"),
		refused("health-probe-hostname", probes), refused("health-probe-port", probes), refused("health-probe-path", probes), refused("health-probe-status-codes", probes),
		refused("health-probe-interval", probes), refused("health-probe-timeout", probes), refused("health-probe-unhealthy-threshold", probes),
	}
}

// agicPath takes a "*" at the end for the beginning of a path, also within a segment.
func agicPath(v string) (pathMatch, error) {
	begin, open := strings.CutSuffix(v, "*")
	if !open {
		return plain(gatewayv1.PathMatchExact, v)
	}
	if strings.HasSuffix(begin, "/") {
		return prefix(begin)
	}
	return wildcards(v)
}
