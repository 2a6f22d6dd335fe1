// SPDX-License-Identifier: Apache-2.0

package convert

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// nginxInc is the controller of F5:
// https://docs.nginx.com/nginx-ingress-controller/configuration/ingress-resources/advanced-configuration-with-annotations/
func nginxInc() *Controller {
	return &Controller{
		Name: "nginx-ingress", Title: "NGINX Ingress Controller", class: "nginx.org/ingress-controller", classes: []string{"nginx"},
		prefixes: []string{"nginx.org/", "nginx.com/", "appprotect.f5.com/", "appprotectdos.f5.com/", "nsm.nginx.com/"},
		secures:  301, body: 1 << 20, paths: prefix, Annotations: append(nginxIncRoutes(), nginxIncRest()...),
	}
}

func nginxIncRoutes() []Annotation {
	return []Annotation{
		needless("nginx.org/mergeable-ingress-type", "routes of a host come together by themselves; what a master says holds for its minions"),
		closing("nginx.org/path-regex", toPath, "as an expression of RE2", (*reader).pathRegex),
		closing("nginx.org/rewrites", toRewrite, "the prefix of the paths of a Service", (*reader).rewrites),
		closing("nginx.org/rewrite-target", toRewrite, "a whole path, or what takes the place of a prefix", (*reader).rewriteTarget),
		closing("nginx.org/ssl-redirect", toRedirect, "", (*reader).sslRedirect),
		closing("ingress.kubernetes.io/ssl-redirect", toRedirect, "", (*reader).sslRedirect),
		closing("nginx.org/redirect-to-https", toRedirect, "X-Forwarded-Proto counts from trustedProxies of a ClientPolicy alone", (*reader).forceSSLRedirect),
		converted("nginx.org/http-redirect-code", toRedirect, "", func(r *reader, v string) (err error) {
			if r.secure != 0 {
				r.secure, err = number(v, 301, 308)
			}
			return err
		}),
		converted("nginx.org/app-root", toRedirect, "for \"/\" alone", (*reader).root),
		closing("nginx.org/ssl-services", toBackendTLS, "the certificate must be for SERVICE.NAMESPACE.svc, and is verified now", (*reader).sslServices),
		closing("nginx.org/grpc-services", "GRPCRoute spec.rules[].backendRefs", "all Services of the Ingress, or none", (*reader).grpcServices),
		needless("nginx.org/websocket-services", "every route takes WebSockets"),
		converted("nginx.org/proxy-read-timeout", toTimeout, "until the head of the response, of each attempt", (*reader).timeout),
		converted("nginx.org/proxy-next-upstream", toRetry, "only what does no harm is tried again", (*reader).nextUpstream),
		part("nginx.org/proxy-next-upstream-tries", "nginx.org/proxy-next-upstream", ""),
		refused("nginx.org/proxy-next-upstream-timeout", "attempts are bounded by their number: see timeouts.request of the route"),
		converted("nginx.org/proxy-set-headers", toRequestLines, "without variables; a name without a value is passed on anyway", (*reader).setHeaders),
		converted("nginx.org/proxy-hide-headers", toResponseLines, "", (*reader).hideHeaders),
		needless("nginx.org/proxy-pass-headers", "all lines of responses are passed on"),
		converted("nginx.org/hsts", toResponseLines, "for the route alone", (*reader).hsts),
		part("nginx.org/hsts-max-age", "nginx.org/hsts", ""), part("nginx.org/hsts-include-subdomains", "nginx.org/hsts", ""),
		refused("nginx.org/hsts-behind-proxy", "it is said in clear too, where browsers do not listen"),
		closing("nginx.org/basic-auth-secret", toAuthentication, "its lines must be under auth, with bcrypt", (*reader).basicSecret),
		part("nginx.org/basic-auth-realm", "nginx.org/basic-auth-secret", ""),
		guarded("nginx.com/jwt-key", "an AccessPolicy wants the issuer and the audience of tokens, which this does not say: write one, with the keys in jwks.secretRef"),
		part("nginx.com/jwt-realm", "nginx.com/jwt-key", ""), part("nginx.com/jwt-token", "nginx.com/jwt-key", ""), part("nginx.com/jwt-login-url", "nginx.com/jwt-key", ""),
		guarded("nginx.org/policies", "Policies are not converted: write an AccessPolicy or a TrafficPolicy"),
		closing("nginx.org/limit-req-rate", toRates, "for each address", (*reader).limitReq),
		part("nginx.org/limit-req-key", "nginx.org/limit-req-rate", ""), part("nginx.org/limit-req-burst", "nginx.org/limit-req-rate", ""),
		part("nginx.org/limit-req-delay", "nginx.org/limit-req-rate", ""), part("nginx.org/limit-req-no-delay", "nginx.org/limit-req-rate", ""), part("nginx.org/limit-req-dry-run", "nginx.org/limit-req-rate", ""),
		needless("nginx.org/limit-req-zone-size", "addresses that are counted have a bound of their own"), refused("nginx.org/limit-req-log-level", noLog),
		refused("nginx.org/limit-req-reject-code", "what is too much is answered 429"), refused("nginx.org/limit-req-scale", "each replica counts by itself"),
	}
}

