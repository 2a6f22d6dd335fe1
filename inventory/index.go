// SPDX-License-Identifier: Apache-2.0

package inventory

import "strings"

// words are what a row of an index is found under: up to three of them.
type words struct{ a, b, c string }

func (w *words) compare(o *words) int {
	// Every step of a search ends here, so a difference ends the comparison.
	if c := strings.Compare(w.a, o.a); c != 0 {
		return c
	}
	if c := strings.Compare(w.b, o.b); c != 0 {
		return c
	}
	return strings.Compare(w.c, o.c)
}

// A row is one line of an index: the words and the entry found under them. Rows
// with equal words are told apart by the entry's key, so an index is a sorted
// multimap. A row holds two pointers only: a large cluster has half a million.
type row struct {
	at    *words // shared by neighbours with equal words; nil: namespace and name of the entry
	entry *Entry
}

func (r row) compareWords(o *words) int {
	if r.at == o {
		return 0
	}
	if r.at != nil {
		return r.at.compare(o)
	}
	k := &r.entry.Key
	if c := strings.Compare(k.Namespace, o.a); c != 0 {
		return c
	}
	if c := strings.Compare(k.Name, o.b); c != 0 {
		return c
	}
	return strings.Compare("", o.c)
}

// compare orders a row against the words and the key of another. A nil key is a
// pivot: it sorts before every row with its words.
func (r row) compare(o *words, k *Key) int {
	if c := r.compareWords(o); c != 0 {
		return c
	}
	if k == nil {
		return 1
	}
	return r.entry.Key.Compare(*k)
}

// depth says how many leading words of a pivot must match.
type depth uint8

const (
	matchA depth = iota + 1
	matchAB
	matchABC
)

func (d depth) matches(pivot, w *words) bool {
	switch d {
	case matchABC:
		return w.c == pivot.c && w.b == pivot.b && w.a == pivot.a
	case matchAB:
		return w.b == pivot.b && w.a == pivot.a
	case matchA:
		return w.a == pivot.a
	}
	return false
}
