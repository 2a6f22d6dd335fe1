// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-sh/gatehouse/test/program"
)

const restarted = `
listeners: [{name: web, address: "ADDRESS", protocol: HTTP, http2: "on"}]
routes: [{name: r, backends: [{name: b}]}]
backends: [{name: b, endpoints: [%q]}]
`

// service leads new connections to processes that are not about to end.
type service struct {
	mu    sync.RWMutex
	ready []string
	next  atomic.Uint64
}

// set changes where connections go. When it returns, none is being made to another one.
func (s *service) set(ready ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ready = ready
}

func (s *service) dial(ctx context.Context, network, _ string) (net.Conn, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return (&net.Dialer{}).DialContext(ctx, network, s.ready[s.next.Add(1)%uint64(len(s.ready))])
}

// TestRollingRestartsFailNoRequest: of two processes one after the other gets SIGTERM and
// is started again while clients ask. Who has a WebSocket has the time to end it.
func TestRollingRestartsFailNoRequest(t *testing.T) {
	t.Parallel()
	const rounds, between = 6, 300
	backend := httptest.NewServer(http.HandlerFunc(lively))
	t.Cleanup(backend.Close)
	text := fmt.Sprintf(restarted, backend.Listener.Addr())
	both := []*process{begin(t, program.Free(t), text, "1m"), begin(t, program.Free(t), text, "1m")}
	s := &service{ready: []string{both[0].address, both[1].address}}
	var asked, failed atomic.Int64
	stop, clients := ask(t, s, &asked, &failed)
	wait := func() {
		for want := asked.Load() + between; asked.Load() < want && failed.Load() == 0; {
			<-time.After(time.Millisecond)
		}
	}
	for i := range rounds {
		wait()
		old := both[i%2]
		socket := open(t, old.address)
		s.set(both[(i+1)%2].address)
		old.end(t)
		eventuallyLogged(t, old.log, `"ending"`, 1)
		wait()
		select {
		case <-old.over:
			t.Error("it has ended, and a WebSocket is open")
		default:
		}
		if err := socket.say("are you there?"); err != nil {
			t.Errorf("a WebSocket of a process that ends: %v", err)
		}
		socket.c.Close()
		old.ended(t)
		both[i%2] = begin(t, old.address, text, "1m")
		s.set(both[0].address, both[1].address)
	}
	wait()
	close(stop)
	clients.Wait()
	t.Logf("%d requests, %d restarts: %d failed", asked.Load(), rounds, failed.Load())
}

// TestWebSocketsDoNotKeepAProcess: when the time is over, they are cut.
func TestWebSocketsDoNotKeepAProcess(t *testing.T) {
	t.Parallel()
	backend := httptest.NewServer(http.HandlerFunc(lively))
	t.Cleanup(backend.Close)
	p := begin(t, program.Free(t), fmt.Sprintf(restarted, backend.Listener.Addr()), "500ms")
	socket := open(t, p.address)
	p.end(t)
	if _, err := socket.in.ReadByte(); err == nil {
		t.Error("something is said on it")
	}
	p.ended(t)
}

// ask makes requests over connections of HTTP/1.1 that are kept, over one for each, and by
// HTTP/2. None is made twice once a byte of it was read, but for those of HTTP/2 that the
// server has said it will not look at (GOAWAY, RFC 9113, section 6.8).
func ask(t *testing.T, s *service, asked, failed *atomic.Int64) (stop chan struct{}, clients *sync.WaitGroup) {
	stop, clients = make(chan struct{}), &sync.WaitGroup{}
	second := new(http.Protocols)
	second.SetUnencryptedHTTP2(true)
	for kind, tr := range map[string]*http.Transport{
		"HTTP/1.1, kept": {DialContext: s.dial, MaxIdleConnsPerHost: 8}, "HTTP/1.1": {DialContext: s.dial, DisableKeepAlives: true}, "HTTP/2": {DialContext: s.dial, Protocols: second},
	} {
		t.Cleanup(tr.CloseIdleConnections)
		for range 4 {
			clients.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
					}
					if err := once(t.Context(), tr, kind == "HTTP/2"); err != nil && failed.Add(1) < 5 {
						t.Errorf("%s: %v", kind, err)
					}
					asked.Add(1)
				}
			})
		}
	}
	return stop, clients
}

func once(ctx context.Context, tr http.RoundTripper, again bool) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://shop/", strings.NewReader("hello"))
	if err != nil {
		return err
	}
	if !again {
		req.GetBody = nil
	}
	res, err := tr.RoundTrip(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if body, err := io.ReadAll(res.Body); err != nil || res.StatusCode != http.StatusOK || string(body) != "hello" {
		return fmt.Errorf("%d %q: %w", res.StatusCode, body, err)
	}
	return nil
}

// lively is a backend that says again what it is told, also by WebSockets.
func lively(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/socket" {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			w.WriteHeader(http.StatusTeapot)
		}
		_, _ = w.Write(body) // to a client that waits for it
		return
	}
	c, in, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer c.Close()
	fmt.Fprint(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n")
	_, _ = io.Copy(c, in) // until the client goes
}

// socket is a WebSocket, as far as the gateway sees.
type socket struct {
	c  net.Conn
	in *bufio.Reader
}

func open(t *testing.T, address string) *socket {
	t.Helper()
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	fmt.Fprint(c, "GET /socket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n\r\n")
	in := bufio.NewReader(c)
	res, err := http.ReadResponse(in, nil)
	if err != nil || res.StatusCode != http.StatusSwitchingProtocols {
		t.Fatal(res, err)
	}
	_ = res.Body.Close() // there is none
	return &socket{c, in}
}

func (s *socket) say(text string) error {
	if _, err := io.WriteString(s.c, text); err != nil {
		return err
	}
	got := make([]byte, len(text))
	if _, err := io.ReadFull(s.in, got); err != nil || !slices.Equal(got, []byte(text)) {
		return fmt.Errorf("got %q for %q: %w", got, text, err)
	}
	return nil
}
