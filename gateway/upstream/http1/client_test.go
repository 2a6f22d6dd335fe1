// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

func TestConnectionsAreKeptOnlyIfBothSidesWereWhole(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answer string
		method string
		kept   bool
	}{
		"a length":                       {ok + stay, "GET", true},
		"chunks":                         {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n" + stay, "GET", true},
		"chunks and trailers":            {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nA: b\r\n\r\n" + stay, "GET", true},
		"HEAD":                           {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n" + stay, "HEAD", true},
		"304":                            {"HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\n" + stay, "GET", true},
		"204":                            {"HTTP/1.1 204 No Content\r\n\r\n" + stay, "GET", true},
		"the backend wants to end it":    {"HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 2\r\n\r\nok" + stay, "GET", false},
		"HTTP/1.0":                       {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok" + stay, "GET", false},
		"bytes behind the response":      {ok + "x" + stay, "GET", false},
		"a body with HEAD":               {ok + stay, "HEAD", false},
		"a body with 304":                {"HTTP/1.1 304 Not Modified\r\n\r\nok" + stay, "GET", false},
		"204 and a length":               {"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n" + stay, "GET", false},
		"bytes behind the last chunk":    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\nx" + stay, "GET", false},
		"the connection ends with it":    {ok, "GET", false},
		"a second response nobody asked": {ok + ok + stay, "GET", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, tc.answer, ok+stay)
			c := s.client(t)
			if first := ask(t.Context(), c, &Request{Method: tc.method}); first.err != nil {
				t.Fatal(first.err)
			}
			for end := time.Now().Add(20 * time.Millisecond); !tc.kept && time.Now().Before(end); {
				<-time.After(time.Millisecond) // what is to be seen may be on its way
			}
			second := ask(t.Context(), c, &Request{})
			if _, conns := s.asked(); second.err != nil || second.body != "ok" || (conns == 1) != tc.kept {
				t.Errorf("got %q, %v over %d connections, kept must be %t", second.body, second.err, conns, tc.kept)
			}
		})
	}
}

func TestWhatIsNotReadIsNotTakenForTheNextResponse(t *testing.T) {
	t.Parallel()
	s := serve(t, ok+stay, ok+stay)
	c := s.client(t)
	r := &Request{Method: "GET", Path: "/", Host: "a"}
	if err := r.Prepare(); err != nil {
		t.Fatal(err)
	}
	res, err := c.Do(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	body := res.Body
	res.Close()
	if n, err := body.Read(make([]byte, 2)); n != 0 || !errors.Is(err, ErrClosed) {
		t.Errorf("a closed body gave %d bytes, %v", n, err)
	}
	if got := ask(t.Context(), c, &Request{}); got.body != "ok" {
		t.Errorf("got %+v", got)
	}
	if _, conns := s.asked(); conns != 2 || c.Idle() != 1 {
		t.Errorf("%d connections, %d idle: one with an unread body was kept", conns, c.Idle())
	}
}

// dying is a server that answers the first request of each connection, and reads the
// second one and ends the connection without an answer.
func dying(t *testing.T) *script { return serve(t, ok+stay, "", ok+stay) }

func TestRequestsAreSentAgainOnlyIfThatDoesNoHarm(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		r     *Request
		again bool
	}{
		"GET":                     {&Request{Method: "GET"}, true},
		"DELETE":                  {&Request{Method: "DELETE"}, true},
		"PUT with a short body":   {&Request{Method: "PUT", Length: 2, Body: io.NopCloser(strings.NewReader("hi"))}, true},
		"POST":                    {&Request{Method: "POST"}, false},
		"PATCH with a short body": {&Request{Method: "PATCH", Length: 2, Body: io.NopCloser(strings.NewReader("hi"))}, false},
		"PUT with a long body":    {&Request{Method: "PUT", Length: -1, Body: io.NopCloser(strings.NewReader("hi"))}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := dying(t)
			c := s.client(t)
			if first := ask(t.Context(), c, &Request{}); first.err != nil {
				t.Fatal(first.err)
			}
			got := ask(t.Context(), c, tc.r)
			asked, conns := s.asked()
			if tc.again && (got.err != nil || got.body != "ok" || conns != 2 || len(asked) != 3 || asked[1] != asked[2]) {
				t.Errorf("got %q, %v: %q over %d connections", got.body, got.err, asked, conns)
			}
			var e *Error
			if !tc.again && (len(asked) != 2 || conns != 1 || !errors.As(got.err, &e) || e.Stage != Waiting && e.Stage != Sending) {
				t.Errorf("got %q, %v: %q over %d connections", got.body, got.err, asked, conns)
			}
		})
	}
}

