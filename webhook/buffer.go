// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
)

// firstRead is what is read of a body before room is taken for it: as much as
// the server's own buffers for a connection (net/http reads and writes 4 KiB
// each), and the whole of most reviews.
const firstRead = 8 << 10

// growth is by how much a buffer grows that was filled: who has sent a part
// holds at most so many times that.
const growth = 4

// buffer holds the body of one request at a time.
type buffer struct {
	bytes []byte
	class int // which pool it goes back to
}

// buffers lends buffers of three sizes: firstRead, and growth times the one
// before. Larger bodies are rare, and a pool of them would hold their memory. The
// zero value is ready. Safe for concurrent use.
type buffers struct{ pools [3]sync.Pool }

// get returns a buffer of a class that nobody else has.
func (p *buffers) get(class int) *buffer {
	if b, ok := p.pools[class].Get().(*buffer); ok {
		return b
	}
	size := firstRead
	for range class {
		size *= growth
	}
	return &buffer{make([]byte, size), class}
}

// put takes a buffer back.
func (p *buffers) put(b *buffer) {
	if b.class < len(p.pools) {
		p.pools[b.class].Put(b)
	}
}

// larger returns a buffer of the next size with the same content, at most of the
// size that the caller wants, and takes the old one back.
func (p *buffers) larger(ctx context.Context, b *buffer, most int, l *lease) (*buffer, error) {
	next := &buffer{class: len(p.pools)}
	size := min(len(b.bytes)*growth, most)
	if b.class+1 < len(p.pools) {
		size = len(b.bytes) * growth
	}
	if err := l.grow(ctx, int64(size-len(b.bytes))); err != nil {
		return b, err
	}
	if b.class+1 < len(p.pools) {
		next = p.get(b.class + 1)
	} else {
		next.bytes = make([]byte, size)
	}
	copy(next.bytes, b.bytes)
	p.put(b)
	return next, nil
}

// read reads the body of a request, taking room for it as it arrives: who
// announces much and sends nothing holds nothing. The body is valid until the
// buffer is put back, which the caller does, also after an error: nothing that a
// judge keeps may point into it.
func (p *buffers) read(req *http.Request, l *lease) (*buffer, []byte, error) {
	b := p.get(0)
	length, known := int(req.ContentLength), req.ContentLength >= 0
	if length > MaxReview {
		return b, nil, errTooLarge
	}
	for n := 0; ; {
		end := len(b.bytes)
		if known {
			end = min(end, length)
		}
		got, err := io.ReadFull(req.Body, b.bytes[n:end])
		n += got
		switch {
		case known && n == length:
			return b, b.bytes[:n], nil
		case !known && (errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)):
			return b, b.bytes[:n], nil
		case err != nil:
			return b, nil, fmt.Errorf("read review: %w", err)
		case n > MaxReview:
			return b, nil, errTooLarge
		case known:
			b, err = p.larger(req.Context(), b, length, l)
		default:
			b, err = p.larger(req.Context(), b, MaxReview+1, l) // one byte more shows that there is more
		}
		if err != nil {
			return b, nil, err
		}
	}
}

var errTooLarge = fmt.Errorf("read review: it is too large: more than %d bytes", MaxReview)
