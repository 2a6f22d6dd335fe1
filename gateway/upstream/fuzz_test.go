// SPDX-License-Identifier: Apache-2.0

package upstream

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/upstream/http1"
)

// Parts of requests that are sent. Others are refused.
var (
	aPath  = regexp.MustCompile(`^/[^\x00- #?\x7f]*$`)
	aQuery = regexp.MustCompile(`^[^\x00- #\x7f]*$`)
	aHost  = regexp.MustCompile(`^[A-Za-z0-9\-._~!$&'()*+;=:\[\]%]+$`)
	aName  = regexp.MustCompile("^[!#$%&'*+\\-.^_`|~0-9A-Za-z]+$")
	aValue = regexp.MustCompile(`^[^\x00-\x08\x0a-\x1f\x7f]*$`)
	// unescaped is what net/http sends in another spelling, so that standard refuses it.
	unescaped = regexp.MustCompile("[\"<>\\\\^`{|}]|[^\\x00-\\x7f]|%(?:[^0-9A-Fa-f]|$|[0-9A-Fa-f](?:[^0-9A-Fa-f]|$))")
	ofAHop    = regexp.MustCompile(`^(?:Host|Content-Length|Transfer-Encoding|Connection|Trailer|Upgrade|Expect|Keep-Alive|Proxy-Connection)$`)
)

// message is what was sent: its first line, its other lines in their order of names, its
// body without the bounds of chunks, its trailers, and what came behind it.
type message struct {
	First, Body, Behind string
	Lines, Trailers     []string
}

// backend reads a message from a connection and answers it.
func backend(c net.Conn) (message, error) {
	defer c.Close()
	in := bufio.NewReader(c)
	m, err := readMessage(in, c)
	if err == nil {
		rest, _ := in.Peek(in.Buffered()) // there is so much
		m.Behind = string(rest)
		_, _ = io.WriteString(c, "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n") // nobody may wait for it
	}
	return m, err
}

func readMessage(in *bufio.Reader, out io.Writer) (m message, err error) {
	if m.First, err = in.ReadString('\n'); err != nil {
		return m, err
	}
	if m.Lines, err = lines(in); err != nil {
		return m, err
	}
	length, chunked := 0, slices.Contains(m.Lines, "Transfer-Encoding:chunked")
	for _, line := range m.Lines {
		switch {
		case strings.HasPrefix(line, "Content-Length:"):
			if length, err = strconv.Atoi(line[len("Content-Length:"):]); err != nil || chunked {
				return m, fmt.Errorf("framed by %q", m.Lines)
			}
		case line == "Expect:100-continue":
			if _, err := io.WriteString(out, "HTTP/1.1 100 Continue\r\n\r\n"); err != nil {
				return m, err
			}
		}
	}
	if !chunked {
		m.Body, err = take(in, length)
		return m, err
	}
	for { // net/http looks at the first byte before it sends any, so that it cuts elsewhere
		line, err := in.ReadString('\n')
		if err != nil {
			return m, err
		}
		n, err := strconv.ParseInt(strings.TrimSuffix(line, "\r\n"), 16, 32)
		if err != nil {
			return m, err
		}
		if n == 0 {
			m.Trailers, err = lines(in)
			return m, err
		}
		piece, err := take(in, int(n)+2)
		if err != nil || !strings.HasSuffix(piece, "\r\n") {
			return m, fmt.Errorf("%q is no chunk: %w", piece, err)
		}
		m.Body += piece[:n]
	}
}

// lines reads header lines to the empty one, in the order of their names. net/http trims
// values, which here whoever reads them does.
func lines(in *bufio.Reader) (out []string, err error) {
	for {
		line, err := in.ReadString('\n')
		if err != nil || line == "\r\n" {
			slices.Sort(out)
			return out, err
		}
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\r\n"), ":")
		out = append(out, name+":"+strings.Trim(value, "\t "))
	}
}

func take(in io.Reader, n int) (string, error) {
	b := make([]byte, n)
	_, err := io.ReadFull(in, b)
	return string(b), err
}

