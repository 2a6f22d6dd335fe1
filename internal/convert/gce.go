// SPDX-License-Identifier: Apache-2.0

package convert

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// gce is the controller of Google:
// https://cloud.google.com/kubernetes-engine/docs/how-to/load-balance-ingress
func gce() *Controller {
	c := &Controller{
		Name: "gce", Title: "GKE Ingress", class: "k8s.io/ingress-gce", classes: []string{"gce", "gce-internal"},
		prefixes: []string{"ingress.gcp.kubernetes.io/", "networking.gke.io/", "cloud.google.com/", "beta.cloud.google.com/"}, paths: wildcards, stars: true, inside: gceInside, services: true,
		Annotations: []Annotation{
			closing("kubernetes.io/ingress.allow-http", "HTTPRoute spec.parentRefs", "false: HTTPS alone", func(r *reader, v string) error {
				yes, err := truth(v)
				if err == nil && yes {
					return r.holds("HTTP is served")
				}
				r.plain = true
				return err
			}),
			refused("kubernetes.io/ingress.global-static-ip-name", "name the address in spec.addresses of the Gateway"), refused("kubernetes.io/ingress.regional-static-ip-name", "name the address in spec.addresses of the Gateway"),
			needsSecret("ingress.gcp.kubernetes.io/pre-shared-cert"), needsSecret("networking.gke.io/managed-certificates"), needsSecret("networking.gke.io/certmap"),
			closing("networking.gke.io/v1beta1.FrontendConfig", toRedirect, "redirectToHttps of a FrontendConfig of the input", (*reader).frontendConfig),
			closing("ingress.gcp.kubernetes.io/path-prefix-rewrite", toRewrite, "", func(r *reader, v string) error {
				m, err := prefix(v)
				r.strips(m.value)
				return err
			}),
			closing("cloud.google.com/backend-config", "HTTPRoute spec.rules[]", "timeouts and header lines of BackendConfigs of the input; IAP and Cloud Armor are not converted", (*reader).backendConfig),
			closing("beta.cloud.google.com/backend-config", "HTTPRoute spec.rules[]", "timeouts and header lines of BackendConfigs of the input; IAP and Cloud Armor are not converted", (*reader).backendConfig),
			closing("cloud.google.com/app-protocols", toBackendTLS, "HTTP, and HTTPS with a certificate that is verified now", (*reader).appProtocols),
			closing("service.alpha.kubernetes.io/app-protocols", toBackendTLS, "HTTP, and HTTPS with a certificate that is verified now", (*reader).appProtocols),
			needless("cloud.google.com/neg", "requests go to pods"), needless("cloud.google.com/neg-status", "it is a status"), needless("ingress.gcp.kubernetes.io/instance-groups", "it is a status"),
			needless("networking.gke.io/suppress-firewall-xpn-error", noBalancer), needless("networking.gke.io/transparent-health-checker", "pods that are not ready get nothing"),
			refused("cloud.google.com/network-tier", noBalancer), refused("cloud.google.com/l4-rbs", noBalancer), refused("networking.gke.io/load-balancer-type", noBalancer), refused("networking.gke.io/internal-load-balancer-allow-global-access", noBalancer),
			refused("networking.gke.io/internal-load-balancer-subnet", noBalancer), refused("networking.gke.io/load-balancer-subnet", noBalancer), refused("networking.gke.io/l4-strong-session-affinity", noBalancer), refused("networking.gke.io/weighted-load-balancing", noBalancer),
		},
	}
	for _, n := range []string{"url-map", "forwarding-rule", "https-forwarding-rule", "target-proxy", "https-target-proxy", "ssl-cert", "static-ip", "backends", "redirect-url-map"} {
		c.Annotations = append(c.Annotations, needless("ingress.kubernetes.io/"+n, "it is a status"))
	}
	return c
}

// gceInside knows which class is for the inside.
func gceInside(p *plan) {
	if p.class == "gce-internal" {
		p.private = [2]string{"networking.gke.io/load-balancer-type", "Internal"}
		p.remark("spec.ingressClassName", "the Service of the gateway is for the inside: %s", p.private[0])
	}
}

// needsSecret is a certificate that is kept elsewhere.
func needsSecret(name string) Annotation {
	return closing(name, "", "a Secret has the certificate now, as spec.tls or the caller names it: cert-manager makes one", func(r *reader, _ string) error {
		r.wantsTLS = true
		r.line.Outcome = Equivalent
		return nil
	})
}

