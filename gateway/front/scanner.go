// SPDX-License-Identifier: Apache-2.0

package front

import (
	"bytes"

	"github.com/gatehouse-sh/gatehouse/gateway/internal/header"
	"github.com/gatehouse-sh/gatehouse/gateway/request"
)

// Limits bound what a client may send before it is listened to. The zero value
// of each means its default.
type Limits struct {
	Head  int // bytes of the request line and all header lines together: DefaultHead
	Lines int // header lines: DefaultLines
}

// Defaults of Limits. 64 KiB is what a head of 100 lines with two large cookies
// takes; nginx allows 4 x 8 KiB, HAProxy 16 KiB, Envoy 60 KiB.
const (
	DefaultHead  = 64 << 10
	DefaultLines = 100
)

// maxChunkLine is the longest line before a chunk: 16 digits and some extension,
// which nobody reads.
const maxChunkLine = 256

// maxKept is how large a buffer an idle connection may keep: 10,000 of them then
// hold 10 MiB.
const maxKept = 1 << 10

// state is what the next byte belongs to.
type state uint8

const (
	inRequestLine state = iota
	inHeader
	inBody
	inChunkLine
	inChunk
	inChunkEnd
	inTrailer
	inPreface
	inFrames // of HTTP/2
	passing  // the bytes are no HTTP
)

// Scanner follows the bytes that a client sends over one connection and finds
// what is malformed before a parser sees it. It keeps at most one incomplete line.
// One goroutine at a time may use it.
type Scanner struct {
	limits  Limits
	http2   bool
	state   state
	started bool   // a byte has been seen, so that a preface is none any more
	line    []byte // what there is of an incomplete line
	head    head
	size    int   // bytes of this head
	lines   int   // header lines of this head
	left    int64 // bytes of this body or chunk
	frames  *Frames
}

// NewScanner scans a connection from its first byte on. With http2, a connection
// that begins with the preface of HTTP/2 is one of frames.
func NewScanner(limits Limits, http2 bool) *Scanner {
	if limits.Head == 0 {
		limits.Head = DefaultHead
	}
	if limits.Lines == 0 {
		limits.Lines = DefaultLines
	}
	return &Scanner{limits: limits, http2: http2}
}

// Pass ends the scanning: what comes is no HTTP any more.
func (s *Scanner) Pass() { s.state, s.line = passing, nil }

// Feed takes the next bytes and returns how many of them may be passed on. If it
// is fewer than all, fault says what is wrong with the next one, and nothing may be
// fed any more.
func (s *Scanner) Feed(p []byte) (n int, fault Fault) {
	for n < len(p) {
		switch s.state {
		case passing:
			return len(p), ""
		case inFrames:
			k, fault := s.frames.Feed(p[n:])
			return n + k, fault
		case inBody, inChunk:
			k := min(s.left, int64(len(p)-n))
			n += int(k)
			if s.left -= k; s.left == 0 {
				s.bodyEnded()
			}
		case inRequestLine, inHeader, inChunkLine, inChunkEnd, inTrailer, inPreface:
			end := bytes.IndexByte(p[n:], '\n')
			if end < 0 {
				if fault := s.keep(p[n:]); fault != "" {
					return n, fault
				}
				return len(p), ""
			}
			if fault := s.complete(p[n : n+end]); fault != "" {
				return n + end, fault
			}
			n += end + 1
		}
	}
	return n, ""
}

// inMessage tells whether the next byte belongs to a request whose head has passed.
func (s *Scanner) inMessage() bool {
	switch s.state {
	case inBody, inChunkLine, inChunk, inChunkEnd, inTrailer:
		return true
	case inRequestLine, inHeader, inPreface, inFrames, passing:
	}
	return false
}

// inHead tells whether a head has begun, and has not ended.
func (s *Scanner) inHead() bool {
	return s.state == inHeader || s.state == inRequestLine && len(s.line) > 0
}

func (s *Scanner) bodyEnded() {
	if s.state == inChunk {
		s.state = inChunkEnd
		return
	}
	s.next()
}

// next begins a new request.
func (s *Scanner) next() {
	s.state, s.size, s.lines, s.head = inRequestLine, 0, 0, head{}
}

