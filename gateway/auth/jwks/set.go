// SPDX-License-Identifier: Apache-2.0

package jwks

import (
	"context"
	"errors"
	"hash/maphash"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// What Find says when it has no key.
var (
	ErrUnknown     = errors.New("the set has no such key")
	ErrUnavailable = errors.New("the keys cannot be had now") // neither yes nor no
)

// Bounds of what tokens may cause.
const (
	MaxCandidates = 4                // keys that a token is tried with: each try costs tens of microseconds
	maxWaiting    = 256              // requests that wait for a fetch
	maxMissing    = 1024             // names of keys that are remembered not to be there
	missingFor    = time.Minute      // and for how long
	maxBackoff    = 30 * time.Second // between fetches that fail
)

// Set is the keys of one source. Its methods may be called by any number of
// goroutines, also after Close.
type Set struct {
	options Options
	id      [32]byte
	source  *source // nil: inline
	current atomic.Pointer[keys]

	stop   context.CancelFunc // of run
	ended  chan struct{}
	demand chan struct{} // wakes run; holds one

	seed    maphash.Seed
	mu      sync.Mutex
	round   chan struct{} // of the fetch that is under way or wanted; closed at its end, and nil then
	asked   time.Time     // when a token last caused a fetch
	waiting int
	missing map[uint64]time.Time // names that a fetch did not bring, and until when that holds
	status  Status
}

// keys are those of one moment. They do not change.
type keys struct {
	all        []*Key
	byID       map[string][]*Key
	nameless   []*Key
	generation uint64
}

func newKeys(all []*Key, generation uint64) *keys {
	out := &keys{all: all, byID: make(map[string][]*Key, len(all)), generation: generation}
	for _, k := range all {
		if k.ID == "" {
			out.nameless = append(out.nameless, k)
			continue
		}
		out.byID[k.ID] = append(out.byID[k.ID], k)
	}
	return out
}

// Open makes a Set and begins to fetch its keys. It has to be closed.
func Open(o Options) (*Set, error) { return open(o, nil) }

// open takes another transport for tests; nil is a transport of the set's own.
func open(o Options, transport http.RoundTripper) (*Set, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	s := &Set{options: o.withDefaults(), id: o.identity(), missing: map[uint64]time.Time{}, seed: maphash.MakeSeed()}
	s.current.Store(newKeys(nil, 0))
	if o.Inline != nil {
		all, err := decodeInline(o.Inline, s.options.MaxKeys)
		if err != nil {
			return nil, err
		}
		s.current.Store(newKeys(all, 1))
		s.status = Status{Keys: len(all), Fetched: time.Now()}
		return s, nil
	}
	s.source = newSource(&s.options, transport)
	s.demand, s.ended, s.round = make(chan struct{}, 1), make(chan struct{}), make(chan struct{})
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	go s.run(ctx)
	return s, nil
}

// Close ends the fetching. What the keys have verified is to be forgotten; requests
// under way still find them.
func (s *Set) Close() {
	if s.source != nil {
		s.stop()
		<-s.ended
		s.source.close()
	}
	for _, k := range s.current.Load().all {
		k.gone.Store(true)
	}
}

// Identity is the same for two sets of the same options.
func (s *Set) Identity() [32]byte { return s.id }

// Inline says that the keys were given, and were not fetched.
func (s *Set) Inline() bool { return s.source == nil }

// Issuer is the one whose discovery document names the keys, or "".
func (s *Set) Issuer() string { return s.options.Issuer }

// Generation is another one whenever the keys are other ones: what was found wrong
// by them may then be right. What was found right is wrong when its Key is gone.
func (s *Set) Generation() uint64 { return s.current.Load().generation }

// Status is what became of the last fetch.
func (s *Set) Status() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.status
}

// pick is the keys of a name that are for an algorithm; if none has the name, those
// that have none. A name that is "" is every name. known is false if another fetch
// could bring such a key.
func (k *keys) pick(id, algorithm string) (out []*Key, known bool) {
	from, known := k.all, true
	if id != "" {
		if from, known = k.byID[id]; !known {
			from = k.nameless
		}
	}
	for _, key := range from {
		if key.Fits(algorithm) {
			out = append(out, key)
		}
	}
	return out, known || len(out) > 0
}

// Find returns the keys by which a token that names a key ("" for none) and an
// algorithm can be verified, at most MaxCandidates. It may wait for a fetch, and
// returns ErrUnknown or ErrUnavailable when there are none.
func (s *Set) Find(ctx context.Context, id, algorithm string) ([]*Key, error) {
	now := s.current.Load()
	out, known := now.pick(id, algorithm)
	if len(out) == 0 && s.source != nil && (!known || len(now.all) == 0) && len(id) <= maxID {
		if err := s.await(ctx, id, len(now.all) == 0); err != nil {
			return nil, err
		}
		now = s.current.Load()
		out, _ = now.pick(id, algorithm)
	}
	switch {
	case len(now.all) == 0:
		return nil, ErrUnavailable
	case len(out) == 0:
		return nil, ErrUnknown
	case len(out) > MaxCandidates:
		return nil, ErrUnknown // which of them is meant, the token has to say
	}
	return out, nil
}

// await waits for the fetch that is under way, or causes one if that is allowed
// now. It returns nil if it is worth looking again.
func (s *Set) await(ctx context.Context, id string, empty bool) error {
	s.mu.Lock()
	now, name := time.Now(), maphash.String(s.seed, id)
	if until, is := s.missing[name]; is && now.Before(until) && !empty {
		s.mu.Unlock()
		return ErrUnknown
	}
	mine := s.round == nil
	switch {
	case mine && now.Sub(s.asked) < s.options.Cooldown:
		failed := s.status.Err != nil
		s.mu.Unlock()
		if failed {
			return ErrUnavailable // who knows whether the key is new
		}
		return ErrUnknown
	case s.waiting >= maxWaiting:
		s.mu.Unlock()
		return ErrUnavailable
	case mine:
		s.round, s.asked = make(chan struct{}), now
		s.demand <- struct{}{} // there is room: it is sent only by who makes a round, and taken before that ends
	}
	s.waiting++
	round := s.round
	s.mu.Unlock()
	err := ErrUnavailable
	select {
	case <-round:
		err = nil
	case <-ctx.Done():
	case <-s.ended:
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting--
	if err != nil || s.status.Err != nil {
		return ErrUnavailable
	}
	if _, is := s.current.Load().byID[id]; mine && !is { // the fetch began when the key was asked for
		s.remember(name)
	}
	return nil
}

// remember that a key is not there. s.mu is held.
func (s *Set) remember(name uint64) {
	if len(s.missing) >= maxMissing {
		for other := range s.missing { // one of them, nobody knows which
			delete(s.missing, other)
			break
		}
	}
	s.missing[name] = time.Now().Add(missingFor)
}