func nginxIncRest() []Annotation {
	return append([]Annotation{
		closing("nginx.org/server-snippets", "", noSnippets, noText), closing("nginx.org/location-snippets", "", noSnippets, noText),
		guarded("appprotect.f5.com/app-protect-enable", noWAF, "False", "false"), guarded("appprotect.f5.com/app-protect-policy", noWAF),
		refused("appprotect.f5.com/app-protect-security-log-enable", noWAF), refused("appprotect.f5.com/app-protect-security-log", noWAF), refused("appprotect.f5.com/app-protect-security-log-destination", noWAF),
		guarded("appprotectdos.f5.com/app-protect-dos-resource", noWAF),
		guarded("nsm.nginx.com/internal-route", "a route of the mesh alone must not be one of the gateway", "false"),
		converted("nginx.org/client-max-body-size", "ClientPolicy spec.limits.bodyBytes", "the largest that an Ingress of the Gateway allows", (*reader).bodySize),
		guarded("nginx.org/listen-ports", "add listeners to the Gateway and sectionNames to the routes"), guarded("nginx.org/listen-ports-ssl", "add listeners to the Gateway and sectionNames to the routes"),
		refused("nginx.org/proxy-connect-timeout", "a connection is given up after 5 s"), refused("nginx.org/proxy-send-timeout", "a slow backend is bounded by the timeout of the route"),
		needless("nginx.org/server-tokens", "the gateway does not name itself"),
		needless("nginx.org/ssl-ciphers", noCiphers), needless("nginx.org/ssl-prefer-server-ciphers", noCiphers),
		refused("nginx.org/lb-method", noUpstream), needless("nginx.org/keepalive", "connections are kept"), needless("nginx.org/upstream-zone-size", noBuffers),
		refused("nginx.org/max-fails", "a pod that fails is passed over by itself"), refused("nginx.org/fail-timeout", "a pod that fails is passed over by itself"),
		refused("nginx.org/max-conns", "bound requests with concurrency of a TrafficPolicy"),
		refused("nginx.org/use-cluster-ip", "requests go to pods"),
		refused("nginx.com/sticky-cookie-services", noAffinity), refused("nginx.com/slow-start", noUpstream),
		refused("nginx.com/health-checks", "pods that are not ready get nothing: let the readiness probe tell"),
		part("nginx.com/health-checks-mandatory", "nginx.com/health-checks", ""), part("nginx.com/health-checks-mandatory-queue", "nginx.com/health-checks", ""),
	}, each(needless, noBuffers, "nginx.org/proxy-buffering", "nginx.org/proxy-buffers", "nginx.org/proxy-buffer-size", "nginx.org/proxy-busy-buffers-size", "nginx.org/proxy-max-temp-file-size", "nginx.org/client-body-buffer-size")...)
}

