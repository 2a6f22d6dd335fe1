// SPDX-License-Identifier: Apache-2.0

package smuggling

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// framer is a client of HTTP/2 that keeps to no rule.
type framer struct {
	*http2.Framer
	block   bytes.Buffer
	encoder *hpack.Encoder
	ended   map[uint32]bool // streams that the client has ended, and that are to be answered
}

// fields encodes header lines, given as names and values. One that begins with ":" takes
// the place of the pseudo-header of its name.
func (f *framer) fields(list ...string) []byte {
	f.block.Reset()
	for i := 0; i+1 < len(list); i += 2 {
		_ = f.encoder.WriteField(hpack.HeaderField{Name: list[i], Value: list[i+1]}) // to memory
	}
	return bytes.Clone(f.block.Bytes())
}

// request encodes a request for a path and more lines.
func (f *framer) request(method, path string, more ...string) []byte {
	return f.fields(append([]string{":method", method, ":scheme", "http", ":path", path, ":authority", "shop"}, more...)...)
}

// head sends header lines. What fails is seen when an answer is read.
func (f *framer) head(stream uint32, block []byte, end bool) {
	f.ended[stream] = f.ended[stream] || end
	_ = f.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: block, EndStream: end, EndHeaders: true})
}

// data sends a piece of a body.
func (f *framer) data(stream uint32, text string, end bool) {
	f.ended[stream] = f.ended[stream] || end
	_ = f.WriteData(stream, end, []byte(text))
}

// raw sends any frame.
func (f *framer) raw(kind http2.FrameType, flags http2.Flags, stream uint32, payload string) {
	_ = f.WriteRawFrame(kind, flags, stream, []byte(payload))
}

// overHTTP2 sends a stream of frames, and reads until all that was asked is answered or
// the connection ends.
func (s *sent) overHTTP2(c net.Conn) {
	f := &framer{Framer: http2.NewFramer(c, c), ended: map[uint32]bool{}}
	f.AllowIllegalWrites, f.AllowIllegalReads = true, true
	f.encoder = hpack.NewEncoder(&f.block)
	if _, err := io.WriteString(c, http2.ClientPreface); err != nil || f.WriteSettings() != nil {
		return
	}
	s.http2(f)
	// The answer to this comes after what went before was taken, and refused if it is.
	_ = f.WritePing(false, [8]byte{1})
	decoder := hpack.NewDecoder(4096, nil)
	pong := false
	for !pong || len(f.waiting()) > 0 {
		frame, err := f.ReadFrame()
		if err != nil {
			s.hangs = s.hangs || errors.Is(err, os.ErrDeadlineExceeded)
			return
		}
		over := false
		switch frame := frame.(type) {
		case *http2.GoAwayFrame:
			if frame.ErrCode != http2.ErrCodeNo {
				return
			}
		case *http2.PingFrame:
			pong = pong || frame.IsAck()
		case *http2.RSTStreamFrame:
			over = true
		case *http2.DataFrame:
			over = frame.StreamEnded()
		case *http2.HeadersFrame:
			over = frame.StreamEnded()
			lines, err := decoder.DecodeFull(frame.HeaderBlockFragment())
			if err != nil {
				return
			}
			s.take(lines)
		}
		if over {
			delete(f.ended, frame.Header().StreamID)
		}
	}
}

// waiting are the streams whose end has not come back.
func (f *framer) waiting() (out []uint32) {
	for stream, ended := range f.ended {
		if ended {
			out = append(out, stream)
		}
	}
	return out
}

// take keeps an answer, unless it is 1xx or trailers.
func (s *sent) take(lines []hpack.HeaderField) {
	var r response
	for _, l := range lines {
		switch l.Name {
		case ":status":
			for _, c := range []byte(l.Value) {
				r.status = r.status*10 + int(c-'0')
			}
		case "x-request-id":
			r.id = l.Value
		case "x-saw":
			r.saw = l.Value
		}
	}
	if r.status >= 200 {
		s.responses = append(s.responses, r)
	}
}
