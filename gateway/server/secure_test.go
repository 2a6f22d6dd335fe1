// SPDX-License-Identifier: Apache-2.0

package server

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/gateway/proxy"
	"github.com/gatehouse-sh/gatehouse/test/pki"
)

// certificate is one for hosts as a configuration has it.
func certificate(t testing.TB, name string, c tls.Certificate) config.Certificate {
	t.Helper()
	cert, key := pki.Encode(t, c)
	return config.Certificate{Name: name, Cert: cert, Key: key}
}

// peer is a client of one listener.
type peer struct {
	at     string
	config *tls.Config
	http2  bool
}

func newPeer(at string, servers *pki.Authority) *peer {
	roots := x509.NewCertPool()
	roots.AddCert(servers.Cert)
	return &peer{at: at, config: &tls.Config{RootCAs: roots, ServerName: "a.example.com", ClientSessionCache: tls.NewLRUClientSessionCache(8)}}
}

// transport speaks over connections to the listener, whatever the URL says.
func (p *peer) transport(t testing.TB) *http.Transport {
	tr := &http.Transport{Protocols: new(http.Protocols), TLSClientConfig: p.config.Clone()}
	tr.Protocols.SetHTTP1(!p.http2)
	tr.Protocols.SetHTTP2(p.http2)
	tr.DialContext = (&redirected{p.at}).dial
	t.Cleanup(tr.CloseIdleConnections)
	return tr
}

// answer is what came of a request.
type answer struct {
	status  int
	body    string
	header  http.Header
	resumed bool // the session, of TLS
}

// ask makes one request.
func ask(t testing.TB, tr http.RoundTripper, url string) (answer, error) {
	return askFor(t, tr, url, "")
}

// askFor makes one request for a host, "" is that of the URL.
func askFor(t testing.TB, tr http.RoundTripper, url, host string) (answer, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = cmp.Or(host, req.Host)
	return made(tr, req)
}

// askIn makes one request, and may be called by any goroutine.
func askIn(ctx context.Context, tr http.RoundTripper, url string) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return answer{}, err
	}
	return made(tr, req)
}

func made(tr http.RoundTripper, req *http.Request) (answer, error) {
	res, err := tr.RoundTrip(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, string(body), res.Header, res.TLS != nil && res.TLS.DidResume}, err
}

// secureSnapshot has one listener with a certificate for a.example.com and
// b.example.com, and another for c.example.com.
func secureSnapshot(t testing.TB, servers *pki.Authority, clients *config.ClientCertificates) *config.Snapshot {
	snap := snapshot(backend(t, echo))
	snap.Certificates = []config.Certificate{
		certificate(t, "ab", servers.For(t, "a.example.com", "b.example.com", "*.w.example.com")), certificate(t, "c", servers.For(t, "c.example.com")),
	}
	snap.Listeners[1].TLS = &config.TLS{Certificates: []string{"ab", "c"}, Client: clients}
	return snap
}

func TestClientsMustShowACertificate(t *testing.T) {
	t.Parallel()
	servers, clients, others := pki.New(t, "servers"), pki.New(t, "clients"), pki.New(t, "others")
	good, revoked := clients.For(t, "one.clients"), clients.For(t, "two.clients")
	policy := func() *config.ClientCertificates {
		return &config.ClientCertificates{CAs: [][]byte{clients.PEM}, Allow: config.Names{DNS: []string{"*.clients"}}, CRLs: [][]byte{clients.Revoke(t, time.Now().Add(time.Hour), revoked.Leaf)}}
	}
	shown := map[string]struct {
		cert *tls.Certificate
		want bool
	}{
		"one that is allowed": {&good, true},
		"none":                {nil, false},
		"one taken back":      {&revoked, false},
		"one that has ended":  {ended(t, clients), false},
		"a stranger's":        {new(others.For(t, "one.clients")), false},
		"with another name":   {new(clients.For(t, "one.servers")), false},
	}
	for _, mode := range []config.CertificateMode{"", config.Require, config.Optional} {
		c := policy()
		c.Mode = mode
		_, at := start(t, secureSnapshot(t, servers, c))
		for _, oldest := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			for _, http2 := range []bool{false, true} {
				for name, tc := range shown {
					p := newPeer(at["secure"], servers)
					p.http2, p.config.MaxVersion = http2, oldest
					if tc.cert != nil {
						// Also if the server does not name its authority.
						p.config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return tc.cert, nil }
					}
					got, err := ask(t, p.transport(t), "https://a.example.com/")
					let := err == nil && got.status == http.StatusOK
					if want := tc.want || mode == config.Optional && tc.cert == nil; let != want {
						t.Errorf("%q, TLS %x, HTTP/2 %t: %s: got %v, %v", mode, oldest, http2, name, got, err)
					}
				}
			}
		}
	}
}

