// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// script is a server that reads the head of a request and answers with bytes, and then
// ends the connection.
type script struct {
	listener net.Listener
	mu       sync.Mutex
	requests []string
	conns    int
	ended    int // of them
}

// serve answers the nth request of all with the nth element, over as few connections
// as the client takes.
func serve(t testing.TB, answers ...string) *script {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &script{listener: l}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.conns++
			s.mu.Unlock()
			go s.answer(c, answers)
		}
	}()
	return s
}

func (s *script) answer(c net.Conn, answers []string) {
	defer func() {
		c.Close()
		s.mu.Lock()
		s.ended++
		s.mu.Unlock()
	}()
	in := bufio.NewReader(c)
	for {
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		s.mu.Lock()
		n := len(s.requests)
		s.requests = append(s.requests, fmt.Sprintf("%s %s %s %v %q", r.Method, r.RequestURI, r.Host, r.ContentLength, body))
		s.mu.Unlock()
		if n >= len(answers) {
			return
		}
		if _, err := io.WriteString(c, strings.TrimSuffix(answers[n], stay)); err != nil || !strings.HasSuffix(answers[n], stay) {
			return
		}
	}
}

// stay at the end of an answer keeps the connection open.
const stay = "(stay)"

func (s *script) asked() ([]string, int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests), s.conns
}

func (s *script) client(t testing.TB) *Client {
	address := s.listener.Addr().String()
	c := NewClient(func(ctx context.Context) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", address)
	}, 8, time.Minute)
	t.Cleanup(c.Close)
	return c
}

// outcome is what became of a request.
type outcome struct {
	status  int
	header  http.Header
	body    string
	trailer http.Header
	informs []int
	err     error
}

// ask sends a request and reads all of the response.
// informer is a function that is told.
type informer func(code int, h http.Header) error

func (f informer) Inform(code int, h http.Header) error { return f(code, h) }

func ask(ctx context.Context, c *Client, r *Request) outcome {
	if r.Path == "" {
		r.Path = "/"
	}
	if r.Host == "" {
		r.Host = "backend"
	}
	if r.Method == "" {
		r.Method = http.MethodGet
	}
	var out outcome
	r.Informed = informer(func(code int, _ http.Header) error { out.informs = append(out.informs, code); return nil })
	defer r.Release()
	if out.err = r.Prepare(); out.err != nil {
		return out
	}
	res, err := c.Do(ctx, r)
	if err != nil {
		out.err = err
		return out
	}
	defer res.Close()
	var b strings.Builder
	out.err = res.CopyTo(&b, make([]byte, 512), nil)
	out.status, out.header, out.body, out.trailer = res.Status, res.Header.Clone(), b.String(), res.Trailer
	return out
}

