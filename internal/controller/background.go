// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"reflect"
	"time"

	"github.com/go-logr/logr"

	"github.com/gatehouse-sh/gatehouse/internal/background"
	"github.com/gatehouse-sh/gatehouse/internal/exempt"
	"github.com/gatehouse-sh/gatehouse/internal/policy"
	"github.com/gatehouse-sh/gatehouse/internal/verdict"
)

// The pace of the scan.
const (
	// gather is how long changes wait for others, so that a rollout is judged in
	// few passes. Results must show within 5 s.
	gather = 200 * time.Millisecond

	// look is how often policy and exemptions are compared with those in use.
	look = 500 * time.Millisecond

	// recheck is how often exempt findings are judged by the time: exemptions end
	// without an event.
	recheck = 20 * time.Second

	// sweep is how often everything is judged anew, whatever has changed. It finds
	// nothing, or the bookkeeping of what depends on what has a fault.
	sweep = 30 * time.Minute
)

// Sink takes the results of a namespace over ("": cluster-scoped objects): what
// was known before and what is now, both ordered and read-only. It returns
// without waiting for anything.
type Sink func(namespace string, before, after []background.Result)

// Background judges the live inventory: everything once, then what a change
// concerns. One replica runs it.
type Background struct {
	Changes    *Changes
	Policy     func() *policy.Policy
	Exemptions func() *exempt.Set // nil: there are none

	// Ready reports whether inventory, policy and exemptions are complete. Until
	// then nothing is judged: what is not known yet would be taken for absent.
	Ready func() bool

	Never   []string // namespaces that are not judged
	Own     string   // the namespace of Gatehouse: only the checks that protect it judge it
	Workers int      // goroutines that judge; at least 1
	Sinks   []Sink
	Metrics *ScanMetrics

	// Complete is called once, when everything was judged and handed over.
	Complete func()

	scan    *background.Scan
	results map[string][]background.Result
	policy  *policy.Policy // in use
	exempt  *exempt.Set
	swept   time.Time // when everything was judged last
	checked time.Time // when exemptions were
}

// NeedLeaderElection returns true: reports have one writer.
func (*Background) NeedLeaderElection() bool { return true }

// Start judges until ctx ends.
func (b *Background) Start(ctx context.Context) error {
	b.scan, b.results = background.New(b.Workers), map[string][]background.Result{}
	tick := time.NewTicker(look)
	defer tick.Stop()
	for !b.Ready() {
		if !Wait(ctx, look/10) {
			return nil
		}
	}
	b.pass(ctx)
	if b.Complete != nil {
		b.Complete()
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if !b.due() {
				continue
			}
		case <-b.Changes.wake:
			if !Wait(ctx, gather) {
				return nil
			}
		}
		b.pass(ctx)
	}
}

// Wait returns after a time, true, or when ctx ends, false.
func Wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// due reports whether something else than the inventory calls for a pass.
func (b *Background) due() bool {
	now := time.Now()
	return b.Policy() != b.policy || !equal(b.exemptions(), b.exempt) || now.Sub(b.swept) >= sweep ||
		len(b.exempt.All()) > 0 && now.Sub(b.checked) >= recheck
}

func (b *Background) exemptions() *exempt.Set {
	if b.Exemptions == nil {
		return nil
	}
	return b.Exemptions()
}

// equal reports whether two sets hold the same exemptions: a set is published
// anew every few seconds.
func equal(a, b *exempt.Set) bool {
	return a == b || reflect.DeepEqual(a.All(), b.All())
}

// pass takes what has changed, judges what it concerns and hands the results
// over.
func (b *Background) pass(ctx context.Context) {
	now, t := time.Now(), b.Changes.take()
	p, e := b.Policy(), b.exemptions()
	kind := scanChanges
	switch {
	case p != b.policy || t.all:
		kind = scanFull
		b.full(t, p, e, now)
	default:
		if n := b.scan.Update(t.inventory, t.keys); n > 0 {
			logr.FromContextOrDiscard(ctx).V(1).Info("objects judged again", "changes", len(t.keys), "objects", n)
		}
		if !equal(e, b.exempt) || now.Sub(b.checked) >= recheck && len(e.All()) > 0 {
			b.scan.Recheck(e, now)
			b.checked = now
		}
	}
	b.publish()
	if kind == scanChanges && now.Sub(b.swept) >= sweep {
		kind = scanFull
		b.full(t, p, e, now)
		if n := b.publish(); n > 0 {
			b.Metrics.drift(n)
			logr.FromContextOrDiscard(ctx).Info("a full scan found what earlier ones had missed", "namespaces", n)
		}
	}
	b.policy, b.exempt = p, e
	b.Changes.done()
	b.Metrics.passed(kind, time.Since(now), t.oldest, b.scan.Len())
}

func (b *Background) full(t taken, p *policy.Policy, e *exempt.Set, now time.Time) {
	b.scan.Full(t.inventory, background.Rules{Judge: verdict.Judge{Policy: p, Exemptions: e, Now: now}, Never: b.Never, Own: b.Own})
	b.swept, b.checked = now, now
}

// publish hands over the results of every namespace in which a verdict changed,
// and returns how many these are.
func (b *Background) publish() int {
	changed := b.scan.Changed()
	for _, namespace := range changed {
		before, after := b.results[namespace], b.scan.Results(namespace)
		if len(after) == 0 {
			delete(b.results, namespace)
		} else {
			b.results[namespace] = after
		}
		for _, sink := range b.Sinks {
			sink(namespace, before, after)
		}
	}
	return len(changed)
}