func TestANewConnectionIsNotTriedTwice(t *testing.T) {
	t.Parallel()
	s := serve(t, "", ok)
	got := ask(t.Context(), s.client(t), &Request{})
	if asked, _ := s.asked(); got.err == nil || len(asked) != 1 {
		t.Errorf("got %q, %v after %q", got.body, got.err, asked)
	}
}

func TestConnectionsThatTheBackendClosedAreNotUsed(t *testing.T) {
	t.Parallel()
	s := serve(t, ok, ok)
	c := s.client(t)
	if got := ask(t.Context(), c, &Request{Method: "POST"}); got.err != nil {
		t.Fatal(got.err)
	}
	for ended := 0; ended == 0; <-time.After(time.Millisecond) {
		s.mu.Lock()
		ended = s.ended
		s.mu.Unlock()
	}
	if got := ask(t.Context(), c, &Request{Method: "POST"}); got.err != nil {
		t.Errorf("a POST was sent over a dead connection: %v", got.err)
	}
}

func TestNoRequestIsTwo(t *testing.T) {
	t.Parallel()
	const evil = "x\r\n\r\nGET /admin HTTP/1.1\r\nHost: b"
	h := func(name, value string) http.Header { return http.Header{name: {value}} }
	body := func(s string) io.ReadCloser { return io.NopCloser(strings.NewReader(s)) }
	for name, tc := range map[string]struct {
		r    *Request
		want string // what the backend is asked, or "" if nothing
	}{
		"in the method":                {&Request{Method: "GET" + evil}, ""},
		"a method of two words":        {&Request{Method: "GET /x"}, ""},
		"in the path":                  {&Request{Path: "/" + evil}, ""},
		"a space in the path":          {&Request{Path: "/a HTTP/1.1"}, ""},
		"a path that is a host":        {&Request{Path: "evil/"}, ""},
		"a query in the path":          {&Request{Path: "/a?b"}, ""},
		"a fragment":                   {&Request{Path: "/a#b"}, ""},
		"in the query":                 {&Request{Path: "/", Query: evil}, ""},
		"in the host":                  {&Request{Host: "a\r\nX: y"}, ""},
		"a host that is a path":        {&Request{Host: "a/b"}, ""},
		"in a name":                    {&Request{Header: h("A\r\nB", "c")}, ""},
		"a name with a colon":          {&Request{Header: h("A: b\r\nC", "c")}, ""},
		"in a value":                   {&Request{Header: h("A", evil)}, ""},
		"a bare line feed in a value":  {&Request{Header: h("A", "b\nC: d")}, ""},
		"a NUL in a value":             {&Request{Header: h("A", "b\x00")}, ""},
		"a length among the lines":     {&Request{Method: "POST", Header: h("Content-Length", "100")}, "POST / backend 0 \"\""},
		"a coding among the lines":     {&Request{Header: h("Transfer-Encoding", "chunked")}, "GET / backend 0 \"\""},
		"a second host":                {&Request{Header: h("Host", "evil")}, "GET / backend 0 \"\""},
		"an upgrade among the lines":   {&Request{Header: h("Upgrade", "h2c")}, "GET / backend 0 \"\""},
		"a body longer than was said":  {&Request{Method: "POST", Length: 2, Body: body("hiGET / HTTP/1.1\r\n\r\n")}, ""},
		"a body shorter than was said": {&Request{Method: "POST", Length: 3, Body: body("hi")}, ""},
		"chunks in a body":             {&Request{Method: "POST", Length: -1, Body: body("0\r\n\r\nGET / HTTP/1.1\r\n\r\n")}, `POST / backend -1 "0\r\n\r\nGET / HTTP/1.1\r\n\r\n"`},
		"a long body that is longer":   {&Request{Method: "POST", Length: shortBody + 1, Body: body(strings.Repeat("a", shortBody+1) + "GET /")}, fmt.Sprintf("POST / backend %d %q", shortBody+1, strings.Repeat("a", shortBody+1))},
		"a long body that is shorter":  {&Request{Method: "POST", Length: shortBody + 2, Body: body(strings.Repeat("a", shortBody+1))}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, ok+stay, ok+stay)
			got := ask(t.Context(), s.client(t), tc.r)
			asked, _ := s.asked()
			if (tc.want == "") != (got.err != nil) || tc.want == "" && len(asked) != 0 || tc.want != "" && !slices.Equal(asked, []string{tc.want}) {
				t.Errorf("the backend was asked %.200q, want %.200q; %v", asked, tc.want, got.err)
			}
		})
	}
}

// peer is one connection that a test plays the backend of.
type peer struct {
	net.Conn
	in *bufio.Reader
}

