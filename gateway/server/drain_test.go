// SPDX-License-Identifier: Apache-2.0

package server

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-logr/logr"

	"github.com/gatehouse-sh/gatehouse/test/pki"
)

// strict makes requests one after the other over a connection until an answer says
// that it is the last one, and then over another one. It tries nothing again: a
// connection that ends without an answer is a failure. It costs little, and knows no
// more of HTTP than the gateway says to it.
type strict struct {
	dial  func(context.Context) (net.Conn, error)
	conn  net.Conn
	in    *bufio.Reader
	body  []byte
	conns int
}

// inClear dials an address that may change.
func inClear(to func() string) func(context.Context) (net.Conn, error) {
	return func(ctx context.Context) (net.Conn, error) { return (&net.Dialer{}).DialContext(ctx, "tcp", to()) }
}

func (c *strict) ask(ctx context.Context) error {
	if c.conn == nil {
		conn, err := c.dial(ctx)
		if err != nil {
			return err
		}
		c.conn, c.in, c.body = conn, bufio.NewReader(conn), make([]byte, 4096)
		c.conns++
	}
	if _, err := io.WriteString(c.conn, "GET /x HTTP/1.1\r\nHost: a.example.com\r\n\r\n"); err != nil {
		return err
	}
	last, err := c.answer()
	if err != nil || last { // as it was told
		_ = c.conn.Close()
		c.conn = nil
	}
	return err
}

// answer reads one, and tells whether it is the last one of its connection.
func (c *strict) answer() (last bool, err error) {
	status, err := c.in.ReadString('\n')
	if err != nil || status != "HTTP/1.1 200 OK\r\n" {
		return false, fmt.Errorf("got %q: %w", status, err)
	}
	length := 0
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return false, err
		}
		if len(line) == 2 {
			break
		}
		switch name, value, _ := bytes.Cut(bytes.TrimSpace(line), []byte(": ")); string(name) {
		case "Connection":
			last = string(value) == "close"
		case "Content-Length":
			if length, err = strconv.Atoi(string(value)); err != nil || length > len(c.body) {
				return false, fmt.Errorf("a length of %s: %w", value, err)
			}
		}
	}
	body := c.body[:length]
	if _, err := io.ReadFull(c.in, body); err != nil || !bytes.HasPrefix(body, []byte("GET /x a")) {
		return false, fmt.Errorf("got %q: %w", body, err)
	}
	return last, nil
}

// TestRestartsFailNoRequest: one server takes the place of another one, again and
// again, while clients of both protocols make requests.
func TestRestartsFailNoRequest(t *testing.T) {
	t.Parallel()
	servers := pki.New(t, "servers")
	snap := secureSnapshot(t, servers, nil)
	type process struct {
		server *Server
		at     map[string]string
	}
	begin := func() *process {
		s := New(logr.Discard(), io.Discard)
		if err := s.Apply(t.Context(), snap); err != nil {
			t.Fatal(err)
		}
		at := map[string]string{}
		for name, a := range s.Addresses() {
			at[name] = a.String()
		}
		return &process{s, at}
	}
	var now atomic.Pointer[process]
	now.Store(begin())
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var asking sync.WaitGroup
	var requests, conns, failed atomic.Int64
	fail := func(err error) {
		if failed.Add(1) < 5 {
			t.Error(err)
		}
	}
	for range 8 {
		asking.Go(func() {
			c := &strict{dial: inClear(func() string { return now.Load().at["plain"] })}
			for ctx.Err() == nil {
				requests.Add(1)
				if err := c.ask(context.WithoutCancel(ctx)); err != nil {
					fail(fmt.Errorf("HTTP/1.1: %w", err))
				}
			}
			conns.Add(int64(c.conns))
		})
	}
	var second atomic.Int64
	tr := newPeer("", servers).transport(t)
	tr.Protocols.SetHTTP1(false)
	tr.Protocols.SetHTTP2(true)
	tr.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, now.Load().at["secure"])
	}
	for range 4 {
		asking.Go(func() {
			for ctx.Err() == nil {
				requests.Add(1)
				got, err := askIn(context.WithoutCancel(ctx), tr, "https://a.example.com/x")
				if err != nil || got.status != http.StatusOK {
					fail(fmt.Errorf("HTTP/2: %v %w", got, err))
				}
				second.Add(1)
			}
		})
	}
	const restarts = 8
	for range restarts {
		for before := requests.Load(); requests.Load() < before+300; {
			select {
			case <-time.After(time.Millisecond):
			case <-ctx.Done():
				t.Fatal("no requests are made")
			}
		}
		old := now.Load()
		now.Store(begin())
		ending, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		old.server.Close(ending)
		if ending.Err() != nil {
			t.Error("requests had to be cut off")
		}
		cancel()
	}
	stop()
	asking.Wait()
	last := now.Load()
	tr.CloseIdleConnections()
	ending, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	last.server.Close(ending)
	t.Logf("%d requests, %d of them by HTTP/2, over %d connections of HTTP/1.1, %d restarts: %d failed", requests.Load(), second.Load(), conns.Load(), restarts, failed.Load())
	if conns.Load() < 8*restarts || second.Load() < restarts || failed.Load() > 0 {
		t.Error("requests failed, or too few were made")
	}
}

