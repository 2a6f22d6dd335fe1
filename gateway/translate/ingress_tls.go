// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"crypto/tls"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// toTLS has clients of the listeners of HTTP come by TLS: nothing of a host that has it
// is served in clear.
func (p *door) toTLS() {
	var port uint16
	for _, a := range p.secure.parents[0].at {
		if port = uint16(a.listener.spec.Port); port == 443 { //nolint:gosec // the API server bounds it
			port = 0
			break
		}
	}
	for n := range p.plain.rules {
		r := &p.plain.rules[n]
		r.Target = config.Target{Redirect: &config.Redirect{Scheme: "https", Port: port, Status: 308}}
		r.backends, r.faults, r.guards = nil, nil, nil // nobody is asked for a password in clear
	}
}

// hostAt is a host of a Gateway.
type hostAt struct {
	gateway *gateway
	host    string
}

// owners are the routes that had hosts first.
type owners map[hostAt]*route

// owners finds those of hosts at listeners of HTTPS. An Ingress of which nothing is left has
// no host.
func (d *doors) owners(routes []*route) owners {
	out := owners{}
	for _, r := range routes {
		if r.of != httpRouteKind && r.of != grpcRouteKind {
			continue
		}
		for _, p := range r.parents {
			for _, a := range p.at {
				if a.listener.spec.Protocol != gatewayv1.HTTPSProtocolType {
					continue
				}
				for _, h := range a.hosts {
					at := hostAt{p.gateway, h}
					out[at] = older(out[at], r)
				}
			}
		}
	}
	for _, p := range d.all {
		if len(p.secure.rules) > 0 {
			out[p.at()] = older(out[p.at()], p.secure)
		}
	}
	return out
}

// of is the owner of the most specific host that is not "*" and has what is asked for a
// name; nil if there is none.
func (o owners) of(g *gateway, name string) *route {
	if r := o[hostAt{g, name}]; r != nil {
		return r
	}
	for below := range suffixes(name) {
		if r := o[hostAt{g, "?" + below}]; r != nil && covers("?"+below, name) {
			return r
		}
		if r := o[hostAt{g, "*" + below}]; r != nil {
			return r
		}
	}
	return nil
}

// certificates gives the listeners of HTTPS what Ingresses have for their hosts. A host is
// its first route's, and no other namespace says by which certificate it is known.
func (d *doors) certificates(routes []*route) {
	first := d.owners(routes)
	for _, p := range d.all {
		if p.tls == nil || p.last || len(p.secure.rules) == 0 {
			continue // told already
		}
		owner := first[p.at()]
		switch {
		case len(p.secure.parents[0].at) == 0:
			d.say(p.ingress, string(gatewayv1.RouteReasonNoMatchingParent), fmt.Sprintf("host %s: Gateway %s has no listener of HTTPS for it, and in clear it is redirected", shown(p.host), nameOf(p.at().gateway.object)))
		case owner.name.Namespace != p.ingress.Namespace && !owner.of.isDoor():
			d.say(p.ingress, "Conflicted", fmt.Sprintf("host %s: %s %s, which is older, has it, and so its certificate is that of the listener", shown(p.host), owner.of.kind, owner.name))
		case owner.name.Namespace != p.ingress.Namespace:
			d.say(p.ingress, "Conflicted", fmt.Sprintf("host %s: its certificate is %s %s's to say, which is older", shown(p.host), owner.of.kind, owner.name))
		case p.tls.SecretName != "":
			d.present(p, first)
		}
	}
	for _, g := range d.gateways {
		for _, l := range g.listeners {
			if g.builtin && l.spec.Protocol == gatewayv1.HTTPSProtocolType && len(l.presented) == 0 {
				l.conditions.set(accepted, metav1.ConditionFalse, string(gatewayv1.ListenerReasonInvalidCertificateRef), "no Ingress has a certificate")
				d.unencrypted(g)
			}
		}
	}
}

// unencrypted tells who is sent to HTTPS at a built-in Gateway that has no certificate.
func (d *doors) unencrypted(g *gateway) {
	for _, p := range d.all {
		if p.at().gateway == g && !p.last && (p.tls != nil && !p.manner.inClear || p.manner.always) {
			d.say(p.ingress, string(gatewayv1.ListenerReasonInvalidCertificateRef), fmt.Sprintf("host %s: it is served by HTTPS, and there is no certificate: name a Secret", shown(p.host)))
		}
	}
}

// at is the host of a door.
func (p *door) at() hostAt { return hostAt{p.secure.parents[0].gateway, p.host} }

// present adds the certificate of a door to its listeners, each for what goes to it. One
// for all hosts is not presented for names that another namespace has.
func (d *doors) present(p *door, first owners) {
	name := Name{Namespace: p.ingress.Namespace, Name: p.tls.SecretName}
	var c *certificate
	p.at().gateway.missing.add(d.lacks(func() { c = d.certificate(name) }))
	fault, attached := c.fault, p.secure.parents[0].at
	if fault == "" {
		if p.host == "*" {
			attached = nil
			for _, n := range c.names {
				if owner := first.of(p.at().gateway, hostOf(n)); owner == nil || owner.name.Namespace == p.ingress.Namespace {
					at, _ := d.reach(p.at().gateway, gatewayv1.HTTPSProtocolType, p.ingress.Namespace, hostOf(n))
					attached = append(attached, at...)
				}
			}
		}
		if len(attached) == 0 || p.host != "*" && !slices.ContainsFunc(c.names, func(n string) bool { return covers(hostOf(n), p.host) }) {
			fault = "has no certificate for it"
		}
	}
	if fault != "" {
		d.say(p.ingress, string(gatewayv1.ListenerReasonInvalidCertificateRef), fmt.Sprintf("host %s: Secret %s %s", shown(p.host), name, fault))
		return
	}
	for _, a := range attached {
		own := presented{p.ingress, d.secret(name), nil}
		for _, h := range a.hosts {
			own.hosts = append(own.hosts, strings.Replace(h, "?.", "*.", 1)) // one label, to who presents it
		}
		a.listener.presented = append(a.listener.presented, own)
	}
}

// certificate is what is known of a Secret.
type certificate struct {
	fault string // why it is none
	names []string
}

// certificate reads a Secret, once if it is there.
func (d *doors) certificate(name Name) *certificate {
	if c := d.read[name]; c != nil {
		return c
	}
	c := &certificate{}
	s := d.secret(name)
	if c.fault = d.unfit(name, s); c.fault == "" {
		c.names = names(s)
	}
	if s != nil {
		d.read[name] = c
	}
	return c
}

// names are those that the certificate of a Secret is for, in lower case. Others than a
// client can ask for are left out: any text can be in a certificate (RFC 5280, section
// 4.2.1.6, as crypto/x509 reads it), and no other tenant is to suffer from it.
func names(s *corev1.Secret) []string {
	pair, err := tls.X509KeyPair(s.Data[corev1.TLSCertKey], s.Data[corev1.TLSPrivateKeyKey])
	if err != nil || pair.Leaf == nil {
		return nil
	}
	out := make([]string, 0, len(pair.Leaf.DNSNames))
	for _, n := range pair.Leaf.DNSNames {
		if n = strings.ToLower(n); askable(n) {
			out = append(out, n)
		}
	}
	return out
}

// askable tells whether a certificate can be presented for a name.
func askable(name string) bool {
	return name != "*" && len(faults(&config.Snapshot{Certificates: []config.Certificate{{Name: "c", Cert: []byte{0}, Hosts: []string{name}}}})) == 0
}
