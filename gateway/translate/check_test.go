// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// TestCheck has snapshots judged as no objects make them: what one thing is at fault of
// stops that, and not the Gateway.
func TestCheck(t *testing.T) {
	t.Parallel()
	type served struct {
		Fault        bool
		Certificates map[string][]string // their hosts
		Presented    []string            // by the listener of HTTPS
		Streams      map[string][]string // where their hosts go
		Listeners    []string
		Endpoints    int // of the backend that is shown a certificate
		Listener     bool
		Route        bool
	}
	for name, tc := range map[string]struct {
		spoil func(*config.Snapshot)
		want  func(*served)
	}{
		"nothing is at fault": {func(*config.Snapshot) {}, func(*served) {}},
		"a certificate loses a name that is none": {
			func(s *config.Snapshot) { s.Certificates[0].Hosts = []string{"foo*.example.com", "a.example.com"} },
			func(w *served) { w.Listener = false },
		},
		"a certificate without a name that is one is presented for no other": {
			func(s *config.Snapshot) { s.Certificates[0].Hosts = []string{"foo*.example.com", "*.*.example.com"} },
			func(w *served) {
				w.Listener, w.Presented = false, []string{"shop/b"}
				delete(w.Certificates, "shop/a")
			},
		},
		"a certificate that is none is presented to nobody": {
			func(s *config.Snapshot) { s.Certificates[0].Cert = nil },
			func(w *served) {
				w.Listener, w.Presented = false, []string{"shop/b"}
				delete(w.Certificates, "shop/a")
			},
		},
		"a backend is not spoken to without the certificate that it is to be shown": {
			func(s *config.Snapshot) { s.Certificates[2].Cert = nil },
			func(w *served) {
				w.Endpoints = 0
				delete(w.Certificates, "shop/shown")
			},
		},
		"a stream to nowhere known is closed, and its host is nobody else's": {
			func(s *config.Snapshot) { s.Streams[0].Backends[0].Name = "gone" },
			func(w *served) { w.Route, w.Streams["b.example.com"] = false, []string{nowhere} },
		},
		"a stream keeps no host that another one has": {
			func(s *config.Snapshot) { s.Streams[1].Hosts = []string{"b.example.com"} },
			func(w *served) { delete(w.Streams, "c.example.com") },
		},
		"a listener is not left without a stream": {
			func(s *config.Snapshot) { s.Streams[2].Hosts = []string{"no name"} },
			func(w *served) { w.Listeners = []string{"https"}; delete(w.Streams, "*") },
		},
		"a listener at fault is the whole Gateway's": {
			func(s *config.Snapshot) { s.Listeners[0].Hosts = []string{"no name"} },
			func(w *served) { w.Fault = true },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, l, flow := built()
			tc.spoil(b.out)
			want := served{
				Certificates: map[string][]string{"shop/a": {"a.example.com"}, "shop/b": {"b.example.com"}, "shop/shown": nil}, Presented: []string{"shop/a", "shop/b"},
				Streams: map[string][]string{"b.example.com": {"to"}, "c.example.com": {"to"}, "*": {"to"}}, Listeners: []string{"https", "tcp"}, Endpoints: 1, Listener: true, Route: true,
			}
			tc.want(&want)
			fault := b.check()
			if want.Fault {
				if fault == "" {
					t.Error("there is no fault")
				}
				return
			}
			got := served{Fault: fault != "", Certificates: map[string][]string{}, Presented: b.out.Listeners[0].TLS.Certificates, Streams: map[string][]string{}, Endpoints: len(b.out.Backends[1].Endpoints), Listener: l.serves(), Route: flow.conditions.is(accepted)}
			for _, c := range b.out.Certificates {
				got.Certificates[c.Name] = c.Hosts
			}
			for _, s := range b.out.Streams {
				for _, h := range s.Names() {
					got.Streams[h] = append(got.Streams[h], s.Backends[0].Name)
				}
			}
			for _, own := range b.out.Listeners {
				got.Listeners = append(got.Listeners, own.Name)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: -want +got\n%s", fault, diff)
			}
		})
	}
}

// built is what is served of a Gateway with a listener of HTTPS, which has certificates and
// is attached to a stream, and one of TCP.
func built() (*snapshotBuilder, *listener, *parent) {
	secret := func(name string) *corev1.Secret {
		return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name}}
	}
	l := &listener{spec: &gatewayv1.Listener{Protocol: gatewayv1.HTTPSProtocolType, Port: 443}, secrets: []*corev1.Secret{secret("a"), secret("b")}}
	for _, of := range []string{accepted, resolvedRefs} {
		l.conditions.set(of, metav1.ConditionTrue, of, "")
	}
	l.conditions.set(conflicted, metav1.ConditionFalse, "NoConflicts", "")
	g := &gateway{object: &gatewayv1.Gateway{}, listeners: []*listener{l}, shown: secret("shown")}
	flow := &parent{gateway: g}
	flow.conditions.set(accepted, metav1.ConditionTrue, "Accepted", "")
	return &snapshotBuilder{gateway: g, backends: map[string]bool{}, flows: map[string]*parent{"one": flow}, taken: map[string]bool{}, out: &config.Snapshot{
		Listeners: []config.Listener{
			{Name: "https", Address: netip.MustParseAddrPort("0.0.0.0:8443"), Protocol: config.HTTPS, Hosts: []string{"a.example.com"}, TLS: &config.TLS{Certificates: []string{"shop/a", "shop/b"}}},
			{Name: "tcp", Address: netip.MustParseAddrPort("0.0.0.0:8444"), Protocol: config.TCP},
		},
		Certificates: []config.Certificate{
			{Name: "shop/a", Cert: []byte{0}, Hosts: []string{"a.example.com"}}, {Name: "shop/b", Cert: []byte{0}, Hosts: []string{"b.example.com"}}, {Name: "shop/shown", Cert: []byte{0}},
		},
		Streams: []config.Stream{
			{Name: "one", Listeners: []string{"https"}, Hosts: []string{"b.example.com"}, Backends: []config.Share{{Name: "to"}}},
			{Name: "two", Listeners: []string{"https"}, Hosts: []string{"c.example.com"}, Backends: []config.Share{{Name: "to"}}},
			{Name: "three", Listeners: []string{"tcp"}, Backends: []config.Share{{Name: "to"}}},
		},
		Backends: []config.Backend{
			{Name: "to", Endpoints: []netip.AddrPort{netip.MustParseAddrPort("10.0.0.1:80")}},
			{Name: "tls", TLS: &config.BackendTLS{ClientCertificate: "shop/shown", ServerName: "a.example.com"}, Endpoints: []netip.AddrPort{netip.MustParseAddrPort("10.0.0.1:443")}},
		},
	}}, l, flow
}
