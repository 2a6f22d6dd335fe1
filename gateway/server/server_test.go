// SPDX-License-Identifier: Apache-2.0

package server

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr/testr"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// backend is a server that says what it was asked.
func backend(t testing.TB, handler http.HandlerFunc) config.Backend {
	t.Helper()
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	return config.Backend{Name: "b", Endpoints: []netip.AddrPort{netip.MustParseAddrPort(s.Listener.Addr().String())}}
}

// echo answers with the request line, the host and the header lines.
func echo(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.WriteHeader(http.StatusTeapot)
		return
	}
	fmt.Fprintf(w, "%s %s %s\n", r.Method, r.RequestURI, r.Host)
	_ = r.Header.Write(w) // to a client that waits for it
	fmt.Fprintf(w, "\n%s", body)
}

// snapshot has a listener of each protocol, and one route to everything.
func snapshot(b config.Backend) *config.Snapshot {
	local := netip.MustParseAddrPort("127.0.0.1:0")
	return &config.Snapshot{
		Listeners: []config.Listener{
			{Name: "plain", Address: local, Protocol: config.HTTP, HTTP2: config.HTTP2On},
			{Name: "secure", Address: local, Protocol: config.HTTPS},
			{Name: "away", Address: local, Protocol: config.HTTP, Redirect: 443},
		},
		Routes:   []config.Route{{Name: "all", Target: config.Target{Backends: []config.Weighted{{Name: b.Name}}}}},
		Backends: []config.Backend{b},
	}
}

// start serves a snapshot until the test ends.
func start(t testing.TB, snap *config.Snapshot) (*Server, map[string]string) {
	t.Helper()
	s := New(testr.NewWithInterface(t, testr.Options{}), io.Discard)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		s.Close(ctx)
	})
	if err := s.Apply(t.Context(), snap); err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for name, a := range s.Addresses() {
		out[name] = a.String()
	}
	return s, out
}

// raw sends bytes and returns all that comes back until the server closes, or says
// nothing for long.
func raw(t testing.TB, address, request string) string {
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
		t.Fatal(err)
	}
	answer, err := io.ReadAll(c)
	if err != nil && len(answer) == 0 {
		t.Fatalf("%q: %v", request, err)
	}
	return string(answer)
}