func ended(t testing.TB, a *pki.Authority) *tls.Certificate {
	return new(a.Sign(t, func(c *x509.Certificate) {
		c.DNSNames, c.NotAfter = []string{"one.clients"}, time.Now().Add(-time.Minute)
	}))
}

// TestWhoAsksIsKnownToFilters: the state of the handshake arrives by both protocols.
func TestWhoAsksIsKnownToFilters(t *testing.T) {
	t.Parallel()
	servers, clients := pki.New(t, "servers"), pki.New(t, "clients")
	s, at := start(t, secureSnapshot(t, servers, &config.ClientCertificates{CAs: [][]byte{clients.PEM}}))
	seen := make(chan *tls.ConnectionState, 1)
	s.mu.Lock()
	l := s.open["secure"]
	s.mu.Unlock()
	settings := *l.now.Load()
	l.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.proxy.Handler("secure").ServeHTTP(w, r)
		seen <- r.TLS
	})
	settings.http.idleTimeout++ // so that the handler is taken
	l.set(&settings)
	for _, http2 := range []bool{false, true} {
		p := newPeer(at["secure"], servers)
		p.http2, p.config.Certificates = http2, []tls.Certificate{clients.For(t, "one.clients")}
		if _, err := ask(t, p.transport(t), "https://a.example.com/"); err != nil {
			t.Fatal(err)
		}
		if state := <-seen; state == nil || len(state.VerifiedChains) != 1 || state.VerifiedChains[0][0].DNSNames[0] != "one.clients" {
			t.Errorf("HTTP/2 %t: got %+v", http2, state)
		}
	}
	req, err := http.NewRequestWithContext((&proxy.Connection{}).In(t.Context()), http.MethodGet, "/", nil)
	if err != nil {
		t.Fatal(err)
	}
	if s.proxy.Handler("plain").ServeHTTP(discard{}, req); req.TLS != nil {
		t.Errorf("without TLS: got %+v", req.TLS)
	}
}

// discard is a response that nobody reads.
type discard struct{}

func (discard) Header() http.Header         { return http.Header{} }
func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) WriteHeader(int)             {}

// TestOpenConnectionsFollowThePolicyOfClients: whoever would not be let in now is
// not served by a connection that is older, and the others keep theirs.
func TestOpenConnectionsFollowThePolicyOfClients(t *testing.T) {
	t.Parallel()
	servers, clients, next := pki.New(t, "servers"), pki.New(t, "clients"), pki.New(t, "next")
	kept, taken := clients.For(t, "kept.clients"), clients.For(t, "taken.clients")
	snap := secureSnapshot(t, servers, &config.ClientCertificates{CAs: [][]byte{clients.PEM}})
	s, at := start(t, snap)
	type open struct {
		tr   *http.Transport
		name string
	}
	var all []open
	for _, http2 := range []bool{false, true} {
		for _, c := range []tls.Certificate{kept, taken} {
			p := newPeer(at["secure"], servers)
			p.http2, p.config.Certificates = http2, []tls.Certificate{c}
			all = append(all, open{p.transport(t), fmt.Sprint(c.Leaf.DNSNames, " HTTP/2 ", http2)})
		}
	}
	check := func(when string, want func(name string) int) {
		t.Helper()
		for _, o := range all {
			got, err := ask(t, o.tr, "https://a.example.com/") // no status: refused in the handshake
			if got.status != want(o.name) {
				t.Errorf("%s: %s: got %d %q %v, want %d", when, o.name, got.status, got.body, err, want(o.name))
			}
		}
	}
	apply := func(c *config.ClientCertificates) {
		t.Helper()
		n := *snap
		n.Listeners = append([]config.Listener{}, snap.Listeners...)
		n.Listeners[1].TLS = &config.TLS{Certificates: []string{"ab", "c"}, Client: c}
		if err := s.Apply(t.Context(), &n); err != nil {
			t.Fatal(err)
		}
	}
	always := func(status int) func(string) int { return func(string) int { return status } }
	check("at first", always(200))
	apply(&config.ClientCertificates{CAs: [][]byte{next.PEM, clients.PEM}})
	check("another authority beside it", always(200))
	list := clients.Revoke(t, time.Now().Add(time.Hour), taken.Leaf)
	apply(&config.ClientCertificates{CAs: [][]byte{clients.PEM}, CRLs: [][]byte{list}})
	revoked := func(status int) func(string) int {
		return func(name string) int {
			if strings.Contains(name, "taken") {
				return status
			}
			return 200
		}
	}
	check("one is taken back", revoked(421))
	check("and comes again", revoked(0))
	apply(&config.ClientCertificates{CAs: [][]byte{next.PEM}})
	check("another authority", func(name string) int { return revoked(0)(name) / 200 * 421 })
	check("and they come again", always(0))
	apply(&config.ClientCertificates{CAs: [][]byte{clients.PEM}})
	check("the first one again", always(200))
	apply(nil)
	check("nobody is asked, and nobody vouches for who was", always(421))
	check("and they come again, as anybody", always(200))
}

