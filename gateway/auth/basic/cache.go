// SPDX-License-Identifier: Apache-2.0

package basic

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"sync"
	"time"
)

// Bounds of what is remembered.
const (
	maxCached = 65_536 // some 5 MiB
	cachedFor = 5 * time.Minute
)

// cache remembers which passwords fit which hashes, until nobody has used one for a
// while: that it fits does not end. What was wrong is not remembered: there is no end of
// it.
type cache struct {
	key [sha256.Size]byte // of the process: a dump of the map is no list of hashes

	mu    sync.Mutex
	until map[sum]int64 // seconds of Unix time
}

// sum is under what a name, its password and its hash are remembered.
type sum [sha256.Size]byte

func newCache() *cache {
	c := &cache{until: map[sum]int64{}}
	_, _ = rand.Read(c.key[:]) // it never fails
	return c
}

func (c *cache) sum(name, password string, hash []byte) (out sum) {
	mac := hmac.New(sha256.New, c.key[:])
	var length [8]byte
	for _, part := range [][]byte{[]byte(name), []byte(password), hash} {
		binary.BigEndian.PutUint64(length[:], uint64(len(part)))
		_, _ = mac.Write(length[:]) // a hash takes everything
		_, _ = mac.Write(part)      // and this
	}
	mac.Sum(out[:0])
	return out
}

// has tells whether a password is known to fit, and remembers it for longer.
func (c *cache) has(s sum, now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	until, has := c.until[s]
	if !has || now.Unix() >= until {
		return false
	}
	c.until[s] = max(until, now.Add(cachedFor).Unix())
	return true
}

// add forgets another one, whichever it is, when there are too many.
func (c *cache) add(s sum, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.until) >= maxCached {
		for old := range c.until {
			delete(c.until, old)
			break
		}
	}
	c.until[s] = now.Add(cachedFor).Unix()
}
