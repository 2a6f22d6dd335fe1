// SPDX-License-Identifier: Apache-2.0

package server

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/test/pki"
)

// secureBackend is a server by TLS that says who asks by which protocol.
func secureBackend(t testing.TB, c *tls.Config, http2 bool) []netip.AddrPort {
	t.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who := "nobody"
		if len(r.TLS.PeerCertificates) > 0 {
			who = r.TLS.PeerCertificates[0].Subject.CommonName
		}
		fmt.Fprintf(w, "%s by %s for %s at %s", who, r.Proto, r.TLS.ServerName, r.Host)
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // handshakes fail on purpose
	s.TLS, s.EnableHTTP2 = c, http2
	s.StartTLS()
	t.Cleanup(s.Close)
	return []netip.AddrPort{netip.MustParseAddrPort(s.Listener.Addr().String())}
}

func named(t testing.TB, a *pki.Authority, name string) tls.Certificate {
	t.Helper()
	return a.Sign(t, func(c *x509.Certificate) { c.Subject.CommonName = name })
}

func TestBackendsAreWhoTheyAreSaidToBe(t *testing.T) {
	t.Parallel()
	right, wrong, ours := pki.New(t, "right"), pki.New(t, "right"), pki.New(t, "ours")
	const name = "orders.internal"
	id, err := url.Parse("spiffe://td/orders")
	if err != nil {
		t.Fatal(err)
	}
	good := right.For(t, name)
	askers := x509.NewCertPool()
	askers.AddCert(ours.Cert)
	demanding := &tls.Config{Certificates: []tls.Certificate{good}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: askers}
	plain := backend(t, echo)
	for what, tc := range map[string]struct {
		server *tls.Config // nil: no TLS
		http2  bool
		edit   func(*config.Backend)
		want   string // "" is 502
	}{
		"it is":                        {&tls.Config{Certificates: []tls.Certificate{good}}, false, nil, "nobody by HTTP/1.1 for orders.internal at a"},
		"HTTP/2":                       {&tls.Config{Certificates: []tls.Certificate{good}}, true, func(b *config.Backend) { b.Protocol = "h2" }, "nobody by HTTP/2.0 for orders.internal at a"},
		"HTTP/2, and it speaks none":   {&tls.Config{Certificates: []tls.Certificate{good}}, false, func(b *config.Backend) { b.Protocol = "h2" }, ""},
		"HTTP/1.1 where both would do": {&tls.Config{Certificates: []tls.Certificate{good}}, true, nil, "nobody by HTTP/1.1 for orders.internal at a"},
		"of another authority":         {&tls.Config{Certificates: []tls.Certificate{wrong.For(t, name)}}, false, nil, ""},
		"of none that the system has":  {&tls.Config{Certificates: []tls.Certificate{good}}, false, func(b *config.Backend) { b.TLS.CAs = nil }, ""},
		"of another name":              {&tls.Config{Certificates: []tls.Certificate{right.For(t, "users.internal")}}, false, nil, ""},
		"it has ended": {&tls.Config{Certificates: []tls.Certificate{right.Sign(t, func(c *x509.Certificate) {
			c.DNSNames, c.NotAfter = []string{name}, time.Now().Add(-time.Minute)
		})}}, false, nil, ""},
		"it is a client's": {&tls.Config{Certificates: []tls.Certificate{right.Sign(t, func(c *x509.Certificate) {
			c.DNSNames, c.ExtKeyUsage = []string{name}, []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
		})}}, false, nil, ""},
		"by another name of its own": {
			&tls.Config{Certificates: []tls.Certificate{right.Sign(t, func(c *x509.Certificate) { c.URIs = []*url.URL{id} })}},
			false, func(b *config.Backend) { b.TLS.Identities.URIs = []string{"spiffe://td/orders"} }, "nobody by HTTP/1.1 for orders.internal at a",
		},
		"by another name, and it is not": {
			&tls.Config{Certificates: []tls.Certificate{good}}, false, func(b *config.Backend) { b.TLS.Identities.URIs = []string{"spiffe://td/orders"} }, "",
		},
		"by another name of another authority": {
			&tls.Config{Certificates: []tls.Certificate{wrong.Sign(t, func(c *x509.Certificate) { c.URIs = []*url.URL{id} })}},
			false, func(b *config.Backend) { b.TLS.Identities.URIs = []string{"spiffe://td/orders"} }, "",
		},
		"by another name of one that has ended": {
			&tls.Config{Certificates: []tls.Certificate{right.Sign(t, func(c *x509.Certificate) { c.URIs, c.NotAfter = []*url.URL{id}, time.Now().Add(-time.Minute) })}},
			false, func(b *config.Backend) { b.TLS.Identities.URIs = []string{"spiffe://td/orders"} }, "",
		},
		"it is shown our certificate":    {demanding, false, func(b *config.Backend) { b.TLS.ClientCertificate = "ours" }, "gateway by HTTP/1.1 for orders.internal at a"},
		"it is shown none and wants one": {demanding, false, nil, ""},
		"an old version":                 {&tls.Config{Certificates: []tls.Certificate{good}, MaxVersion: tls.VersionTLS12}, false, nil, "nobody by HTTP/1.1 for orders.internal at a"},
		"an old version is not taken":    {&tls.Config{Certificates: []tls.Certificate{good}, MaxVersion: tls.VersionTLS12}, false, func(b *config.Backend) { b.TLS.MinVersion = config.TLS13 }, ""},
		"older than any":                 {&tls.Config{Certificates: []tls.Certificate{good}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, false, nil, ""},
		"no TLS at all":                  {nil, false, nil, ""},
	} {
		b := config.Backend{Name: "b", Endpoints: plain.Endpoints, TLS: &config.BackendTLS{ServerName: name, CAs: [][]byte{right.PEM}}}
		if tc.server != nil {
			b.Endpoints = secureBackend(t, tc.server.Clone(), tc.http2)
		}
		if tc.edit != nil {
			tc.edit(&b)
		}
		snap := snapshot(b)
		snap.Certificates = []config.Certificate{certificate(t, "ours", named(t, ours, "gateway"))}
		_, at := start(t, snap)
		got := raw(t, at["plain"], "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
		if tc.want != "" {
			if !strings.HasSuffix(got, "\r\n\r\n"+tc.want) {
				t.Errorf("%s: got %q, want %q", what, got, tc.want)
			}
			continue
		}
		if _, body, _ := strings.Cut(got, "\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.1 502 ") || body != `{"type":"about:blank","title":"Bad Gateway","status":502,"reason":"backend-tls"}`+"\n" {
			t.Errorf("%s: got %q", what, got)
		}
	}
}

// TestKeysOfBackendsChange: authorities and certificates are others while requests
// are made, and none fails.
func TestKeysOfBackendsChange(t *testing.T) {
	t.Parallel()
	servers := []*pki.Authority{pki.New(t, "first"), pki.New(t, "second")}
	ours := pki.New(t, "ours")
	askers := x509.NewCertPool()
	askers.AddCert(ours.Cert)
	certs := []tls.Certificate{servers[0].For(t, "b"), servers[1].For(t, "b")}
	var mu sync.Mutex
	presented := 0
	endpoints := secureBackend(t, &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: askers, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		mu.Lock()
		defer mu.Unlock()
		return &certs[presented], nil
	}}, false)
	with := func(who string, authorities ...*pki.Authority) *config.Snapshot {
		b := config.Backend{Name: "b", Endpoints: endpoints, TLS: &config.BackendTLS{ServerName: "b", ClientCertificate: "ours"}}
		for _, a := range authorities {
			b.TLS.CAs = append(b.TLS.CAs, a.PEM)
		}
		snap := snapshot(b)
		snap.Certificates = []config.Certificate{certificate(t, "ours", named(t, ours, who))}
		return snap
	}
	s, at := start(t, with("one", servers[0]))
	asked := func(want string) {
		t.Helper()
		for range 3 {
			if got := raw(t, at["plain"], "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"); !strings.Contains(got, want) {
				t.Errorf("got %q, want %s", got, want)
			}
		}
	}
	change := func(snap *config.Snapshot) {
		t.Helper()
		if err := s.Apply(t.Context(), snap); err != nil {
			t.Fatal(err)
		}
	}
	asked("one by")
	change(with("two", servers[0]))
	asked("two by")
	change(with("two", servers...)) // the new authority comes before its certificate
	asked("two by")
	mu.Lock()
	presented = 1
	mu.Unlock()
	change(with("two", servers[1]))
	asked("two by")
	change(with("two", servers[0])) // connections that the other one vouched for are not used
	asked("backend-tls")
}