func TestSessionsAreResumedWhereNothingHasChanged(t *testing.T) {
	t.Parallel()
	servers, clients := pki.New(t, "servers"), pki.New(t, "clients")
	with := func(edit func(*config.Snapshot)) *config.Snapshot {
		snap := secureSnapshot(t, servers, &config.ClientCertificates{CAs: [][]byte{clients.PEM}, Mode: config.Optional})
		edit(snap)
		return snap
	}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for name, tc := range map[string]struct {
			edit func(*config.Snapshot)
			want bool
		}{
			"nothing has":           {func(*config.Snapshot) {}, true},
			"a route has":           {func(n *config.Snapshot) { n.Routes[0].Hosts = []string{"a.example.com"} }, true},
			"the certificate has":   {func(n *config.Snapshot) { n.Certificates[0] = certificate(t, "ab", servers.For(t, "a.example.com")) }, true},
			"the authority has":     {func(n *config.Snapshot) { n.Listeners[1].TLS.Client.CAs = [][]byte{pki.New(t, "clients").PEM} }, false},
			"an authority has come": {func(n *config.Snapshot) { c := n.Listeners[1].TLS.Client; c.CAs = append(c.CAs, pki.New(t, "x").PEM) }, false},
			"the mode has":          {func(n *config.Snapshot) { n.Listeners[1].TLS.Client.Mode = config.Require }, false},
			"the names have":        {func(n *config.Snapshot) { n.Listeners[1].TLS.Client.Allow.DNS = []string{"one.clients"} }, false},
			"nobody is asked":       {func(n *config.Snapshot) { n.Listeners[1].TLS.Client = nil }, false},
			"the lists have": {func(n *config.Snapshot) {
				n.Listeners[1].TLS.Client.CRLs = [][]byte{clients.Revoke(t, time.Now().Add(time.Hour))}
			}, false},
		} {
			first := with(func(*config.Snapshot) {})
			s, at := start(t, first)
			p := newPeer(at["secure"], servers)
			p.config.Certificates, p.config.MaxVersion = []tls.Certificate{clients.For(t, "one.clients")}, version
			resumed := func() (bool, error) {
				tr := p.transport(t)
				defer tr.CloseIdleConnections()
				got, err := ask(t, tr, "https://a.example.com/")
				return got.resumed, err
			}
			if did, err := resumed(); did || err != nil {
				t.Fatal(did, err)
			}
			next := with(tc.edit)
			next.Backends = first.Backends
			if err := s.Apply(t.Context(), next); err != nil {
				t.Fatal(err)
			}
			if did, err := resumed(); did != tc.want {
				t.Errorf("TLS %x: %s: resumed is %t, %v", version, name, did, err)
			}
		}
	}
}