const mergeable = "nginx.org/mergeable-ingress-type"

// inherited are the annotations of an Ingress, with those of its master, if it is one of
// several that share a host.
func (c *conversion) inherited(k *Controller, i *networkingv1.Ingress) map[string]string {
	if k.Name != "nginx-ingress" || i.Annotations[mergeable] != "minion" {
		return i.Annotations
	}
	out := map[string]string{}
	for _, master := range c.objects.Ingresses {
		if master.Annotations[mergeable] == "master" && len(master.Spec.Rules) == 1 && len(i.Spec.Rules) == 1 && master.Spec.Rules[0].Host == i.Spec.Rules[0].Host {
			for key, value := range master.Annotations {
				if k.owns(key) {
					out[key] = value
				}
			}
		}
	}
	maps.Copy(out, i.Annotations)
	return out
}

func (r *reader) pathRegex(v string) error {
	switch v {
	case "case_sensitive":
	case "case_insensitive":
		r.caseless = true
	case "exact":
		r.exactly = true
		return nil
	default:
		return fmt.Errorf("%.30q is none of case_sensitive, case_insensitive, exact", v)
	}
	r.regex = r.get("rewrite-target") == ""
	return nil
}

var rewriteForm = regexp.MustCompile(`^serviceName=([-a-z0-9]+)\s+rewrite=(/\S*)$`)

func (r *reader) rewrites(v string) error {
	by := map[string]string{}
	for entry := range strings.SplitSeq(v, ";") {
		if entry = strings.TrimSpace(entry); entry == "" {
			continue
		}
		parts := rewriteForm.FindStringSubmatch(entry)
		if parts == nil || strings.Contains(parts[2], "$") {
			return fmt.Errorf("%.80q is not serviceName=NAME rewrite=/PATH", entry)
		}
		by[parts[1]] = parts[2]
	}
	r.plan.rewrite = func(u *rule) error {
		to, is := by[u.service()]
		if !is {
			return nil
		}
		if to = strings.TrimRight(to, "/"); to == "" {
			to = "/"
		}
		switch u.path.kind {
		case gatewayv1.PathMatchPathPrefix:
			u.rewrite = &gatewayv1.HTTPPathModifier{Type: gatewayv1.PrefixMatchHTTPPathModifier, ReplacePrefixMatch: &to}
		case gatewayv1.PathMatchExact:
			u.rewrite = &gatewayv1.HTTPPathModifier{Type: gatewayv1.FullPathHTTPPathModifier, ReplaceFullPath: &to}
		case gatewayv1.PathMatchRegularExpression:
			return errors.New("an expression has no prefix to rewrite")
		}
		return nil
	}
	return nil
}

func (r *reader) sslServices(v string) error {
	for _, s := range list(v) {
		r.secureBackends(s, &backendTLS{})
	}
	return nil
}

func (r *reader) grpcServices(v string) error {
	named := list(v)
	for _, u := range r.ingress.Spec.Rules {
		if u.HTTP == nil {
			continue
		}
		for i := range u.HTTP.Paths {
			if s := u.HTTP.Paths[i].Backend.Service; s != nil && !slices.Contains(named, s.Name) {
				return fmt.Errorf("it does not name Service %s, which would be in the same route: make an Ingress for each", s.Name)
			}
		}
	}
	r.grpc = true
	return nil
}

func (r *reader) setHeaders(v string) error {
	for _, entry := range list(v) {
		name, value, has := strings.Cut(entry, ":")
		if !has {
			continue // the line of the client, which is passed on
		}
		if err := r.set(&r.request, strings.TrimSpace(name), strings.TrimSpace(value)); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) hideHeaders(v string) error {
	lines, err := names(v)
	for _, l := range lines {
		r.response.Remove = append(r.response.Remove, string(l))
	}
	return err
}
