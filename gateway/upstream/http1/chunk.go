// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strconv"

	"github.com/gatehouse-sh/gatehouse/gateway/internal/header"
)

// maxChunkLine bounds the length of a chunk and its extensions, which mean nothing to
// anybody.
const maxChunkLine = 256

// chunk reads the line of the next chunk, or the end of the body.
func (b *body) chunk() error {
	if b.inChunks {
		line, err := b.line(2)
		if err != nil {
			return err
		}
		if len(line) != 0 {
			return refused(BadChunk)
		}
	}
	b.inChunks = true
	line, err := b.line(maxChunkLine)
	if err != nil {
		return err
	}
	size, ok := chunkSize(line)
	if !ok {
		return refused(BadChunk)
	}
	if b.left = size; size > 0 {
		return nil
	}
	if err := b.trailers(); err != nil {
		return err
	}
	b.clean = true
	return io.EOF
}

// line takes a line without its end, which is valid until the next read.
func (b *body) line(most int) ([]byte, error) {
	c := b.c
	for {
		p := c.pending()
		if i := bytes.IndexByte(p, '\n'); i >= 0 {
			if i == 0 || p[i-1] != '\r' || i-1 > most {
				return nil, refused(BadChunk)
			}
			c.from += i + 1
			return p[:i-1], nil
		}
		if len(p) > most+1 {
			return nil, refused(BadChunk)
		}
		if err := c.fill(readBuffer); err != nil {
			return nil, cut(err)
		}
	}
}

// cut names the end of a connection within a message.
func cut(err error) error {
	if errors.Is(err, io.EOF) {
		return refused(CutShort)
	}
	return err
}

// chunkSize reads 1 to 15 hexadecimal digits, and lets extensions follow (RFC 9112,
// section 7.1.1).
func chunkSize(line []byte) (int64, bool) {
	digits, extensions, _ := bytes.Cut(line, []byte{';'})
	if len(digits) > 15 || !header.IsValue(extensions) {
		return 0, false
	}
	n, err := strconv.ParseUint(string(digits), 16, 60)
	return int64(n), err == nil
}

// maxTrailer bounds the trailers of a response.
const maxTrailer = readBuffer

// trailers reads what comes after the last chunk.
func (b *body) trailers() error {
	c, scanned := b.c, 0
	for {
		p := c.pending()
		if len(p) >= 2 && p[0] == '\r' && p[1] == '\n' {
			c.from += 2
			return nil
		}
		end, next, fault := block(p, scanned)
		if fault != "" {
			return refused(fault)
		}
		if end > 0 {
			c.from += end
			h := http.Header{}
			if fault := fields(string(p[:end]), h, maxLines, nil); fault != "" {
				return refused(fault)
			}
			return b.addTrailers(h)
		}
		scanned = next
		if err := c.fill(maxTrailer); err != nil {
			return cut(err)
		}
	}
}

func (b *body) addTrailers(h http.Header) error {
	if b.response.Trailer == nil {
		b.response.Trailer = make(http.Header, len(h))
	}
	for name, values := range h {
		if !mayTrail(name) {
			return refused(BadTrailer)
		}
		b.response.Trailer[name] = values
	}
	return nil
}