// sentBy is what a sender sends for a request.
func sentBy(ctx context.Context, r *http1.Request, by func(http1.Dial) sender) (m message, err error) {
	var read chan error
	s := by(func(context.Context) (net.Conn, error) {
		here, there := net.Pipe()
		read = make(chan error, 1)
		go func() {
			var err error
			m, err = backend(there)
			read <- err
		}()
		return here, nil
	})
	defer s.Close()
	defer r.Release()
	if err := r.Prepare(); err != nil {
		return m, err
	}
	res, err := s.Do(ctx, r)
	if err != nil {
		return m, err
	}
	res.Close()
	return m, <-read
}

func byOurs(dial http1.Dial) sender { return http1.NewClient(dial, 1, time.Minute) }

func byTheirs(dial http1.Dial) sender {
	t := newTransport(&dialer{})
	t.Protocols.SetHTTP1(true)
	t.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) }
	return &standard{t, "http", "192.0.2.1:80"}
}

// FuzzRequest: of one request both clients make the same message, but for what this test
// names, and what has a part that could be read as two is refused.
func FuzzRequest(f *testing.F) {
	f.Add(uint8(0), "/", "", "a.example.com", "Accept", "text/html", "", uint8(0))
	f.Add(uint8(2), "/a%20b;c", "d=e&f", "a:8080", "User-Agent", "x", "hello", uint8(1))
	f.Add(uint8(0), "/!'()*[]$&+,;=:@-._~%2f", "", "a", "A", "b", "", uint8(0))
	f.Add(uint8(3), "/a", "", "[2001:db8::1]:80", "X-A", " b ", "hello", uint8(2|8))
	f.Add(uint8(1), "/a?b", "", "a", "Connection", "x", "", uint8(4))
	f.Add(uint8(7), "/a", "\r\nx", "a\n", "A b", "c\r\nd: e", "x", uint8(15))
	f.Fuzz(func(t *testing.T, method uint8, path, query, host, name, value, body string, how uint8) {
		methods := []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PURGE"}
		name = textproto.CanonicalMIMEHeaderKey(name)
		newRequest := func() *http1.Request {
			r := &http1.Request{Method: methods[int(method)%len(methods)], Path: path, Query: query, Host: host, Header: http.Header{name: {value}, "X-Two": {"1", "2"}}}
			if how&1 != 0 && body != "" {
				r.Body, r.Length = io.NopCloser(strings.NewReader(body)), int64(len(body))
			}
			if how&2 != 0 && body != "" { // without one net/http may send no chunk at all
				r.Body, r.Length, r.Trailer = io.NopCloser(strings.NewReader(body)), -1, http.Header{"X-Sum": {"1"}}
			}
			r.Expect = how&8 != 0 && r.Body != nil
			r.Upgrade = how&4 != 0 && r.Body == nil
			return r
		}
		ours, err := sentBy(t.Context(), newRequest(), byOurs)
		proper := aPath.MatchString(path) && aQuery.MatchString(query) && aHost.MatchString(host) && (ofAHop.MatchString(name) || aName.MatchString(name) && aValue.MatchString(value))
		if (err == nil) != proper {
			t.Fatalf("%v, proper: %v; sent %q", err, proper, ours)
		}
		switch {
		case err != nil, unescaped.MatchString(path), strings.Contains(host, "[") && strings.Contains(host, "%"): // net/http sends no zone
			return
		case ofAHop.MatchString(name) && name != "Host": // of a connection: here they are not sent
			return
		case name == "User-Agent" && strings.Trim(value, "\t ") == "": // net/http sends no empty one
			return
		}
		theirs, err := sentBy(t.Context(), newRequest(), byTheirs)
		if err != nil {
			t.Fatalf("net/http refuses it: %v; here %q is sent", err, ours)
		}
		if a, b := fmt.Sprintf("%q", ours), fmt.Sprintf("%q", theirs); a != b {
			t.Fatalf("got\n%s, and net/http\n%s", a, b)
		}
	})
}
