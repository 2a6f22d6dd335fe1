// SPDX-License-Identifier: Apache-2.0

package blast

import (
	"cmp"
	"slices"

	"github.com/gatehouse-sh/gatehouse/inventory"
)

// earlier are the chains that an object was in before an update.
type earlier struct {
	all   map[inventory.Key][]*hazard // of each workload, those that differ
	worst map[inventory.Key]*hazard
	first map[inventory.Key]bool // the workloads that had a finding of their own
}

func since(before []*hazard) *earlier {
	e := &earlier{all: distinctOfEach(before), worst: map[inventory.Key]*hazard{}, first: map[inventory.Key]bool{}}
	for i, h := range worstOfEach(slices.Clone(before)) {
		e.worst[h.root] = h
		if i < shown {
			e.first[h.root] = true
		}
	}
	return e
}

// likeness is what two chains of a workload have in common that need not be compared.
type likeness struct {
	reach   reach
	account inventory.Key
	term    term
	effect  any // the pointer, or the pod's spec where there is none
	unless  string
}

// distinctOfEach groups chains by workload and leaves out those that say the same of
// another of its pods.
func distinctOfEach(list []*hazard) map[inventory.Key][]*hazard {
	out := map[inventory.Key][]*hazard{}
	known := map[inventory.Key]map[likeness]bool{}
	for _, h := range list {
		like := likeness{h.reach, h.harm.account, h.harm.term, h.harm.effect, h.harm.unless}
		if h.harm.effect == nil {
			like.effect = h.w.Spec
		}
		if known[h.root] == nil {
			known[h.root] = map[likeness]bool{}
		}
		if !known[h.root][like] {
			known[h.root][like] = true
			out[h.root] = append(out[h.root], h)
		}
	}
	return out
}

// same reports whether two chains of a workload are about one thing that it holds:
// the rights of one account, or its containers.
func same(a, b *hazard) bool {
	return a.harm.account == b.harm.account && (a.harm.term == byEscape) == (b.harm.term == byEscape) &&
		(a.harm.term == byIdentity) == (b.harm.term == byIdentity)
}

// had reports whether a chain was there, as it is or as more.
func (e *earlier) had(h *hazard) bool {
	return slices.ContainsFunc(e.all[h.root], func(b *hazard) bool { return same(h, b) && !worse(h, b) })
}

// added returns the chains that were not there, or were less. A chain that is less
// than one that is gone from the same workload takes its place: who gives rights
// away for lesser ones adds none.
func (e *earlier) added(now []*hazard) []*hazard {
	var out []*hazard
	for root, list := range distinctOfEach(now) {
		had := e.all[root]
		fresh := slices.DeleteFunc(slices.Clone(list), e.had)
		if len(fresh) == 0 {
			continue
		}
		gone := slices.DeleteFunc(slices.Clone(had), func(b *hazard) bool {
			return slices.ContainsFunc(list, func(h *hazard) bool { return same(h, b) })
		})
		slices.SortFunc(fresh, compareHazard)
		slices.SortFunc(gone, compareHazard)
		for _, h := range fresh {
			at := slices.IndexFunc(gone, func(b *hazard) bool {
				return b.severity() > h.severity() && b.certainty() <= h.certainty() && b.reach <= h.reach
			})
			if at < 0 || slices.ContainsFunc(had, func(b *hazard) bool { return same(h, b) }) {
				out = append(out, h)
				continue
			}
			gone = slices.Delete(gone, at, at+1)
		}
	}
	return out
}

// news returns what is new in a chain, compared with the one before that is most
// like it.
func (e *earlier) news(h *hazard) string {
	at := slices.IndexFunc(e.all[h.root], func(b *hazard) bool { return same(h, b) })
	if at < 0 {
		return cmp.Or(news(h, e.worst[h.root]), title(h))
	}
	return cmp.Or(news(h, e.all[h.root][at]), title(h))
}
