// SPDX-License-Identifier: Apache-2.0

package handover

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/go-logr/logr"
)

// Identity is who asks a Hub.
type Identity struct {
	Account string // decides what is offered
	Replica string // tells processes of one account apart
}

// Reasons for which nobody is known.
var (
	// ErrUnknown is of a token that is nobody's.
	ErrUnknown = errors.New("the token is nobody's")
	// ErrBusy is of one that nobody has looked at, for there are too many.
	ErrBusy = errors.New("too many tokens are looked at")
)

// Options are of a Hub.
type Options struct {
	// Identify says whose a token is that came from an address: an error that is ErrUnknown
	// refuses it, and any other one, such as ErrBusy, leaves it open, for the Follower to ask
	// again.
	Identify func(ctx context.Context, from netip.Addr, token string) (Identity, error)
	// Claimed is whose a token says that it is. Nothing vouches for that: it is enough to
	// refuse, so that nobody is asked of a token by which nothing is offered. Nil: Identify is
	// asked of all.
	Claimed func(token string) (account string, err error)
	// Changed is called when a Replica may be another one than it was. It must not block.
	Changed func()
	Log     logr.Logger
	// Wait is how long a question is kept when there is nothing new: 25 s when zero.
	Wait time.Duration
	// Gone is how long after its last question a replica counts: 10 s when zero. It applies
	// what it was given meanwhile.
	Gone time.Duration
}

// Replica is a process that asks.
type Replica struct {
	Name    string
	Live    string // the sum of what it serves, "" if that is nothing
	Refused string // the sum of what it cannot serve
	Fault   string // and why
}

// Hub offers snapshots. Its methods may be called by any number of goroutines.
type Hub struct {
	options Options
	mu      sync.Mutex
	offers  map[string]*offer // by account
	crowd   *crowd

	unknown, busy, unclear seldom // what is said of who was refused
}

// offer is what one account may have.
type offer struct {
	text     []byte
	sum      string
	changed  chan struct{} // closed when there is another one
	replicas map[string]*replica
}

type replica struct {
	Replica
	asking int       // questions that are kept
	seen   time.Time // when the last one ended
}

// NewHub makes a Hub that offers nothing.
func NewHub(o Options) *Hub {
	o.Wait, o.Gone = cmp.Or(o.Wait, 25*time.Second), cmp.Or(o.Gone, 10*time.Second)
	return &Hub{options: o, offers: map[string]*offer{}, crowd: newCrowd()}
}

// Offer gives an account a text of config.Snapshot.Encode, and returns its sum. No text
// says that nothing is to be listened for. It must not change any more.
func (h *Hub) Offer(account string, text []byte) string {
	sum := sumOf(text)
	h.mu.Lock()
	defer h.mu.Unlock()
	o := h.offers[account]
	if o == nil {
		o = &offer{changed: make(chan struct{}), replicas: map[string]*replica{}}
		h.offers[account] = o
	}
	if o.sum != sum {
		close(o.changed)
		o.text, o.sum, o.changed = text, sum, make(chan struct{})
	}
	return sum
}

// offered tells whether there is anything for an account.
func (h *Hub) offered(account string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.offers[account] != nil
}

// Keep withdraws what is offered to all accounts but these: who asks for it is told that
// there is nothing, and keeps what he has.
func (h *Hub) Keep(accounts map[string]bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for account, o := range h.offers {
		if !accounts[account] {
			close(o.changed)
			delete(h.offers, account)
		}
	}
}

// Replicas are those that ask for an account, in order of their names.
func (h *Hub) Replicas(account string) []Replica {
	h.mu.Lock()
	defer h.mu.Unlock()
	o := h.offers[account]
	if o == nil {
		return nil
	}
	var out []Replica
	for _, name := range slices.Sorted(maps.Keys(o.replicas)) {
		if r := o.replicas[name]; h.here(r) {
			out = append(out, r.Replica)
		}
	}
	return out
}

func (h *Hub) here(r *replica) bool { return r.asking > 0 || time.Since(r.seen) < h.options.Gone }

// maxReplicas bounds what an account may have the Hub remember.
const maxReplicas = 1000

// maxAsking is how many questions of one replica are kept: the one before may not have
// been seen to end.
const maxAsking = 4

// begin notes a question, and returns what is offered; nil: nothing. busy says that there
// are too many.
func (h *Hub) begin(who Identity, said *report) (o *offer, text []byte, sum string, changed <-chan struct{}, busy bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if o = h.offers[who.Account]; o == nil {
		return nil, nil, "", nil, false
	}
	r := o.replicas[who.Replica]
	if r == nil {
		maps.DeleteFunc(o.replicas, func(_ string, r *replica) bool { return !h.here(r) })
		if len(o.replicas) >= maxReplicas {
			return o, nil, "", nil, true
		}
		r = &replica{}
		o.replicas[who.Replica] = r
	}
	if r.asking >= maxAsking {
		return o, nil, "", nil, true
	}
	r.asking++
	now := Replica{Name: who.Replica, Live: said.Live, Refused: said.Refused, Fault: said.Fault}
	if r.Replica != now {
		r.Replica = now
		h.options.Changed()
	}
	return o, o.text, o.sum, o.changed, false
}

// end notes that a question is answered, or was given up.
func (h *Hub) end(o *offer, who Identity) {
	h.mu.Lock()
	defer h.mu.Unlock()
	r := o.replicas[who.Replica]
	r.asking--
	r.seen = time.Now()
	if r.asking == 0 {
		time.AfterFunc(h.options.Gone, h.options.Changed) // it may be gone then
	}
}
