// SPDX-License-Identifier: Apache-2.0

package server

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/net/http2"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/test/pki"
)

// closed reads what a server says until it closes, which it must do in time.
func closed(t *testing.T, c net.Conn) string {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(c)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("the connection is open after a minute")
	}
	return string(got)
}

// TestTimesOfClients are limits of listeners that end what takes too long: a head, a
// handshake, a silence between requests, and a body.
func TestTimesOfClients(t *testing.T) {
	t.Parallel()
	snap := snapshot(backend(t, echo))
	head, silence, body := snap.Listeners[0], snap.Listeners[0], snap.Listeners[0]
	head.Name, head.Client.Limits.HeaderTimeout = "head", config.Duration(50*time.Millisecond)
	silence.Name, silence.Client.Limits.IdleTimeout = "silence", config.Duration(50*time.Millisecond)
	body.Name, body.Client.Limits.BodyBytesRate = "body", 1<<30
	shake := snap.Listeners[1] // HTTPS
	shake.Name, shake.Client.Limits.HeaderTimeout = "shake", config.Duration(50*time.Millisecond)
	snap.Listeners = []config.Listener{head, silence, body, shake}
	lines := told(t, snap, func(at map[string]string) {
		var all sync.WaitGroup
		for _, tc := range []struct{ name, sends, gets string }{
			{"head", "GET / HTTP/1.1\r\nHost:", ""},
			{"shake", "", ""},
			{"shake", "\x16\x03\x01\x02", ""}, // a part of a ClientHello
			{"silence", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200 "},
			{"body", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4097\r\n\r\n" + strings.Repeat("x", 4096), "HTTP/1.1 408 "},
		} {
			c := dial(t, "tcp", at[tc.name])
			all.Go(func() {
				if _, err := io.WriteString(c, tc.sends); err != nil {
					t.Error(err)
				}
				if got := closed(t, c); !strings.HasPrefix(got, tc.gets) || tc.gets == "" && got != "" {
					t.Errorf("%s: got %.100q, want %q", tc.name, got, tc.gets)
				}
			})
		}
		all.Wait()
	})
	reasons := map[any]any{}
	for _, line := range lines {
		reasons[line["listener"]] = line["reason"]
	}
	if reasons["head"] != "head-timeout" || reasons["silence"] != nil || reasons["body"] != "body-too-slow" {
		t.Errorf("the reasons are %v", reasons)
	}
}

// TestWhatListenersSpeak: versions of TLS, HTTP/2, and how many streams it may have.
func TestWhatListenersSpeak(t *testing.T) {
	t.Parallel()
	servers := pki.New(t, "servers")
	snap := secureSnapshot(t, servers, nil)
	snap.Listeners[0].Client.Limits.Streams = 7
	strict := snap.Listeners[1]
	strict.Name, strict.HTTP2, strict.TLS = "strict", config.HTTP2Off, &config.TLS{Certificates: []string{"ab"}, MinVersion: config.TLS13}
	snap.Listeners = append(snap.Listeners, strict)
	_, at := start(t, snap)
	for _, tc := range []struct {
		listener string
		newest   uint16
		suites   []uint16
		speaks   string // "" is nothing
	}{
		{"secure", tls.VersionTLS11, nil, ""},
		{"secure", tls.VersionTLS12, []uint16{tls.TLS_RSA_WITH_AES_128_GCM_SHA256}, ""},
		{"secure", tls.VersionTLS12, []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA}, ""},
		{"secure", tls.VersionTLS12, nil, "h2"},
		{"secure", tls.VersionTLS13, nil, "h2"},
		{"strict", tls.VersionTLS12, nil, ""},
		{"strict", tls.VersionTLS13, nil, "http/1.1"},
	} {
		p := newPeer(at[tc.listener], servers)
		p.config.MinVersion, p.config.MaxVersion, p.config.CipherSuites, p.config.NextProtos = tls.VersionTLS10, tc.newest, tc.suites, []string{"h2", "http/1.1"}
		c := tls.Client(dial(t, "tcp", p.at), p.config)
		err := c.HandshakeContext(t.Context())
		if got := c.ConnectionState().NegotiatedProtocol; (err == nil) != (tc.speaks != "") || err == nil && got != tc.speaks {
			t.Errorf("%s, TLS %x of %v: got %q %v, want %q", tc.listener, tc.newest, tc.suites, got, err, tc.speaks)
		}
	}
	c := newFramer(t, at["plain"])
	c.begin()
	frame, err := c.ReadFrame()
	said, is := frame.(*http2.SettingsFrame)
	if err != nil || !is {
		t.Fatal(frame, err)
	}
	if streams, has := said.Value(http2.SettingMaxConcurrentStreams); !has || streams != 7 {
		t.Errorf("it may have %d streams, want 7", streams)
	}
}

// TestWhereKeysComeFrom: an address, an issuer that says where, authorities of a file.
func TestWhereKeysComeFrom(t *testing.T) {
	t.Parallel()
	servers := pki.New(t, "idps")
	keys, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: issuer().Public(), KeyID: "k", Algorithm: "ES256", Use: "sig"}}})
	if err != nil {
		t.Fatal(err)
	}
	at := "" // https://localhost with its port
	idp := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path == "/.well-known/openid-configuration" {
			_ = json.NewEncoder(w).Encode(map[string]string{"issuer": at, "jwks_uri": at + "/keys"}) // it is seen by the fetch
			return
		}
		_, _ = w.Write(keys) // and so is this
	}))
	idp.TLS = &tls.Config{Certificates: []tls.Certificate{servers.For(t, "localhost")}}
	idp.Config.ErrorLog = log.New(io.Discard, "", 0)
	idp.StartTLS()
	at = strings.Replace(idp.URL, "127.0.0.1", "localhost", 1)
	t.Cleanup(idp.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, servers.PEM, 0o600); err != nil {
		t.Fatal(err)
	}
	b := backend(t, echo)
	for from, status := range map[string]string{
		`url: "` + at + `/keys"`:                                                                    "503",
		`url: "` + at + `/keys", caFile: "` + ca + `"`:                                              "200",
		`issuer: "` + at + `", caFile: "` + ca + `"`:                                                "200",
		`url: "http://127.0.0.1:1/keys", plaintext: Allow`:                                          "503",
		`url: "` + at + `/none", caFile: "` + ca + `"`:                                              "200", // whatever it is called
		`url: "` + at + `/keys", staleIfError: 1h, cooldown: 1s, refresh: 1m, caFile: "` + ca + `"`: "200",
	} {
		text := strings.Replace(strings.Replace(baseToken, "file: jwks.json", from, 1), "HERE", `issuer: "`+at+`", audiences: [shop]`, 1)
		_, addresses := start(t, loaded(t, text, b.Endpoints[0].String()))
		if got := raw(t, addresses["plain"], message("GET /\n"+bearer(t, map[string]any{"iss": at}))); !strings.HasPrefix(got, "HTTP/1.1 "+status+" ") {
			t.Errorf("%s: got %s, want %s", from, got, status)
		}
	}
}