// reference does the same by net/http.
func reference(ctx context.Context, dial Dial, method string) outcome {
	t := &http.Transport{
		DialContext:            func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
		MaxResponseHeaderBytes: maxHead, DisableCompression: true,
	}
	defer t.CloseIdleConnections()
	var out outcome
	r := (&http.Request{Method: method, URL: &url.URL{Scheme: "http", Host: "backend", Path: "/"}, Header: http.Header{"User-Agent": {""}}, ProtoMajor: 1, ProtoMinor: 1}).WithContext(ctx)
	res, err := t.RoundTrip(r)
	if err != nil {
		out.err = err
		return out
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	out.status, out.header, out.body, out.trailer, out.err = res.StatusCode, res.Header, string(body), res.Trailer, err
	return out
}

// agree compares two outcomes of the same bytes, and says how they differ.
func agree(data string, ours, theirs outcome) string {
	refusal, refused := errors.AsType[*FaultError](ours.err)
	switch {
	case ours.err != nil && theirs.err != nil:
		return ""
	case refused && stricter[refusal.Fault] != nil && stricter[refusal.Fault](readRaw(data)):
		return ""
	case ours.err != nil:
		return fmt.Sprintf("refused with %v, and net/http takes it: %d %q", ours.err, theirs.status, theirs.body)
	case theirs.err != nil:
		return fmt.Sprintf("taken, and net/http refuses: %v", theirs.err)
	case ours.status != theirs.status || ours.body != theirs.body:
		return fmt.Sprintf("got %d %q, and net/http %d %q", ours.status, ours.body, theirs.status, theirs.body)
	case !same(ours.header, theirs.header):
		return fmt.Sprintf("got %v, and net/http %v", ours.header, theirs.header)
	case !same(ours.trailer, theirs.trailer):
		return fmt.Sprintf("got the trailers %v, and net/http %v", ours.trailer, theirs.trailer)
	}
	return ""
}

// same compares header lines. net/http adds a Cache-Control to "Pragma: no-cache"
// (RFC 7234, section 5.4), keeps a length with 204 and a Trailer where there can be
// none, and takes "Connection: close" out.
func same(a, b http.Header) bool {
	a, b = maps.Clone(a), maps.Clone(b)
	for _, h := range []http.Header{a, b} {
		for name, values := range h {
			if len(values) == 0 {
				delete(h, name)
			}
		}
		delete(h, "Cache-Control")
		delete(h, "Content-Length")
		delete(h, "Connection")
		delete(h, "Trailer")
	}
	return maps.EqualFunc(a, b, slices.Equal[[]string])
}

func TestResponses(t *testing.T) {
	t.Parallel()
	many := strings.Repeat("A: b\r\n", maxLines+1)
	rows := map[string]struct {
		method string
		answer string
		want   string // status and body, or the fault
		alone  bool   // net/http does something else
	}{
		"a length":                               {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "200 hi", false},
		"a length, cut short":                    {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi", "cut-short", false},
		"nothing that says where it ends":        {"GET", "HTTP/1.1 200 OK\r\n\r\nhi", "200 hi", false},
		"HTTP/1.0":                               {"GET", "HTTP/1.0 200 OK\r\n\r\nhi", "200 hi", false},
		"chunks":                                 {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n1\r\nh\r\n01\r\ni\r\n0\r\n\r\n", "200 hi", false},
		"extensions of chunks":                   {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a=\"b\"\r\nhi\r\n0;c\r\n\r\n", "200 hi", false},
		"trailers":                               {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x-sum\r\n\r\n2\r\nhi\r\n0\r\nX-Sum: 1\r\nX-Other: 2\r\n\r\n", "200 hi", false},
		"no reason phrase":                       {"GET", "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", "200 ", false},
		"no reason phrase and no space":          {"GET", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", "200 ", false},
		"204":                                    {"GET", "HTTP/1.1 204 No Content\r\n\r\n", "204 ", false},
		"204 with a length of nothing":           {"GET", "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", "204 ", false},
		"304 with the length of what is not":     {"GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", "304 ", false},
		"HEAD with a length":                     {"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "200 ", false},
		"HEAD with chunks":                       {"HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "200 ", false},
		"100 before it":                          {"GET", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "200 hi", false},
		"103 before it":                          {"GET", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "200 hi", false},
		"values in Latin-1":                      {"GET", "HTTP/1.1 200 OK\r\nX: \xe9\r\nContent-Length: 0\r\n\r\n", "200 ", false},
		"nothing":                                {"GET", "", "EOF", false},
		"half a head":                            {"GET", "HTTP/1.1 200 OK\r\nA", "cut-short", false},
		"HTTP/2":                                 {"GET", "HTTP/2.0 200 OK\r\n\r\n", "bad-status-line", true},
		"no HTTP":                                {"GET", "220 ready\r\n\r\n", "bad-status-line", false},
		"HTTP in small letters":                  {"GET", "http/1.1 200 OK\r\n\r\n", "bad-status-line", false},
		"two spaces":                             {"GET", "HTTP/1.1  200 OK\r\n\r\n", "bad-status-line", true},
		"a status of two digits":                 {"GET", "HTTP/1.1 20 OK\r\n\r\n", "bad-status-line", false},
		"a status with a sign":                   {"GET", "HTTP/1.1 +20 OK\r\n\r\n", "bad-status-line", true},
		"a status below 100":                     {"GET", "HTTP/1.1 099 OK\r\n\r\n", "bad-status-line", true},
		"a control character in the reason":      {"GET", "HTTP/1.1 200 O\x01K\r\n\r\n", "bad-status-line", true},
		"a bare line feed":                       {"GET", "HTTP/1.1 200 OK\nContent-Length: 0\n\n", "bad-line", true},
		"a bare line feed at the end":            {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\n", "bad-line", true},
		"a bare carriage return":                 {"GET", "HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n", "bad-value", false},
		"a folded line":                          {"GET", "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", "folded-line", true},
		"a folded line at the beginning":         {"GET", "HTTP/1.1 200 OK\r\n A: b\r\n\r\n", "folded-line", false},
		"a space before the colon":               {"GET", "HTTP/1.1 200 OK\r\nA : b\r\n\r\n", "bad-header", true},
		"a name that is no token":                {"GET", "HTTP/1.1 200 OK\r\nA(: b\r\n\r\n", "bad-header", false},
		"a line without a colon":                 {"GET", "HTTP/1.1 200 OK\r\nA\r\n\r\n", "bad-header", false},
		"no name":                                {"GET", "HTTP/1.1 200 OK\r\n: b\r\n\r\n", "bad-header", false},
		"a NUL":                                  {"GET", "HTTP/1.1 200 OK\r\nA: b\x00c\r\n\r\n", "bad-value", false},
		"a length and chunks":                    {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "length-and-coding", true},
		"a length twice":                         {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nhi", "double-length", true},
		"two lengths":                            {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 1\r\n\r\nhi", "double-length", false},
		"a list of lengths":                      {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nhi", "bad-length", false},
		"a length with a sign":                   {"GET", "HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nhi", "bad-length", false},
		"an empty length":                        {"GET", "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\nhi", "bad-length", false},
		"a length that nobody counts":            {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551617\r\n\r\nhi", "bad-length", false},
		"a length of 19 digits":                  {"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 1000000000000000000\r\n\r\n", "bad-length", true},
		"another coding":                         {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nhi", "bad-coding", false},
		"two codings":                            {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "bad-coding", false},
		"chunked twice":                          {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "bad-coding", false},
		"chunks in HTTP/1.0":                     {"GET", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "coding-not-here", true},
		"a coding that is none in HTTP/1.0":      {"GET", "HTTP/1.0 200 OK\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n", "bad-coding", true},
		"chunks with 204":                        {"GET", "HTTP/1.1 204 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "coding-not-here", true},
		"a length with 1xx":                      {"GET", "HTTP/1.1 103 OK\r\nContent-Length: 2\r\n\r\nhiHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "length-not-here", false},
		"an empty length with 1xx":               {"GET", "HTTP/1.1 103 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "length-not-here", true},
		"a chunk that is longer than was said":   {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nhi\r\n0\r\n\r\n", "bad-chunk", false},
		"a chunk with a sign":                    {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n+2\r\nhi\r\n0\r\n\r\n", "bad-chunk", false},
		"a chunk with 0x":                        {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x2\r\nhi\r\n0\r\n\r\n", "bad-chunk", false},
		"a chunk without a length":               {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n;a\r\nhi\r\n0\r\n\r\n", "bad-chunk", false},
		"a space behind the length of a chunk":   {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2 \r\nhi\r\n0\r\n\r\n", "bad-chunk", true},
		"a length of a chunk of 17 digits":       {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000002\r\nhi\r\n0\r\n\r\n", "bad-chunk", false},
		"a length of a chunk of 16 digits":       {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0000000000000002\r\nhi\r\n0\r\n\r\n", "bad-chunk", true},
		"a bare line feed after a chunk's line":  {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\nhi\r\n0\r\n\r\n", "bad-chunk", false},
		"a bare line feed after a chunk":         {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\n0\r\n\r\n", "bad-chunk", false},
		"a control character in an extension":    {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a\x01\r\nhi\r\n0\r\n\r\n", "bad-chunk", true},
		"a long extension":                       {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;" + strings.Repeat("a", maxChunkLine) + "\r\nhi\r\n0\r\n\r\n", "bad-chunk", true},
		"no last chunk":                          {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n", "cut-short", false},
		"no end of the trailers":                 {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nA: b\r\n", "cut-short", false},
		"a length among the trailers":            {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nContent-Length: 1\r\n\r\n", "bad-trailer", true},
		"a length announced among the trailers":  {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: content-length\r\n\r\n2\r\nhi\r\n0\r\n\r\n", "bad-trailer", false},
		"a folded trailer":                       {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nA: b\r\n c\r\n\r\n", "folded-line", true},
		"too large a head":                       {"GET", "HTTP/1.1 200 OK\r\nA: " + strings.Repeat("b", maxHead) + "\r\n\r\n", "too-large", false},
		"too large a head without a line":        {"GET", strings.Repeat("b", maxHead+1), "too-large", false},
		"too many lines":                         {"GET", "HTTP/1.1 200 OK\r\n" + many + "\r\n", "too-many-lines", true},
		"too many 1xx":                           {"GET", strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", maxInforms+1) + "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "too-many-1xx", true},
		"1xx without end":                        {"GET", strings.Repeat("HTTP/1.1 103 Early Hints\r\nA: "+strings.Repeat("b", 60<<10)+"\r\n\r\n", 5), "too-large", false},
		"a switch that nobody asked for":         {"GET", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nhi", "switch-not-asked", true},
		"204 with a length of something":         {"GET", "HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nhi", "204 ", false},
		"more than the length":                   {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiHTTP/1.1 200 OK\r\n\r\n", "200 hi", false},
		"a body with HEAD":                       {"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "200 ", false},
		"a name announced that is no token":      {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: a b\r\n\r\n0\r\n\r\n", "bad-trailer", true},
		"a trailer announced where none can be":  {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTrailer: a\r\n\r\nhi", "200 hi", false},
		"Connection: close, and more than it is": {"GET", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhihi", "200 hi", false},
	}
	alone := map[Fault]bool{}
	for name, tc := range rows {
		if tc.alone {
			alone[Fault(tc.want)] = true
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, tc.answer)
			c := s.client(t)
			ours := ask(t.Context(), c, &Request{Method: tc.method})
			got := fmt.Sprintf("%d %s", ours.status, ours.body)
			if ours.err != nil {
				got = ours.err.Error()
				if refusal, refused := errors.AsType[*FaultError](ours.err); refused {
					got = string(refusal.Fault)
				}
			}
			if got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
			theirs := reference(t.Context(), serve(t, tc.answer).client(t).dial, tc.method)
			differs := (ours.err == nil) != (theirs.err == nil) || ours.err == nil && (ours.status != theirs.status || ours.body != theirs.body)
			if differs != tc.alone {
				t.Errorf("net/http: %d %q %v", theirs.status, theirs.body, theirs.err)
			}
			if how := agree(tc.answer, ours, theirs); how != "" {
				t.Error(how)
			}
		})
	}
	for fault := range stricter {
		if !alone[fault] {
			t.Errorf("net/http refuses %s, too", fault)
		}
	}
}