func TestABackendGetsTheFormOfARequest(t *testing.T) {
	t.Parallel()
	_, at := start(t, snapshot(backend(t, echo)))
	got := raw(t, at["plain"], "POST /a/%2e%2e/b%41//c?x=%2f&y= HTTP/1.1\r\nHost: Shop.Example.com.:80\r\nX-Forwarded-For: 9.9.9.9\r\nX_Id: 1\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nContent-Length: 2\r\nTE: trailers\r\n\r\nhi")
	for _, want := range []string{"HTTP/1.1 200 OK", "POST /bA/c?x=%2f&y= shop.example.com:80\n", "X-Forwarded-For: 127.0.0.1\r\n", "X-Forwarded-Proto: http\r\n", "X-Forwarded-Host: shop.example.com:80\r\n", "Te: trailers\r\n", "\nhi"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
	for _, wrong := range []string{"9.9.9.9", "X_", "X-Hop", "User-Agent", "Accept-Encoding"} {
		if strings.Contains(got, wrong) {
			t.Errorf("%q is in\n%s", wrong, got)
		}
	}
}

func TestMalformedRequestsAreAnsweredAndEndTheConnection(t *testing.T) {
	t.Parallel()
	_, at := start(t, snapshot(backend(t, echo)))
	const next = "GET /next HTTP/1.1\r\nHost: a\r\n\r\n"
	for request, want := range map[string]string{
		"GET /a HTTP/1.1\nHost: a\r\n\r\n": "400",
		"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n": "400",
		"GET /a HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n":                                                "400",
		"GET http://b/a HTTP/1.1\r\nHost: a\r\n\r\n":                                                      "400",
		"GET /..%2fadmin HTTP/1.1\r\nHost: a\r\n\r\n":                                                     "400",
		"GET /a;b HTTP/1.1\r\nHost: a\r\n\r\n":                                                            "400",
		"GET / HTTP/1.1\r\nHost: a:x\r\n\r\n":                                                             "400",
		"TRACE / HTTP/1.1\r\nHost: a\r\n\r\n":                                                             "405",
		"CONNECT b:443 HTTP/1.1\r\nHost: b:443\r\n\r\n":                                                   "405",
		"GET /" + strings.Repeat("a", 9000) + " HTTP/1.1\r\nHost: a\r\n\r\n":                              "414",
		"GET / HTTP/1.1\r\nHost: a\r\nAuthorization: a\r\nAuthorization: b\r\n\r\n":                       "400",
	} {
		got := raw(t, at["plain"], request+next)
		if !strings.HasPrefix(got, "HTTP/1.1 "+want+" ") || strings.Contains(got, "/next") {
			t.Errorf("%.60q: got %.200q, want %s and an end", request, got, want)
		}
	}
}

func TestChunksThatAreNoneAreRefused(t *testing.T) {
	t.Parallel()
	_, at := start(t, snapshot(backend(t, echo)))
	got := raw(t, at["plain"], "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcX\r\n0\r\n\r\nGET /next HTTP/1.1\r\nHost: a\r\n\r\n")
	if !strings.HasPrefix(got, "HTTP/1.1 400 ") || strings.Contains(got, "/next") {
		t.Errorf("got %q", got)
	}
}

func TestHTTP2AndTLS(t *testing.T) {
	t.Parallel()
	_, at := start(t, snapshot(backend(t, echo)))
	for name, tc := range map[string]struct {
		url string
		set func(*http.Protocols)
	}{
		"HTTP/1.1 by TLS": {"https://" + at["secure"], func(p *http.Protocols) { p.SetHTTP1(true) }},
		"HTTP/2 by TLS":   {"https://" + at["secure"], func(p *http.Protocols) { p.SetHTTP2(true) }},
		"HTTP/2 in clear": {"http://" + at["plain"], func(p *http.Protocols) { p.SetUnencryptedHTTP2(true) }},
	} {
		tr := &http.Transport{Protocols: new(http.Protocols), TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
		tc.set(tr.Protocols)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, tc.url+"/x", strings.NewReader("body"))
		if err != nil {
			t.Fatal(err)
		}
		res, err := tr.RoundTrip(req)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		body, err := io.ReadAll(res.Body)
		if closing := res.Body.Close(); err != nil || closing != nil {
			t.Fatal(err, closing)
		}
		scheme, _, _ := strings.Cut(tc.url, ":")
		if text := string(body); !strings.HasPrefix(text, "POST /x ") || !strings.HasSuffix(text, "\nbody") || !strings.Contains(text, "X-Forwarded-Proto: "+scheme+"\r\n") {
			t.Errorf("%s: got %q", name, text)
		}
		if want := strings.Contains(name, "HTTP/2"); (res.ProtoMajor == 2) != want {
			t.Errorf("%s: got %s", name, res.Proto)
		}
		tr.CloseIdleConnections()
	}
}

func TestPlainListenersSendClientsToTLS(t *testing.T) {
	t.Parallel()
	_, at := start(t, snapshot(backend(t, echo)))
	for method, status := range map[string]string{"GET": "301", "POST": "308"} {
		got := raw(t, at["away"], method+" //a?b HTTP/1.1\r\nHost: Shop.example.com:80\r\nConnection: close\r\n\r\n")
		if !strings.HasPrefix(got, "HTTP/1.1 "+status+" ") || !strings.Contains(got, "\r\nLocation: https://shop.example.com/a?b\r\n") {
			t.Errorf("%s: got %q", method, got)
		}
	}
}

func TestConfigurationsChangeWithoutHarm(t *testing.T) {
	t.Parallel()
	b := backend(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/socket" {
			echo(w, r)
			return
		}
		c, in, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer c.Close()
		fmt.Fprint(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n")
		_, _ = io.Copy(c, in) // until the client goes
	})
	snap := snapshot(b)
	s, at := start(t, snap)
	socket, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", at["plain"])
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	fmt.Fprint(socket, "GET /socket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n\r\n")
	in := bufio.NewReader(socket)
	res, err := http.ReadResponse(in, nil)
	if err != nil || res.StatusCode != 101 || res.Header.Get("Sec-WebSocket-Accept") != "x" {
		t.Fatal(res, err)
	}
	defer res.Body.Close()
	say := func(text string) {
		t.Helper()
		fmt.Fprint(socket, text)
		got := make([]byte, len(text))
		if _, err := io.ReadFull(in, got); err != nil || string(got) != text {
			t.Fatalf("got %q, %v, want %q", got, err, text)
		}
	}
	say("\x81\x05\nhello")
	client := &http.Client{Transport: &http.Transport{}}
	done, failed := make(chan struct{}), make(chan error, 1)
	requests := 0
	ctx, stop := context.WithCancel(t.Context())
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			req, _ := http.NewRequestWithContext(context.WithoutCancel(ctx), http.MethodGet, "http://"+at["plain"]+"/x", nil)
			res, err := client.Do(req)
			if err == nil {
				_, err = io.Copy(io.Discard, res.Body)
				_ = res.Body.Close()
				if err == nil && res.StatusCode != http.StatusOK {
					err = fmt.Errorf("status %d", res.StatusCode)
				}
			}
			if err != nil {
				failed <- fmt.Errorf("request %d: %w", requests, err)
				return
			}
			requests++
		}
	}()
	for i := range 50 {
		next := snapshot(b)
		next.Listeners[0].Client.Limits.IdleTimeout = config.Duration(time.Duration(10+i%2) * time.Minute)
		next.Routes = append(next.Routes, config.Route{Name: fmt.Sprint("r", i), Hosts: []string{"other"}, Target: next.Routes[0].Target})
		if err := s.Apply(t.Context(), next); err != nil {
			t.Fatal(err)
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case err := <-failed:
			t.Fatal(err)
		}
	}
	say("still there")
	stop()
	<-done
	select {
	case err := <-failed:
		t.Fatal(err)
	default:
	}
	if requests < 20 {
		t.Fatalf("only %d requests were made meanwhile", requests)
	}
	t.Logf("%d requests during 50 changes", requests)
}

