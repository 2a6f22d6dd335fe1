// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
)

// fence keeps what is new from being served before the policies are known that the API
// server had by then. Each kind is watched by itself, so that a route may be heard of
// before a policy that was applied first. Once a route was read, the API server is asked
// which policies there are, by a consistent read, and the route waits for these. What is
// served goes on, with the endpoints and the policies of now.
type fence struct {
	client  *client
	log     logr.Logger
	guards  []*kind
	watcher func(*kind) *watcher
	passed  func()        // a trial has passed, or takes long
	counted func(string)  // an outcome of asking
	moved   chan struct{} // has a value when more was read of a guard
	now     func() time.Time

	// These belong to the goroutine of Run.
	known map[*kind]view // the doors that may be served, and the guards that go with them; nil: none yet
	trial *trial
}

// trial is one passage of what is new.
type trial struct {
	views  map[*kind]view
	began  time.Time
	slow   *time.Timer
	passed atomic.Bool
}

const (
	// patience is how long a change of anything waits for a trial, so that both are translated
	// together. The API server mostly answers within 10 ms, and within 100 ms if it has
	// brought its caches up to date just before.
	patience = 150 * time.Millisecond
	// asking is how long an answer of the API server is waited for.
	asking = 5 * time.Second
	// hearing is how long policies are waited for before it is asked again: one of them may
	// be gone by then.
	hearing = 2 * time.Second
)

func newFence(api *client, kinds []*kind, log logr.Logger, watcher func(*kind) *watcher, passed func()) *fence {
	f := &fence{client: api, log: log, watcher: watcher, passed: passed, counted: func(string) {}, moved: make(chan struct{}, 1), now: time.Now}
	for _, k := range kinds {
		if k.part == guard {
			f.guards = append(f.guards, k)
		}
	}
	return f
}

// heard is told of all that comes of guards.
func (f *fence) heard() { signal(f.moved) }

// advance lets pass what may. It is asked before objects are read, for the guards are to be
// read after it. wait: nothing has passed, and something is about to.
func (f *fence) advance() (passed, wait bool) {
	switch t := f.trial; {
	case t == nil:
		return false, false
	case t.passed.Load():
		t.slow.Stop()
		f.known, f.trial = t.views, nil
		return true, false
	default:
		return false, f.young()
	}
}

// young tells whether the trial has only begun.
func (f *fence) young() bool { return f.now().Sub(f.trial.began) < patience }

// begin begins a trial of what was read. It calls run, in a goroutine, to have it pass.
func (f *fence) begin(views map[*kind]view) *trial {
	f.trial = &trial{views: views, began: f.now(), slow: time.AfterFunc(patience, f.passed)}
	return f.trial
}

// hides tells whether there is a door among what was read that was not let through.
func (f *fence) hides(now map[*kind]view) bool {
	for k, v := range now {
		if k.part == door && v.meant != f.known[k].meant {
			return true
		}
	}
	return false
}

// run has a trial pass once the guards are known. It ends with ctx at the latest: as long as
// the API server does not say what there is, what is new waits.
func (f *fence) run(ctx context.Context, t *trial) {
	for b, faulty := retries(), false; ; {
		asked, err := f.ask(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			f.counted("failed")
			if !faulty {
				faulty = true
				f.log.Error(err, "what is new is not served before the policies are known")
			}
			if !sleep(ctx, b.Step()) {
				return
			}
			continue
		}
		if asked = f.unheard(asked); len(asked) == 0 {
			f.counted("known")
		} else {
			f.counted("waited")
		}
		if f.await(ctx, asked) {
			if faulty {
				f.log.Info("the policies are known again, and what is new is served")
			}
			t.passed.Store(true)
			f.passed()
			return
		}
		if ctx.Err() == nil && !faulty {
			faulty = true
			f.log.Info("what is new is not served before the policies are known, of which there are some that were not heard of yet")
		}
	}
}

// await waits until all that was not heard of is; false when that takes too long.
func (f *fence) await(ctx context.Context, left []held) bool {
	late := time.NewTimer(hearing)
	defer late.Stop()
	for len(left) > 0 {
		select {
		case <-ctx.Done():
			return false
		case <-late.C:
			return len(f.unheard(left)) == 0
		case <-f.moved:
			left = f.unheard(left)
		}
	}
	return true
}
