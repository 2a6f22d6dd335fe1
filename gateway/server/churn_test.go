// SPDX-License-Identifier: Apache-2.0

package server

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/test/pki"
)

// line is a connection that is asked for an echo of lines.
type line struct {
	out io.Writer
	in  *bufio.Reader
}

func (l *line) say(text string) error {
	if _, err := io.WriteString(l.out, text); err != nil {
		return err
	}
	got := make([]byte, len(text))
	if _, err := io.ReadFull(l.in, got); err != nil || string(got) != text {
		return fmt.Errorf("got %q for %q: %w", got, text, err)
	}
	return nil
}

// socket is a WebSocket, as far as the gateway sees.
func socket(t *testing.T, dial func(context.Context) (net.Conn, error)) *line {
	t.Helper()
	c, err := dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	fmt.Fprint(c, "GET /socket HTTP/1.1\r\nHost: a.example.com\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n\r\n")
	in := bufio.NewReader(c)
	res, err := http.ReadResponse(in, nil)
	if err != nil || res.StatusCode != http.StatusSwitchingProtocols {
		t.Fatal(res, err)
	}
	_ = res.Body.Close() // there is none
	return &line{c, in}
}

// talk is a request whose body and response go on.
func talk(t *testing.T, at string) *line {
	t.Helper()
	body, out := io.Pipe()
	t.Cleanup(func() { out.Close() })
	tr := &http.Transport{Protocols: new(http.Protocols)}
	tr.Protocols.SetUnencryptedHTTP2(true)
	t.Cleanup(tr.CloseIdleConnections)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+at+"/stream", body)
	if err != nil {
		t.Fatal(err)
	}
	res, err := tr.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	return &line{out, bufio.NewReader(res.Body)}
}

