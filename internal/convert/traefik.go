// SPDX-License-Identifier: Apache-2.0

package convert

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// traefik is that of Traefik Labs:
// https://doc.traefik.io/traefik/reference/routing-configuration/kubernetes/ingress/
func traefik() *Controller {
	const begin = "traefik.ingress.kubernetes.io/"
	return &Controller{
		Name: "traefik", Title: "Traefik", class: "traefik.io/ingress-controller", classes: []string{"traefik"},
		prefixes: []string{begin}, paths: prefix, services: true, Annotations: prefixed(begin, traefikAnnotations()),
	}
}

func traefikAnnotations() []Annotation {
	return []Annotation{
		closing("router.entrypoints", "HTTPRoute spec.parentRefs", "web for HTTP and websecure for HTTPS", (*reader).entryPoints),
		closing("router.tls", toListeners, "HTTPS alone", (*reader).routerTLS),
		closing("router.tls.certresolver", toListeners, "cert-manager makes certificates: annotate the Gateway for it", func(r *reader, _ string) error { return r.routerTLS("true") }),
		refused("router.tls.domains.*", "a Secret has the names of its certificate"),
		guarded("router.tls.options", "versions of TLS, and certificates of clients, are settings of the Gateway: ClientPolicy tls, and spec.tls.frontend"),
		closing("router.middlewares", "AccessPolicy, TrafficPolicy, HTTPRoute", "Middlewares of the input, of kinds that docs/convert.md names", (*reader).middlewares),
		closing("router.pathmatcher", toPath, "PathPrefix, Path, PathRegexp", (*reader).pathMatcher),
		guarded("router.priority", "the most specific path is taken: name paths that do not overlap"),
		needless("router.rulesyntax", "paths and hosts have no other syntax"),
		refused("router.observability.accesslogs", noLog), refused("router.observability.metrics", noLog), refused("router.observability.tracing", noLog),
		closing("service.serversscheme", toBackends, "of the Service: http, https, h2c", (*reader).serversScheme),
		guarded("service.serverstransport", "how backends are verified is in a BackendTLSPolicy"),
		guarded("service.passhostheader", "backends are asked for the host of the request", "true"),
		refused("service.sticky.*", noAffinity),
		needless("service.nativelb", "requests go to pods"), needless("service.nodeportlb", "requests go to pods"),
		refused("service.loadbalancer.*", noUpstream),
	}
}

func (r *reader) entryPoints(v string) error {
	words := list(v)
	for _, w := range words {
		if w != "web" && w != "websecure" {
			return fmt.Errorf("%.40q is another entry point than web and websecure: add a listener to the Gateway, and its sectionName to the route", w)
		}
	}
	if !slices.Contains(words, "web") {
		r.plain, r.wantsTLS = true, true
	}
	r.unsecured = !slices.Contains(words, "websecure")
	return nil
}

func (r *reader) routerTLS(v string) error {
	yes, err := truth(v)
	if err != nil || !yes {
		return errors.Join(err, r.holds("it asks for nothing"))
	}
	r.plain, r.wantsTLS = true, true
	return nil
}

func (r *reader) pathMatcher(v string) error {
	switch v {
	case "PathPrefix", "PathPrefixStrip":
		if v == "PathPrefixStrip" {
			return errors.New("it is not of Traefik any more: use a stripPrefix Middleware")
		}
		return r.holds("paths are prefixes")
	case "Path":
		r.specific = func(v string) (pathMatch, error) { return plain(gatewayv1.PathMatchExact, v) }
	case "PathRegexp":
		r.specific = func(v string) (pathMatch, error) { return expression(v, false, false) }
	default:
		return fmt.Errorf("%.40q is none of PathPrefix, Path, PathRegexp", v)
	}
	return nil
}

func (r *reader) serversScheme(v string) error {
	switch v {
	case "http":
		return r.holds("backends are spoken to by HTTP")
	case "https":
		r.secureBackends(r.line.Name, &backendTLS{})
	case "h2c":
		r.line.object = "Service"
		return r.wantsH2C()
	default:
		return fmt.Errorf("%.20q is not spoken: http, https and h2c are", v)
	}
	return nil
}

// wantsH2C looks whether the ports of the Service say that they speak HTTP/2.
func (r *reader) wantsH2C() error {
	s := r.conversion.services[Name{Namespace: r.line.Namespace, Name: r.line.Name}]
	if s != nil {
		for i := range s.Spec.Ports {
			if p := s.Spec.Ports[i].AppProtocol; p == nil || *p != "kubernetes.io/h2c" {
				return errors.New("set appProtocol: kubernetes.io/h2c on the port of the Service, and convert again")
			}
		}
		return r.holds("the ports of the Service say appProtocol: kubernetes.io/h2c")
	}
	return errors.New("set appProtocol: kubernetes.io/h2c on the port of the Service, and add it to the input")
}

// middlewares converts those that an annotation names: NAMESPACE-NAME@kubernetescrd.
func (r *reader) middlewares(v string) error {
	r.line.object = several
	var faults []string
	for _, word := range list(v) {
		if err := r.middlewareNamed(word); err != nil {
			faults = append(faults, fmt.Sprintf("%s: %v", word, err))
		}
	}
	if len(faults) > 0 {
		return errors.New(strings.Join(faults, "; "))
	}
	return nil
}

func (r *reader) middlewareNamed(word string) error {
	full, provider, _ := strings.Cut(word, "@")
	if provider != "kubernetescrd" {
		return errors.New("only Middlewares of the cluster are converted (NAMESPACE-NAME@kubernetescrd)")
	}
	// Both parts may have hyphens: the input tells which is meant.
	var found []Name
	for i, c := range full {
		if c == '-' && r.conversion.others[key("Middleware", full[:i], full[i+1:])] != nil {
			found = append(found, Name{Namespace: full[:i], Name: full[i+1:]})
		}
	}
	switch len(found) {
	case 0:
		return errors.New("the Middleware is not in the input")
	case 1:
		return r.middleware(found[0], 0)
	}
	return fmt.Errorf("it could be %s or %s", found[0], found[1])
}