// TestWhatLinesTell of clients, queries, header lines and who asked.
func TestWhatLinesTell(t *testing.T) {
	t.Parallel()
	line := func(d config.Decisions) map[string]any {
		snap := load(t)
		snap.Telemetry.Decisions = d
		lines := told(t, snap, func(at map[string]string) {
			raw(t, at["plain"], "GET /?a=1&token=2 HTTP/1.1\r\nHost: keys\r\nX-API-Key: open\r\nX-Of: me\r\nConnection: close\r\n\r\n")
		})
		if len(lines) != 1 {
			t.Fatal(lines)
		}
		return lines[0]
	}
	for name, tc := range map[string]struct {
		d    config.Decisions
		want map[string]any
	}{
		"as it is":     {config.Decisions{}, map[string]any{"client": "127.0.0.1", "query": nil, "header.x-of": nil, "gateway": nil}},
		"less":         {config.Decisions{Client: "Prefix", Query: "Names", Header: []string{"X-Of"}, Gateway: "infra/edge"}, map[string]any{"gateway": "infra/edge", "client": "127.0.0.0/24", "query": "a&token", "header.x-of": "me"}},
		"nothing, all": {config.Decisions{Client: "Off", Query: "Full"}, map[string]any{"client": nil, "query": "a=1&token=[redacted]"}},
	} {
		got := line(tc.d)
		for field, want := range tc.want {
			if got[field] != want {
				t.Errorf("%s: %s is %v, want %v", name, field, got[field], want)
			}
		}
	}
	one, two, other, own := line(config.Decisions{KeyFile: "k", Key: []byte("0123456789abcdef")}), line(config.Decisions{KeyFile: "k", Key: []byte("0123456789abcdef")}),
		line(config.Decisions{KeyFile: "k", Key: []byte("fedcba9876543210")}), line(config.Decisions{})
	if who := one["principal"]; who == nil || who != two["principal"] || who == other["principal"] || who == own["principal"] {
		t.Errorf("who asked is %v, %v, %v, %v", one["principal"], two["principal"], other["principal"], own["principal"])
	}
}

// TestBackendsThatHaveNoPlace: what a client is told when one is full, or when nobody of
// it is well.
func TestBackendsThatHaveNoPlace(t *testing.T) {
	t.Parallel()
	arrived, hold := make(chan struct{}), make(chan struct{})
	full := backend(t, func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/hold" {
			close(arrived)
			<-hold
		}
	})
	full.Breaker = config.Breaker{Requests: 1}
	ill := config.Backend{Name: "ill", AllUnhealthy: "Refuse", Endpoints: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:1")}}
	ill.Health = &config.Health{Interval: config.Duration(10 * time.Millisecond), Unhealthy: 1}
	snap := snapshot(full)
	snap.Backends = append(snap.Backends, ill)
	snap.Routes = append([]config.Route{{Name: "ill", Hosts: []string{"ill"}, Target: config.Target{Backends: []config.Weighted{{Name: "ill"}}}}}, snap.Routes...)
	_, at := start(t, snap)
	c := dial(t, "tcp", at["plain"])
	if _, err := io.WriteString(c, "GET /hold HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	<-arrived
	if got := raw(t, at["plain"], message("GET /")); !strings.HasPrefix(got, "HTTP/1.1 503 ") || !strings.Contains(got, reason("backend-overloaded")) {
		t.Errorf("a backend that is full: %s", got)
	}
	close(hold)
	closed(t, c)
	for deadline := time.Now().Add(20 * time.Second); ; <-time.After(time.Millisecond) {
		got := raw(t, at["plain"], "GET / HTTP/1.1\r\nHost: ill\r\nConnection: close\r\n\r\n")
		if strings.HasPrefix(got, "HTTP/1.1 503 ") && strings.Contains(got, reason("no-healthy-endpoints")) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("a backend that is ill: %s", got)
		}
	}
}