// lively is a backend that echoes requests, WebSockets and streams.
func lively(w http.ResponseWriter, r *http.Request) {
	control := http.NewResponseController(w)
	switch r.URL.Path {
	case "/socket":
		c, in, err := control.Hijack()
		if err != nil {
			return
		}
		defer c.Close()
		fmt.Fprint(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n")
		_, _ = io.Copy(c, in) // until the client goes
	case "/stream":
		_ = control.EnableFullDuplex()
		w.WriteHeader(http.StatusOK)
		_ = control.Flush()
		for buffer := make([]byte, 1024); ; {
			n, err := r.Body.Read(buffer)
			if _, failed := w.Write(buffer[:n]); err != nil || failed != nil || control.Flush() != nil {
				return
			}
		}
	default:
		echo(w, r)
	}
}

// crowd is clients that ask until they are to stop, or until one of them fails.
type crowd struct {
	stop   chan struct{}
	failed chan error
	asked  atomic.Int64
	all    sync.WaitGroup
}

func newCrowd() *crowd { return &crowd{stop: make(chan struct{}), failed: make(chan error, 100)} }

// add makes requests, one after the other.
func (l *crowd) add(kind string, ask func() error) {
	l.all.Go(func() {
		for {
			select {
			case <-l.stop:
				return
			default:
			}
			if err := ask(); err != nil {
				l.failed <- fmt.Errorf("%s: %w", kind, err)
				return
			}
			l.asked.Add(1)
		}
	})
}

// wait returns when so many more requests were answered.
func (l *crowd) wait(t *testing.T, more int64) {
	t.Helper()
	for want := l.asked.Load() + more; l.asked.Load() < want; {
		select {
		case err := <-l.failed:
			t.Fatal(err)
		case <-time.After(time.Millisecond):
		}
	}
}

// end stops all clients.
func (l *crowd) end(t *testing.T) {
	t.Helper()
	close(l.stop)
	l.all.Wait()
	select {
	case err := <-l.failed:
		t.Error(err)
	default:
	}
}

// shown are certificates that a listener presents one after the other.
type shown struct {
	list        []config.Certificate
	number      map[string]int64 // of each leaf
	begun, done atomic.Int64     // numbers of the one that is being applied, and of the last that was
}

func newShown(t *testing.T, a *pki.Authority, n int) *shown {
	s := &shown{number: map[string]int64{}}
	for i := range n {
		c := a.For(t, "a.example.com")
		s.number[string(c.Leaf.Raw)] = int64(i)
		s.list = append(s.list, certificate(t, "c", c))
	}
	return s
}

// ask makes a connection and a request, and tells of a certificate that was not in force
// then.
func (s *shown) ask(ctx context.Context, dial func(context.Context) (net.Conn, error)) error {
	first := s.done.Load()
	c := &strict{dial: dial}
	err := c.ask(ctx)
	if err != nil {
		return err
	}
	defer c.conn.Close()
	last := s.begun.Load()
	got, known := s.number[string(c.conn.(*tls.Conn).ConnectionState().PeerCertificates[0].Raw)]
	if !known || got < first || got > last {
		return fmt.Errorf("certificate %d is shown (known: %t), in force were %d to %d", got, known, first, last)
	}
	return nil
}

// churned is what changes.
type churned struct {
	server  *Server
	at      map[string]string
	snap    *config.Snapshot
	backend config.Backend
	certs   *shown
}

// change applies the next configuration, with other routes, endpoints and, every so many
// times, another certificate.
func (c *churned) change(t *testing.T, i, every int) {
	t.Helper()
	next := *c.snap
	next.Routes = append([]config.Route{}, c.snap.Routes...)
	for k := range i % 7 {
		next.Routes = append(next.Routes, config.Route{Name: fmt.Sprint("r", k), Hosts: []string{"other"}, Matches: []config.Match{{Path: config.PathMatch{Prefix: fmt.Sprint("/", i)}}}, Target: c.snap.Routes[0].Target})
	}
	endpoints := append([]netip.AddrPort{}, c.backend.Endpoints...)
	rand.Shuffle(len(endpoints), func(i, k int) { endpoints[i], endpoints[k] = endpoints[k], endpoints[i] })
	b := c.backend
	b.Endpoints = endpoints[:1+i%len(endpoints)]
	next.Backends = []config.Backend{b}
	if i%every == 0 {
		c.certs.begun.Add(1)
	}
	number := c.certs.begun.Load()
	next.Certificates = c.certs.list[number : number+1]
	if err := c.server.Apply(t.Context(), &next); err != nil {
		t.Fatal(err)
	}
	c.certs.done.Store(number)
}

// TestChangesFailNothing: routes, certificates and endpoints change while clients of
// each kind ask as fast as they are answered. No request fails, no WebSocket and no
// stream is cut, and who makes a connection is shown a certificate that is in force.
func TestChangesFailNothing(t *testing.T) {
	t.Parallel()
	const edits, swaps, between = 100, 20, 220 // requests between two edits
	a := pki.New(t, "servers")
	c := &churned{certs: newShown(t, a, swaps+1), backend: config.Backend{Name: "b", Health: &config.Health{Path: "/healthz", Interval: config.Duration(50 * time.Millisecond)}, Outlier: &config.Outlier{}}}
	for range 4 {
		c.backend.Endpoints = append(c.backend.Endpoints, backend(t, lively).Endpoints...)
	}
	c.snap = snapshot(c.backend)
	c.snap.Listeners[1].TLS = &config.TLS{Certificates: []string{"c"}}
	c.snap.Certificates = c.certs.list[:1]
	c.server, c.at = start(t, c.snap)

	plainly := inClear(func() string { return c.at["plain"] })
	peer := newPeer(c.at["secure"], a)
	byTLS := func(ctx context.Context) (net.Conn, error) {
		return (&tls.Dialer{Config: &tls.Config{RootCAs: peer.config.RootCAs, ServerName: "a.example.com"}}).DialContext(ctx, "tcp", c.at["secure"])
	}
	long := map[string]*line{"a stream": talk(t, c.at["plain"])}
	for i := range 3 {
		long[fmt.Sprintf("WebSocket %d", i)] = socket(t, plainly)
		long[fmt.Sprintf("WebSocket %d by TLS", i)] = socket(t, byTLS)
	}
	l := newCrowd()
	c.ask(t, l, plainly, byTLS, peer)
	began := time.Now()
	for i := range edits {
		c.change(t, i, edits/swaps)
		if err := c.certs.ask(t.Context(), byTLS); err != nil {
			t.Error(err)
		}
		l.wait(t, between)
		for what, l := range long {
			if err := l.say(fmt.Sprintf("%s after change %d\n", what, i)); err != nil {
				t.Errorf("%s: %v", what, err)
			}
		}
	}
	took := time.Since(began)
	asked := l.asked.Load()
	l.end(t)
	if c.certs.done.Load() != swaps || asked < edits*between {
		t.Errorf("%d certificates were in force after the first one, and %d requests were made", c.certs.done.Load(), asked)
	}
	t.Logf("%d requests (%.0f/s), %d WebSockets and streams during %d changes, %d of certificates: none failed", asked, float64(asked)/took.Seconds(), len(long), edits, swaps)
}

// ask adds clients of each kind.
func (c *churned) ask(t *testing.T, l *crowd, plainly, byTLS func(context.Context) (net.Conn, error), p *peer) {
	for range 4 {
		for kind, dial := range map[string]func(context.Context) (net.Conn, error){"HTTP/1.1": plainly, "HTTP/1.1 by TLS": byTLS} {
			client := &strict{dial: dial}
			l.add(kind, func() error { return client.ask(t.Context()) })
		}
	}
	p.http2 = true
	tr := p.transport(t)
	for range 4 {
		l.add("HTTP/2 by TLS", func() error {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://a.example.com/x", strings.NewReader("body"))
			if err != nil {
				return err
			}
			got, err := made(tr, req)
			if err == nil && (got.status != http.StatusOK || !strings.HasSuffix(got.body, "\nbody")) {
				err = fmt.Errorf("%d %q", got.status, got.body)
			}
			return err
		})
	}
	l.add("a connection for each", func() error { return c.certs.ask(t.Context(), byTLS) })
}
