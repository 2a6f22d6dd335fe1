// SPDX-License-Identifier: Apache-2.0

package front

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
)

// feed gives a scanner a stream in pieces and returns what it let pass.
func feed(s *Scanner, stream string, piece int) (string, Fault) {
	var passed strings.Builder
	for stream != "" {
		part := stream[:min(piece, len(stream))]
		n, fault := s.Feed([]byte(part))
		passed.WriteString(part[:n])
		if fault != "" {
			return passed.String(), fault
		}
		stream = stream[len(part):]
	}
	return passed.String(), ""
}

const hostA = "Host: a\r\n"

// streams are what clients send, with the fault that it has; each line of a case
// is one way to say it.
var streams = map[string]struct {
	want  Fault
	sends []string
}{
	"ordinary requests": {"", []string{
		"GET / HTTP/1.1\r\n" + hostA + "\r\n",
		"GET / HTTP/1.0\r\n" + hostA + "\r\n",
		"GET / HTTP/1.1\r\nHost:a\r\nX:\r\nY: \t\xe9 \t\r\n\r\nHEAD / HTTP/1.1\r\n" + hostA + "\r\n",
		"POST / HTTP/1.1\r\n" + hostA + "Content-Length: 4\r\n\r\n\n\r\x00!GET / HTTP/1.1\r\n" + hostA + "\r\n",
		"POST / HTTP/1.1\r\n" + hostA + "Content-Length: 0\r\n\r\nGET / HTTP/1.1\r\n" + hostA + "\r\n",
		"POST / HTTP/1.1\r\n" + hostA + "transfer-encoding: Chunked\r\n\r\n3\r\n\n\r\n\r\n0A;x=\"y\"\r\n0123456789\r\n0\r\nX-Sum: 1\r\n\r\nGET / HTTP/1.1\r\n" + hostA + "\r\n",
		"GET http://A:80/x HTTP/1.1\r\nHost: a:80\r\n\r\n",
		"GET https://a HTTP/1.1\r\n" + hostA + "\r\n",
		"GET /?u=http://b/ HTTP/1.1\r\n" + hostA + "\r\n",
		"GET /%41?%zz HTTP/1.1\r\n" + hostA + "\r\n",
		"CONNECT a:1 HTTP/1.1\r\nHost: [::1]:1\r\n\r\n",
		"OPTIONS * HTTP/1.1\r\n" + hostA + "Expect: 100-Continue\r\n\r\n",
	}},
	"lines end in two bytes": {BareLineFeed, []string{
		"GET / HTTP/1.1\n" + hostA + "\r\n",
		"GET / HTTP/1.1\r\nHost: a\n\r\n",
		"GET / HTTP/1.1\r\n" + hostA + "\n",
		"\nGET / HTTP/1.1\r\n",
		"POST / HTTP/1.1\r\n" + hostA + "Transfer-Encoding: chunked\r\n\r\n3\nabc\r\n",
		"POST / HTTP/1.1\r\n" + hostA + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\n",
		"POST / HTTP/1.1\r\n" + hostA + "Transfer-Encoding: chunked\r\n\r\n0\r\nX: y\n\r\n",
	}},
	"a request line is three words": {BadRequestLine, []string{
		"\r\nGET / HTTP/1.1\r\n", "GET /\r\n", "GET  / HTTP/1.1\r\n", "GET /\t HTTP/1.1\r\n", " GET / HTTP/1.1\r\n",
		"G:T / HTTP/1.1\r\n", "GET /\x01 HTTP/1.1\r\n", "GET /\r HTTP/1.1\r\n", "GET ftp://a/ HTTP/1.1\r\n", "GET\t/\tHTTP/1.1\r\n",
	}},
	"of one of two versions": {BadVersion, []string{
		"GET / HTTP/1.2\r\n", "GET / HTTP/0.9\r\n", "GET / http/1.1\r\n", "GET / HTTP/1.1 \r\n", "GET / HTTP/2.0\r\n", "GET / x HTTP/1.1\r\n",
	}},
	"nothing is folded": {FoldedLine, []string{
		"GET / HTTP/1.1\r\n" + hostA + "X: a\r\n b\r\n\r\n", "GET / HTTP/1.1\r\n\tHost: a\r\n\r\n",
	}},
	"names are tokens": {BadFieldName, []string{
		"GET / HTTP/1.1\r\nHost : a\r\n", "GET / HTTP/1.1\r\nHost\r\n", "GET / HTTP/1.1\r\n: a\r\n", "GET / HTTP/1.1\r\nX\x00: a\r\n",
		"GET / HTTP/1.1\r\nContent-Length\v: 4\r\n", "GET / HTTP/1.1\r\nX\xe9: a\r\n", "GET / HTTP/1.1\r\nX(: a\r\n",
	}},
	"values have no control characters": {BadFieldValue, []string{
		"GET / HTTP/1.1\r\nX: a\x00\r\n", "GET / HTTP/1.1\r\nX: a\rY: b\r\n", "GET / HTTP/1.1\r\nX: \x7f\r\n", "GET / HTTP/1.1\r\nX: a\r\r\n", "GET / HTTP/1.1\r\nTransfer-Encoding:\vchunked\r\n",
	}},
	"a length is digits, once": {BadLength, []string{
		"POST / HTTP/1.1\r\nContent-Length: +4\r\n", "POST / HTTP/1.1\r\nContent-Length: 4, 4\r\n", "POST / HTTP/1.1\r\nContent-Length: -1\r\n",
		"POST / HTTP/1.1\r\nContent-Length: 0x4\r\n", "POST / HTTP/1.1\r\nContent-Length:\r\n", "POST / HTTP/1.1\r\nContent-Length: 9999999999999999999\r\n",
		"POST / HTTP/1.1\r\n" + hostA + "Content-Length: 4\r\nContent-Length: 4\r\n\r\n",
	}},
	"a coding is chunked, once": {BadCoding, []string{
		"POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n", "POST / HTTP/1.1\r\nTransfer-Encoding: identity\r\n", "POST / HTTP/1.1\r\nTransfer-Encoding:\r\n chunked\r\n", "POST / HTTP/1.1\r\nTransfer-Encoding: xchunked\r\n",
		"POST / HTTP/1.1\r\nTransfer-Encoding: \"chunked\"\r\n", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked,\r\n", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n",
		"POST / HTTP/1.1\r\n" + hostA + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
	}},
	"there is one framing": {TwoFramings, []string{
		"POST / HTTP/1.1\r\n" + hostA + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n",
		"POST / HTTP/1.1\r\n" + hostA + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n",
	}},
	"under one name": {FramingAlias, []string{
		"POST / HTTP/1.1\r\nContent_Length: 4\r\n", "POST / HTTP/1.1\r\nTransfer.Encoding: chunked\r\n", "POST / HTTP/1.1\r\ntransfer_encoding: chunked\r\n",
	}},
	"there is one host": {BadHosts, []string{
		"GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\n" + hostA + hostA + "\r\n", "GET http://b/ HTTP/1.1\r\n" + hostA + "\r\n",
		"GET http://a@b/ HTTP/1.1\r\n" + hostA + "\r\n", "GET http://a:81/ HTTP/1.1\r\n" + hostA + "\r\n", "GET http:///x HTTP/1.1\r\nHost:\r\n\r\n",
	}},
	"a host has bytes of names": {BadHosts, []string{
		"GET / HTTP/1.1\r\nHost: a b\r\n", "GET / HTTP/1.1\r\nHost: a/b\r\n", "GET / HTTP/1.1\r\nHost: u@a\r\n", "GET / HTTP/1.1\r\nHost: \xe9\r\n", "GET / HTTP/1.1\r\nHost: a%41\r\n",
	}},
	"a target is a URL": {BadTarget, []string{
		"GET /%zz HTTP/1.1\r\n", "GET /a%2 HTTP/1.1\r\n", "GET a HTTP/1.1\r\n", "GET http://a:x/ HTTP/1.1\r\n", "GET http://[a/ HTTP/1.1\r\n", "CONNECT %zz HTTP/1.1\r\n", "GET ?a HTTP/1.1\r\n",
	}},
	"one thing can be expected": {BadExpectation, []string{
		"POST / HTTP/1.1\r\nExpect: 200-ok\r\n", "POST / HTTP/1.1\r\nExpect:\r\n", "POST / HTTP/1.1\r\nExpect: 100-continue, x\r\n",
	}},
	"chunks are sizes and as many bytes": {BadChunk, []string{
		chunked + "\r\n", chunked + "x\r\n", chunked + "-1\r\n", chunked + "0x3\r\n", chunked + "3 \r\n", chunked + " 3\r\n", chunked + "3\r\nabcd\r\n",
		chunked + "1000000000000000\r\n", chunked + "3;\x00\r\n", chunked + "3;a\rb\r\n", chunked + "0;" + strings.Repeat("x", 300) + "\r\n",
	}},
	"what frames and routes does not come after a body": {BadTrailer, []string{
		chunked + "0\r\nContent-Length: 4\r\n", chunked + "0\r\nHost: b\r\n", chunked + "0\r\nTransfer_Encoding: chunked\r\n", chunked + "0\r\nAuthorization: x\r\n",
		"POST / HTTP/1.1\r\nTrailer: X, Content-Length\r\n", "POST / HTTP/1.1\r\nTrailer: transfer-encoding\r\n",
	}},
	"heads have an end": {HeadTooLarge, []string{
		"GET / HTTP/1.1\r\n" + strings.Repeat("X: "+strings.Repeat("a", 3000)+"\r\n", 30),
	}},
	"lines have an end":         {LineTooLong, []string{"GET /" + strings.Repeat("a", DefaultHead) + " HTTP/1.1\r\n"}},
	"lines have a number":       {TooManyLines, []string{"GET / HTTP/1.1\r\n" + strings.Repeat("X: a\r\n", 101), chunked + "0\r\n" + strings.Repeat("X: a\r\n", 101)}},
	"HTTP/2 is not spoken here": {UnexpectedBinary, []string{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"}},
}

const chunked = "POST / HTTP/1.1\r\n" + hostA + "Transfer-Encoding: chunked\r\n\r\n"

func TestStreamsAreScanned(t *testing.T) {
	t.Parallel()
	for name, tc := range streams {
		for _, stream := range tc.sends {
			for _, piece := range []int{len(stream), 1, 2, 3, 7, 64} {
				passed, err := feed(NewScanner(Limits{}, false), stream, piece)
				if err != tc.want || err == "" && passed != stream {
					t.Errorf("%s: %.120q in pieces of %d: got %v after %.120q, want %v", name, stream, piece, err, passed, tc.want)
				}
			}
		}
	}
}

func TestHTTP2PassesOnlyAtTheBeginning(t *testing.T) {
	t.Parallel()
	const start = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00\n"
	for _, piece := range []int{1, 5, 100} {
		if passed, err := feed(NewScanner(Limits{}, true), start, piece); err != "" || passed != start {
			t.Errorf("got %q, %v", passed, err)
		}
		if _, err := feed(NewScanner(Limits{}, true), "GET / HTTP/1.1\r\n"+hostA+"\r\n"+start, piece); err != UnexpectedBinary {
			t.Errorf("after a request: got %v", err)
		}
		for _, other := range []string{"Host: a\r\n\r\nGET / HTTP/1.1\nHost: a\n\n", "\r\nGET / HTTP/1.1\r\nHost: a\n\n", "\r\nSM\r\nX: y\r\n", "\r\nsm\r\n\r\n"} {
			if passed, err := feed(NewScanner(Limits{}, true), "PRI * HTTP/2.0\r\n"+other, piece); err != UnexpectedBinary {
				t.Errorf("%q, which only begins so: got %q, %v", other, passed, err)
			}
		}
	}
}

func TestWhatIsNoHTTPAnyMorePasses(t *testing.T) {
	t.Parallel()
	s := NewScanner(Limits{}, false)
	if _, err := feed(s, "GET / HTTP/1.1\r\n"+hostA+"\r\n", 100); err != "" {
		t.Fatal(err)
	}
	s.Pass()
	if passed, err := feed(s, "\x81\x05\nhello", 3); err != "" || len(passed) != 8 {
		t.Errorf("got %q, %v", passed, err)
	}
}

func TestNothingOfAFaultyHeadIsDispatched(t *testing.T) {
	t.Parallel()
	cases := 0
	for name, tc := range streams {
		for _, stream := range tc.sends {
			if tc.want == "" || strings.HasPrefix(stream, chunked) {
				continue
			}
			cases++
			passed, _ := feed(NewScanner(Limits{}, false), stream, len(stream))
			if r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(passed))); err == nil {
				t.Errorf("%s: %.120q: net/http would have served %s %s", name, stream, r.Method, r.URL)
			}
		}
	}
	if cases == 0 {
		t.Fatal("no faulty heads")
	}
}

