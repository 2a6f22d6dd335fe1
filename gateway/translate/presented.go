// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
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

// present has listeners present what Ingresses have for hosts of them, if no listener has a
// certificate of its own for the same name.
func (b *snapshotBuilder) present() {
	for _, l := range b.gateway.listeners {
		if l.serves() && l.spec.Protocol == gatewayv1.HTTPSProtocolType {
			for _, p := range l.presented {
				b.behind(b.ports[place(l)].name, &p)
			}
		}
	}
	for i := range b.out.Certificates {
		c := &b.out.Certificates[i]
		slices.Sort(c.Hosts)
		c.Hosts = slices.Compact(c.Hosts)
	}
}

// behind adds a certificate of an Ingress behind those of the listener, if there is room.
func (b *snapshotBuilder) behind(listener string, p *presented) {
	own := &b.out.Listeners[slices.IndexFunc(b.out.Listeners, func(c config.Listener) bool { return c.Name == listener })]
	name := p.name()
	at := slices.IndexFunc(b.out.Certificates, func(c config.Certificate) bool { return c.Name == name })
	if !b.presents(p, at >= 0) {
		return
	}
	if !slices.Contains(own.TLS.Certificates, name) {
		own.TLS.Certificates = append(own.TLS.Certificates, name)
	}
	if at < 0 {
		at = len(b.out.Certificates)
		b.out.Certificates = append(b.out.Certificates, config.Certificate{
			Name: name, Cert: p.secret.Data[corev1.TLSCertKey], Key: config.Secret(p.secret.Data[corev1.TLSPrivateKeyKey]), Alone: true,
		})
	}
	b.out.Certificates[at].Hosts = append(b.out.Certificates[at].Hosts, p.hosts...)
}
