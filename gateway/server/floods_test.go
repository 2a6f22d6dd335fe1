// SPDX-License-Identifier: Apache-2.0

package server

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/gatehouse-sh/gatehouse/gateway/front"
)

// patience is long beyond doubt, also on a machine that is busy: nothing is measured by it.
const patience = time.Minute

// ended waits until the server has ended a connection, which it must do by itself.
func (c *framer) ended(t testing.TB) {
	t.Helper()
	for {
		f, err := c.ReadFrame()
		var slow net.Error
		switch {
		case errors.As(err, &slow) && slow.Timeout():
			t.Error("the connection is open")
			return
		case err != nil:
			return
		}
		if away, is := f.(*http2.GoAwayFrame); is && away.ErrCode != http2.ErrCodeNo {
			return
		}
	}
}

// waiting is a backend whose requests wait until nobody wants them any more.
type waiting struct{ asked, now atomic.Int64 }

func (b *waiting) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/wait" {
		w.WriteHeader(http.StatusOK)
		return
	}
	b.asked.Add(1)
	b.now.Add(1)
	defer b.now.Add(-1)
	<-r.Context().Done()
}

// until waits for a number of requests that wait, or for the end of a connection.
func (b *waiting) until(t testing.TB, want int64, ended <-chan struct{}) {
	t.Helper()
	for late := time.Now().Add(patience); b.now.Load() != want; {
		select {
		case <-ended:
			return
		case <-time.After(time.Millisecond):
		}
		if time.Now().After(late) {
			t.Fatalf("%d requests wait at the backend, want %d", b.now.Load(), want)
		}
	}
}

var waitingHead = []string{":method", "GET", ":scheme", "http", ":path", "/wait", ":authority", "a"}

// metrics are those that a server tells.
func metrics(t testing.TB, s *Server) string {
	t.Helper()
	w := httptest.NewRecorder()
	s.telemetry.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	return w.Body.String()
}

// Who asks and goes away, again and again, is cut off although it never has more
// requests under way than it may (CVE-2023-44487).
func TestWhoAsksAndGoesAwayIsCutOff(t *testing.T) {
	t.Parallel()
	b := new(waiting)
	s, at := start(t, snapshot(backend(t, b.ServeHTTP)))
	c := newFramer(t, at["plain"])
	_ = c.SetDeadline(time.Now().Add(patience)) // a test of its own
	c.begin()
	ended := make(chan struct{})
	go func() { defer close(ended); c.ended(t) }()
	const wave = defaultStreams / 2
	for first := uint32(1); first < 20*2*wave; first += 2 * wave {
		for i := range uint32(wave) {
			c.head(first+2*i, c.fields(waitingHead...), true)
		}
		b.until(t, wave, ended)
		for i := range uint32(wave) {
			_ = c.WriteRSTStream(first+2*i, http2.ErrCodeCancel) // what fails is seen by who reads
		}
		b.until(t, 0, ended)
	}
	<-ended
	if most := int64(6 * wave); b.asked.Load() > most { // 200 that were given up, and the wave that they end in
		t.Errorf("the backend was asked %d times, want at most %d", b.asked.Load(), most)
	}
	if want, got := `connections_refused_total{listener="plain",reason="reset-flood"} 1`, metrics(t, s); !strings.Contains(got, want) {
		t.Errorf("%s is missing in\n%s", want, got)
	}
}

// TestFloodsOfFramesAreBounded sends more than any server should take. How far a client
// gets depends on the buffers between the two; that the server ends it does not.
func TestFloodsOfFramesAreBounded(t *testing.T) {
	t.Parallel()
	b := new(waiting)
	s, at := start(t, snapshot(backend(t, b.ServeHTTP)))
	for name, send := range map[string]func(c *framer, i int) error{
		"reset at once": func(c *framer, i int) error {
			c.head(uint32(2*i+1), c.fields(waitingHead...), true)
			return c.WriteRSTStream(uint32(2*i+1), http2.ErrCodeCancel)
		},
		"CONTINUATION without an end": func(c *framer, i int) error {
			if i == 0 {
				return c.WriteRawFrame(http2.FrameHeaders, 0, 1, c.get())
			}
			return c.WriteRawFrame(http2.FrameContinuation, 0, 1, c.fields(fmt.Sprint("x-", i), strings.Repeat("a", 8000)))
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newFramer(t, at["plain"])
			_ = c.SetDeadline(time.Now().Add(patience)) // what fails is seen by who reads
			c.begin()
			ended := make(chan struct{})
			go func() { defer close(ended); c.ended(t) }()
			sent := 0
			for sent < 30_000 && send(c, sent) == nil {
				sent++
			}
			<-ended
			t.Logf("%d were sent", sent)
		})
	}
	if most := int64(10 * defaultStreams); b.asked.Load() > most {
		t.Errorf("the backend was asked %d times", b.asked.Load())
	}
	for reason, frame := range map[front.Fault]struct {
		kind    http2.FrameType
		stream  uint32
		payload int
	}{
		front.PingFlood:         {http2.FramePing, 0, 8},
		front.SettingsFlood:     {http2.FrameSettings, 0, 0},
		front.PriorityFlood:     {http2.FramePriority, 5, 5},
		front.WindowFlood:       {http2.FrameWindowUpdate, 0, 4},
		front.DataFlood:         {http2.FrameData, 1, 0},
		front.FrameFlood:        {0xfa, 0, 0},
		front.ContinuationFlood: {http2.FrameContinuation, 3, 0},
	} {
		c := framerOver(shaken(t, at["secure"]))
		_ = c.SetDeadline(time.Now().Add(patience)) // what fails is seen by who reads
		c.begin()
		c.head(1, c.post(), false)
		if frame.kind == http2.FrameContinuation {
			c.frame(http2.FrameHeaders, 0, 3, c.get()...)
		}
		payload := make([]byte, frame.payload)
		if frame.payload > 0 {
			payload[frame.payload-1] = 1
		}
		for range 2000 {
			c.frame(frame.kind, 0, frame.stream, payload...)
		}
		c.ended(t)
		if want, got := fmt.Sprintf("connections_refused_total{listener=%q,reason=%q} 1", "secure", reason), metrics(t, s); !strings.Contains(got, want) {
			t.Errorf("%s is missing in\n%s", want, got)
		}
	}
	if got := raw(t, at["plain"], "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.1 200 ") {
		t.Errorf("afterwards: got %q", got)
	}
}

