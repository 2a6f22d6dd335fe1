// SPDX-License-Identifier: Apache-2.0

// Package selector finds labels by which a policy selects the pods of some
// workloads and no others of their namespace. It does not know policies:
// generator/compact asks it for subjects and for peers.
//
// Every selector has a pair or a list of values that a pod must carry, so that
// it selects no pod whose labels nobody described.
package selector

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"github.com/gatehouse-sh/gatehouse/generator"
)

// Options say what the enforcer of a policy can select by.
type Options struct {
	// Visible reports whether the enforcer sees a label key. Cilium makes
	// identities of some labels only, and a selector of another matches nothing
	// (docs.cilium.io, "Limiting Identity-Relevant Labels"): see IdentityLabels.
	// nil means that it sees all.
	Visible func(key string) bool

	// Expected are pods of which the labels are known and no workload is, such as
	// the name servers of a cluster of which only files were read. They are
	// selected for no workload.
	Expected []generator.PodSet
}

// Sees reports whether a policy may select by a label key: the enforcer sees it,
// and it does not change from one pod or release to the next.
func (o Options) Sees(key string) bool {
	return !generator.Churns(key) && (o.Visible == nil || o.Visible(key))
}

// Index answers for one universe. It keeps what it works out, so one goroutine
// at a time may use it.
type Index struct {
	universe *generator.Universe
	options  Options
	spaces   map[string]*space
}

// New returns an index of a universe.
func New(u *generator.Universe, o Options) *Index {
	return &Index{universe: u, options: o, spaces: map[string]*space{}}
}

// Class is the workloads of a namespace that have the same labels, of those that
// a policy may select by: a selector has all of them or none. Two classes are
// the same when their pointers are.
type Class struct {
	Workloads []*generator.Workload // in order; none is on the network of its node

	pairs    []pair // of labels: by key, and from ranked on the best to select by first
	ordered  bool   // whether they are ranked
	expected bool   // pods that are none of its workloads have the same labels
	chosen   *Selection
}

// Why a class cannot be selected: pods that carry no label are told apart from
// nothing, and neither are those that carry the same.
var (
	ErrNoLabels = errors.New("its pods carry no label that a policy can select by")
	ErrExpected = errors.New("its pods carry the labels of others that are expected there, and none besides that a policy can select by")
)

type pair struct{ key, value string }

// space is what selects within one namespace. Pods on the network of their node
// are in it: policies do not apply to them, and a selector should not seem to.
type space struct {
	byPair  map[pair][]*Class
	byOwner map[*generator.Workload]*Class
}

// ClassOf returns the class of a workload; nil for one on the network of its
// node, which no policy selects, and for one that the universe does not have.
func (x *Index) ClassOf(w *generator.Workload) *Class {
	if w == nil || w.HostNetwork {
		return nil
	}
	return x.space(w.ID.Namespace).byOwner[w]
}

func (x *Index) space(namespace string) *space {
	s, known := x.spaces[namespace]
	if !known {
		s = x.read(namespace)
		x.spaces[namespace] = s
	}
	return s
}

func (x *Index) read(namespace string) *space {
	within := x.universe.Within(namespace)
	s := &space{byPair: make(map[pair][]*Class, len(within)), byOwner: make(map[*generator.Workload]*Class, len(within))}
	alike := make(map[string]*Class, len(within))
	for _, w := range within {
		c := s.classOf(x.pairsOf(w.Labels), alike)
		if !w.HostNetwork {
			c.Workloads = append(c.Workloads, w)
			s.byOwner[w] = c
		}
	}
	for _, set := range x.options.Expected {
		if set.Namespace == namespace && !x.Known(set) {
			s.classOf(x.pairsOf(set.Labels), alike).expected = true
		}
	}
	return s
}

