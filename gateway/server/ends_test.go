// SPDX-License-Identifier: Apache-2.0

package server

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"os"
	"testing"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/test/pki"
)

// endsSnapshot has one port of TLS: what is asked of ended.example.com ends here, and is
// for the first backend, and what is asked of a.example.com is passed on to the second.
func endsSnapshot(t testing.TB, servers *pki.Authority, ended, passed netip.AddrPort, clients *config.ClientCertificates) *config.Snapshot {
	to := func(name string) []config.Share { return []config.Share{{Name: name}} }
	return &config.Snapshot{
		Listeners: []config.Listener{{Name: "tls", Address: netip.MustParseAddrPort("127.0.0.1:0"), Protocol: config.Passthrough}},
		Streams: []config.Stream{
			{Name: "ended", Listeners: []string{"tls"}, Hosts: []string{"ended.example.com"}, Backends: to("ended"), TLS: &config.TLS{Certificates: []string{"ended"}, Client: clients, MinVersion: config.TLS13}},
			{Name: "passed", Listeners: []string{"tls"}, Hosts: []string{"a.example.com"}, Backends: to("passed")},
		},
		Certificates: []config.Certificate{certificate(t, "ended", servers.For(t, "ended.example.com"))},
		Backends:     []config.Backend{{Name: "ended", Endpoints: []netip.AddrPort{ended}}, {Name: "passed", Endpoints: []netip.AddrPort{passed}}},
	}
}

// secured opens a connection by TLS to a name; an error is one of the handshake or of
// the first byte, where TLS 1.3 says what is wrong with a client's certificate.
func secured(t testing.TB, address, name string, servers *pki.Authority, own ...tls.Certificate) (*tls.Conn, error) {
	t.Helper()
	config := newPeer(address, servers).config
	config.ServerName, config.Certificates = name, own
	c := tls.Client(dial(t, "tcp", address), config)
	if err := c.HandshakeContext(t.Context()); err != nil {
		return nil, err
	}
	first := make([]byte, len("one;"))
	_, err := io.ReadFull(c, first)
	return c, err
}

// TestTLSOfStreamsEndsHere: by certificates, minVersion and client of the stream's TLS.
func TestTLSOfStreamsEndsHere(t *testing.T) {
	t.Parallel()
	servers, clients, others := pki.New(t, "servers"), pki.New(t, "clients"), pki.New(t, "others")
	passed := secureBackend(t, &tls.Config{Certificates: []tls.Certificate{servers.For(t, "a.example.com")}}, false)[0]
	snap := endsSnapshot(t, servers, lines(t, "one"), passed, nil)
	s, at := start(t, snap)
	c, err := secured(t, at["tls"], "ended.example.com", servers)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, "hidden"); err != nil {
		t.Fatal(err)
	}
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(c); err != nil || string(rest) != "one heard hidden" {
		t.Errorf("got %q, %v", rest, err)
	}
	if got, err := ask(t, newPeer(at["tls"], servers).transport(t), "https://a.example.com/"); err != nil || got.status != http.StatusOK {
		t.Errorf("what is passed on beside it: got %+v, %v", got, err)
	}
	for _, name := range []string{"b.example.com", "x.ended.example.com"} {
		if _, err := secured(t, at["tls"], name, servers); err == nil {
			t.Errorf("%s is served", name)
		}
	}
	old := newPeer(at["tls"], servers).config
	old.ServerName, old.MaxVersion = "ended.example.com", tls.VersionTLS12
	if err := tls.Client(dial(t, "tcp", at["tls"]), old).HandshakeContext(t.Context()); err == nil {
		t.Error("a version older than minVersion is spoken")
	}

	for _, mode := range []config.CertificateMode{config.Require, config.Optional} {
		if err := s.Apply(t.Context(), endsSnapshot(t, servers, lines(t, "one"), passed, &config.ClientCertificates{Mode: mode, CAs: [][]byte{clients.PEM}})); err != nil {
			t.Fatal(err)
		}
		for name, tc := range map[string]struct {
			own  []tls.Certificate
			want bool
		}{
			"with a certificate":  {[]tls.Certificate{clients.For(t, "one.clients")}, true},
			"with a stranger's":   {[]tls.Certificate{others.For(t, "one.clients")}, mode == config.Optional}, // which it does not show: the server names its authorities
			"without certificate": {nil, mode == config.Optional},
		} {
			if _, err := secured(t, at["tls"], "ended.example.com", servers, tc.own...); (err == nil) != tc.want {
				t.Errorf("%s: %s: got %v", mode, name, err)
			}
		}
	}
}