func TestWebSocketsMayFinishWhenTheServerEnds(t *testing.T) {
	t.Parallel()
	snap := snapshot(backend(t, func(w http.ResponseWriter, _ *http.Request) {
		c, in, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer c.Close()
		fmt.Fprint(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
		_, _ = io.Copy(c, in) // until the client goes
	}))
	for name, most := range map[string]time.Duration{"the client ends it": time.Minute, "the time ends it": 300 * time.Millisecond} {
		s, at := start(t, snap)
		c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", at["plain"])
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n\r\n")
		in := bufio.NewReader(c)
		res, err := http.ReadResponse(in, nil)
		if err != nil || res.StatusCode != http.StatusSwitchingProtocols {
			t.Fatal(name, res, err)
		}
		_ = res.Body.Close() // it has none
		ended := make(chan struct{})
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), most)
			defer cancel()
			s.Close(ctx)
			close(ended)
		}()
		for { // until no others are taken
			other, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", at["plain"])
			if err != nil {
				break
			}
			other.Close()
			<-time.After(20 * time.Millisecond)
		}
		if most > time.Second {
			fmt.Fprint(c, "hello")
			if got, err := io.ReadAll(io.LimitReader(in, 5)); err != nil || string(got) != "hello" {
				t.Errorf("%s: got %q, %v", name, got, err)
			}
			c.Close()
		} else if _, err := in.ReadByte(); err == nil {
			t.Errorf("%s: it is open", name)
		}
		<-ended
	}
}

func TestConnectionsAndCertificatesAreCounted(t *testing.T) {
	t.Parallel()
	servers := pki.New(t, "servers")
	good := servers.For(t, "a.example.com")
	snap := secureSnapshot(t, servers, nil)
	snap.Certificates[0] = certificate(t, "ab", good)
	snap.Listeners[0].Client.Limits.PerAddress = 1
	s, at := start(t, snap)
	next := *snap
	next.Certificates = append(next.Certificates[:0:0], snap.Certificates...)
	next.Certificates[0].Cert = next.Certificates[1].Cert // of another key
	if err := s.Apply(t.Context(), &next); err != nil {
		t.Fatal(err)
	}
	if answer, err := exchange(t, at["secure"], "no handshake\r\n\r\n"); err != nil && answer != "" {
		t.Fatal(answer, err)
	}
	first, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", at["plain"])
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	if _, err := io.WriteString(first, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := first.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	if answer, _ := exchange(t, at["plain"], "GET / HTTP/1.1\r\nHost: a\r\n\r\n"); answer != "" {
		t.Errorf("a second of one address is answered %q", answer)
	}
	w := httptest.NewRecorder()
	s.telemetry.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	for _, want := range []string{
		`gatehouse_gateway_connections{listener="plain"} 1`,
		`gatehouse_gateway_connections_refused_total{listener="plain",reason="too-many-of-address"} 1`,
		`gatehouse_gateway_connections_refused_total{listener="secure",reason="handshake"} 1`,
		`gatehouse_gateway_certificate_refused{certificate="ab"} 1`, `gatehouse_gateway_certificate_refused{certificate="c"} 0`,
		fmt.Sprintf(`gatehouse_gateway_certificate_expiry_timestamp_seconds{certificate="ab"} %g`, float64(good.Leaf.NotAfter.Unix())),
	} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s is missing in\n%s", want, w.Body)
		}
	}
}
