// SPDX-License-Identifier: Apache-2.0

package server

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// framer is a client of HTTP/2 that keeps to no rule.
type framer struct {
	net.Conn
	*http2.Framer
	block   bytes.Buffer
	encoder *hpack.Encoder
	decoder *hpack.Decoder
}

func newFramer(t testing.TB, address string) *framer {
	t.Helper()
	return framerOver(dial(t, "tcp", address))
}

func framerOver(conn net.Conn) *framer {
	c := &framer{Conn: conn}
	c.Framer = http2.NewFramer(c.Conn, c.Conn)
	c.AllowIllegalWrites, c.AllowIllegalReads = true, true
	c.encoder, c.decoder = hpack.NewEncoder(&c.block), hpack.NewDecoder(4096, nil)
	return c
}

// begin sends the preface and settings, and takes those of the server.
func (c *framer) begin() {
	_, _ = io.WriteString(c.Conn, http2.ClientPreface) // what fails is seen when an answer is read
	_ = c.WriteSettings()
}

// fields encodes a block of header lines, given as names and values.
func (c *framer) fields(list ...string) []byte {
	c.block.Reset()
	for i := 0; i < len(list); i += 2 {
		_ = c.encoder.WriteField(hpack.HeaderField{Name: list[i], Value: list[i+1]}) // to memory
	}
	return bytes.Clone(c.block.Bytes())
}

// get is the head of a request with more lines.
func (c *framer) get(more ...string) []byte {
	return c.fields(append([]string{":method", "GET", ":scheme", "http", ":path", "/", ":authority", "a"}, more...)...)
}

func (c *framer) post(more ...string) []byte {
	return c.fields(append([]string{":method", "POST", ":scheme", "http", ":path", "/", ":authority", "a"}, more...)...)
}

// head sends a block of header lines whole.
func (c *framer) head(stream uint32, block []byte, end bool) {
	_ = c.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: block, EndStream: end, EndHeaders: true})
}

// frame sends any frame. What fails is seen when an answer is read.
func (c *framer) frame(kind http2.FrameType, flags http2.Flags, stream uint32, payload ...byte) {
	_ = c.WriteRawFrame(kind, flags, stream, payload)
}

// outcome is how a server took what was sent.
type outcome string

const (
	connection outcome = "the connection ends"
	ofStream   outcome = "the stream ends"
	refused    outcome = "a status of refusal"
	served     outcome = "200"
	pong       outcome = "a PING comes back"
)

// result reads until something has become of it.
func (c *framer) result() outcome {
	for {
		f, err := c.ReadFrame()
		if err != nil {
			if errors.Is(err, io.EOF) || !strings.Contains(err.Error(), "timeout") {
				return connection
			}
			return outcome(err.Error())
		}
		switch f := f.(type) {
		case *http2.GoAwayFrame:
			if f.ErrCode != http2.ErrCodeNo {
				return connection
			}
		case *http2.RSTStreamFrame:
			return ofStream
		case *http2.PingFrame:
			if f.IsAck() && f.Data == [8]byte{1, 2, 3} {
				return pong
			}
		case *http2.HeadersFrame:
			lines, err := c.decoder.DecodeFull(f.HeaderBlockFragment())
			if err != nil || len(lines) == 0 {
				return outcome(fmt.Sprint("no header lines: ", err))
			}
			switch status := lines[0].Value; status[0] {
			case '2':
				return served
			case '4', '5':
				return refused
			}
		}
	}
}

// with is the head of a request, and more that was encoded by hand.
func (c *framer) with(raw ...byte) []byte { return append(c.get(), raw...) }