// keep remembers the beginning of a line.
func (s *Scanner) keep(part []byte) Fault {
	if fault := s.room(len(s.line) + len(part)); fault != "" {
		return fault
	}
	s.line = append(s.line, part...)
	return ""
}

// room tells whether a line of so many bytes may still come.
func (s *Scanner) room(n int) Fault {
	switch {
	case (s.state == inChunkLine || s.state == inChunkEnd) && n > maxChunkLine:
		return BadChunk
	case n > s.limits.Head:
		return LineTooLong
	case s.size+n > s.limits.Head:
		return HeadTooLarge
	}
	return ""
}

// complete takes the end of a line, without its line feed.
func (s *Scanner) complete(end []byte) Fault {
	line := end
	if len(s.line) > 0 {
		if fault := s.keep(end); fault != "" {
			return fault
		}
		line = s.line
	} else if fault := s.room(len(line)); fault != "" {
		return fault
	}
	if len(line) == 0 || line[len(line)-1] != '\r' {
		return BareLineFeed
	}
	s.size += len(line) + 1
	fault := s.judge(line[:len(line)-1])
	if cap(s.line) > maxKept {
		s.line = nil
	}
	s.line = s.line[:0]
	return fault
}

// judge takes a line without its end.
func (s *Scanner) judge(line []byte) Fault {
	switch s.state {
	case inRequestLine:
		return s.requestLine(line)
	case inHeader:
		return s.headerLine(line)
	case inChunkLine:
		return s.chunkLine(line)
	case inChunkEnd:
		s.state = inChunkLine
		if len(line) != 0 {
			return BadChunk
		}
	case inTrailer:
		return s.trailerLine(line)
	case inPreface:
		return s.prefaceLine(line)
	case inBody, inChunk, inFrames, passing: // have no lines
	}
	return ""
}

func (s *Scanner) requestLine(line []byte) Fault {
	first := !s.started
	s.started = true
	if string(line) == "PRI * HTTP/2.0" {
		if !first || !s.http2 {
			return UnexpectedBinary
		}
		s.state = inPreface
		return ""
	}
	if fault := s.head.request(line); fault != "" {
		return fault
	}
	s.state = inHeader
	return ""
}

// preface are the lines of it that follow the first (RFC 9113, section 3.4).
var preface = [...]string{"", "SM", ""}

// prefaceLine takes one of them. What only begins like a preface net/http reads as
// HTTP/1.
func (s *Scanner) prefaceLine(line []byte) Fault {
	if string(line) != preface[s.lines] {
		return UnexpectedBinary
	}
	if s.lines++; s.lines == len(preface) {
		s.state, s.line, s.frames = inFrames, nil, NewFrames(s.limits)
	}
	return ""
}

func (s *Scanner) headerLine(line []byte) Fault {
	if len(line) > 0 {
		if s.lines++; s.lines > s.limits.Lines {
			return TooManyLines
		}
		return s.head.field(line)
	}
	if fault := s.head.end(); fault != "" {
		return fault
	}
	switch {
	case s.head.chunked:
		s.size, s.lines, s.state = 0, 0, inChunkLine
	case s.head.length > 0:
		s.left, s.state = s.head.length, inBody
	default:
		s.next()
	}
	return ""
}

// chunkLine reads the size of a chunk. Its extension has no meaning to anybody,
// and is not passed on to backends.
func (s *Scanner) chunkLine(line []byte) Fault {
	s.size = 0
	digits, extension, has := bytes.Cut(line, []byte{';'})
	if has && !header.IsValue(extension) || len(digits) == 0 || len(digits) > 15 {
		return BadChunk
	}
	var size int64
	for _, c := range digits {
		v, ok := request.HexDigit(c)
		if !ok {
			return BadChunk
		}
		size = size<<4 | int64(v)
	}
	s.left, s.state = size, inChunk
	if size == 0 {
		s.lines, s.state = 0, inTrailer
	}
	return ""
}

func (s *Scanner) trailerLine(line []byte) Fault {
	if len(line) == 0 {
		s.next()
		return ""
	}
	if s.lines++; s.lines > s.limits.Lines {
		return TooManyLines
	}
	return trailer(line)
}