func TestWhatCannotBeServedChangesNothing(t *testing.T) {
	t.Parallel()
	snap, files := snapshot(backend(t, echo)), t.TempDir()
	snap.Telemetry.Decisions.To = files + "/before"
	s, at := start(t, snap)
	taken, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	asked := 0
	for name, change := range map[string]func(*config.Snapshot){
		"an address that is taken":   func(n *config.Snapshot) { n.Listeners[1].Address = netip.MustParseAddrPort(taken.Addr().String()) },
		"a certificate that is none": func(n *config.Snapshot) { n.Certificates = []config.Certificate{{Name: "c", Cert: []byte("x")}} },
		"an unknown backend":         func(n *config.Snapshot) { n.Backends = nil },
		"authorities that are none": func(n *config.Snapshot) { // which is seen when all else is ready
			n.Backends = []config.Backend{n.Backends[0]}
			n.Backends[0].TLS = &config.BackendTLS{ServerName: "b", CAs: [][]byte{[]byte("x")}}
			n.Telemetry.Decisions.To = files + "/after"
		},
	} {
		next := *snap
		next.Listeners = append([]config.Listener{}, snap.Listeners...)
		next.Listeners = next.Listeners[:2] // the third would go
		change(&next)
		if err := s.Apply(t.Context(), &next); err == nil {
			t.Errorf("%s: it was applied", name)
		}
		for _, listener := range []string{"plain", "away"} {
			if got := raw(t, at[listener], "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.1 200") && !strings.HasPrefix(got, "HTTP/1.1 301") {
				t.Errorf("%s: afterwards %s says %q", name, listener, got)
			}
			asked++
		}
	}
	for deadline := time.Now().Add(patience); ; <-time.After(10 * time.Millisecond) {
		before, err := os.ReadFile(files + "/before")
		if err != nil {
			t.Fatal(err)
		}
		if strings.Count(string(before), "\n") == asked {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d requests are told of as\n%s", asked, before)
		}
	}
	if after, err := os.ReadFile(files + "/after"); err != nil || len(after) > 0 {
		t.Errorf("where decisions would have gone has %q, %v", after, err)
	}
}

// TestAConnectionIsOfTheProtocolThatItWasOpenedBy: who has come without TLS, and without
// the certificate that is asked for now, does not stay.
func TestAConnectionIsOfTheProtocolThatItWasOpenedBy(t *testing.T) {
	t.Parallel()
	snap := snapshot(backend(t, echo))
	s, at := start(t, snap)
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", at["plain"])
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	in := bufio.NewReader(c)
	for _, tc := range []struct {
		protocol config.Protocol
		status   int
	}{{config.HTTP, 200}, {config.HTTPS, 421}} {
		next := *snap
		next.Listeners = append([]config.Listener{}, snap.Listeners...)
		next.Listeners[0].Protocol = tc.protocol
		if err := s.Apply(t.Context(), &next); err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		res, err := http.ReadResponse(in, nil)
		if err != nil || res.StatusCode != tc.status {
			t.Fatalf("a listener of %s: got %v, %v, want %d", tc.protocol, res, err, tc.status)
		}
		if body, err := io.ReadAll(res.Body); err != nil {
			t.Fatalf("%q %v", body, err)
		}
		_ = res.Body.Close()
	}
}

func TestAllFaultsOfASnapshotAreTold(t *testing.T) {
	t.Parallel()
	snap := snapshot(config.Backend{Name: "b"})
	snap.Routes[0].Backends[0].Name, snap.Listeners[0].Protocol = "none", "smoke"
	err := New(testr.New(t), io.Discard).Apply(t.Context(), snap)
	if err == nil || strings.Count(err.Error(), "\n") != 1 || !strings.Contains(err.Error(), "smoke") || !strings.Contains(err.Error(), "none") {
		t.Errorf("got %v, want both", err)
	}
}

func TestRequestsFinishWhenTheServerEnds(t *testing.T) {
	t.Parallel()
	began, finish := make(chan struct{}), make(chan struct{})
	s, at := start(t, snapshot(backend(t, func(w http.ResponseWriter, _ *http.Request) {
		close(began)
		<-finish
		fmt.Fprint(w, "whole")
	})))
	answer := make(chan string, 1)
	go func() { answer <- raw(t, at["plain"], "GET / HTTP/1.1\r\nHost: a\r\n\r\n") }()
	<-began
	ended := make(chan struct{})
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		s.Close(ctx)
		close(ended)
	}()
	select {
	case <-ended:
		t.Fatal("the server ended before its request")
	case <-time.After(50 * time.Millisecond):
	}
	for deadline := time.Now().Add(8 * time.Second); ; { // first it tells those who come to go elsewhere
		c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", at["plain"])
		if err != nil {
			break
		}
		c.Close()
		if time.Now().After(deadline) {
			t.Fatal("it still takes connections")
		}
		<-time.After(10 * time.Millisecond)
	}
	close(finish)
	if got := <-answer; !strings.HasSuffix(got, "whole") {
		t.Errorf("got %q", got)
	}
	<-ended
}