func TestRequestsForAnotherHostAreMisdirected(t *testing.T) {
	t.Parallel()
	servers := pki.New(t, "servers")
	_, at := start(t, secureSnapshot(t, servers, nil))
	for _, http2 := range []bool{false, true} {
		for _, tc := range []struct {
			asked, host string
			want        int
		}{
			{"a.example.com", "a.example.com", 200},
			{"a.example.com", "A.example.com.", 200},
			{"a.example.com", "a.example.com:8443", 200},
			{"a.example.com", "b.example.com", 200}, // one certificate for both
			{"a.example.com", "x.w.example.com", 200},
			{"a.example.com", "x.y.w.example.com", 421},
			{"a.example.com", "c.example.com", 421},
			{"c.example.com", "a.example.com", 421},
			{"c.example.com", "c.example.com", 200},
			{"none.example.com", "none.example.com", 200}, // the client has taken the certificate as it is
			{"none.example.com", "a.example.com", 200},
			{"none.example.com", "c.example.com", 421},
			{"", "127.0.0.1", 200},
			{"", "[::1]", 200},
			{"", "a.example.com", 200},
			{"", "c.example.com", 421},
			{"a.example.com", "127.0.0.1", 421},
		} {
			p := newPeer(at["secure"], servers)
			p.http2, p.config.ServerName, p.config.InsecureSkipVerify = http2, tc.asked, true
			if tc.asked == "" {
				p.config.ServerName = "127.0.0.1" // an address is no name to ask for
			}
			got, err := askFor(t, p.transport(t), "https://placeholder/", tc.host)
			if err != nil {
				t.Fatal(tc, err)
			}
			if got.status != tc.want || tc.want == 421 && !strings.Contains(got.body, `"misdirected"`) {
				t.Errorf("HTTP/2 %t: %q for %q: got %d %s, want %d", http2, tc.asked, tc.host, got.status, got.body, tc.want)
			}
		}
	}
}

