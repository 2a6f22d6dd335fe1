// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/inventory"
)

// LiveOptions tune a Live. The zero value watches every kind that an inventory
// keeps.
type LiveOptions struct {
	// Kinds to watch; empty means those of inventory.Kinds that are Kept.
	// CustomResourceDefinitions and APIServices are always watched.
	Kinds []inventory.Kind

	// Connections keeps what generator/manifests reads; see inventory.Pool.
	Connections bool

	// Pending bounds what Admit holds.
	Pending PendingOptions

	Hooks Hooks
}

// Hooks are called with measurements. Nil ones are not called. All but
// WatchError run on the goroutine that publishes, one at a time, so they must
// return at once.
type Hooks struct {
	// Published is called after each publication.
	Published func(Publication)

	// Changed is called after each publication, before Published, with the version
	// and the keys of all objects that may differ from the version before. A key
	// may be there twice. The slice is the callee's.
	Changed func(inv *inventory.Inventory, keys []inventory.Key)

	// Objects is called with how many objects of a kind the inventory holds, for
	// each kind that a publication touched.
	Objects func(kind schema.GroupKind, n int)

	// WatchError is called for every failed attempt to list or watch a kind.
	WatchError func(kind inventory.Kind, err error)
}

// Publication measures one new version.
type Publication struct {
	Generation uint64
	Changes    int           // that the watches brought; 0 when only Admit or its end did
	Lag        time.Duration // from the decoding of the oldest change until it was visible; 0 without changes
	Took       time.Duration // applying and publishing
	Pending    Pending
}

// Live is an inventory that follows a cluster. Readers take the current version
// without locks; one goroutine applies what the watches bring, all that waits at
// once, and publishes one version for it. Objects are held once, trimmed. Those
// that a review has just admitted are visible before the watches show them, if
// their reviewer says so (Admit).
//
// Kinds that are not installed cost nothing; they are watched from the moment
// their definition is established until it is gone.
//
// It implements controller-runtime's manager.Runnable. Its methods are safe for
// concurrent use.
type Live struct {
	client *Client
	kinds  []inventory.Kind
	byKind map[schema.GroupKind]inventory.Kind
	hooks  Hooks
	pool   inventory.Pool

	current atomic.Pointer[published]
	changes chan change
	ended   <-chan struct{} // closed when Start is about to return; set by Start
	started atomic.Bool
	synced  atomic.Bool // once true, stays

	// writing is held by whoever makes the next version. Admissions that wait for
	// it are in arrivals, and the next holder publishes them all at once.
	writing  sync.Mutex
	pending  *ledger // guarded by writing
	arriving sync.Mutex
	arrivals []*provisional // guarded by arriving

	// definitions belong to the writer.
	definitions map[inventory.Key]*definition
	redefined   chan struct{}

	mu       sync.Mutex
	wanted   map[inventory.Key]*definition // a copy of definitions
	asked    int                           // how often wanted was set
	arranged int                           // the value of asked that the watchers correspond to
	watchers map[schema.GroupKind]*watcher
}

// NewLive makes a Live that Start fills.
func NewLive(client *Client, o LiveOptions) *Live {
	kinds := slices.Clone(o.Kinds)
	if len(kinds) == 0 {
		kinds = slices.DeleteFunc(inventory.Kinds(), func(k inventory.Kind) bool { return !k.Kept })
	}
	for _, gk := range []schema.GroupKind{definitionKind, apiServiceKind} {
		if !slices.ContainsFunc(kinds, func(k inventory.Kind) bool { return k.GroupKind == gk }) {
			if k, known := inventory.KindOf(gk); known {
				kinds = append(kinds, k)
			}
		}
	}
	l := &Live{
		client: client, kinds: kinds, hooks: o.Hooks,
		changes:     make(chan change, queued),
		definitions: map[inventory.Key]*definition{},
		redefined:   make(chan struct{}, 1),
		watchers:    map[schema.GroupKind]*watcher{},
		byKind:      make(map[schema.GroupKind]inventory.Kind, len(kinds)),
		pending:     newLedger(o.Pending),
	}
	l.pool.Connections = o.Connections
	for _, k := range kinds {
		l.byKind[k.GroupKind] = k
	}
	l.current.Store(&published{inventory: inventory.New()})
	return l
}

