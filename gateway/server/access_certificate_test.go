// SPDX-License-Identifier: Apache-2.0

package server

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/test/pki"
)

func TestPoliciesKnowClientsByTheirCertificates(t *testing.T) {
	t.Parallel()
	servers, clients := pki.New(t, "servers"), pki.New(t, "clients")
	svid := func(id string) *tls.Certificate {
		u, err := url.Parse(id)
		if err != nil {
			t.Fatal(err)
		}
		c := clients.Sign(t, func(c *x509.Certificate) {
			c.URIs, c.DNSNames = []*url.URL{u}, []string{"web.acme.example"}
			c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
		})
		return &c
	}
	snap := secureSnapshot(t, servers, &config.ClientCertificates{Mode: config.Optional, CAs: [][]byte{clients.PEM}})
	mesh := config.Authenticator{Name: "mesh", ClientCertificate: &config.ClientCertificate{Subject: "SPIFFE", TrustDomains: []string{"acme.example"}}}
	nobody := config.Authenticator{Name: "nobody", Anonymous: &config.Anonymous{}}
	snap.AccessPolicies = []config.AccessPolicy{{
		Name:           "mesh",
		Authentication: config.Authentication{AnyOf: []config.Authenticator{mesh, nobody}},
		Authorization: config.Authorization{Rules: []config.AccessRule{
			{Name: "open", Allow: &config.Condition{Paths: []string{"/open"}}},
			{Name: "web", Allow: &config.Condition{Paths: []string{"/web"}, Principals: []string{"mesh/spiffe://acme.example/web"}}},
			{Name: "name", Allow: &config.Condition{Paths: []string{"/name"}, Claims: map[string][]string{"dns": {"web.acme.example"}}}},
			{Name: "when", Allow: &config.Condition{Paths: []string{"/when"}, When: "claims.uri.exists(u, u.startsWith('spiffe://acme.example/'))"}},
		}},
		Forward: config.Forward{ClaimsToHeaders: map[string]string{"sub": "X-User"}},
	}}
	for i := range snap.Listeners {
		if snap.Listeners[i].Redirect == 0 { // or it asks nobody
			snap.Listeners[i].Access = []string{"mesh"}
		}
	}
	_, at := start(t, snap)
	for _, proto := range []struct {
		http2  bool
		newest uint16
	}{{false, tls.VersionTLS13}, {false, tls.VersionTLS12}, {true, tls.VersionTLS13}} {
		for name, tc := range map[string]struct {
			certificate *tls.Certificate
			path        string
			status      int
			has         string
		}{
			"nobody, where anybody may":    {nil, "/open", 200, "X-User: anonymous"},
			"nobody, where somebody may":   {nil, "/web", 403, "not-allowed"},
			"who may":                      {svid("spiffe://acme.example/web"), "/web", 200, "X-User: spiffe://acme.example/web"},
			"another one":                  {svid("spiffe://acme.example/web/2"), "/web", 403, "not-allowed"},
			"by another name":              {svid("spiffe://acme.example/db"), "/name", 200, "X-User: spiffe://acme.example/db"},
			"by a condition":               {svid("spiffe://acme.example/db"), "/when", 200, "X-User: spiffe://acme.example/db"},
			"of another domain":            {svid("spiffe://evil.example/web"), "/open", 401, "other-trust-domain"},
			"without a name of the kind":   {svid("https://acme.example/web"), "/open", 401, "no-name"},
			"signed by nobody that counts": {certificateOf(t), "/open", 0, ""},
		} {
			p := newPeer(at["secure"], servers)
			p.http2, p.config.MaxVersion = proto.http2, proto.newest
			if tc.certificate != nil {
				// Also if the server does not name its authority.
				p.config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return tc.certificate, nil }
			}
			for k := range 2 { // the second session is resumed
				name := fmt.Sprintf("%s (HTTP/2: %t, TLS %x, request %d)", name, proto.http2, proto.newest, k)
				got, err := ask(t, p.transport(t), "https://a.example.com"+tc.path)
				if tc.status == 0 {
					if err == nil && got.status == 200 {
						t.Errorf("%s: got %+v", name, got)
					}
					continue
				}
				if err != nil || got.status != tc.status || !strings.Contains(got.body, tc.has) || k == 1 && !got.resumed {
					t.Errorf("%s: got %+v, %v", name, got, err)
				}
			}
		}
	}
}

