// SPDX-License-Identifier: Apache-2.0

// Package exempt decides which findings somebody has taken responsibility for.
//
// An exemption names checks, objects, a reason, an owner and the moment from
// which it no longer counts. The package is pure: it reads no file and no
// clock, so the command line, the webhook and the background scan that call it
// agree. docs/cli.md describes the file form.
package exempt

import (
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// Exemption is one accepted risk, as Parse returns it: valid, the checks by id.
type Exemption struct {
	Name      string
	Checks    []string // ids
	Objects   []Selector
	Subjects  []string // patterns; none: every subject
	Reason    string
	Owner     string
	ExpiresAt time.Time
	Line      int // 1-based line in its file
}

// Selector picks objects. A list that is empty picks everything; a pattern is
// a literal that may end in "*".
type Selector struct {
	Kinds      []string // "Service" or "Ingress.networking.k8s.io"
	Namespaces []string // patterns; cluster-scoped objects have the namespace ""
	Names      []string // patterns
}

// Expired reports whether the exemption no longer counts: at its very moment of
// expiry it does not.
func (e *Exemption) Expired(now time.Time) bool { return !now.Before(e.ExpiresAt) }

// Matches reports whether the exemption is about a finding of an object,
// expired or not.
func (e *Exemption) Matches(k inventory.Key, f checks.Finding) bool {
	return slices.Contains(e.Checks, f.Check) &&
		(len(e.Subjects) == 0 || anyPattern(e.Subjects, f.Subject)) &&
		slices.ContainsFunc(e.Objects, func(s Selector) bool { return s.matches(k) })
}

func (s Selector) matches(k inventory.Key) bool {
	return (len(s.Kinds) == 0 || slices.ContainsFunc(s.Kinds, func(name string) bool { return isKind(name, k) })) &&
		(len(s.Namespaces) == 0 || k.Namespace != "" && anyPattern(s.Namespaces, k.Namespace)) &&
		(len(s.Names) == 0 || anyPattern(s.Names, k.Name))
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

// Set is a list of exemptions. The zero value exempts nothing. It does not
// change and is safe for concurrent use.
type Set struct{ list []Exemption }

// NewSet copies the list.
func NewSet(list ...Exemption) *Set { return &Set{list: slices.Clone(list)} }

// All returns the exemptions in their order. The slice is the caller's.
func (s *Set) All() []Exemption {
	if s == nil {
		return nil
	}
	return slices.Clone(s.list)
}

// Of returns the index of the first exemption that covers a finding at a moment,
// and false when none does. An expired exemption covers nothing.
func (s *Set) Of(k inventory.Key, f checks.Finding, now time.Time) (int, bool) {
	if s == nil {
		return 0, false
	}
	for i := range s.list {
		if e := &s.list[i]; !e.Expired(now) && e.Matches(k, f) {
			return i, true
		}
	}
	return 0, false
}