func (r *reader) frontendConfig(v string) error {
	u, err := r.conversion.other("FrontendConfig", r.ingress.Namespace, v)
	if err != nil {
		return err
	}
	spec, _ := u.Object["spec"].(map[string]any)
	s := settingsOf("spec", spec)
	if s.text("sslPolicy") != "" {
		r.note("sslPolicy: " + noCiphers)
	}
	if to := s.object("redirectToHttps"); to != nil {
		on, code := to.yes("enabled"), to.text("responseCodeName")
		if on {
			status := map[string]int{"": 301, "MOVED_PERMANENTLY_DEFAULT": 301, "FOUND": 302, "SEE_OTHER": 303, "TEMPORARY_REDIRECT": 307, "PERMANENT_REDIRECT": 308}[code]
			if status == 0 {
				return fmt.Errorf("responseCodeName %.40q is not known", code)
			}
			r.secure, r.always = status, true
		}
		if err := to.rest(); err != nil {
			return err
		}
	}
	return s.rest()
}

// backendConfig converts those of the ports of a Service. They have to say the same: an
// Ingress has one Service here (single), but its ports may differ.
func (r *reader) backendConfig(v string) error {
	var in struct {
		Default string            `json:"default"`
		Ports   map[string]string `json:"ports"`
	}
	if err := json.Unmarshal([]byte(v), &in); err != nil {
		return errors.New("it is no JSON with default and ports")
	}
	var named []string
	for _, name := range append(slices.Sorted(maps.Values(in.Ports)), in.Default) {
		if name != "" {
			named = appendOnce(named, name)
		}
	}
	if len(named) != 1 {
		return errors.New("ports of different BackendConfigs are not told apart: make an Ingress for each")
	}
	if err := r.single(); err != nil {
		return err
	}
	u, err := r.conversion.other("BackendConfig", r.ingress.Namespace, named[0])
	if err != nil {
		return err
	}
	spec, _ := u.Object["spec"].(map[string]any)
	s := settingsOf("spec", spec)
	for name, why := range map[string]string{"healthCheck": "pods that are not ready get nothing", "connectionDraining": "connections are drained", "logging": noLog, "cdn": "nothing is kept: backends answer", "sessionAffinity": noAffinity} {
		if s.left[name] != nil {
			r.note("%s is dropped: %s", name, why)
			s.ignore(name)
		}
	}
	if iap := s.object("iap"); iap != nil && iap.yes("enabled") {
		return errors.New("iap: the gateway logs nobody in: an AccessPolicy takes tokens of the same issuer")
	}
	if n, err := s.whole("timeoutSec"); err != nil {
		return err
	} else if n > 0 {
		if err := r.timeout(fmt.Sprint(n)); err != nil {
			return err
		}
	}
	if err := r.gceLines(s); err != nil {
		return err
	}
	return s.rest()
}

// gceLines reads header lines that are set.
func (r *reader) gceLines(s *settings) error {
	for name, to := range map[string]func(string, string) error{
		"customRequestHeaders":  func(n, v string) error { return r.set(&r.request, n, v) },
		"customResponseHeaders": func(n, v string) error { return r.set(&r.response, n, v) },
	} {
		o := s.object(name)
		if o == nil {
			continue
		}
		lines, err := o.words("headers")
		if err != nil {
			return err
		}
		for _, l := range lines {
			n, v, _ := strings.Cut(l, ":")
			if strings.ContainsAny(v, "{}") {
				return fmt.Errorf("%s: %.60q has variables", name, l)
			}
			if err := to(strings.TrimSpace(n), strings.TrimSpace(v)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *reader) appProtocols(v string) error {
	var in map[string]string
	if err := json.Unmarshal([]byte(v), &in); err != nil {
		return errors.New("it is no JSON of ports and protocols")
	}
	secure := 0
	for port, protocol := range in {
		switch protocol {
		case "HTTP":
		case "HTTPS":
			secure++
		default:
			return fmt.Errorf("%.40q speaks %.20q, and HTTP and HTTPS are spoken", port, protocol)
		}
	}
	switch secure {
	case 0:
		return r.holds("backends are spoken to by HTTP")
	case len(in):
		r.secureBackends(r.line.Name, &backendTLS{})
		return nil
	}
	return errors.New("its ports speak HTTP and HTTPS: make a Service for each")
}
