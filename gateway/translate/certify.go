// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// shares tells whether a listener of a ListenerSet has its port together with somebody
// else's, whose names its certificates are not to be presented for.
func (b *snapshotBuilder) shares(l *listener) bool {
	return l.set != nil && slices.ContainsFunc(b.gateway.listeners, func(other *listener) bool {
		return other.set != l.set && place(other) == place(l) && other.spec.Protocol == gatewayv1.HTTPSProtocolType && other.serves()
	})
}

// certify has the certificates of listeners that share a port presented for those of their
// names that go to that listener, and for no other one's.
func (b *snapshotBuilder) certify() {
	for i := range b.out.Listeners {
		for _, p := range b.ports {
			own := &b.out.Listeners[i]
			if p.name != own.Name || own.TLS == nil {
				continue
			}
			for _, l := range p.listeners {
				if l.spec.Protocol == gatewayv1.HTTPSProtocolType && l.serves() && b.shares(l) {
					for _, s := range l.secrets {
						b.restricted(own, p, l, s)
					}
				}
			}
		}
	}
}

// restricts is the name of a certificate that is presented for some of its names: beside
// the same Secret of the Gateway, which is for all of them.
func (p *port) restricts(s *corev1.Secret) string {
	return fmt.Sprintf("%s/%s/sets", nameOf(s), p.name)
}

// restricted adds a certificate for the names that a listener has of those that are in it.
func (b *snapshotBuilder) restricted(own *config.Listener, p *port, l *listener, s *corev1.Secret) {
	hosts, known := []string{}, map[string]bool{}
	consider := func(host string) {
		as := strings.Replace(host, "?.", "*.", 1) // one label, to who presents it
		if at := owner(p.hosts, host); at >= 0 && p.listeners[at] == l && !known[as] {
			hosts, known[as] = append(hosts, as), true
		}
	}
	for _, n := range names(s) {
		if at := common(l.host(), hostOf(n)); at != "" {
			consider(at)
		}
	}
	if len(hosts) == 0 {
		return
	}
	name := p.restricts(s)
	at := slices.IndexFunc(b.out.Certificates, func(c config.Certificate) bool { return c.Name == name })
	if at < 0 {
		at = len(b.out.Certificates)
		b.out.Certificates = append(b.out.Certificates, config.Certificate{Name: name, Cert: s.Data[corev1.TLSCertKey], Key: config.Secret(s.Data[corev1.TLSPrivateKeyKey]), Alone: true})
		own.TLS.Certificates = append(own.TLS.Certificates, name)
	}
	c := &b.out.Certificates[at]
	c.Hosts = append(c.Hosts, hosts...)
	slices.Sort(c.Hosts)
	c.Hosts = slices.Compact(c.Hosts)
}