func TestBrowsersAreToldToComeByTLS(t *testing.T) {
	t.Parallel()
	servers := pki.New(t, "servers")
	snap := secureSnapshot(t, servers, nil)
	b := backend(t, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Strict-Transport-Security", "max-age=0") })
	snap.Backends = []config.Backend{b}
	snap.Listeners[1].HSTS = &config.HSTS{MaxAge: config.Duration(366 * 24 * time.Hour), SubDomains: true, Preload: true}
	snap.Routes[0].Hosts = []string{"a.example.com"}
	_, at := start(t, snap)
	for _, http2 := range []bool{false, true} {
		p := newPeer(at["secure"], servers)
		p.http2 = http2
		for host, status := range map[string]int{"a.example.com": 200, "b.example.com": 404, "c.example.com": 421} {
			got, err := ask(t, p.transport(t), "https://"+host+"/")
			if err != nil {
				t.Fatal(err)
			}
			if said := strings.Join(got.header["Strict-Transport-Security"], "|"); said != "max-age=31622400; includeSubDomains; preload" || got.status != status {
				t.Errorf("HTTP/2 %t: %s: got %d, %q", http2, host, got.status, said)
			}
		}
	}
	if got := raw(t, at["away"], "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"); strings.Contains(got, "Strict-Transport") {
		t.Errorf("in clear: got %q", got)
	}
}

func TestOnlyTrustedProxiesSpeakForOthers(t *testing.T) {
	t.Parallel()
	snap := snapshot(backend(t, echo))
	trusting := snap.Listeners[0]
	trusting.Name, trusting.Client.ProxyProtocol = "trusting", []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	elsewhere := snap.Listeners[0]
	elsewhere.Name, elsewhere.Client.ProxyProtocol = "elsewhere", []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	secure := snap.Listeners[1]
	secure.Name, secure.Client.ProxyProtocol = "secured", elsewhere.Client.ProxyProtocol
	snap.Listeners = append(snap.Listeners, trusting, elsewhere, secure)
	_, at := start(t, snap)
	const get = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
	const signature = "\r\n\r\n\x00\r\nQUIT\n"
	v4 := signature + "\x21\x11\x00\x0c\x09\x09\x09\x09\x7f\x00\x00\x01\x00\x01\x00\x02"
	for name, tc := range map[string]struct {
		listener, before string
		want             string // "" is no answer at all, or a refusal
	}{
		"version 1":                          {"trusting", "PROXY TCP4 9.9.9.9 127.0.0.1 1 2\r\n", "9.9.9.9"},
		"version 1, IPv6":                    {"trusting", "PROXY TCP6 2001:db8::1 ::1 1 2\r\n", "2001:db8::1"},
		"version 1, the proxy's own":         {"trusting", "PROXY UNKNOWN\r\n", "127.0.0.1"},
		"version 2":                          {"trusting", v4, "9.9.9.9"},
		"version 2 with an extension":        {"trusting", signature + "\x21\x11\x00\x10\x09\x09\x09\x09\x7f\x00\x00\x01\x00\x01\x00\x02\x04\x00\x01x", "9.9.9.9"},
		"version 2, the proxy's own":         {"trusting", signature + "\x20\x00\x00\x00", "127.0.0.1"},
		"version 2 of a socket":              {"trusting", signature + "\x21\x31\x00\xd8" + strings.Repeat("a", 216), ""},
		"version 2 of datagrams":             {"trusting", signature + "\x21\x12\x00\x0c\x09\x09\x09\x09\x7f\x00\x00\x01\x00\x01\x00\x02", ""},
		"version 3":                          {"trusting", signature + "\x31\x11\x00\x0c\x09\x09\x09\x09\x7f\x00\x00\x01\x00\x01\x00\x02", ""},
		"none":                               {"trusting", "", ""},
		"a port that is none":                {"trusting", "PROXY TCP4 9.9.9.9 127.0.0.1 1 99999\r\n", ""},
		"another family":                     {"trusting", "PROXY TCP4 2001:db8::1 ::1 1 2\r\n", ""},
		"a line without an end":              {"trusting", "PROXY " + strings.Repeat("x", 200) + "\r\n", ""},
		"twice":                              {"trusting", "PROXY TCP4 9.9.9.9 127.0.0.1 1 2\r\nPROXY TCP4 8.8.8.8 127.0.0.1 1 2\r\n", ""},
		"of nobody that is trusted":          {"elsewhere", "PROXY TCP4 9.9.9.9 127.0.0.1 1 2\r\n", ""},
		"version 2 of nobody trusted":        {"elsewhere", v4, ""},
		"none, of nobody that is trusted":    {"elsewhere", "", "127.0.0.1"},
		"where there are none":               {"plain", "PROXY TCP4 9.9.9.9 127.0.0.1 1 2\r\n", ""},
		"version 2 where there are none":     {"plain", v4, ""},
		"before TLS, of nobody trusted":      {"secured", "PROXY TCP4 9.9.9.9 127.0.0.1 1 2\r\n", ""},
		"version 2 before TLS, of no friend": {"secured", v4, ""},
	} {
		got, err := exchange(t, at[tc.listener], tc.before+get)
		if tc.want == "" {
			if strings.Contains(got, " 200 ") {
				t.Errorf("%s: it was served: %q", name, got)
			}
			continue
		}
		if !strings.Contains(got, "X-Forwarded-For: "+tc.want+"\r\n") {
			t.Errorf("%s: got %q, %v, want %s", name, got, err, tc.want)
		}
	}
}

// exchange is raw for peers that may be cut off.
func exchange(t testing.TB, address, request string) (string, error) {
	t.Helper()
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(3 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, request); err != nil {
		return "", err
	}
	answer, err := io.ReadAll(c)
	return string(answer), err
}

func TestProxiedClientsCountByTheirOwnAddress(t *testing.T) {
	t.Parallel()
	snap := snapshot(backend(t, echo))
	snap.Listeners[0].Client.ProxyProtocol = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	snap.Listeners[0].Client.Limits.PerAddress = 1
	_, at := start(t, snap)
	open := func(from string) (net.Conn, bool) {
		c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", at["plain"])
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		if err := c.SetDeadline(time.Now().Add(3 * time.Second)); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(c, "PROXY TCP4 %s 127.0.0.1 1 2\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", from)
		n, _ := c.Read(make([]byte, 12))
		return c, n == 12
	}
	first, let := open("9.9.9.1")
	if !let {
		t.Fatal("the first is not let in")
	}
	if _, let := open("9.9.9.2"); !let {
		t.Error("another address is not let in")
	}
	if _, let := open("9.9.9.1"); let {
		t.Error("a second of one address is let in")
	}
	first.Close()
	for deadline := time.Now().Add(3 * time.Second); ; {
		if _, let := open("9.9.9.1"); let {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("its place is not given back")
		}
	}
}

// redirected dials one address instead of any other.
type redirected struct{ to string }

func (r *redirected) dial(ctx context.Context, network, _ string) (net.Conn, error) {
	return (&net.Dialer{}).DialContext(ctx, network, r.to)
}
