// SPDX-License-Identifier: Apache-2.0

package convert

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// gateway is a Gateway in the making.
type gateway struct {
	object *gatewayv1.Gateway
	shared bool
	served []*plan // whose routes are written

	seen      bool
	private   [2]string // as of a plan
	authority string    // a ConfigMap, for certificates of clients
}

// maxListeners of a Gateway (GatewaySpec.Listeners).
const maxListeners = 64

// gatewayOf is the Gateway of an Ingress.
func (c *conversion) gatewayOf(p *plan) *gateway {
	name, shared := c.options.Gateway, true
	if name.Name == "" {
		name, shared = Name{Namespace: p.ingress.Namespace, Name: slug(cmp.Or(p.class, p.controller.Name))}, false
	}
	g := c.gateways[name]
	if g == nil {
		g = &gateway{shared: shared, object: &gatewayv1.Gateway{
			TypeMeta: gatewayMeta("Gateway"), ObjectMeta: metav1.ObjectMeta{Namespace: name.Namespace, Name: name.Name},
			Spec: gatewayv1.GatewaySpec{GatewayClassName: gatewayv1.ObjectName(c.options.GatewayClass)},
		}}
		c.gateways[name] = g
	}
	return g
}

// listen adds the listeners that an Ingress needs.
func (c *conversion) listen(p *plan) {
	g := c.gatewayOf(p)
	p.made["Gateway"] = []string{g.object.Namespace + "/" + g.object.Name}
	g.inside(p)
	if a := p.client.authority; a != "" {
		switch {
		case g.shared && g.object.Namespace != p.ingress.Namespace:
			p.fault("spec.tls", "whose certificates clients show is said by the Gateway, in another namespace than ConfigMap %s", a)
		case g.authority != "" && g.authority != a:
			p.fault("spec.tls", "clients of another Ingress show certificates of %s, and the Gateway would take those of %s for them too: convert it for a Gateway of its own", g.authority, a)
		default:
			g.authority = a
		}
	}
	if !p.through {
		c.listener(p, g, gatewayv1.Listener{Port: 80, Protocol: gatewayv1.HTTPProtocolType}, "")
	}
	if p.through {
		for _, h := range p.hosts() {
			if h == "" {
				p.fault("spec.rules", "TLS that ends at the backend needs the name of a host")
				continue
			}
			mode := gatewayv1.TLSModePassthrough
			c.listener(p, g, gatewayv1.Listener{Port: 443, Protocol: gatewayv1.TLSProtocolType, TLS: &gatewayv1.ListenerTLSConfig{Mode: &mode}}, h)
		}
		return
	}
	if p.unsecured {
		return
	}
	c.missing(p, g)
	for i, t := range p.ingress.Spec.TLS {
		at := fmt.Sprintf("spec.tls[%d]", i)
		secret := Name{Namespace: p.ingress.Namespace, Name: t.SecretName}
		if t.SecretName == "" {
			secret = c.options.Certificate
		}
		if secret.Name == "" {
			p.fault(at+".secretName", "it names no Secret, and the certificate that the controller takes then is not known: name one")
			continue
		}
		hosts := slices.Clone(t.Hosts)
		if len(hosts) == 0 {
			hosts = p.hosts()
		}
		if slices.ContainsFunc(hosts, func(h string) bool { return slices.Contains(p.hosts(), h) }) {
			hosts = append(hosts, p.aliases...)
		}
		for _, h := range hosts {
			if h = strings.ToLower(h); h != "" && !hostName.MatchString(h) {
				p.fault(at+".hosts", "%.80q is no name of a host", h)
				continue
			}
			c.https(p, g, at, h, secret)
		}
	}
}

// inside keeps a Gateway from the outside, which all of its Ingresses must want.
func (g *gateway) inside(p *plan) {
	if g.seen && g.private != p.private {
		p.fault("metadata.annotations", "of the Ingresses of Gateway %s/%s some are for the inside alone, and some are not: convert them for two Gateways", g.object.Namespace, g.object.Name)
		return
	}
	if g.seen, g.private = true, p.private; p.private[0] != "" {
		g.object.Spec.Infrastructure = &gatewayv1.GatewayInfrastructure{Annotations: map[gatewayv1.AnnotationKey]gatewayv1.AnnotationValue{
			gatewayv1.AnnotationKey(p.private[0]): gatewayv1.AnnotationValue(p.private[1]),
		}}
	}
}

