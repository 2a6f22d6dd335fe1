// SPDX-License-Identifier: Apache-2.0

package server

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// A client that asks for much and does not read it would keep a connection of its
// own and one of the backend's for ever. This waits for the times that every client
// has: 5 s of HTTP/1.1, and 10 s of a connection of HTTP/2.
func TestWhoDoesNotReadIsCutOff(t *testing.T) {
	t.Parallel()
	gone := make(chan struct{}, 2)
	snap := snapshot(backend(t, func(w http.ResponseWriter, r *http.Request) {
		defer func() { gone <- struct{}{} }()
		piece := make([]byte, 64<<10)
		for r.Context().Err() == nil {
			if _, err := w.Write(piece); err != nil {
				return
			}
		}
	}))
	snap.Listeners[0].Client.Limits.BodyBytesRate = 1 << 30
	lines := told(t, snap, func(at map[string]string) {
		for name, ask := range map[string]func(net.Conn) error{"HTTP/1.1": askPlainly, "HTTP/2": askByFrames} {
			c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", at["plain"])
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if err := ask(c); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			select {
			case <-gone: // the backend was let go
			case <-t.Context().Done():
				t.Fatalf("%s: the backend still writes", name)
			}
		}
	})
	reasons := make([]string, 0, len(lines))
	for _, line := range lines {
		reason, _ := line["reason"].(string)
		reasons = append(reasons, reason)
	}
	if got := strings.Join(reasons, " "); got != "client-too-slow client-too-slow" {
		t.Errorf("the reasons are %q", got)
	}
}

func askPlainly(c net.Conn) error {
	_, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	return err
}

// askByFrames gives the stream as much room as there is, and reads nothing.
func askByFrames(c net.Conn) error {
	if _, err := io.WriteString(c, http2.ClientPreface); err != nil {
		return err
	}
	var head strings.Builder
	encoder := hpack.NewEncoder(&head)
	for _, f := range [][2]string{{":method", "GET"}, {":scheme", "http"}, {":authority", "x"}, {":path", "/"}} {
		if err := encoder.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]}); err != nil {
			return err
		}
	}
	f := http2.NewFramer(c, c)
	if err := f.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1<<31 - 1}); err != nil {
		return err
	}
	if err := f.WriteWindowUpdate(0, 1<<30); err != nil {
		return err
	}
	return f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: []byte(head.String()), EndStream: true, EndHeaders: true})
}

// net/http reads what is left of a body before it answers, and would wait for it.
func TestABodyThatDoesNotComeHoldsUpNoRefusal(t *testing.T) {
	t.Parallel()
	snap := snapshot(backend(t, echo))
	snap.Routes[0].Matches = []config.Match{{Path: config.PathMatch{Prefix: "/a"}}}
	_, at := start(t, snap)
	var all sync.WaitGroup
	for _, tc := range []struct{ listener, target, status string }{{"plain", "/nowhere", "404"}, {"plain", "/a%00", "400"}, {"away", "/a", "308"}} {
		all.Go(func() {
			c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", at[tc.listener])
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			if _, err := io.WriteString(c, "POST "+tc.target+" HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n"); err != nil {
				t.Error(err)
				return
			}
			answer, err := io.ReadAll(c) // until it is closed
			if err != nil || len(answer) < 12 || string(answer[9:12]) != tc.status {
				t.Errorf("%s: got %s %v, want %s", tc.target, answer, err, tc.status)
			}
		})
	}
	all.Wait()
}

// What a handler has left to net/http must be taken as well: by a stream whose window is
// shut, in one piece or in several, and by a client that pipelines and does not read.
func TestShortResponsesAreTakenInTime(t *testing.T) {
	t.Parallel()
	snap := snapshot(backend(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write(make([]byte, 1000)) // to a gateway that takes it
		if r.URL.Path == "/pieces" {
			_ = http.NewResponseController(w).Flush() // so that nobody knows how much there is
			<-r.Context().Done()
		}
	}))
	snap.Listeners[0].Client.Limits.BodyBytesRate = 1 << 30
	_, at := start(t, snap)
	t.Run("HTTP/2", func(t *testing.T) {
		t.Parallel()
		c := newFramer(t, at["plain"])
		_ = c.SetDeadline(time.Now().Add(patience)) // what fails is seen by who reads
		_, _ = io.WriteString(c.Conn, http2.ClientPreface)
		_ = c.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0})
		c.head(1, c.get(), true)
		c.head(3, c.fields(":method", "GET", ":scheme", "http", ":path", "/pieces", ":authority", "a"), true)
		for reset := map[uint32]bool{}; len(reset) < 2; {
			f, err := c.ReadFrame()
			if err != nil {
				t.Fatalf("%v, when %v were reset", err, reset)
			}
			if _, is := f.(*http2.RSTStreamFrame); is {
				reset[f.Header().StreamID] = true
			}
		}
	})
	t.Run("HTTP/1.1", func(t *testing.T) {
		t.Parallel()
		c := dial(t, "tcp", at["plain"])
		_ = c.SetDeadline(time.Now().Add(patience)) // what fails is seen by who writes
		many := []byte(strings.Repeat("GET / HTTP/1.1\r\nHost: a\r\n\r\n", 1000))
		for {
			_, err := c.Write(many)
			if late := net.Error(nil); errors.As(err, &late) && late.Timeout() {
				t.Fatal("the connection is open")
			}
			if err != nil {
				return
			}
		}
	})
}

// A WebSocket over which nothing is said does not stay.
func TestAnIdleWebSocketIsClosed(t *testing.T) {
	t.Parallel()
	snap := snapshot(backend(t, func(w http.ResponseWriter, _ *http.Request) {
		c, in, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer c.Close()
		_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n") // what fails is seen by the client
		_, _ = io.Copy(io.Discard, in)                                                                                    // until the gateway goes
	}))
	snap.Listeners[0].Client.Limits.TunnelIdle = config.Duration(200 * time.Millisecond)
	lines := told(t, snap, func(at map[string]string) {
		c := dial(t, "tcp", at["plain"])
		_ = c.SetDeadline(time.Now().Add(patience)) // what fails is seen by the read
		_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n\r\n")
		if answer, err := io.ReadAll(c); err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 101 ") {
			t.Errorf("got %q, %v", answer, err)
		}
	})
	if len(lines) != 1 || lines[0]["reason"] != "idle" {
		t.Errorf("it is told as %v", lines)
	}
}
