// SPDX-License-Identifier: Apache-2.0

package webhook

import "sync"

// maxBuffer is the largest body that is read into a buffer that is used again.
// Larger ones are rare, and a pool of them would hold their memory.
const maxBuffer = 64 << 10

// buffer holds the body of one request at a time.
type buffer struct{ kept []byte }

// bytes returns n bytes of any content.
func (b *buffer) bytes(n int) []byte {
	if n > maxBuffer {
		return make([]byte, n)
	}
	if cap(b.kept) < n {
		b.kept = make([]byte, max(n, 8<<10))
	}
	return b.kept[:n]
}

// buffers lends buffers. The zero value is ready. Safe for concurrent use.
type buffers struct{ pool sync.Pool }

// Get returns a buffer that nobody else has.
func (p *buffers) Get() *buffer {
	if b, ok := p.pool.Get().(*buffer); ok {
		return b
	}
	return &buffer{}
}

// Put takes a buffer back.
func (p *buffers) Put(b *buffer) { p.pool.Put(b) }