// dialled returns a client and what it dials.
func dialled(t *testing.T) (*Client, <-chan *peer) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	peers := make(chan *peer, 4)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			peers <- &peer{c, bufio.NewReader(c)}
		}
	}()
	c := NewClient(func(ctx context.Context) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", l.Addr().String())
	}, 4, time.Minute)
	t.Cleanup(func() { c.Close(); l.Close() })
	return c, peers
}

// head reads the head of a request as text.
func (p *peer) head(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	for {
		line, err := p.in.ReadString('\n')
		if err != nil {
			t.Error(err)
			return ""
		}
		if line == "\r\n" {
			return b.String()
		}
		b.WriteString(line)
	}
}

func (p *peer) say(t *testing.T, text string) {
	t.Helper()
	if _, err := io.WriteString(p, text); err != nil {
		t.Error(err)
	}
}

func TestBothSidesTalkAtOnce(t *testing.T) {
	t.Parallel()
	c, peers := dialled(t)
	in, out := net.Pipe()
	r := &Request{Method: "POST", Path: "/", Host: "a", Length: -1, Body: in}
	if err := r.Prepare(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p := <-peers
		p.head(t)
		p.say(t, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
		for range 3 {
			line, _ := p.in.ReadString('\n')
			text, _ := p.in.ReadString('\n')
			p.say(t, line+text)
		}
		p.say(t, "0\r\n\r\n")
	}()
	res, err := c.Do(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"one", "two", "three"} {
		if _, err := io.WriteString(out, word); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, len(word))
		if _, err := io.ReadFull(res.Body, got); err != nil || string(got) != word {
			t.Fatalf("got %q, %v, want %q", got, err, word)
		}
	}
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		t.Fatal(err)
	}
	res.Close() // the body of the request has not ended: it does now
	if _, err := out.Write([]byte("x")); err == nil {
		t.Error("the request's body is still read")
	}
	if c.Idle() != 0 {
		t.Error("a connection in the middle of a request was kept")
	}
}

func TestALongBodyIsCutAtItsLength(t *testing.T) {
	t.Parallel()
	const length = shortBody + 1
	c, peers := dialled(t)
	rest := make(chan string, 1)
	go func() {
		p := <-peers
		p.head(t)
		_, _ = io.CopyN(io.Discard, p.in, length)
		p.say(t, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")
		more, _ := io.ReadAll(p.in)
		rest <- string(more)
	}()
	body := strings.Repeat("a", length) + "GET /admin HTTP/1.1\r\nHost: b\r\n\r\n"
	if got := ask(t.Context(), c, &Request{Method: "POST", Length: length, Body: io.NopCloser(strings.NewReader(body))}); got.err != nil {
		t.Error(got.err)
	}
	if more := <-rest; more != "" {
		t.Errorf("%q was sent behind the body", more)
	}
}

func TestAnEarlyResponseIsGot(t *testing.T) {
	t.Parallel()
	c, peers := dialled(t)
	in, out := net.Pipe()
	defer out.Close()
	go func() { _, _ = out.Write([]byte("some")) }()
	go func() {
		p := <-peers
		p.head(t)
		p.say(t, "HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno")
	}()
	got := ask(t.Context(), c, &Request{Method: "POST", Length: 1 << 20, Body: in})
	if got.err != nil || got.status != 413 || got.body != "no" || c.Idle() != 0 {
		t.Errorf("got %+v, %d idle", got, c.Idle())
	}
}

func TestTheBackendIsAskedBeforeABodyIsSent(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answers []string // before and after the body
		status  int
		informs []int
		kept    int
	}{
		"it wants the body":     {[]string{"HTTP/1.1 100 Continue\r\n\r\n", ok}, 200, []int{100}, 1},
		"it does not":           {[]string{"HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n"}, 417, nil, 0},
		"it knows of no asking": {[]string{"", ok}, 200, nil, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, peers := dialled(t)
			sent := make(chan string, 1)
			go func() {
				p := <-peers
				if head := p.head(t); !strings.Contains(head, "\r\nExpect: 100-continue\r\n") {
					t.Errorf("got %q", head)
				}
				p.say(t, tc.answers[0])
				if len(tc.answers) == 1 {
					rest, _ := io.ReadAll(p.in)
					sent <- string(rest)
					return
				}
				body := make([]byte, 2)
				_, _ = io.ReadFull(p.in, body)
				p.say(t, tc.answers[1])
				sent <- string(body)
			}()
			got := ask(t.Context(), c, &Request{Method: "PUT", Length: 2, Expect: true, Body: io.NopCloser(strings.NewReader("hi"))})
			want := "hi"
			if tc.kept == 0 {
				want = ""
			}
			if got.err != nil || got.status != tc.status || !slices.Equal(got.informs, tc.informs) || c.Idle() != tc.kept || <-sent != want {
				t.Errorf("got %+v, %d idle", got, c.Idle())
			}
		})
	}
}

