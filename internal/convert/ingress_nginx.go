// SPDX-License-Identifier: Apache-2.0

package convert

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// Where annotations go.
const (
	toRedirect       = "HTTPRoute spec.rules[].filters[].requestRedirect"
	toRewrite        = "HTTPRoute spec.rules[].filters[].urlRewrite"
	toPath           = "HTTPRoute spec.rules[].matches[].path"
	toHosts          = "HTTPRoute spec.hostnames"
	toTimeout        = "HTTPRoute spec.rules[].timeouts.backendRequest"
	toRetry          = "HTTPRoute spec.rules[].retry"
	toCORS           = "HTTPRoute spec.rules[].filters[].cors"
	toMirror         = "HTTPRoute spec.rules[].filters[].requestMirror"
	toRequestLines   = "HTTPRoute spec.rules[].filters[].requestHeaderModifier"
	toResponseLines  = "HTTPRoute spec.rules[].filters[].responseHeaderModifier"
	toBackends       = "HTTPRoute spec.rules[].backendRefs"
	toBackendTLS     = "BackendTLSPolicy spec.validation"
	toListeners      = "Gateway spec.listeners"
	toAuthentication = "AccessPolicy spec.authentication"
	toExternal       = "AccessPolicy spec.externalAuth"
	toAuthorization  = "AccessPolicy spec.authorization"
	toRates          = "TrafficPolicy spec.rateLimits"
	toConcurrency    = "TrafficPolicy spec.concurrency"
)

// What is said more than once.
const (
	noSnippets   = "there is no place for text of a configuration, which could say anything (CVE-2021-25742): say what it does with filters and policies"
	noAffinity   = "requests go to any pod: keep sessions where every pod finds them"
	noWAF        = "the gateway has no web application firewall yet: keep one in front of it"
	noBuffers    = "bodies are not held back, and buffers are the gateway's own"
	noUpstream   = "the gateway balances by least requests of two"
	noCiphers    = "only TLS 1.2 and 1.3 with forward secrecy are spoken"
	noLog        = "telemetry is a setting of the gateway, for all routes"
	noErrorPages = "the gateway answers errors itself (RFC 9457), and passes those of backends on"
)

// ingressNginx is the controller of the Kubernetes project, archived in March 2026:
// https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/
func ingressNginx() *Controller {
	const begin = "nginx.ingress.kubernetes.io/"
	return &Controller{
		Name: "ingress-nginx", Title: "ingress-nginx", class: "k8s.io/ingress-nginx", classes: []string{"nginx"},
		prefixes: []string{begin}, secures: 308, body: 1 << 20, paths: prefix, shares: nginxSharing(),
		Annotations: prefixed(begin, nginxRouting(), nginxTraffic(), nginxAccess(), nginxRest()),
	}
}

// get is another annotation of the controller, by its name without the prefix.
func (r *reader) get(name string) string {
	return strings.TrimSpace(r.all[r.controller.prefixes[0]+name])
}

func nginxRouting() []Annotation {
	return []Annotation{
		closing("use-regex", toPath, "as an expression of RE2 that fits from the beginning; ingress-nginx takes all paths of the host for expressions then, also those of other Ingresses", (*reader).useRegex),
		closing("rewrite-target", toRewrite, "a whole path, or what takes the place of a prefix; paths fit by whole segments", (*reader).rewriteTarget),
		closing("ssl-redirect", toRedirect, "", (*reader).sslRedirect),
		closing("force-ssl-redirect", toRedirect, "", (*reader).forceSSLRedirect),
		refused("preserve-trailing-slash", "a redirect to https keeps the path as it is"),
		converted("app-root", toRedirect, "for \"/\" alone", (*reader).root),
		closing("permanent-redirect", toRedirect, "places without variables", func(r *reader, v string) error { return r.away(v, "permanent-redirect-code", 301) }),
		part("permanent-redirect-code", "permanent-redirect", ""),
		closing("temporal-redirect", toRedirect, "places without variables", func(r *reader, v string) error { return r.away(v, "temporal-redirect-code", 302) }),
		part("temporal-redirect-code", "temporal-redirect", ""),
		refused("relative-redirects", "redirects name the host that was asked for"),
		converted("from-to-www-redirect", toRedirect, "an HTTPRoute of its own for the other name", func(r *reader, v string) (err error) { r.www, err = truth(v); return err }),
		converted("server-alias", toHosts, "names without expressions, for the first host of the Ingress", (*reader).serverAlias),
		closing("backend-protocol", toBackends, "HTTP, HTTPS by a BackendTLSPolicy, GRPC and GRPCS by a GRPCRoute", (*reader).backendProtocol),
		closing("upstream-vhost", toRewrite, "", func(r *reader, v string) (err error) { r.host, err = host(v); return err }),
		closing("ssl-passthrough", "TLSRoute spec.rules[].backendRefs", "all of a host goes to the Service of its path \"/\"; it closes without one, and beside annotations that keep requests out", (*reader).passthrough),
		{Name: "canary", Outcome: Converted, To: toBackends, Say: "added to the rules of the Ingress that it is a canary of", read: (*reader).readCanary},
		part("canary-by-header", "canary", ""), part("canary-by-header-value", "canary", ""), part("canary-by-header-pattern", "canary", "as an expression of RE2"),
		part("canary-by-cookie", "canary", "as an expression for the line Cookie"), part("canary-weight", "canary", ""), part("canary-weight-total", "canary", ""),
	}
}

