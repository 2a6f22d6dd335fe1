// SPDX-License-Identifier: Apache-2.0

package jwt

import (
	"crypto/sha256"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/maypok86/otter/v2"

	"github.com/gatehouse-sh/gatehouse/gateway/auth"
	"github.com/gatehouse-sh/gatehouse/gateway/auth/jwks"
)

// Sizes and times of a Cache.
const (
	DefaultCacheBytes = 128 << 20 // of 100,000 tokens with ten claims or so
	refusedEntries    = 1 << 14   // of 160 bytes or so
	refusedFor        = 10 * time.Second
)

// Cache remembers what tokens were found to be, by a hash of the token and of what
// was asked of it. It holds no tokens. One is shared by all authenticators of a
// process, and outlives them. Its methods may be called by any number of goroutines.
type Cache struct {
	verified *otter.Cache[[sha256.Size]byte, *verified]
	refused  *otter.Cache[[sha256.Size]byte, refused]
	scratch  sync.Pool // of *[]byte
}

// verified is a token that held.
type verified struct {
	answer auth.Answer
	key    *jwks.Key
	from   int64 // when it was found, in nanoseconds since 1970
	until  int64
	cost   uint32
}

// refused is a token that will not hold as long as the keys are the same ones.
type refused struct {
	verdict    auth.Verdict
	reason     string
	generation uint64
	until      int64
}

// NewCache makes a Cache of so many bytes, 0 meaning DefaultCacheBytes. It has to be
// closed.
func NewCache(bytes uint64) (*Cache, error) {
	if bytes == 0 {
		bytes = DefaultCacheBytes
	}
	c := &Cache{scratch: sync.Pool{New: func() any { return new([]byte) }}}
	var err error
	c.verified, err = otter.New(&otter.Options[[sha256.Size]byte, *verified]{
		MaximumWeight: bytes,
		Weigher:       func(_ [sha256.Size]byte, v *verified) uint32 { return v.cost },
		ExpiryCalculator: otter.ExpiryWritingFunc(func(e otter.Entry[[sha256.Size]byte, *verified]) time.Duration {
			return time.Duration(max(e.Value.until-e.Value.from, 1))
		}),
	})
	if err != nil {
		return nil, fmt.Errorf("make the cache of verified tokens: %w", err)
	}
	c.refused, err = otter.New(&otter.Options[[sha256.Size]byte, refused]{
		MaximumSize:      refusedEntries,
		ExpiryCalculator: otter.ExpiryWriting[[sha256.Size]byte, refused](refusedFor),
	})
	if err != nil {
		return nil, fmt.Errorf("make the cache of refused tokens: %w", err)
	}
	return c, nil
}

// Close forgets everything.
func (c *Cache) Close() {
	c.verified.InvalidateAll()
	c.refused.InvalidateAll()
	c.verified.StopAllGoroutines()
	c.refused.StopAllGoroutines()
}

// key is the name of a token, asked for by a policy.
func (c *Cache) key(policy *[sha256.Size]byte, token string) [sha256.Size]byte {
	buffer, _ := c.scratch.Get().(*[]byte)
	*buffer = append(append((*buffer)[:0], policy[:]...), token...)
	out := sha256.Sum256(*buffer)
	c.scratch.Put(buffer)
	return out
}

// get returns what is known of a token.
func (c *Cache) get(key [sha256.Size]byte, keys *jwks.Set, now time.Time) (auth.Answer, bool) {
	at := now.UnixNano()
	if v, hit := c.verified.GetIfPresent(key); hit && at < v.until && at >= v.from && !v.key.Gone() {
		return v.answer, true
	}
	if r, hit := c.refused.GetIfPresent(key); hit && at < r.until && r.generation == keys.Generation() {
		return auth.Answer{Verdict: r.verdict, Reason: r.reason}, true
	}
	return auth.Answer{}, false
}

// put remembers an answer, if it is one that stays: not that keys are missing, or
// that a time has not come.
func (c *Cache) put(key [sha256.Size]byte, answer auth.Answer, f found, generation uint64, now time.Time, most time.Duration) {
	switch {
	case answer.Verdict == auth.Valid:
		until := now.Add(most)
		if f.until.Before(until) {
			until = f.until
		}
		c.verified.Set(key, &verified{answer: answer, key: f.key, from: now.UnixNano(), until: until.UnixNano(), cost: uint32(min(f.cost, math.MaxUint32))}) //nolint:gosec // bounded
	case answer.Reason == Signature, answer.Reason == OtherIssuer:
		c.refused.Set(key, refused{verdict: answer.Verdict, reason: answer.Reason, generation: generation, until: now.Add(refusedFor).UnixNano()})
	}
}