// TestCertificatesThatDoNotHoldAreNone where the mode is Fallback: who shows one is let in,
// and to policies is nobody, also when the session is resumed.
func TestCertificatesThatDoNotHoldAreNone(t *testing.T) {
	t.Parallel()
	servers, clients := pki.New(t, "servers"), pki.New(t, "clients")
	good, revoked := clients.For(t, "one.clients"), clients.For(t, "two.clients")
	snap := secureSnapshot(t, servers, &config.ClientCertificates{
		Mode: config.Fallback, CAs: [][]byte{clients.PEM}, CRLs: [][]byte{clients.Revoke(t, time.Now().Add(time.Hour), revoked.Leaf)}, Allow: config.Names{DNS: []string{"*.clients"}},
	})
	snap.AccessPolicies = []config.AccessPolicy{{
		Name:           "known",
		Authentication: config.Authentication{AnyOf: []config.Authenticator{{Name: "own", ClientCertificate: &config.ClientCertificate{Subject: "DNS"}}}},
		Authorization:  config.Authorization{Rules: []config.AccessRule{{Name: "all", Allow: &config.Condition{}}}},
	}}
	snap.Routes = append(snap.Routes, config.Route{Name: "known", Matches: []config.Match{{Path: config.PathMatch{Prefix: "/known"}}}, Access: []string{"known"}, Target: snap.Routes[0].Target})
	s, at := start(t, snap)
	other := clients.For(t, "one.servers")
	for name, tc := range map[string]struct {
		certificate *tls.Certificate
		known       bool
	}{
		"one that holds": {&good, true}, "none": {nil, false}, "a stranger's": {certificateOf(t), false}, "one taken back": {&revoked, false},
		"one that has ended": {ended(t, clients), false}, "with another name": {&other, false},
	} {
		for _, http2 := range []bool{false, true} {
			p := newPeer(at["secure"], servers)
			p.http2 = http2
			if tc.certificate != nil {
				p.config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return tc.certificate, nil }
			}
			for k := range 2 {
				tr := p.transport(t)
				open, err := ask(t, tr, "https://a.example.com/")
				if err != nil || open.status != 200 || k == 1 && !open.resumed && name != "one that has ended" {
					t.Errorf("%s, HTTP/2 %t: what is open: got %+v, %v", name, http2, open, err)
				}
				if got, err := ask(t, tr, "https://a.example.com/known"); err != nil || (got.status == 200) != tc.known || !tc.known && got.status != 401 {
					t.Errorf("%s, HTTP/2 %t: what is not: got %+v, %v", name, http2, got, err)
				}
			}
		}
	}
	// A connection of nobody comes to an end when certificates are required.
	open := newPeer(at["secure"], servers).transport(t)
	if got, err := ask(t, open, "https://a.example.com/"); err != nil || got.status != 200 {
		t.Fatalf("got %+v, %v", got, err)
	}
	next := *snap
	next.Listeners = append([]config.Listener{}, snap.Listeners...)
	next.Listeners[1].TLS = &config.TLS{Certificates: []string{"ab"}, Client: &config.ClientCertificates{CAs: [][]byte{clients.PEM}}}
	if err := s.Apply(t.Context(), &next); err != nil {
		t.Fatal(err)
	}
	if got, err := ask(t, open, "https://a.example.com/"); err != nil || got.status != 421 {
		t.Errorf("when one is required: got %+v, %v", got, err)
	}
}

func certificateOf(t testing.TB) *tls.Certificate {
	c := pki.New(t, "strangers").For(t, "web.acme.example")
	return &c
}