// ranked returns the pairs, the best to select by first. Most classes of a
// namespace are only there to be told apart, and need no order.
func (c *Class) ranked() []pair {
	if !c.ordered {
		slices.SortFunc(c.pairs, func(a, b pair) int {
			return cmp.Or(cmp.Compare(c.rank(a.key), c.rank(b.key)), strings.Compare(a.key, b.key))
		})
		c.ordered = true
	}
	return c.pairs
}

// value returns the value of a key.
func (c *Class) value(key string) (string, bool) {
	for i := range c.pairs {
		if c.pairs[i].key == key {
			return c.pairs[i].value, true
		}
	}
	return "", false
}

// Known reports whether a workload is known whose pods belong to a set.
func (x *Index) Known(set generator.PodSet) bool {
	return slices.ContainsFunc(x.universe.Within(set.Namespace), func(w *generator.Workload) bool { return set.Holds(w.ID.Namespace, w.Labels) })
}

// classOf returns the class of pods with these labels.
func (s *space) classOf(pairs []pair, alike map[string]*Class) *Class {
	key := keyOf(pairs)
	c, known := alike[key]
	if !known {
		c = &Class{pairs: pairs}
		alike[key] = c
		for _, p := range pairs {
			s.byPair[p] = append(s.byPair[p], c)
		}
	}
	return c
}

// pairsOf returns the labels that a policy may select by, ordered by key.
func (x *Index) pairsOf(labels map[string]string) []pair {
	out := make([]pair, 0, len(labels))
	for key, value := range labels {
		if x.options.Sees(key) {
			out = append(out, pair{key, value})
		}
	}
	slices.SortFunc(out, func(a, b pair) int { return strings.Compare(a.key, b.key) })
	return out
}

func keyOf(pairs []pair) string {
	var b strings.Builder
	n := 0
	for _, p := range pairs {
		n += len(p.key) + len(p.value) + len("=\n")
	}
	b.Grow(n)
	for _, p := range pairs {
		b.WriteString(p.key)
		b.WriteByte('=')
		b.WriteString(p.value)
		b.WriteByte('\n') // neither can hold one
	}
	return b.String()
}

// names are the keys by which people name an application, the best first.
var names = []string{"app.kubernetes.io/name", "app", "k8s-app", "name", "app.kubernetes.io/component", "component", "app.kubernetes.io/instance"}

// rank says how good a key is to select by, low is good: what the owners select
// by cannot change, what names an application says something to a reader, and what
// looks like a release will be another soon.
func (c *Class) rank(key string) int {
	r := slices.Index(names, key)
	if r < 0 {
		r = len(names)
	}
	if !c.owned(key) {
		r += len(names) + 1
		if value, _ := c.value(key); generator.Passing(value) {
			r += len(names) + 1
		}
	}
	return r
}

// owned reports whether the owners of all workloads find their pods by this key
// (spec.selector, which cannot be changed).
func (c *Class) owned(key string) bool {
	own, _ := c.value(key)
	for _, w := range c.Workloads {
		if v, ok := w.Selector[key]; !ok || v != own {
			return false
		}
	}
	return len(c.Workloads) > 0
}

// has reports whether the class carries all pairs.
func (c *Class) has(pairs []pair) bool {
	return !slices.ContainsFunc(pairs, func(p pair) bool { return !slices.Contains(c.pairs, p) })
}

// matching returns the classes that carry all pairs, of which there is one.
func (s *space) matching(pairs []pair) []*Class {
	least := s.byPair[pairs[0]]
	for _, p := range pairs[1:] {
		if list := s.byPair[p]; len(list) < len(least) {
			least = list
		}
	}
	var out []*Class
	for _, c := range least {
		if c.has(pairs) {
			out = append(out, c)
		}
	}
	return out
}

// alone reports whether a class carries all pairs and no other does.
func (s *space) alone(c *Class, pairs []pair) bool {
	if len(pairs) == 0 {
		return false
	}
	found := s.matching(pairs)
	return len(found) == 1 && found[0] == c
}