func TestARequestEndsWithItsContext(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{
		"before the response": "", "within the head": "HTTP/1.1 200 OK\r\nA", "within the body": "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhi",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, peers := dialled(t)
			ctx, cancel := context.WithCancel(t.Context())
			in, out := net.Pipe()
			defer out.Close()
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				p := <-peers
				p.head(t)
				p.say(t, answer)
				time.AfterFunc(10*time.Millisecond, cancel)
				_, _ = io.Copy(io.Discard, p.in) // until the client ends it
			}()
			got := ask(ctx, c, &Request{Method: "POST", Length: -1, Body: in})
			<-ended
			if got.err == nil || c.Idle() != 0 {
				t.Errorf("got %+v", got)
			}
			if answer == "" && !errors.Is(got.err, context.Canceled) {
				t.Errorf("got %v", got.err)
			}
		})
	}
}

func TestAHeadMustComeInTime(t *testing.T) {
	t.Parallel()
	c, peers := dialled(t)
	go func() {
		p := <-peers
		p.head(t)
		_, _ = io.Copy(io.Discard, p.in)
	}()
	got := ask(t.Context(), c, &Request{HeadTimeout: 10 * time.Millisecond})
	var e *Error
	if !errors.As(got.err, &e) || e.Stage != Waiting || !isTimeout(got.err) {
		t.Errorf("got %v", got.err)
	}
	c, peers = dialled(t)
	go func() {
		p := <-peers
		p.head(t)
		p.say(t, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
		<-time.After(1200 * time.Millisecond)
		p.say(t, "ok")
	}()
	if got := ask(t.Context(), c, &Request{HeadTimeout: time.Second}); got.err != nil || got.body != "ok" {
		t.Errorf("a body took longer than a head may: %v", got.err)
	}
}

func TestAConnectionSwitches(t *testing.T) {
	t.Parallel()
	c, peers := dialled(t)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		p := <-peers
		if head := p.head(t); !strings.Contains(head, "Connection: Upgrade\r\nUpgrade: websocket\r\n") {
			t.Errorf("got %q", head)
		}
		p.say(t, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nfirst")
		_, _ = io.Copy(p, p.in)
	}()
	r := &Request{Method: "GET", Path: "/", Host: "a", Upgrade: true}
	if err := r.Prepare(); err != nil {
		t.Fatal(err)
	}
	res, err := c.Do(ctx, r)
	if err != nil || res.Status != 101 {
		t.Fatal(res, err)
	}
	defer res.Close()
	cancel() // what ended the request does not end the tunnel
	both, _ := res.Body.(io.ReadWriter)
	if _, err := io.WriteString(both, "second"); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len("firstsecond"))
	if _, err := io.ReadFull(both, got); err != nil || string(got) != "firstsecond" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestTrailersAreSent(t *testing.T) {
	t.Parallel()
	c, peers := dialled(t)
	got := make(chan string, 1)
	go func() {
		p := <-peers
		head := p.head(t)
		body := make([]byte, len("2\r\nhi\r\n0\r\nX-Sum: 1\r\n\r\n"))
		_, _ = io.ReadFull(p.in, body)
		got <- head + string(body)
		p.say(t, ok)
	}()
	if out := ask(t.Context(), c, &Request{Method: "POST", Length: -1, Trailer: http.Header{"X-Sum": {"1"}, "Content-Length": {"9"}}, Body: io.NopCloser(strings.NewReader("hi"))}); out.err != nil || c.Idle() != 1 {
		t.Errorf("%v, %d idle", out.err, c.Idle())
	}
	if text := <-got; !strings.Contains(text, "\r\nTrailer: X-Sum\r\n") || !strings.HasSuffix(text, "2\r\nhi\r\n0\r\nX-Sum: 1\r\n\r\n") || strings.Contains(text, "Content-Length") {
		t.Errorf("got %q", text)
	}
}

func TestIdleConnectionsAreClosedInTheEnd(t *testing.T) {
	t.Parallel()
	s := serve(t, ok+stay, ok+stay, ok+stay)
	address := s.listener.Addr().String()
	c := NewClient(func(ctx context.Context) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", address)
	}, 1, 20*time.Millisecond)
	defer c.Close()
	for range 2 {
		if got := ask(t.Context(), c, &Request{}); got.err != nil {
			t.Fatal(got.err)
		}
		for deadline := time.Now().Add(5 * time.Second); c.Idle() > 0; <-time.After(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("it is still there")
			}
		}
	}
	if _, conns := s.asked(); conns != 2 {
		t.Errorf("%d connections", conns)
	}
}
