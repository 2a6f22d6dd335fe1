// SPDX-License-Identifier: Apache-2.0

package telemetry

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"sync"
)

// Hasher tells principals from one another without saying who they are: whoever
// has the key can find the lines of somebody, and nobody can find somebody by the
// lines.
type Hasher struct {
	key    []byte
	hashes sync.Pool // of *keyed
}

// keyed is a hash with its key, and room for what goes into it and comes out.
type keyed struct {
	hash.Hash
	in  []byte
	out [sha256.Size]byte
}

// NewHasher takes a key, or makes one if there is none.
func NewHasher(key []byte) *Hasher {
	if len(key) == 0 {
		key = make([]byte, sha256.Size)
		_, _ = rand.Read(key) // it never fails (crypto/rand)
	}
	return &Hasher{key: key}
}

// Hash is 16 hexadecimal digits for what is said of a principal. It is safe for concurrent use.
func (h *Hasher) Hash(by, issuer, subject string) string {
	k, is := h.hashes.Get().(*keyed)
	if !is {
		k = &keyed{Hash: hmac.New(sha256.New, h.key)}
	}
	defer func() {
		if cap(k.in) <= longestKept {
			h.hashes.Put(k)
		}
	}()
	k.Reset()
	k.in = k.in[:0]
	for _, part := range [...]string{by, issuer, subject} {
		k.in = append(append(k.in, part...), 0)
	}
	_, _ = k.Write(k.in) // a hash takes everything
	var text [16]byte
	hex.Encode(text[:], k.Sum(k.out[:0])[:8])
	return string(text[:])
}
