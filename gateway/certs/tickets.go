// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"sync"
	"time"
)

// Bounds of the keys of session tickets. Who gets hold of a key reads what was said
// by TLS 1.2 for as long as the key was in use, so it is not long.
const (
	ticketPeriod = 6 * time.Hour
	ticketsKept  = 2 // periods after its own in which a ticket is still taken
)

// Tickets are the keys that session tickets are sealed with. They are made here,
// never leave the process, and are shared by all snapshots. The zero value is
// ready; any number of goroutines may use it.
type Tickets struct {
	mu    sync.Mutex
	keys  [][sha256.Size]byte // the newest first
	since time.Time           // the newest
}

// Keys are the keys of a purpose, that of new tickets first, and when to ask again.
// A ticket of one purpose is nothing to another one: a purpose names all that was
// decided when the ticket was given, so that it cannot be used to come in by
// another decision.
func (t *Tickets) Keys(purpose []byte, now time.Time) (keys [][sha256.Size]byte, until time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	passed := ticketsKept + 1
	if len(t.keys) > 0 {
		passed = min(passed, int(now.Sub(t.since)/ticketPeriod))
	}
	switch {
	case len(t.keys) == 0, passed > ticketsKept:
		t.keys, t.since = [][sha256.Size]byte{fresh()}, now
	case passed > 0:
		t.keys = append([][sha256.Size]byte{fresh()}, t.keys[:min(len(t.keys), ticketsKept+1-passed)]...)
		t.since = t.since.Add(time.Duration(passed) * ticketPeriod)
	}
	for _, k := range t.keys {
		of := hmac.New(sha256.New, k[:])
		_, _ = of.Write(purpose) // a hash takes everything
		keys = append(keys, [sha256.Size]byte(of.Sum(nil)))
	}
	return keys, t.since.Add(ticketPeriod)
}

func fresh() (k [sha256.Size]byte) {
	_, _ = rand.Read(k[:]) // it never fails: crypto/rand
	return k
}