// missing adds listeners for hosts that want TLS, and for which no Secret is named.
func (c *conversion) missing(p *plan, g *gateway) {
	named := func(h string) bool {
		return slices.ContainsFunc(p.ingress.Spec.TLS, func(t networkingv1.IngressTLS) bool {
			return len(t.Hosts) == 0 || slices.ContainsFunc(t.Hosts, func(n string) bool {
				domain, wild := strings.CutPrefix(n, "*")
				return n == h || wild && strings.HasSuffix(h, domain)
			})
		})
	}
	for _, h := range slices.Concat(p.hosts(), p.aliases) {
		switch {
		case !p.wantsTLS || named(h):
		case c.options.Certificate.Name == "":
			p.fault("spec.tls", "%q wants TLS, and no Secret has its certificate: name one in spec.tls, or for all", h)
			return
		default:
			c.https(p, g, "spec.tls", h, c.options.Certificate)
		}
	}
}

// https adds a listener for a host, or the certificate to the one that is there.
func (c *conversion) https(p *plan, g *gateway, at, hostname string, secret Name) {
	ref := gatewayv1.SecretObjectReference{Name: gatewayv1.ObjectName(secret.Name)}
	if secret.Namespace != g.object.Namespace {
		namespace := gatewayv1.Namespace(secret.Namespace)
		ref.Namespace = &namespace
		c.grants[grant{gatewayv1.GroupName, "Gateway", g.object.Namespace, "", "Secret", secret}] = true
	}
	l := c.listener(p, g, gatewayv1.Listener{Port: 443, Protocol: gatewayv1.HTTPSProtocolType, TLS: &gatewayv1.ListenerTLSConfig{}}, hostname)
	switch {
	case l == nil:
	case len(l.TLS.CertificateRefs) == 0:
		l.TLS.CertificateRefs = []gatewayv1.SecretObjectReference{ref}
	case !slices.ContainsFunc(l.TLS.CertificateRefs, func(r gatewayv1.SecretObjectReference) bool {
		return r.Name == ref.Name && cmp.Or(deref(r.Namespace), "") == cmp.Or(deref(ref.Namespace), "")
	}):
		p.lines = append(p.lines, p.line(at, Equivalent, "%s has the certificate %s already, which stays", hostname, l.TLS.CertificateRefs[0].Name))
	}
}

// listener finds or adds one, and lets the namespace of the Ingress use it.
func (c *conversion) listener(p *plan, g *gateway, want gatewayv1.Listener, hostname string) *gatewayv1.Listener {
	list := &g.object.Spec.Listeners
	i := slices.IndexFunc(*list, func(l gatewayv1.Listener) bool {
		return l.Protocol == want.Protocol && string(deref(l.Hostname)) == hostname
	})
	if i < 0 {
		name := strings.ToLower(string(want.Protocol))
		if hostname != "" {
			h := gatewayv1.Hostname(hostname)
			want.Hostname = &h
			name += "-" + slug(hostname)
		}
		want.Name = gatewayv1.SectionName(c.name("Listener "+g.object.Name, g.object.Namespace, name))
		if len(*list) == maxListeners {
			p.fault("spec.tls", "Gateway %s/%s would have more than %d listeners: convert a part of the Ingresses for a Gateway of its own", g.object.Namespace, g.object.Name, maxListeners)
			return nil
		}
		*list = append(*list, want)
		i = len(*list) - 1
	}
	l := &(*list)[i]
	if g.shared {
		allow(l, p.ingress.Namespace)
	}
	return l
}

// allow lets the routes of a namespace attach to a listener.
func allow(l *gatewayv1.Listener, namespace string) {
	if l.AllowedRoutes == nil {
		from := gatewayv1.NamespacesFromSelector
		l.AllowedRoutes = &gatewayv1.AllowedRoutes{Namespaces: &gatewayv1.RouteNamespaces{From: &from, Selector: &metav1.LabelSelector{
			MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "kubernetes.io/metadata.name", Operator: metav1.LabelSelectorOpIn}},
		}}}
	}
	in := &l.AllowedRoutes.Namespaces.Selector.MatchExpressions[0].Values
	*in = appendOnce(*in, namespace)
	slices.Sort(*in)
}

// covers finds the listener of a protocol that a host comes to: the most specific one.
func (g *gateway) covers(protocol gatewayv1.ProtocolType, hostname string) *gatewayv1.Listener {
	var best *gatewayv1.Listener
	for i := range g.object.Spec.Listeners {
		l := &g.object.Spec.Listeners[i]
		name := string(deref(l.Hostname))
		domain, wild := strings.CutPrefix(name, "*")
		fits := name == "" || name == hostname || wild && strings.HasSuffix(hostname, domain)
		if l.Protocol == protocol && fits && (best == nil || len(name) > len(deref(best.Hostname))) {
			best = l
		}
	}
	return best
}

// parent refers to a listener.
func (g *gateway) parent(p *plan, l *gatewayv1.Listener) gatewayv1.ParentReference {
	out := gatewayv1.ParentReference{Name: gatewayv1.ObjectName(g.object.Name), SectionName: &l.Name}
	if g.object.Namespace != p.ingress.Namespace {
		namespace := gatewayv1.Namespace(g.object.Namespace)
		out.Namespace = &namespace
	}
	return out
}
