// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/go-logr/logr"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/gateway/front"
	"github.com/gatehouse-sh/gatehouse/gateway/telemetry"
	"github.com/gatehouse-sh/gatehouse/gateway/upstream"
)

// scanned scans what it accepts, as the server does.
type scanned struct{ net.Listener }

func (l scanned) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return front.NewConn(c, front.Limits{Head: front.DefaultHead}, false, nil), nil
}

// fixed is a backend that allocates nothing for a request.
func fixed(tb testing.TB, answer []byte) netip.AddrPort {
	tb.Helper()
	l, err := (&net.ListenConfig{}).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				in := bufio.NewReader(c)
				for {
					length := 0
					for {
						line, err := in.ReadSlice('\n')
						if err != nil {
							return
						}
						if bytes.HasPrefix(line, []byte("Content-Length: ")) {
							for _, d := range line[len("Content-Length: ") : len(line)-2] {
								length = length*10 + int(d-'0')
							}
						}
						if len(line) == 2 {
							break
						}
					}
					if _, err := in.Discard(length); err != nil {
						return
					}
					if _, err := c.Write(answer); err != nil || len(answer) == 0 {
						return
					}
				}
			}()
		}
	}()
	return netip.MustParseAddrPort(l.Addr().String())
}

// gateway serves one route to a backend.
func gateway(tb testing.TB, c upstream.Client, backend netip.AddrPort) string {
	tb.Helper()
	p := New(nil)
	p.backends = upstream.NewSet(c)
	return listened(tb, p, plain(backend))
}

// plain is a configuration of one route.
func plain(backend netip.AddrPort) *config.Snapshot {
	return &config.Snapshot{
		Listeners: []config.Listener{{Name: "l", Address: netip.MustParseAddrPort("127.0.0.1:0"), Protocol: config.HTTP}},
		Routes:    []config.Route{{Name: "r", Target: config.Target{Backends: []config.Weighted{{Name: "b"}}}}},
		Backends:  []config.Backend{{Name: "b", Endpoints: []netip.AddrPort{backend}}},
	}
}

// listened serves a configuration until the test ends.
func listened(tb testing.TB, p *Proxy, s *config.Snapshot) string {
	tb.Helper()
	if err := p.Apply(s, nil, nil); err != nil {
		tb.Fatal(err)
	}
	l, err := (&net.ListenConfig{}).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	server := &http.Server{Handler: p.Handler("l")}
	go func() {
		if err := server.Serve(scanned{l}); !errors.Is(err, http.ErrServerClosed) {
			tb.Error(err)
		}
	}()
	tb.Cleanup(func() { server.Close(); p.Close(context.Background()) })
	return l.Addr().String()
}

var clients = []struct {
	name string
	kind upstream.Client
}{{"own", upstream.Own}, {"net-http", upstream.Standard}}

// ok is an answer with a body.
func ok(n int) []byte {
	return fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nServer: fixed\r\nDate: Sat, 21 Nov 2026 12:00:00 GMT\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", n, strings.Repeat("x", n))
}

// lines are what every request has.
const lines = "Host: shop.example.com\r\nUser-Agent: bench\r\nAccept: */*\r\n"

// BenchmarkForward measures all of a request, the client's side and the backend's, which
// allocate nothing, included.
func BenchmarkForward(b *testing.B) {
	for _, shape := range []struct {
		name, request string
		body          int
	}{
		{"get", "GET /orders/1?a=b HTTP/1.1\r\n" + lines + "\r\n", 100},
		{"get 16 KiB", "GET /orders/1?a=b HTTP/1.1\r\n" + lines + "\r\n", 16 << 10},
		{"post 1 KiB", "POST /orders HTTP/1.1\r\n" + lines + "Content-Type: application/json\r\nContent-Length: 1024\r\n\r\n" + strings.Repeat("y", 1024), 100},
		{"post 64 KiB", "POST /orders HTTP/1.1\r\n" + lines + "Content-Type: application/json\r\nContent-Length: 65536\r\n\r\n" + strings.Repeat("y", 65536), 100},
	} {
		backend := fixed(b, ok(shape.body))
		for _, client := range clients {
			address := gateway(b, client.kind, backend)
			b.Run(shape.name+"/"+client.name, func(b *testing.B) { ask(b, address, shape.request, shape.body) })
		}
	}
}

