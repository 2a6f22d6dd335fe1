// SPDX-License-Identifier: Apache-2.0

package background

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/policy"
	"github.com/gatehouse-sh/gatehouse/internal/verdict"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// judgement is the verdict on an object and the look-ups that it rests on.
type judgement struct {
	key     inventory.Key
	verdict policy.Verdict
	reads   []inventory.Read
}

// portion is how many objects a worker takes at a time, and few how many are not
// worth starting one for.
const (
	portion = 256
	few     = 16
)

// judge evaluates the entries with the scan's workers and takes the outcome
// over.
func (s *Scan) judge(entries []*inventory.Entry) {
	out := make([]judgement, len(entries))
	if len(entries) <= few || s.workers == 1 {
		s.work(s.reads, entries, out)
	} else {
		var next atomic.Int64
		var workers sync.WaitGroup
		for range s.workers {
			workers.Go(func() {
				reads := s.reads.Sibling()
				for {
					to := int(next.Add(portion))
					from := to - portion
					if from >= len(entries) {
						return
					}
					to = min(to, len(entries))
					s.work(reads, entries[from:to], out[from:to])
				}
			})
		}
		workers.Wait()
	}
	for _, j := range out {
		s.store(j)
	}
}

// work judges entries one after the other. Several goroutines may do so at once,
// each with reads of its own.
func (s *Scan) work(reads *inventory.Reads, entries []*inventory.Entry, out []judgement) {
	view := s.at.Recording(reads)
	for i, e := range entries {
		v := s.one(view, e)
		out[i] = judgement{e.Key, v, reads.Take(e.Key)}
	}
}

// order makes a verdict independent of the order in which a check came upon its
// findings.
func order(v policy.Verdict) policy.Verdict {
	slices.SortStableFunc(v, func(a, b policy.Judged) int {
		return cmp.Or(cmp.Compare(a.Action, b.Action), cmp.Compare(b.Severity, a.Severity), cmp.Compare(a.Check, b.Check),
			cmp.Compare(a.Subject, b.Subject), cmp.Compare(a.Field, b.Field), cmp.Compare(a.Message, b.Message))
	})
	return v
}

// stored is the object of an entry; a pod's is made from what is kept of it.
func stored(e *inventory.Entry) inventory.Object {
	if e.Object == nil {
		return e.Workload.Pod()
	}
	return e.Object
}

// scope says how an object is taken. The look-up of its namespace is one of
// those that the verdict rests on. A namespace that is not known, because the
// event that made it has not come yet, did not opt in: its objects are judged
// when it comes.
func (s *Scan) scope(view *inventory.Inventory, k inventory.Key) (policy.Mode, policy.Profile) {
	if k.Namespace == "" {
		return s.rules.Judge.Policy.ClusterMode, policy.Baseline
	}
	if s.own(k) {
		return policy.AuditOnly, policy.Baseline
	}
	if slices.Contains(s.rules.Never, k.Namespace) {
		return policy.Off, policy.Baseline
	}
	ns := view.Namespace(k.Namespace)
	if ns == nil {
		return policy.Off, policy.Baseline
	}
	mode, profile, _ := policy.ScopeOf(ns.Labels) // a bad label enforces; the webhook tells who writes it
	return mode, profile
}

// one judges one object in a view.
func (s *Scan) one(view *inventory.Inventory, e *inventory.Entry) policy.Verdict {
	mode, profile := s.scope(view, e.Key)
	if mode == policy.Off {
		return nil
	}
	q := verdict.Question{
		Object: stored(e), Inventory: view, Held: true, Request: checks.Request{Stored: true}, Mode: mode, Profile: profile,
		ModeOf: func(namespace string) policy.Mode {
			mode, _ := s.scope(view, inventory.Key{Namespace: namespace})
			return mode
		},
	}
	if s.own(e.Key) {
		q.Only = s.self
	}
	return order(s.rules.Judge.Of(q))
}

// own reports whether an object is in the namespace of Gatehouse.
func (s *Scan) own(k inventory.Key) bool { return s.rules.Own != "" && k.Namespace == s.rules.Own }