func (r *reader) useRegex(v string) (err error) {
	if r.get("rewrite-target") != "" {
		return nil // which reads the paths
	}
	r.regex, err = truth(v)
	r.caseless = true
	return err
}

func (r *reader) rewriteTarget(v string) error {
	if !strings.HasPrefix(v, "/") && v != "" {
		return fmt.Errorf("%.80q is no path", v)
	}
	if v == "" {
		return r.holds("it asks for nothing")
	}
	r.groups = true
	r.plan.rewrite = func(u *rule) (err error) {
		path := cmp.Or(u.raw, "/")
		if u.path, u.rewrite, err = captured(path, v); err != nil {
			u.path = everything // answers 500
		}
		return err
	}
	return nil
}

func (r *reader) sslRedirect(v string) error {
	yes, err := truth(v)
	switch {
	case err != nil:
		return err
	case yes:
		return r.holds("hosts with TLS are redirected, as without it")
	}
	r.secure = 0
	r.line.Outcome = Converted
	r.line.object, r.line.field = "HTTPRoute", "spec.parentRefs"
	r.note("the route is served in clear too")
	return nil
}

func (r *reader) forceSSLRedirect(v string) error {
	yes, err := truth(v)
	switch {
	case err != nil:
		return err
	case !yes:
		return r.holds("it asks for nothing")
	}
	r.secure, r.always = 308, true
	return nil
}

func (r *reader) root(v string) error {
	if _, err := plain(gatewayv1.PathMatchExact, v); err != nil {
		return err
	}
	r.appRoot = v
	return nil
}

// away reads a redirect, whose status another annotation may have.
func (r *reader) away(v, code string, status int) (err error) {
	if c := r.get(code); c != "" {
		if status, err = number(c, 300, 399); err != nil {
			return err
		}
	}
	r.redirect, err = redirect(v, status)
	return err
}

func (r *reader) serverAlias(v string) error {
	for _, word := range list(v) {
		h, err := host(word)
		if err != nil {
			return fmt.Errorf("%w; expressions are not converted: name each", err)
		}
		r.aliases = append(r.aliases, h)
	}
	return nil
}

func (r *reader) backendProtocol(v string) error {
	switch strings.ToUpper(v) {
	case "HTTP", "AUTO_HTTP":
		return r.holds("backends are spoken to by HTTP")
	case "GRPC", "GRPCS":
		r.grpc = true
		r.line.object, r.line.field = "GRPCRoute", "spec.rules[].backendRefs"
	case "HTTPS":
	default:
		return fmt.Errorf("%.20q is not spoken: HTTP, HTTPS, GRPC and GRPCS are", v)
	}
	if strings.HasSuffix(strings.ToUpper(v), "S") {
		t := &backendTLS{}
		if name := r.get("proxy-ssl-name"); name != "" {
			var err error
			if t.name, err = host(name); err != nil {
				return err
			}
		}
		if secret := r.get("proxy-ssl-secret"); secret != "" {
			_, name, _ := strings.Cut("/"+secret, "/")
			t.authority = name[strings.LastIndex(name, "/")+1:]
		}
		r.secureBackends("", t)
	}
	return nil
}

func (r *reader) passthrough(v string) error {
	yes, err := truth(v)
	if err == nil && !yes {
		return r.holds("it asks for nothing")
	}
	r.through = yes
	return err
}

func (r *reader) readCanary(v string) error {
	yes, err := truth(v)
	if err != nil {
		return err
	}
	if !yes {
		return r.holds("it asks for nothing")
	}
	k := &canary{header: r.get("canary-by-header"), value: r.get("canary-by-header-value"), pattern: r.get("canary-by-header-pattern"), cookie: r.get("canary-by-cookie"), total: 100}
	if t := r.get("canary-weight-total"); t != "" {
		if k.total, err = number(t, 1, 1_000_000); err != nil {
			return err
		}
	}
	if w := r.get("canary-weight"); w != "" {
		if k.weight, err = number(w, 0, k.total); err != nil {
			return err
		}
	}
	if k.header != "" && !headerName.MatchString(k.header) {
		return fmt.Errorf("%.60q is no name of a header line", k.header)
	}
	if k.pattern != "" {
		if _, err := expression(k.pattern, false, true); err != nil {
			return err
		}
	}
	r.canary = k
	if k.header == "" && k.cookie == "" && k.weight == 0 {
		return errors.New("it gets no requests: neither a header line, nor a cookie, nor a weight is named")
	}
	return nil
}
