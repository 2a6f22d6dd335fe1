// SPDX-License-Identifier: Apache-2.0

// Package exempt decides which findings somebody has taken responsibility for.
//
// An exemption names checks, objects, a reason, an owner and the moment from
// which it no longer counts. The package is pure: it reads no file and no
// clock. internal/verdict asks it for the webhook, the background scan and the
// command line alike, so that they agree; internal/controller fills a Set from
// the cluster. docs/exemptions.md describes the form.
package exempt

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// Exemption is one accepted risk, as Compile returns it: without fault, the
// checks by id. The zero value covers nothing.
type Exemption struct {
	Namespace string // where it is written; "" for one of a file that names none
	Name      string
	Reach     Reach

	Checks    []string // ids
	Objects   []Selector
	Subjects  []string // patterns; none: every subject
	Reason    string
	Owner     string
	Ticket    string // may be empty
	ExpiresAt time.Time
	Line      int // 1-based line in its file; 0 for one of a cluster
}

// Reach is how far an exemption may count, whatever it selects.
type Reach uint8

// The reaches, from none.
const (
	Nowhere      Reach = iota // it was written where nobody approved it
	OwnNamespace              // objects of the namespace that it is written in
	Everywhere                // every object of the cluster
)

// Selector picks objects. A list that is empty picks everything; a pattern is
// a literal that may end in "*".
type Selector struct {
	Kinds      []string // "Service" or "Ingress.networking.k8s.io"
	Namespaces []string // patterns; cluster-scoped objects have the namespace ""
	Names      []string // patterns
}

// Terms are what a CheckPolicy says about exemptions. The zero value lets none
// count.
type Terms struct {
	// Approved says that somebody may approve exemptions outside the namespace of
	// Gatehouse. Otherwise those do not count.
	Approved bool

	// MaxDuration is how far away the end of an exemption may be.
	MaxDuration time.Duration
}

// String returns "namespace/name", or the name alone for one of a file.
func (e *Exemption) String() string {
	if e.Namespace == "" {
		return e.Name
	}
	return e.Namespace + "/" + e.Name
}

// Expired reports whether the exemption no longer counts: at its very moment of
// expiry it does not.
func (e *Exemption) Expired(now time.Time) bool { return !now.Before(e.ExpiresAt) }

// Covers reports whether the exemption excuses a finding of an object at a
// moment. It is the only answer to that question: Against gives the reasons.
func (e *Exemption) Covers(k inventory.Key, f checks.Finding, t Terms, now time.Time) bool {
	for range e.Against(k, f, t, now) {
		return false
	}
	return true
}

// Set is a list of exemptions. The zero value and a nil Set exempt nothing. It
// does not change and is safe for concurrent use.
type Set struct {
	list    []Exemption
	faulty  []Faulty
	byCheck map[string][]int // by check id: indexes of list, in order
}

// Faulty is an exemption that covers nothing because it cannot be understood.
type Faulty struct {
	Namespace string
	Name      string
	Err       error // what is wrong; several faults are joined
}

// NewSet copies the list and orders it by namespace and name.
func NewSet(list ...Exemption) *Set {
	s := &Set{list: slices.Clone(list), byCheck: map[string][]int{}}
	slices.SortStableFunc(s.list, func(a, b Exemption) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	for i := range s.list {
		for _, id := range s.list[i].Checks {
			if at := s.byCheck[id]; len(at) == 0 || at[len(at)-1] != i {
				s.byCheck[id] = append(at, i)
			}
		}
	}
	return s
}

// All returns the exemptions in their order. The slice is the caller's.
func (s *Set) All() []Exemption {
	if s == nil {
		return nil
	}
	return slices.Clone(s.list)
}

// Faulty returns those that cannot be understood, by namespace and name. The
// slice is the caller's.
func (s *Set) Faulty() []Faulty {
	if s == nil {
		return nil
	}
	return slices.Clone(s.faulty)
}

// Of returns the first exemption that covers a finding of an object at a moment;
// nil when none does. The exemption belongs to the set and must not be changed.
func (s *Set) Of(k inventory.Key, f checks.Finding, t Terms, now time.Time) *Exemption {
	if s == nil {
		return nil
	}
	for _, i := range s.byCheck[f.Check] {
		if e := &s.list[i]; e.Covers(k, f, t, now) {
			return e
		}
	}
	return nil
}

// isKind compares a kind in the form Kind or Kind.group. Without a group every
// group is meant.
func isKind(name string, k inventory.Key) bool {
	kind, group, grouped := strings.Cut(name, ".")
	return kind == k.Kind.Kind && (!grouped || group == k.Kind.Group)
}

func anyPattern(patterns []string, s string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		if prefix, open := strings.CutSuffix(p, "*"); open {
			return strings.HasPrefix(s, prefix)
		}
		return p == s
	})
}

// Moment writes a time as messages do: in UTC, to the minute.
func Moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 MST") }

// Span writes how long something is in the largest unit that fits: "89 days",
// "5 hours", "12 minutes".
func Span(d time.Duration) string {
	d = d.Abs()
	n, unit := int(d/time.Minute), "minute"
	switch {
	case d >= 48*time.Hour:
		n, unit = int(d/(24*time.Hour)), "day"
	case d >= 2*time.Hour:
		n, unit = int(d/time.Hour), "hour"
	}
	if n == 1 {
		return "1 " + unit
	}
	return fmt.Sprintf("%d %ss", n, unit)
}