// TestStreamsAreGoneOnWithByTLS: to a backend that is who it has to be, and to no other.
func TestStreamsAreGoneOnWithByTLS(t *testing.T) {
	t.Parallel()
	servers, ours := pki.New(t, "servers"), pki.New(t, "ours")
	askers := x509.NewCertPool()
	askers.AddCert(ours.Cert)
	behind := secureBackend(t, &tls.Config{Certificates: []tls.Certificate{servers.For(t, "behind")}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: askers}, false)[0]
	snap := endsSnapshot(t, servers, behind, behind, nil)
	snap.Certificates = append(snap.Certificates, certificate(t, "ours", named(t, ours, "the gateway")))
	s, at := start(t, snap)
	check := func(why string, edit func(*config.BackendTLS), want bool) {
		t.Helper()
		next := *snap
		next.Backends = append([]config.Backend{}, snap.Backends...)
		next.Backends[0].TLS = &config.BackendTLS{ServerName: "behind", CAs: [][]byte{servers.PEM}, ClientCertificate: "ours"}
		edit(next.Backends[0].TLS)
		if err := s.Apply(t.Context(), &next); err != nil {
			t.Fatal(err)
		}
		p := newPeer(at["tls"], servers)
		p.config.ServerName = "ended.example.com"
		got, err := ask(t, p.transport(t), "https://ended.example.com/")
		if served := err == nil && got.body == "the gateway by HTTP/1.1 for behind at ended.example.com"; served != want {
			t.Errorf("%s: got %+v, %v", why, got, err)
		}
	}
	check("who it is", func(*config.BackendTLS) {}, true)
	check("another name", func(b *config.BackendTLS) { b.ServerName = "other" }, false)
	check("another authority", func(b *config.BackendTLS) { b.CAs = [][]byte{ours.PEM} }, false)
	check("without the certificate that it asks for", func(b *config.BackendTLS) { b.ClientCertificate = "" }, false)
}

// TestRequestsAndStreamsShareAPort: the most specific host of a name has it.
func TestRequestsAndStreamsShareAPort(t *testing.T) {
	t.Parallel()
	servers := pki.New(t, "servers")
	snap := secureSnapshot(t, servers, nil)
	passed := secureBackend(t, &tls.Config{Certificates: []tls.Certificate{servers.For(t, "p.example.com", "x.w.example.com", "b.example.com")}}, false)[0]
	snap.Listeners[1].Hosts = []string{"a.example.com", "*.w.example.com"}
	snap.Routes[0].Hosts = []string{"*", "a.example.com", "*.w.example.com"}
	snap.Backends = append(snap.Backends, config.Backend{Name: "passed", Endpoints: []netip.AddrPort{passed}}, config.Backend{Name: "ended", Endpoints: []netip.AddrPort{lines(t, "one")}})
	snap.Streams = []config.Stream{
		{Name: "passed", Listeners: []string{"secure"}, Hosts: []string{"p.example.com", "x.w.example.com"}, Backends: []config.Share{{Name: "passed"}}},
		{Name: "ended", Listeners: []string{"secure"}, Hosts: []string{"c.example.com"}, Backends: []config.Share{{Name: "ended"}}, TLS: &config.TLS{Certificates: []string{"c"}}},
	}
	s, at := start(t, snap)
	check := func(name, want string) {
		t.Helper()
		for _, http2 := range []bool{false, true} {
			p := newPeer(at["secure"], servers)
			p.config.ServerName = name
			p.http2 = http2 && want == "here"
			got, err := ask(t, p.transport(t), "https://"+name+"/")
			here := err == nil && len(got.body) > 0 && got.body[:4] == "GET "
			there := err == nil && !here && got.status == http.StatusOK
			if here != (want == "here") || there != (want == "there") {
				t.Errorf("%s, HTTP/2 %t: got %+v, %v, want %s", name, http2, got, err, want)
			}
		}
	}
	check("a.example.com", "here")
	check("y.w.example.com", "here")
	check("b.example.com", "here") // nobody else has it
	check("p.example.com", "there")
	check("x.w.example.com", "there")
	if _, err := secured(t, at["secure"], "c.example.com", servers); err != nil {
		t.Errorf("what ends here for a stream: %v", err)
	}
	// Over a connection of requests nobody gets what a stream has.
	p := newPeer(at["secure"], servers)
	p.config.ServerName = "y.w.example.com"
	if got, err := askFor(t, p.transport(t), "https://y.w.example.com/", "x.w.example.com"); err != nil || got.status != http.StatusMisdirectedRequest {
		t.Errorf("a stream's host: got %+v, %v", got, err)
	}
	if got, err := askFor(t, p.transport(t), "https://y.w.example.com/", "z.w.example.com"); err != nil || got.status != http.StatusOK {
		t.Errorf("another of the same: got %+v, %v", got, err)
	}

	// All other names may be a stream's.
	next := *snap
	next.Streams = append([]config.Stream{{Name: "rest", Listeners: []string{"secure"}, Backends: []config.Share{{Name: "passed"}}}}, snap.Streams...)
	if err := s.Apply(t.Context(), &next); err != nil {
		t.Fatal(err)
	}
	check("b.example.com", "there")
	check("a.example.com", "here")
}

