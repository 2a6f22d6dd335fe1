// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"fmt"
	"iter"
	"net/netip"
	"strings"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/gatehouse-sh/gatehouse/generator"
)

// End is one end of a connection. It is comparable.
type End struct {
	// Workload, for a pod of a known one; Address then chooses among its pods
	// where blocks match pods, and may be zero for all of them.
	Workload generator.WorkloadID

	// Stranger, for a pod that nobody described.
	Stranger Stranger

	// Address and Last, for the addresses from one to the other; Last is zero for
	// one address.
	Address, Last netip.Addr

	Domain string // for whatever addresses a domain name has
}

// Stranger is a pod that nobody described. The zero value is none.
type Stranger struct {
	Kind      StrangerKind
	Namespace string // empty for a namespace that nobody named
	Labels    string // of a Grouped one: "app=proxy,tier=edge"

	// Elsewhere tells, without a Namespace, whether that namespace has labels.
	Elsewhere Labelled
}

// StrangerKind says which labels a stranger has.
type StrangerKind uint8

// The strangers: without any label; with every key that a selector names and a
// value that none does; with the labels of a group of the Environment of which
// no workload is known.
const (
	Plain StrangerKind = 1 + iota
	Marked
	Grouped
)

// Labelled says whether a namespace that nobody named has a label for every key
// that selectors name.
type Labelled bool

// PodOf is any pod of a workload.
func PodOf(id generator.WorkloadID) End { return End{Workload: id} }

// StrangerIn is a pod without labels; the namespace is empty for one that nobody named.
func StrangerIn(namespace string) End {
	return End{Stranger: Stranger{Kind: Plain, Namespace: namespace}}
}

// strangerOf is a pod of a group of the Environment, of which no workload is known.
func strangerOf(set generator.PodSet) End {
	if len(set.Labels) == 0 {
		return StrangerIn(set.Namespace)
	}
	return End{Stranger: Stranger{Kind: Grouped, Namespace: set.Namespace, Labels: labels.Set(set.Labels).String()}}
}

// AddressOf is an address outside the cluster's pods.
func AddressOf(a netip.Addr) End { return End{Address: a.Unmap()} }

// DomainOf is a domain name.
func DomainOf(name string) End { return End{Domain: name} }

// String returns the end in words.
func (e End) String() string {
	switch {
	case e.Workload != generator.WorkloadID{}:
		if e.Address.IsValid() {
			return e.Workload.String() + " at " + e.Address.String()
		}
		return e.Workload.String()
	case e.Stranger.Kind != 0:
		return e.Stranger.String()
	case e.Domain != "":
		return e.Domain
	case e.Last.IsValid() && e.Last != e.Address:
		if p, ok := prefixOf(e.Address, e.Last); ok {
			return p.String()
		}
		return e.Address.String() + "-" + e.Last.String()
	}
	return e.Address.String()
}

// String returns the stranger in words.
func (s Stranger) String() string {
	where := "namespace " + s.Namespace
	switch {
	case s.Namespace == "" && bool(s.Elsewhere):
		where = "a labelled namespace that nobody named"
	case s.Namespace == "":
		where = "a namespace that nobody named"
	}
	switch s.Kind {
	case Plain:
		return "another pod of " + where
	case Marked:
		return "another labelled pod of " + where
	case Grouped:
		return "a pod of " + where + " with " + s.Labels
	}
	return "nobody"
}

// prefixOf returns the block of which these are the first and the last address.
func prefixOf(first, last netip.Addr) (netip.Prefix, bool) {
	for n := range first.BitLen() + 1 {
		if p := netip.PrefixFrom(first, n); p.Masked() == p && lastOf(p) == last {
			return p, true
		}
	}
	return netip.Prefix{}, false
}

// lastOf returns the last address of a block.
func lastOf(p netip.Prefix) netip.Addr {
	raw := p.Masked().Addr().AsSlice()
	for bit := p.Bits(); bit < len(raw)*8; bit++ {
		raw[bit/8] |= 0x80 >> (bit % 8)
	}
	last, _ := netip.AddrFromSlice(raw) // as long as the one it was made of
	return last
}

// Ends is a set of ends that a Set knows. It does not change.
type Ends struct {
	space   *space
	classes bitset
}

// Len returns the number of ends.
func (e Ends) Len() int {
	n := 0
	for c := range e.classes.all() {
		n += len(e.space.classes[c])
	}
	return n
}

// All yields the ends: workloads, strangers, addresses and names of one class
// after the other.
func (e Ends) All() iter.Seq[End] {
	return func(yield func(End) bool) {
		for c := range e.classes.all() {
			for _, el := range e.space.classes[c] {
				if !yield(e.space.end(el)) {
					return
				}
			}
		}
	}
}

// shownEnds is how many ends a sentence names.
const shownEnds = 3

// String names the first three ends and counts the rest.
func (e Ends) String() string {
	var words []string
	for end := range e.All() {
		if len(words) == shownEnds {
			break
		}
		words = append(words, end.String())
	}
	text := strings.Join(words, ", ")
	if n := e.Len(); n > shownEnds {
		text += fmt.Sprintf(" and %d more", n-shownEnds)
	}
	return text
}