// Inventory returns the current version; an empty one before the first
// publication. It takes no lock.
func (l *Live) Inventory() *inventory.Inventory { return l.current.Load().inventory }

// Generation returns the number of the current version. It grows by one with
// each publication.
func (l *Live) Generation() uint64 { return l.current.Load().generation }

// NeedLeaderElection returns false: every replica has its own inventory.
func (*Live) NeedLeaderElection() bool { return false }

// Start watches until ctx ends, and returns when every goroutine has ended. It
// may be called once. Watches that fail are tried again and reported by Status,
// Hooks and the log; they are no reason to return.
func (l *Live) Start(ctx context.Context) error {
	if !l.started.CompareAndSwap(false, true) {
		return errors.New("start inventory: it was started before")
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	l.ended = ctx.Done()
	var writer sync.WaitGroup
	writer.Go(func() { l.write(ctx) })
	err := l.direct(ctx, logr.FromContextOrDiscard(ctx))
	cancel()
	l.mu.Lock()
	running := slices.Collect(maps.Values(l.watchers))
	l.mu.Unlock()
	for _, w := range running {
		<-w.done
	}
	writer.Wait()
	return err
}

// direct starts and stops watchers as kinds come and go, until ctx ends.
func (l *Live) direct(ctx context.Context, log logr.Logger) error {
	if err := l.arrange(ctx, log); err != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-l.redefined:
			if err := l.arrange(ctx, log); err != nil {
				return err
			}
		}
	}
}

// arrange makes the watchers correspond to what is installed.
func (l *Live) arrange(ctx context.Context, log logr.Logger) error {
	l.mu.Lock()
	definitions, asked := l.wanted, l.asked
	l.mu.Unlock()
	for _, kind := range l.kinds {
		at := presence{version: kind.Version}
		if !kind.BuiltIn {
			at = presenceOf(kind, definitions)
		}
		l.mu.Lock()
		running := l.watchers[kind.GroupKind]
		l.mu.Unlock()
		if running != nil && running.presence != at {
			l.end(running, at.version == "")
			running = nil
		}
		if running == nil && at.version != "" {
			if err := l.begin(ctx, log, kind, at); err != nil {
				return err
			}
		}
	}
	l.mu.Lock()
	l.arranged = asked
	l.mu.Unlock()
	return nil
}

func (l *Live) begin(ctx context.Context, log logr.Logger, kind inventory.Kind, at presence) error {
	r, err := l.client.resource(kind, at.version, "")
	if err != nil {
		return fmt.Errorf("watch %s: %w", kind.GroupKind, err)
	}
	w := &watcher{kind: kind, presence: at, resource: r, live: l, log: log, done: make(chan struct{})}
	ctx, w.stop = context.WithCancel(ctx)
	if !kind.BuiltIn {
		log.Info("watching a kind that appeared", "kind", kind.GroupKind.String(), "version", at.version)
	}
	l.mu.Lock()
	l.watchers[kind.GroupKind] = w
	l.mu.Unlock()
	go w.run(ctx)
	return nil
}

// end stops a watcher. When its kind is gone, so are the kind's objects; when
// only its version changed, they stay until the next watcher's first list.
func (l *Live) end(w *watcher, gone bool) {
	w.stop()
	<-w.done
	l.mu.Lock()
	delete(l.watchers, w.kind.GroupKind)
	l.mu.Unlock()
	if gone {
		w.log.Info("no longer watching a kind that is gone", "kind", w.kind.GroupKind.String())
		_ = l.queue(change{watcher: w, verb: withdraw, at: time.Now()}) // fails only when all ends
	}
}
