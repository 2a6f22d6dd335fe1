// SPDX-License-Identifier: Apache-2.0

package convert

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// kong is the controller of Kong:
// https://developer.konghq.com/kubernetes-ingress-controller/reference/annotations/
func kong() *Controller {
	return &Controller{
		Name: "kong", Title: "Kong Ingress Controller", class: "ingress-controllers.konghq.com/kong", classes: []string{"kong"},
		prefixes: []string{"konghq.com/"}, paths: prefix, services: true,
		Annotations: []Annotation{
			closing("konghq.com/regex-prefix", toPath, "read with the paths", func(r *reader, v string) error { r.kongExpressions(v); return nil }),
			closing("konghq.com/strip-path", toRewrite, "", (*reader).stripPath),
			closing("konghq.com/path", toRewrite, "of the Service of an Ingress that has one", (*reader).servicePath),
			closing("konghq.com/rewrite", toRewrite, "a whole path, or what takes the place of a prefix", (*reader).kongRewrite),
			closing("konghq.com/methods", "HTTPRoute spec.rules[].matches[].method", "", (*reader).onlyMethods),
			closing("konghq.com/headers.*", "HTTPRoute spec.rules[].matches[].headers", "", (*reader).onlyHeader),
			needless("konghq.com/headers-separator", "read with konghq.com/headers.*"),
			closing("konghq.com/protocols", "HTTPRoute spec.parentRefs", "http, https, grpc and grpcs", (*reader).kongProtocols),
			part("konghq.com/https-redirect-status-code", "konghq.com/protocols", ""),
			closing("konghq.com/protocol", toBackends, "of the Service: http, https, grpc, grpcs", (*reader).kongProtocol),
			closing("ingress.kubernetes.io/force-ssl-redirect", toRedirect, "", (*reader).kongRedirect),
			closing("konghq.com/host-header", toRewrite, "of the Service of an Ingress that has one", func(r *reader, v string) (err error) {
				if err = r.single(); err == nil {
					r.host, err = host(v)
				}
				return err
			}),
			closing("konghq.com/preserve-host", toRewrite, "", func(r *reader, v string) error {
				if yes, err := truth(v); err != nil || !yes {
					return errors.Join(err, errors.New("backends are asked for the host of the request: name another with konghq.com/host-header"))
				}
				return r.holds("backends are asked for the host of the request")
			}),
			converted("konghq.com/host-aliases", toHosts, "for the first host of the Ingress", (*reader).serverAlias),
			closing("konghq.com/snis", toHosts, "", (*reader).onlySNIs),
			guarded("konghq.com/regex-priority", "expressions are tried by the length of what they are: name paths that do not overlap"),
			guarded("konghq.com/override", "a KongIngress is not converted: say it in the route"),
			closing("konghq.com/plugins", "AccessPolicy, TrafficPolicy, HTTPRoute", "KongPlugins of the input, of kinds that docs/convert.md names", (*reader).kongPlugins),
			converted("konghq.com/read-timeout", toTimeout, "milliseconds, until the head of the response", func(r *reader, v string) error { return r.timeout(v + "ms") }),
			converted("konghq.com/retries", toRetry, "after connections that fail", (*reader).retries),
			refused("konghq.com/connect-timeout", "a connection is given up after 5 s"), refused("konghq.com/write-timeout", "a slow backend is bounded by the timeout of the route"),
			refused("konghq.com/upstream-policy", noUpstream), refused("ingress.kubernetes.io/service-upstream", "requests go to pods"),
			refused("konghq.com/service-upstream", "requests go to pods"),
			refused("konghq.com/client-cert", "backends that want a certificate of the gateway get that of Gateway spec.tls.backend"),
			needless("konghq.com/tls-verify", "certificates of backends are always verified"), needless("konghq.com/tls-verify-depth", "chains are verified to an authority, however long"),
			refused("konghq.com/ca-certificates-secret", "name a ConfigMap with ca.crt in the BackendTLSPolicy"), refused("konghq.com/ca-certificates-secrets", "name a ConfigMap with ca.crt in the BackendTLSPolicy"),
			refused("konghq.com/ca-certificates-configmap", "name it in the BackendTLSPolicy"), refused("konghq.com/ca-certificates-configmaps", "name it in the BackendTLSPolicy"),
			needless("konghq.com/request-buffering", noBuffers), needless("konghq.com/response-buffering", noBuffers),
			refused("konghq.com/path-handling", "paths are joined with one slash"), refused("konghq.com/tags", "they are Kong's own"), refused("konghq.com/name", "it is Kong's own"),
		},
	}
}

// kongExpressions takes paths with a prefix for expressions.
func (r *reader) kongExpressions(begin string) {
	r.specific = func(v string) (pathMatch, error) {
		if text, is := strings.CutPrefix(v, begin); is {
			return expression(text, false, false)
		}
		return prefix(v)
	}
}