// shaken is a connection by TLS over which HTTP/2 was agreed on.
func shaken(t testing.TB, address string) net.Conn {
	t.Helper()
	c := tls.Client(dial(t, "tcp", address), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	if err := c.HandshakeContext(t.Context()); err != nil || c.ConnectionState().NegotiatedProtocol != "h2" {
		t.Fatal(err, c.ConnectionState().NegotiatedProtocol)
	}
	return c
}

// status is that of the next response, and of which stream it is.
func (c *framer) status(t testing.TB) (stream uint32, status string) {
	t.Helper()
	stream, lines := c.response(t)
	return stream, lines[":status"]
}

// response is the head of the next one, and of which stream it is.
func (c *framer) response(t testing.TB) (stream uint32, lines map[string]string) {
	t.Helper()
	for {
		f, err := c.ReadFrame()
		if err != nil {
			t.Fatal(err)
		}
		head, is := f.(*http2.HeadersFrame)
		if !is {
			continue
		}
		fields, err := c.decoder.DecodeFull(head.HeaderBlockFragment())
		if err != nil || len(fields) == 0 {
			t.Fatal(fields, err)
		}
		lines = make(map[string]string, len(fields))
		for _, f := range fields {
			lines[f.Name] = f.Value
		}
		return head.StreamID, lines
	}
}

// TestRequestsUnderWayAreBounded: of one client, as the proxies tell that are trusted, and
// of a listener, whatever is applied meanwhile.
func TestRequestsUnderWayAreBounded(t *testing.T) {
	t.Parallel()
	b := new(waiting)
	snap := snapshot(backend(t, b.ServeHTTP))
	limits := &snap.Listeners[0].Client.Limits
	limits.Requests, limits.RequestsPerAddress = 3, 2
	snap.Listeners[0].Client.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	s, at := start(t, snap)
	c := newFramer(t, at["plain"])
	_ = c.SetDeadline(time.Now().Add(patience)) // what fails is seen by who reads
	c.begin()
	stream := uint32(1)
	ask := func(client, path string) uint32 {
		c.head(stream, c.fields(":method", "GET", ":scheme", "http", ":path", path, ":authority", "a", "x-forwarded-for", client), true)
		stream += 2
		return stream - 2
	}
	answered := func(client, want string) {
		t.Helper()
		asked := ask(client, "/")
		if of, status := c.status(t); of != asked || status != want {
			t.Errorf("%s: %d is answered %s, want %d and %s", client, of, status, asked, want)
		}
	}
	answered("192.0.2.1", "200")
	first := ask("192.0.2.1", "/wait")
	ask("192.0.2.1", "/wait")
	b.until(t, 2, nil)
	answered("192.0.2.1", "429")
	answered("192.0.2.2", "200")
	if err := s.Apply(t.Context(), snap); err != nil {
		t.Fatal(err)
	}
	answered("192.0.2.1", "429")
	ask("2001:db8::1", "/wait")
	b.until(t, 3, nil)
	answered("192.0.2.2", "503")
	_ = c.WriteRSTStream(first, http2.ErrCodeCancel) // what fails is seen by who reads
	b.until(t, 2, nil)
	for status := ""; status != "200"; { // the backend may see it before the place is free
		ask("192.0.2.2", "/")
		_, status = c.status(t)
	}
	for _, want := range []string{`reason="too-many-of-address"} 2`, `reason="too-many"} `} {
		if got := metrics(t, s); !strings.Contains(got, `gatehouse_gateway_refused_total{listener="plain",`+want) {
			t.Errorf("%s is missing in\n%s", want, got)
		}
	}
	ask("2001:db8::2", "/wait") // of the same /64
	b.until(t, 3, nil)
	_ = c.Conn.Close() // it is over
	b.until(t, 0, nil)
	if got := raw(t, at["plain"], "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.1 200 ") {
		t.Errorf("afterwards: got %q", got)
	}
}

// TestADownloadIsNoFlood: who reads in small pieces sends two frames for each of them.
func TestADownloadIsNoFlood(t *testing.T) {
	t.Parallel()
	const size = 32 << 20
	_, at := start(t, snapshot(backend(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(make([]byte, size)) // the client counts
	})))
	c := &http.Client{Transport: &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+at["secure"]+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.ProtoMajor != 2 {
		t.Fatalf("it is spoken %s", res.Proto)
	}
	n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{res.Body}, make([]byte, 4<<10))
	if err != nil || n != size {
		t.Errorf("%d bytes came: %v", n, err)
	}
}