// FuzzScanner compares with net/http: in whatever passes, both find the same
// requests with the same bodies, in whatever pieces it comes.
func FuzzScanner(f *testing.F) {
	for _, tc := range streams {
		for _, stream := range tc.sends {
			f.Add(stream, uint8(3))
		}
	}
	f.Fuzz(func(t *testing.T, stream string, piece uint8) {
		whole, wholeErr := feed(NewScanner(Limits{}, false), stream, max(len(stream), 1))
		s := NewScanner(Limits{}, false)
		passed, err := feed(s, stream, int(piece)+1)
		if err != wholeErr || passed != whole && err == "" {
			t.Fatalf("%q: %q, %v at once, but %q, %v in pieces of %d", stream, whole, wholeErr, passed, err, piece+1)
		}
		if err != "" {
			return
		}
		ended := s.state == inRequestLine && len(s.line) == 0
		in := bufio.NewReader(strings.NewReader(stream))
		for {
			r, err := http.ReadRequest(in)
			if errors.Is(err, io.EOF) {
				return
			}
			if err == nil {
				_, err = io.Copy(io.Discard, r.Body)
			}
			if err != nil {
				if ended && !lenient(err) {
					t.Fatalf("%q: passed, but net/http says: %v", stream, err)
				}
				return
			}
		}
	})
}

// lenient are faults of net/http that have nothing to do with where a request ends.
func lenient(err error) bool {
	for _, text := range []string{"invalid method", "malformed MIME header", "unexpected EOF"} {
		if strings.Contains(err.Error(), text) {
			return true
		}
	}
	return false
}

func BenchmarkScanner(b *testing.B) {
	stream := []byte("GET /api/v1/orders/4711?page=2 HTTP/1.1\r\nHost: shop.example.com\r\nUser-Agent: curl/8.5.0\r\nAccept: */*\r\nAuthorization: Bearer eyJhbGciOiJFUzI1NiJ9.e30.x\r\nAccept-Encoding: gzip\r\nCookie: a=b\r\nX-Request-Id: 4711\r\n\r\n")
	s := NewScanner(Limits{}, false)
	b.SetBytes(int64(len(stream)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Feed(stream); err != "" {
			b.Fatal(err)
		}
	}
}
