// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"iter"
	"net/netip"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/gatehouse-sh/gatehouse/generator"
)

// setCache keeps the sets of elements that were looked up, by what was asked.
type setCache struct {
	namespaces map[string][]int32 // indexes of namespaces
	pods       map[podsKey][]int32
	peers      map[generator.Peer][]int32
}

type podsKey struct{ namespaces, pods string }

func newSetCache() setCache {
	return setCache{namespaces: map[string][]int32{}, pods: map[podsKey][]int32{}, peers: map[generator.Peer][]int32{}}
}

// keyOf tells selectors apart. What selects nothing has the text of what
// selects everything.
func keyOf(s labels.Selector) string {
	if labels.MatchesNothing(s) {
		return "!"
	}
	return s.String()
}

// selectNamespaces returns the namespaces that a selector matches, in order.
func (s *space) selectNamespaces(sel labels.Selector, key string) []int32 {
	found, known := s.cache.namespaces[key]
	if known {
		return found
	}
	names := namesOf(sel)
	for _, name := range names {
		if i, ok := s.byName[name]; ok && sel.Matches(s.namespaces[i].labels) {
			found = append(found, i)
		}
	}
	if names == nil {
		requirements, _ := sel.Requirements()
		if !s.meter.spend(len(s.namespaces) * (1 + len(requirements))) {
			return nil
		}
		for i := range s.namespaces {
			if sel.Matches(s.namespaces[i].labels) {
				found = append(found, int32(i))
			}
		}
	}
	s.cache.namespaces[key] = found
	return found
}

// selectPods returns the pods of a selection, each once.
func (s *space) selectPods(p Pods) []int32 {
	key := podsKey{keyOf(p.Namespaces), keyOf(p.Pods)}
	found, known := s.cache.pods[key]
	if known {
		return found
	}
	in := s.selectNamespaces(p.Namespaces, key.namespaces)
	total := 0
	for _, i := range in {
		total += len(s.namespaces[i].elements)
	}
	requirements, _ := p.Pods.Requirements()
	few, ok := s.candidates(p.Pods, total)
	if ok {
		total = len(in) + len(few)
	}
	if !s.meter.spend(total * (1 + len(requirements))) {
		return nil
	}
	if ok {
		inside := make(map[int32]bool, len(in))
		for _, i := range in {
			inside[i] = true
		}
		for _, id := range few {
			if e := &s.elements[id]; inside[e.namespace] && p.Pods.Matches(e.labels) {
				found = append(found, id)
			}
		}
	} else {
		for _, i := range in {
			for _, id := range s.namespaces[i].elements {
				if p.Pods.Matches(s.elements[id].labels) {
					found = append(found, id)
				}
			}
		}
	}
	s.cache.pods[key] = found
	return found
}

// fewPods are asked one by one: that is less work than to look a label up.
const fewPods = 64

// candidates returns the pods that have a label that a selector asks for, if
// there is such a label and they are fewer than limit.
func (s *space) candidates(sel labels.Selector, limit int) ([]int32, bool) {
	if limit <= fewPods {
		return nil, false
	}
	requirements, _ := sel.Requirements()
	var best []int32
	found := false
	for i := range requirements {
		r := &requirements[i]
		if !wantsValue(r) {
			continue
		}
		var list []int32
		for _, value := range r.ValuesUnsorted() {
			list = append(list, s.labelled(r.Key())[value]...)
		}
		if len(list) < limit {
			best, limit, found = list, len(list), true
		}
	}
	return best, found
}

// labelled returns the pods that have a label key, by its value.
func (s *space) labelled(key string) map[string][]int32 {
	byValue, known := s.byLabel[key]
	if !known {
		byValue = map[string][]int32{}
		for i := range s.elements {
			if value, has := s.elements[i].labels[key]; has {
				byValue[value] = append(byValue[value], int32(i))
			}
		}
		s.byLabel[key] = byValue
	}
	return byValue
}

// holds reports whether the name of a policy covers another name or pattern.
func holds(pattern, name string) bool {
	suffix, wild := strings.CutPrefix(pattern, "*")
	return pattern == name || wild && strings.HasPrefix(suffix, ".") && strings.HasSuffix(name, suffix) && len(name) > len(suffix)
}

