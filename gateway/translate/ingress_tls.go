// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"crypto/tls"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// presented is a certificate of an Ingress, and the names for which it is presented.
type presented struct {
	ingress *networkingv1.Ingress
	secret  *corev1.Secret
	hosts   []string
}

// name is that in the snapshot: beside the same Secret of a Gateway, which is for all names.
func (p *presented) name() string { return nameOf(p.secret).String() + "/ingress" }

// tlsOf is what an Ingress says of TLS for one of its hosts; nil if nothing. Without
// hosts an entry is for all.
func tlsOf(i *networkingv1.Ingress, host string) *networkingv1.IngressTLS {
	for _, fits := range []func(string) bool{
		func(h string) bool { return hostOf(h) == host },
		func(h string) bool { return h != "" && host != "*" && covers(hostOf(h), host) },
	} {
		for n := range i.Spec.TLS {
			if slices.ContainsFunc(i.Spec.TLS[n].Hosts, fits) {
				return &i.Spec.TLS[n]
			}
		}
	}
	for n := range i.Spec.TLS {
		if len(i.Spec.TLS[n].Hosts) == 0 {
			return &i.Spec.TLS[n]
		}
	}
	return nil
}

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

// certificates gives the listeners of HTTPS what Ingresses have for their hosts. The
// doors are in order of age: a host is its first one's, and no other namespace says by
// which certificate it is known.
func (d *doors) certificates() {
	first := map[hostAt]*networkingv1.Ingress{}
	for _, p := range d.all {
		if at := p.at(); first[at] == nil {
			first[at] = p.ingress
		}
	}
	for _, p := range d.all {
		if p.tls == nil || p.last {
			continue
		}
		owner := first[p.at()]
		switch {
		case len(p.secure.parents[0].at) == 0:
			d.say(p.ingress, string(gatewayv1.RouteReasonNoMatchingParent), fmt.Sprintf("host %s: Gateway %s has no listener of HTTPS for it, and in clear it is redirected", shown(p.host), nameOf(p.at().gateway.object)))
		case owner.Namespace != p.ingress.Namespace:
			d.say(p.ingress, "Conflicted", fmt.Sprintf("host %s: its certificate is %s %s's to say, which is older", shown(p.host), kindIs(owner).kind, nameOf(owner)))
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

// present adds the certificate of a door to its listeners. One for all hosts is not
// presented for those that another namespace has.
func (d *doors) present(p *door, first map[hostAt]*networkingv1.Ingress) {
	name := Name{Namespace: p.ingress.Namespace, Name: p.tls.SecretName}
	c := d.certificate(name)
	fault, hosts := c.fault, []string{strings.Replace(p.host, "?.", "*.", 1)}
	if fault == "" {
		if p.host == "*" {
			hosts = slices.DeleteFunc(slices.Clone(c.names), func(n string) bool {
				owner := first[hostAt{p.at().gateway, hostOf(n)}]
				return owner != nil && owner.Namespace != p.ingress.Namespace
			})
		}
		if len(hosts) == 0 || p.host != "*" && !slices.ContainsFunc(c.names, func(n string) bool { return covers(hostOf(n), p.host) }) {
			fault = "has no certificate for it"
		}
	}
	if fault != "" {
		d.say(p.ingress, string(gatewayv1.ListenerReasonInvalidCertificateRef), fmt.Sprintf("host %s: Secret %s %s", shown(p.host), name, fault))
		return
	}
	for _, a := range p.secure.parents[0].at {
		a.listener.presented = append(a.listener.presented, presented{p.ingress, d.secret(name), hosts})
	}
}

// certificate is what is known of a Secret.
type certificate struct {
	fault string // why it is none
	names []string
}

// certificate reads a Secret, once.
func (d *doors) certificate(name Name) *certificate {
	if c := d.read[name]; c != nil {
		return c
	}
	c := &certificate{}
	s := d.secret(name)
	if c.fault = unfit(s); c.fault == "" {
		c.names = names(s)
	}
	d.read[name] = c
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

// present has a listener present what Ingresses have for hosts of it.
func (b *snapshotBuilder) present(own *config.Listener, l *listener) {
	for _, p := range l.presented {
		name := p.name()
		if !slices.Contains(own.TLS.Certificates, name) {
			own.TLS.Certificates = append(own.TLS.Certificates, name)
		}
		at := slices.IndexFunc(b.out.Certificates, func(c config.Certificate) bool { return c.Name == name })
		if at < 0 {
			at = len(b.out.Certificates)
			b.out.Certificates = append(b.out.Certificates, config.Certificate{
				Name: name, Cert: p.secret.Data[corev1.TLSCertKey], Key: config.Secret(p.secret.Data[corev1.TLSPrivateKeyKey]), Alone: true,
			})
		}
		c := &b.out.Certificates[at]
		c.Hosts = append(c.Hosts, p.hosts...)
	}
	for i := range b.out.Certificates {
		c := &b.out.Certificates[i]
		slices.Sort(c.Hosts)
		c.Hosts = slices.Compact(c.Hosts)
	}
}