// TestANameIsWaitedForInBoundedTime: on a port that requests and streams share, too.
func TestANameIsWaitedForInBoundedTime(t *testing.T) {
	t.Parallel()
	servers := pki.New(t, "servers")
	snap := secureSnapshot(t, servers, nil)
	snap.Listeners[1].Client.Limits.HeaderTimeout = config.Duration(200e6)
	snap.Backends = append(snap.Backends, config.Backend{Name: "one", Endpoints: []netip.AddrPort{lines(t, "one")}})
	snap.Streams = []config.Stream{{Name: "one", Listeners: []string{"secure"}, Hosts: []string{"p.example.com"}, Backends: []config.Share{{Name: "one"}}}}
	_, at := start(t, snap)
	for name, said := range map[string]string{"nothing": "", "half": "\x16\x03\x01\x02", "something else": "GET / HTTP/1.1\r\n\r\n"} {
		c := dial(t, "tcp", at["secure"])
		if _, err := io.WriteString(c, said); err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(c); len(got) > 0 || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
	}
	if got, err := ask(t, newPeer(at["secure"], servers).transport(t), "https://a.example.com/"); err != nil || got.status != http.StatusOK {
		t.Errorf("whoever says it at once: got %+v, %v", got, err)
	}
}

// TestHostsThatAreKeptApartHaveConnectionsOfTheirOwn: though one certificate is good for
// all of them.
func TestHostsThatAreKeptApartHaveConnectionsOfTheirOwn(t *testing.T) {
	t.Parallel()
	servers := pki.New(t, "servers")
	snap := secureSnapshot(t, servers, nil)
	snap.Certificates[0] = certificate(t, "ab", servers.For(t, "example.org", "second.org", "unknown.org", "*.wild.org"))
	snap.Listeners[1].Hosts = []string{"*", "second.org", "*.wild.org", "fourth.wild.org"}
	snap.Routes[0].Hosts = []string{"example.org", "second.org", "*.wild.org", "fourth.wild.org"}
	_, at := start(t, snap)
	for _, tc := range []struct {
		name, host string
		want       int
	}{
		{"example.org", "example.org", 200},
		{"example.org", "second.org", 421},
		{"example.org", "unknown.org", 404},
		{"second.org", "second.org", 200},
		{"second.org", "example.org", 421},
		{"second.org", "unknown.org", 421},
		{"third.wild.org", "third.wild.org", 200},
		{"third.wild.org", "fifth.wild.org", 200},
		{"third.wild.org", "fourth.wild.org", 421},
		{"third.wild.org", "second.org", 421},
		{"fourth.wild.org", "fourth.wild.org", 200},
		{"fourth.wild.org", "fifth.wild.org", 421},
		{"unknown.org", "example.org", 200},
		{"unknown.org", "unknown.org", 404},
	} {
		for _, http2 := range []bool{false, true} {
			p := newPeer(at["secure"], servers)
			p.http2, p.config.ServerName = http2, tc.name
			if got, err := askFor(t, p.transport(t), "https://"+tc.name+"/", tc.host); err != nil || got.status != tc.want {
				t.Errorf("%s over a connection to %s, HTTP/2 %t: got %+v, %v, want %d", tc.host, tc.name, http2, got, err, tc.want)
			}
		}
	}
}
