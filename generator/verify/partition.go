// SPDX-License-Identifier: Apache-2.0

package verify

import (
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
	if few, ok := s.candidates(p.Pods, total); ok {
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

// candidates returns the pods that have a label that a selector asks for, if
// there is such a label and they are fewer than limit.
func (s *space) candidates(sel labels.Selector, limit int) ([]int32, bool) {
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
			list = append(list, s.byLabel[label{r.Key(), value}]...)
		}
		if len(list) < limit {
			best, limit, found = list, len(list), true
		}
	}
	return best, found
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
		return s.selectPods(p.Pods)
	case p.Domain != "":
		for _, id := range s.domains {
			if holds(p.Domain, s.elements[id].domain) {
				out = append(out, id)
			}
		}
		return out
	}
	for _, i := range s.within(p.Block) {
		if id := s.addresses[i]; id >= 0 {
			out = append(out, id)
		}
		if s.podsAt != nil && max(p.Scope, s.options.Blocks) == BlocksMatchPods {
			out = append(out, s.podsAt[i]...)
		}
	}
	return out
}

// within returns the intervals of a block.
func (s *space) within(b generator.Block) []int {
	if !b.Prefix.IsValid() {
		return nil
	}
	from, to := s.over(b.Prefix)
	without := make(map[int]bool)
	for _, p := range b.Except {
		first, end := s.over(p)
		for i := first; i < end; i++ {
			without[i] = true
		}
	}
	var out []int
	for i := from; i < to; i++ {
		if !without[i] {
			out = append(out, i)
		}
	}
	return out
}

// elementsOfPeer returns the elements of a peer of the model. A block of the
// model is addresses, not pods.
func (s *space) elementsOfPeer(p generator.Peer) []int32 {
	out, known := s.cache.peers[p]
	if known {
		return out
	}
	for _, w := range s.model.Members(p) {
		out = append(out, s.byWorkload[w.ID]...)
	}
	group, isGroup := s.model.Environment.Group(p.Kind)
	if isGroup || p.Kind == generator.NamespacePeer || p.Kind == generator.ClusterPeer {
		for i := range s.elements {
			e := &s.elements[i]
			if e.stranger != 0 && (p.HoldsStrangers(s.namespaces[e.namespace].name) || isGroup && groupHolds(group, s.namespaces[e.namespace].name, e.labels)) {
				out = append(out, int32(i))
			}
		}
	}
	for _, id := range s.domains {
		if p.Kind == generator.FQDNPeer && holds(p.Name, s.elements[id].domain) {
			out = append(out, id)
		}
	}
	for _, b := range s.model.Blocks(p) {
		for _, i := range s.within(b) {
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