// BenchmarkForwardGuarded is a GET of BenchmarkForward with one thing more each time: what
// is told, a limit by address, and a token that is known (signature, issuer, audience, end
// and scope), which together are the layer L3 of hack/benchgateway in clear; and the line
// of each decision.
func BenchmarkForwardGuarded(b *testing.B) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	keys, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "k", Algorithm: "ES256", Use: "sig"}}})
	if err != nil {
		b.Fatal(err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, (&jose.SignerOptions{}).WithHeader("kid", "k").WithType("JWT"))
	if err != nil {
		b.Fatal(err)
	}
	token, err := jwt.Signed(signer).Claims(map[string]any{"iss": "https://idp.example.com/", "aud": "shop", "sub": "alice", "scope": "openid orders.read", "exp": time.Now().Add(time.Hour).Unix()}).Serialize()
	if err != nil {
		b.Fatal(err)
	}
	s := plain(fixed(b, ok(100)))
	bearer := "Authorization: Bearer " + token + "\r\n"
	for _, more := range []struct {
		name string
		add  func()
	}{
		{"metrics", func() { s.Telemetry.Decisions.To = "off" }},
		{"limit", func() {
			s.TrafficPolicies = []config.TrafficPolicy{{Name: "t", RateLimits: []config.RateLimit{{Name: "l", Key: []string{"client.ip"}, Limit: config.Limit{Requests: 100_000_000, Per: config.Duration(time.Second)}}}}}
			s.Listeners[0].Traffic = []string{"t"}
		}},
		{"token", func() {
			s.KeySets = []config.KeySet{{Name: "k", File: "keys.json", Keys: keys}}
			s.AccessPolicies = []config.AccessPolicy{{
				Name: "a",
				Authentication: config.Authentication{AnyOf: []config.Authenticator{{Name: "j", JWT: &config.JWT{
					Issuer: "https://idp.example.com/", Audiences: []string{"shop"}, KeySet: "k", Algorithms: []string{"ES256"},
				}}}},
				Authorization: config.Authorization{Rules: []config.AccessRule{{Name: "r", Allow: &config.Condition{Scopes: []string{"orders.read"}}}}},
			}}
			s.Listeners[0].Access = []string{"a"}
		}},
		{"line", func() { s.Telemetry.Decisions.To = "stdout" }},
	} {
		more.add()
		told := telemetry.NewSet(io.Discard, logr.Discard())
		keep, _, err := told.Prepare(b.Context(), &s.Telemetry)
		if err != nil {
			b.Fatal(err)
		}
		keep()
		address := listened(b, New(told), s)
		b.Run(more.name, func(b *testing.B) { ask(b, address, "GET /orders/1?a=b HTTP/1.1\r\n"+lines+bearer+"\r\n", 100) })
	}
}

// ask sends the same request again and again over some connections.
func ask(b *testing.B, address, request string, body int) {
	b.Helper()
	b.ReportAllocs()
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		c, err := (&net.Dialer{}).DialContext(b.Context(), "tcp", address)
		if err != nil {
			b.Error(err)
			return
		}
		defer c.Close()
		request, in, end := []byte(request), bufio.NewReader(c), []byte("\r\n")
		for pb.Next() {
			if _, err := c.Write(request); err != nil {
				b.Error(err)
				return
			}
			for first := true; ; first = false {
				line, err := in.ReadSlice('\n')
				if err != nil || first && !bytes.HasPrefix(line, []byte("HTTP/1.1 200 ")) {
					b.Errorf("%q, %v", line, err)
					return
				}
				if bytes.Equal(line, end) {
					break
				}
			}
			if _, err := in.Discard(body); err != nil {
				b.Error(err)
				return
			}
		}
	})
}