// elementsOf returns the elements of a rule's peer.
func (s *space) elementsOf(p Peer) []int32 {
	var out []int32
	switch {
	case p.Pods.isSet():
		out = s.selectPods(p.Pods)
		s.meter.spend(memberSteps * len(out)) // whoever asks goes through them
		return out
	case p.Domain != "":
		return s.named(p.Domain)
	}
	for i := range s.within(p.Block) {
		if id := s.addresses[i]; id >= 0 {
			out = append(out, id)
		}
		if s.podsAt != nil && max(p.Scope, s.options.Blocks) == BlocksMatchPods {
			if !s.meter.spend(memberSteps * len(s.podsAt[i])) {
				return nil
			}
			out = append(out, s.podsAt[i]...)
		}
	}
	return out
}

// elementsOfAll returns the elements of several peers; one may be in it twice.
func (s *space) elementsOfAll(list []Peer) []int32 {
	var out []int32
	for i := range list {
		if s.meter.over() {
			return nil
		}
		out = append(out, s.elementsOf(list[i])...)
		if len(out) > 2*len(s.elements)+1024 { // peers that hold each other
			slices.Sort(out)
			out = slices.Compact(out)
		}
	}
	return out
}

// named returns the domain names that a name covers: itself, or those under a
// wildcard. They are in order.
func (s *space) named(name string) []int32 {
	if name == EveryDomain {
		s.meter.spend(len(s.domains))
		return s.domains
	}
	if !strings.HasPrefix(name, "*") {
		i, found := slices.BinarySearchFunc(s.domains, name, func(id int32, name string) int { return strings.Compare(s.elements[id].domain, name) })
		if !found {
			return nil
		}
		return s.domains[i : i+1 : i+1]
	}
	if !s.meter.spend(len(s.domains)) {
		return nil
	}
	var out []int32
	for _, id := range s.domains {
		if holds(name, s.elements[id].domain) {
			out = append(out, id)
		}
	}
	return out
}

// within yields the intervals of a block, in order; none when there are more than
// may be looked at.
func (s *space) within(b generator.Block) iter.Seq[int] {
	return func(yield func(int) bool) {
		if !b.Prefix.IsValid() {
			return
		}
		from, to := s.over(b.Prefix)
		if !s.meter.spend(1 + memberSteps*(to-from) + len(b.Except)) {
			return
		}
		ordered := b.Except
		if !slices.IsSortedFunc(ordered, netip.Prefix.Compare) {
			ordered = slices.SortedFunc(slices.Values(ordered), netip.Prefix.Compare)
		}
		for _, p := range ordered { // one that holds another is before it
			first, end := s.over(p)
			for ; from < min(first, to); from++ {
				if !yield(from) {
					return
				}
			}
			from = max(from, end)
		}
		for ; from < to; from++ {
			if !yield(from) {
				return
			}
		}
	}
}

// elementsOfPeer returns the elements of a peer of the model. A block of the
// model is addresses, not pods.
func (s *space) elementsOfPeer(p generator.Peer) []int32 {
	out, known := s.cache.peers[p]
	if known {
		return out
	}
	for _, w := range s.model.Members(p) {
		pods := s.byWorkload[w]
		for id := pods.first; id < pods.end; id++ {
			out = append(out, id)
		}
	}
	group, isGroup := s.model.Environment.Group(p.Kind)
	if (isGroup || p.Kind == generator.NamespacePeer || p.Kind == generator.ClusterPeer) && s.meter.spend(len(s.elements)) {
		for i := range s.elements {
			e := &s.elements[i]
			if e.stranger != 0 && (p.HoldsStrangers(s.namespaces[e.namespace].name) || isGroup && groupHolds(group, s.namespaces[e.namespace].name, e.labels)) {
				out = append(out, int32(i))
			}
		}
	}
	if p.Kind == generator.FQDNPeer {
		out = append(out, s.named(p.Name)...)
	}
	for _, b := range s.model.Blocks(p) {
		for i := range s.within(b) {
			if id := s.addresses[i]; id >= 0 {
				out = append(out, id)
			}
		}
	}
	s.cache.peers[p] = out
	return out
}

func groupHolds(g generator.Group, namespace string, own labels.Set) bool {
	for _, set := range g.Pods {
		if set.Holds(namespace, own) {
			return true
		}
	}
	return false
}