func TestTheRulesOfHTTP2AreKept(t *testing.T) {
	t.Parallel()
	_, at := start(t, snapshot(backend(t, echo)))
	const (
		endStream, endHeaders, padded, ack = http2.FlagDataEndStream, http2.FlagHeadersEndHeaders, http2.FlagDataPadded, http2.FlagSettingsAck
		data, headers, priority, reset     = http2.FrameData, http2.FrameHeaders, http2.FramePriority, http2.FrameRSTStream
		settings, promise, ping, away      = http2.FrameSettings, http2.FramePushPromise, http2.FramePing, http2.FrameGoAway
		window, continuation               = http2.FrameWindowUpdate, http2.FrameContinuation
	)
	long := strings.Repeat("a", 20000)
	cases := map[string]struct {
		send func(c *framer)
		want outcome
	}{
		// RFC 9113: what is right
		"a request": {func(c *framer) { c.head(1, c.get(), true) }, served},
		"a request in pieces": {func(c *framer) {
			b := c.get()
			c.frame(headers, endStream, 1, b[:3]...)
			c.frame(continuation, endHeaders, 1, b[3:]...)
		}, served},
		"a body":              {func(c *framer) { c.head(1, c.post(), false); c.frame(data, endStream, 1, []byte("body")...) }, served},
		"a body with padding": {func(c *framer) { c.head(1, c.post(), false); c.frame(data, endStream|padded, 1, 2, 'x', 0, 0) }, served},
		"trailers": {func(c *framer) {
			c.head(1, c.post(), false)
			c.frame(data, 0, 1, 'x')
			c.head(1, c.fields("x", "y"), true)
		}, served},
		"a frame of an unknown kind":  {func(c *framer) { c.frame(0x16, 0, 0, 1, 2); c.head(1, c.get(), true) }, served},
		"an unknown setting":          {func(c *framer) { c.frame(settings, 0, 0, 0, 0xff, 0, 0, 0, 1); c.head(1, c.get(), true) }, served},
		"PRIORITY of an idle stream":  {func(c *framer) { c.frame(priority, 0, 9, 0, 0, 0, 1, 1); c.head(1, c.get(), true) }, served},
		"PING":                        {func(c *framer) { c.frame(ping, 0, 0, 1, 2, 3, 0, 0, 0, 0, 0) }, pong},
		"WINDOW_UPDATE after the end": {func(c *framer) { c.head(1, c.get(), true); c.frame(window, 0, 1, 0, 0, 0, 1) }, served},
		"te: trailers":                {func(c *framer) { c.head(1, c.get("te", "trailers"), true) }, served},
		"a length that is true": {func(c *framer) {
			c.head(1, c.post("content-length", "2"), false)
			c.frame(data, endStream, 1, []byte("hi")...)
		}, served},
		"a host that is the authority": {func(c *framer) { c.head(1, c.get("host", "a"), true) }, served},
		// 3.4, 4.1 to 4.3
		"DATA of more than 16 KiB":      {func(c *framer) { c.head(1, c.post(), false); c.frame(data, 0, 1, []byte(long)...) }, connection},
		"HEADERS of more than 16 KiB":   {func(c *framer) { c.frame(headers, endHeaders|endStream, 1, []byte(long)...) }, connection},
		"no block of header lines":      {func(c *framer) { c.frame(headers, endHeaders|endStream, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff) }, connection},
		"PRIORITY within a block":       {func(c *framer) { c.frame(headers, endStream, 1, c.get()...); c.frame(priority, 0, 1, 0, 0, 0, 3, 1) }, connection},
		"another stream within a block": {func(c *framer) { c.frame(headers, endStream, 1, c.get()...); c.head(3, c.get(), true) }, connection},
		"an unknown kind within one":    {func(c *framer) { c.frame(headers, endStream, 1, c.get()...); c.frame(0x16, 0, 1) }, connection},
		"DATA within a block":           {func(c *framer) { c.frame(headers, 0, 1, c.get()...); c.frame(data, endStream, 1, 'x') }, connection},
		// 5.1
		"DATA of an idle stream":       {func(c *framer) { c.frame(data, endStream, 1, 'x') }, connection},
		"RST_STREAM of an idle stream": {func(c *framer) { c.frame(reset, 0, 1, 0, 0, 0, 8) }, connection},
		"WINDOW_UPDATE of an idle one": {func(c *framer) { c.frame(window, 0, 1, 0, 0, 0, 1) }, connection},
		"CONTINUATION of an idle one":  {func(c *framer) { c.frame(continuation, endHeaders, 1, c.get()...) }, connection},
		"CONTINUATION after a block":   {func(c *framer) { c.head(1, c.get(), false); c.frame(continuation, endHeaders, 1, c.get()...) }, connection},
		"a stream of an even number":   {func(c *framer) { c.head(2, c.get(), true) }, connection},
		"a stream of a smaller number": {func(c *framer) { c.head(5, c.post(), false); c.head(3, c.get(), true) }, connection},
		// 6.1 to 6.4
		"DATA of no stream":             {func(c *framer) { c.frame(data, endStream, 0, 'x') }, connection},
		"DATA with too much padding":    {func(c *framer) { c.head(1, c.post(), false); c.frame(data, endStream|padded, 1, 9, 'x') }, connection},
		"HEADERS of no stream":          {func(c *framer) { c.head(0, c.get(), true) }, connection},
		"HEADERS with too much padding": {func(c *framer) { c.frame(headers, endHeaders|endStream|padded, 1, append([]byte{200}, c.get()...)...) }, ofStream}, // of x/net; section 6.2 wants more
		"PRIORITY of no stream":         {func(c *framer) { c.frame(priority, 0, 0, 0, 0, 0, 1, 1) }, connection},
		"PRIORITY of 4 bytes":           {func(c *framer) { c.frame(priority, 0, 1, 0, 0, 0, 1) }, ofStream},
		"RST_STREAM of no stream":       {func(c *framer) { c.frame(reset, 0, 0, 0, 0, 0, 8) }, connection},
		"RST_STREAM of 3 bytes":         {func(c *framer) { c.head(1, c.post(), false); c.frame(reset, 0, 1, 0, 0, 8) }, connection},
		// 6.5 to 6.10
		"SETTINGS of a stream":        {func(c *framer) { c.frame(settings, 0, 1) }, connection},
		"SETTINGS of 5 bytes":         {func(c *framer) { c.frame(settings, 0, 0, 0, 3, 0, 0, 0) }, connection},
		"SETTINGS ACK with a payload": {func(c *framer) { c.frame(settings, ack, 0, 0, 3, 0, 0, 0, 1) }, connection},
		"ENABLE_PUSH of 2":            {func(c *framer) { c.frame(settings, 0, 0, 0, 2, 0, 0, 0, 2) }, connection},
		"INITIAL_WINDOW_SIZE of 2^31": {func(c *framer) { c.frame(settings, 0, 0, 0, 4, 0x80, 0, 0, 0) }, connection},
		"MAX_FRAME_SIZE of 1":         {func(c *framer) { c.frame(settings, 0, 0, 0, 5, 0, 0, 0, 1) }, connection},
		"MAX_FRAME_SIZE of 2^24":      {func(c *framer) { c.frame(settings, 0, 0, 0, 5, 1, 0, 0, 0) }, connection},
		"PUSH_PROMISE": {func(c *framer) {
			c.head(1, c.post(), false)
			c.frame(promise, endHeaders, 1, append([]byte{0, 0, 0, 2}, c.get()...)...)
		}, connection},
		"PING of a stream":             {func(c *framer) { c.frame(ping, 0, 1, 1, 2, 3, 0, 0, 0, 0, 0) }, connection},
		"PING of 7 bytes":              {func(c *framer) { c.frame(ping, 0, 0, 1, 2, 3, 0, 0, 0, 0) }, connection},
		"GOAWAY of a stream":           {func(c *framer) { c.frame(away, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0) }, connection},
		"WINDOW_UPDATE of 0":           {func(c *framer) { c.frame(window, 0, 0, 0, 0, 0, 0) }, connection},
		"WINDOW_UPDATE of a stream, 0": {func(c *framer) { c.head(1, c.post(), false); c.frame(window, 0, 1, 0, 0, 0, 0) }, ofStream},
		"WINDOW_UPDATE of 3 bytes":     {func(c *framer) { c.frame(window, 0, 0, 0, 0, 1) }, connection},
		"a window of more than 2^31":   {func(c *framer) { c.frame(window, 0, 0, 0x7f, 0xff, 0xff, 0xff) }, connection},
		"that of a stream":             {func(c *framer) { c.head(1, c.post(), false); c.frame(window, 0, 1, 0x7f, 0xff, 0xff, 0xff) }, ofStream},
		"CONTINUATION of no stream":    {func(c *framer) { c.frame(headers, endStream, 1, c.get()...); c.frame(continuation, endHeaders, 0) }, connection},
		// 8.2 and 8.3
		"a name in upper case":         {func(c *framer) { c.head(1, c.get("X-A", "b"), true) }, ofStream},
		"a name with a space":          {func(c *framer) { c.head(1, c.get("x a", "b"), true) }, ofStream},
		"an empty name":                {func(c *framer) { c.head(1, c.get("", "b"), true) }, ofStream},
		"a line feed in a value":       {func(c *framer) { c.head(1, c.get("x", "a\r\nb: c"), true) }, ofStream},
		"a zero in a value":            {func(c *framer) { c.head(1, c.get("x", "a\x00"), true) }, ofStream},
		"connection":                   {func(c *framer) { c.head(1, c.get("connection", "x"), true) }, refused},
		"keep-alive":                   {func(c *framer) { c.head(1, c.get("keep-alive", "x"), true) }, refused},
		"proxy-connection":             {func(c *framer) { c.head(1, c.get("proxy-connection", "x"), true) }, refused},
		"transfer-encoding":            {func(c *framer) { c.head(1, c.post("transfer-encoding", "chunked"), true) }, refused},
		"upgrade":                      {func(c *framer) { c.head(1, c.get("upgrade", "websocket"), true) }, refused},
		"te: gzip":                     {func(c *framer) { c.head(1, c.get("te", "gzip"), true) }, refused},
		"an unknown pseudo-header":     {func(c *framer) { c.head(1, c.get(":x", "y"), true) }, ofStream},
		"a pseudo-header of responses": {func(c *framer) { c.head(1, c.get(":status", "200"), true) }, ofStream},
		"a pseudo-header after others": {func(c *framer) {
			c.head(1, c.fields(":method", "GET", ":scheme", "http", "x", "y", ":path", "/"), true)
		}, ofStream},
		"a pseudo-header of trailers": {func(c *framer) { c.head(1, c.post(), false); c.head(1, c.fields(":method", "GET"), true) }, ofStream},
		"an empty path": {func(c *framer) {
			c.head(1, c.fields(":method", "GET", ":scheme", "http", ":path", "", ":authority", "a"), true)
		}, ofStream},
		"a path without a slash": {func(c *framer) {
			c.head(1, c.fields(":method", "GET", ":scheme", "http", ":path", "x", ":authority", "a"), true)
		}, refused},
		"no method":    {func(c *framer) { c.head(1, c.fields(":scheme", "http", ":path", "/", ":authority", "a"), true) }, ofStream},
		"no scheme":    {func(c *framer) { c.head(1, c.fields(":method", "GET", ":path", "/", ":authority", "a"), true) }, ofStream},
		"no path":      {func(c *framer) { c.head(1, c.fields(":method", "GET", ":scheme", "http", ":authority", "a"), true) }, ofStream},
		"two methods":  {func(c *framer) { c.head(1, c.get(":method", "GET"), true) }, ofStream},
		"two schemes":  {func(c *framer) { c.head(1, c.get(":scheme", "http"), true) }, ofStream},
		"two paths":    {func(c *framer) { c.head(1, c.get(":path", "/"), true) }, ofStream},
		"no authority": {func(c *framer) { c.head(1, c.fields(":method", "GET", ":scheme", "http", ":path", "/"), true) }, refused},
		"another host": {func(c *framer) { c.head(1, c.get("host", "b"), true) }, refused},
		"CONNECT":      {func(c *framer) { c.head(1, c.fields(":method", "CONNECT", ":authority", "a:1"), true) }, refused},
		"TRACE": {func(c *framer) {
			c.head(1, c.fields(":method", "TRACE", ":scheme", "http", ":path", "/", ":authority", "a"), true)
		}, refused},
		"a method that is none": {func(c *framer) {
			c.head(1, c.fields(":method", "G T", ":scheme", "http", ":path", "/", ":authority", "a"), true)
		}, ofStream},
		"a body longer than it says": {func(c *framer) {
			c.head(1, c.post("content-length", "1"), false)
			c.frame(data, endStream, 1, []byte("hi")...)
		}, ofStream},
		"a body shorter than it says": {func(c *framer) {
			c.head(1, c.post("content-length", "3"), false)
			c.frame(data, endStream, 1, []byte("hi")...)
		}, ofStream},
		"two lengths": {func(c *framer) {
			c.head(1, c.post("content-length", "2", "content-length", "3"), false)
			c.frame(data, endStream, 1, []byte("hi")...)
		}, ofStream},
		"a length that is no number": {func(c *framer) {
			c.head(1, c.post("content-length", "+2"), false)
			c.frame(data, endStream, 1, []byte("hi")...)
		}, ofStream},
		// RFC 7541
		"index 0":                   {func(c *framer) { c.head(1, c.with(0x80), true) }, connection},
		"an index beyond the table": {func(c *framer) { c.head(1, c.with(0xff, 0x7f), true) }, connection},
		"a name beyond the table":   {func(c *framer) { c.head(1, c.with(0x7f, 0x7f, 1, 'x'), true) }, connection},
		"an integer without an end": {func(c *framer) {
			c.head(1, c.with(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f), true)
		}, connection},
		"a table larger than agreed":    {func(c *framer) { c.head(1, append([]byte{0x3f, 0xe2, 0xff, 0x7f}, c.get()...), true) }, connection},
		"a change of the table after":   {func(c *framer) { c.head(1, c.with(0x20), true) }, connection},
		"a string longer than there is": {func(c *framer) { c.head(1, c.with(0x40, 9, 'x'), true) }, connection},
		"Huffman with a byte too many": {func(c *framer) {
			c.head(1, c.with(0x00, 0x85, 0xf2, 0xb2, 0x4a, 0x84, 0xff, 0x84, 0x49, 0x50, 0x9f, 0xff), true)
		}, connection},
		"Huffman with the end in it": {func(c *framer) {
			c.head(1, c.with(0x00, 0x85, 0xf2, 0xb2, 0x4a, 0x84, 0xff, 0x87, 0x49, 0x51, 0xff, 0xff, 0xff, 0xfa, 0x7f), true)
		}, connection},
		"Huffman with zeros at the end": {func(c *framer) {
			c.head(1, c.with(0x00, 0x85, 0xf2, 0xb2, 0x4a, 0x84, 0xff, 0x83, 0x49, 0x50, 0x90), true)
		}, connection},
	}
	counted := map[outcome]int{}
	for name, tc := range cases {
		c := newFramer(t, at["plain"])
		c.begin()
		tc.send(c)
		got := c.result()
		_ = c.Conn.Close() // it is over
		counted[tc.want]++
		// RFC 9113, sections 5.4 and 8.1.1: the connection may end where the stream must,
		// and an answer may say why; but nothing is served.
		stronger := tc.want == ofStream && (got == connection || got == refused) || tc.want == refused && (got == connection || got == ofStream)
		if got != tc.want && !stronger {
			t.Errorf("%s: %s, want: %s", name, got, tc.want)
		}
	}
	t.Logf("%d cases: %v", len(cases), counted)
}