// single wants an Ingress with one Service, for what a Service says of all its routes.
func (r *reader) single() error {
	if r.line.Kind == "Ingress" || len(r.serviceNames()) == 1 {
		return nil
	}
	return errors.New("the Ingress has several Services, and this one says it for its own routes alone: make an Ingress for each")
}

func (r *reader) stripPath(v string) error {
	yes, err := truth(v)
	if err != nil || !yes {
		return errors.Join(err, r.holds("backends get the whole path"))
	}
	r.strips("/")
	return nil
}

// strips puts something in the place of the path that fitted.
func (r *reader) strips(to string) {
	r.plan.rewrite = func(u *rule) error {
		var err error
		u.rewrite, err = replaced(u.path, to)
		return err
	}
}

// replaced puts something in the place of a path, or of its prefix.
func replaced(path pathMatch, to string) (*gatewayv1.HTTPPathModifier, error) {
	switch path.kind {
	case gatewayv1.PathMatchExact:
		return &gatewayv1.HTTPPathModifier{Type: gatewayv1.FullPathHTTPPathModifier, ReplaceFullPath: &to}, nil
	case gatewayv1.PathMatchPathPrefix:
		return &gatewayv1.HTTPPathModifier{Type: gatewayv1.PrefixMatchHTTPPathModifier, ReplacePrefixMatch: &to}, nil
	case gatewayv1.PathMatchRegularExpression:
	}
	return nil, errors.New("an expression has no prefix to replace: name the path")
}

func (r *reader) servicePath(v string) error {
	if err := r.single(); err != nil {
		return err
	}
	m, err := prefix(v)
	if err != nil {
		return err
	}
	if yes, _ := truth(r.ingress.Annotations["konghq.com/strip-path"]); yes {
		r.strips(m.value)
		return nil
	}
	r.plan.rewrite = func(u *rule) (err error) {
		u.rewrite, err = replaced(u.path, strings.TrimRight(m.value, "/")+u.path.value)
		return err
	}
	return nil
}

func (r *reader) kongRewrite(v string) error {
	if !strings.HasPrefix(v, "/") {
		return fmt.Errorf("%.80q is no path", v)
	}
	old := r.specific
	r.plan.rewrite = func(u *rule) (err error) {
		text, is := strings.CutPrefix(u.raw, "/~")
		if !is && strings.Contains(v, "$") || old != nil {
			return errors.New("only a path that is an expression (/~) has groups to put in")
		}
		if !is {
			u.rewrite = &gatewayv1.HTTPPathModifier{Type: gatewayv1.FullPathHTTPPathModifier, ReplaceFullPath: &v}
			return nil
		}
		if u.path, u.rewrite, err = captured(text, v); err != nil {
			u.path = everything // answers 500
		}
		return err
	}
	return nil
}

func (r *reader) onlyMethods(v string) error {
	for _, m := range list(v) {
		m = strings.ToUpper(m)
		if !slices.Contains([]string{"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"}, m) {
			return fmt.Errorf("%.20q is no method that is routed", m)
		}
		r.methods = append(r.methods, m)
	}
	return nil
}

func (r *reader) onlyHeader(v string) error {
	_, name, _ := strings.Cut(r.line.Source, "headers.")
	separator := ","
	if s, is := r.all["konghq.com/headers-separator"]; is && s != "" {
		separator = s
	}
	if !headerName.MatchString(name) {
		return fmt.Errorf("%.60q is no name of a header line", name)
	}
	m := gatewayv1.HTTPHeaderMatch{Name: gatewayv1.HTTPHeaderName(name)}
	var words []string
	for w := range strings.SplitSeq(v, separator) {
		words = append(words, strings.TrimSpace(w))
	}
	switch {
	case strings.HasPrefix(v, "~*"):
		return errors.New("expressions for header lines are not converted: name the values")
	case len(words) == 1:
		m.Value = words[0]
	default:
		of := gatewayv1.HeaderMatchRegularExpression
		for i := range words {
			words[i] = regexp.QuoteMeta(words[i])
		}
		m.Type, m.Value = &of, strings.Join(words, "|")
	}
	r.headers = append(r.headers, m)
	return nil
}

func (r *reader) onlySNIs(v string) error {
	for _, u := range r.ingress.Spec.Rules {
		if !slices.Contains(list(v), u.Host) {
			return errors.New("requests are told apart by their host, which a client's SNI must fit: name the same names as hosts")
		}
	}
	return r.holds("a client's SNI must fit the host")
}

func (r *reader) retries(v string) error {
	n, err := number(v, 0, 100)
	if err == nil {
		r.retry = &gatewayv1.HTTPRouteRetry{Attempts: &n}
	}
	return err
}
