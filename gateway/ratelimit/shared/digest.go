// SPDX-License-Identifier: Apache-2.0

package shared

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"sync"
)

// digests are names that cannot be read: HMAC-SHA-256, of which 128 bits are kept.
type digests struct{ pool *sync.Pool }

func newDigests(secret []byte) digests {
	return digests{&sync.Pool{New: func() any { return hmac.New(sha256.New, secret) }}}
}

func (d digests) of(name []byte) string {
	h, is := d.pool.Get().(hash.Hash)
	if !is {
		return "" // the pool has nothing else
	}
	defer d.pool.Put(h)
	h.Reset()
	_, _ = h.Write(name) // a hash takes everything
	var sum [sha256.Size]byte
	return base64.RawURLEncoding.EncodeToString(h.Sum(sum[:0])[:16])
}
