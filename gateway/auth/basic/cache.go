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
	maxCached = 8192
	cachedFor = 5 * time.Minute
)

// cache remembers which names and passwords were right. What was wrong is not
// remembered: there is no end of it.
type cache struct {
	key [sha256.Size]byte // of the process: a dump of the map is no list of hashes

	mu    sync.Mutex
	until map[[sha256.Size]byte]time.Time
}

func newCache() *cache {
	c := &cache{until: map[[sha256.Size]byte]time.Time{}}
	_, _ = rand.Read(c.key[:]) // it never fails
	return c
}

// sum is under what a name and a password are remembered.
func (c *cache) sum(name, password string) (out [sha256.Size]byte) {
	mac := hmac.New(sha256.New, c.key[:])
	var length [8]byte
	binary.BigEndian.PutUint64(length[:], uint64(len(name)))
	_, _ = mac.Write(length[:])        // a hash takes everything
	_, _ = mac.Write([]byte(name))     // and this
	_, _ = mac.Write([]byte(password)) // and this
	mac.Sum(out[:0])
	return out
}

func (c *cache) has(sum [sha256.Size]byte, now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return now.Before(c.until[sum])
}

// add forgets another one, whichever it is, when there are too many.
func (c *cache) add(sum [sha256.Size]byte, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.until) >= maxCached {
		for old := range c.until {
			delete(c.until, old)
			break
		}
	}
	c.until[sum] = now.Add(cachedFor)
}
