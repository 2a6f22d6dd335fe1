// SPDX-License-Identifier: Apache-2.0

package compact

import (
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/selector"
)

// minCommon is how many workloads, and at least half of those of their side,
// must need the same for a policy of its own. With two, the policy would be one
// more to read, and save one line.
const minCommon = 3

// need is one peer on some ports, as several subjects need it.
type need struct {
	peer  peerKey
	ports string
}

// policies writes down one side: what all pods are allowed, what groups are,
// what most workloads have in common, and what is left, once for all that need
// the same.
func (c *compactor) policies(at place, s *side) []Policy {
	var out []Policy
	if s.whole != nil {
		out = append(out, c.policy(at, metav1.LabelSelector{}, "namespace", s.whole.live(), s.whole)...)
	}
	for _, subject := range s.all() {
		if subject.kind != generator.NamespacePeer && subject.class == nil {
			out = append(out, c.policy(at, subject.pods, subject.kind.String()+"-pods", subject.live(), subject)...)
		}
	}
	left := map[*subject][]peerKey{}
	subjects := s.ordered()
	for _, subject := range subjects {
		left[subject] = subject.live()
	}
	subjects = slices.DeleteFunc(subjects, func(s *subject) bool { return len(left[s]) == 0 })
	out = append(out, c.common(at, s, subjects, left)...)

	// What is left: subjects with the same needs share a policy.
	var order []string
	same := map[string][]*subject{}
	for _, subject := range subjects {
		if len(left[subject]) == 0 {
			continue
		}
		key := needsText(subject, left[subject])
		if len(same[key]) == 0 {
			order = append(order, key)
		}
		same[key] = append(same[key], subject)
	}
	for _, key := range order {
		keys := left[same[key][0]]
		for _, part := range c.index.Cover(at.namespace, classesOf(same[key])) {
			out = append(out, c.policy(at, part.Pods, stem(part.Classes), keys, s.of(part.Classes)...)...)
		}
	}
	return out
}

// needsText is the same for subjects that are allowed the same.
func needsText(s *subject, keys []peerKey) string {
	var b strings.Builder
	for _, k := range keys {
		p := generator.Peer{Kind: k.kind, Namespace: k.namespace, Name: k.name, Prefix: k.prefix}
		if k.class != nil {
			p = generator.WorkloadPeerOf(k.class.Workloads[0].ID)
		}
		b.WriteString(k.kind.String() + " " + p.String() + " " + s.cells[k].ports.String() + " " + k.requests.String() + "\n") // a domain may be called "dns"
	}
	return b.String()
}

// common makes policies of what many workloads need alike, and takes it out of
// what is left for each. Only what few selectors say is common.
func (c *compactor) common(at place, s *side, subjects []*subject, left map[*subject][]peerKey) []Policy {
	needed := map[need][]*subject{}
	for _, subject := range subjects {
		for _, k := range left[subject] {
			n := need{k, subject.cells[k].ports.String()}
			needed[n] = append(needed[n], subject)
		}
	}
	type shared struct {
		selections []selector.Selection
		keys       []peerKey
	}
	found := map[string]*shared{}
	for n, list := range needed {
		if len(list) < minCommon || 2*len(list) < len(subjects) {
			continue
		}
		cover := c.index.Cover(at.namespace, classesOf(list))
		if minCommon*(len(cover)-1) > len(list) {
			continue
		}
		var b strings.Builder
		for i := range cover {
			b.WriteString(selectorText(&cover[i].Pods) + "\n")
		}
		text := b.String()
		if found[text] == nil {
			found[text] = &shared{selections: cover}
		}
		found[text].keys = append(found[text].keys, n.peer)
	}
	var out []Policy
	for _, f := range found {
		slices.SortFunc(f.keys, peerKey.compare)
		taken := make(map[peerKey]bool, len(f.keys))
		for _, k := range f.keys {
			taken[k] = true
		}
		for _, part := range f.selections {
			some := s.of(part.Classes)
			out = append(out, c.policy(at, part.Pods, "common"+kindOf(f.keys), f.keys, some...)...)
			for _, subject := range some {
				left[subject] = slices.DeleteFunc(left[subject], func(k peerKey) bool { return taken[k] })
			}
		}
	}
	return out
}

// kindOf returns the group that all peers are, with a dash; nothing when they
// are not of one group.
func kindOf(keys []peerKey) string {
	for _, k := range keys {
		if k.kind != keys[0].kind || k.kind < generator.ExternalPeer {
			return ""
		}
	}
	return "-" + keys[0].kind.String()
}

// policy returns the policy of subjects that all need some peers on the same
// ports: one rule for each set of ports and of requests. None when nothing is needed.
func (c *compactor) policy(at place, pods metav1.LabelSelector, stem string, keys []peerKey, subjects ...*subject) []Policy {
	if len(keys) == 0 {
		return nil
	}
	byPorts := map[string][]peerKey{}
	var order []string
	for _, k := range keys {
		text := subjects[0].cells[k].ports.String() + " " + k.requests.String()
		if len(byPorts[text]) == 0 {
			order = append(order, text)
		}
		byPorts[text] = append(byPorts[text], k)
	}
	out := Policy{Namespace: at.namespace, Direction: at.direction, Subject: pods, Name: Name(c.options.Prefix + stem + "-" + at.direction.String())}
	for _, text := range order {
		first := byPorts[text][0]
		r := Rule{Ports: subjects[0].cells[first].ports.list(), Peers: c.peers(byPorts[text]), Requests: first.requests}
		for _, s := range subjects {
			for _, k := range byPorts[text] {
				r.Edges = append(r.Edges, s.cells[k].edges...)
			}
		}
		slices.SortFunc(r.Edges, func(a, b *generator.Edge) int { return a.Compare(*b) })
		r.Edges = slices.Compact(r.Edges)
		out.Rules = append(out.Rules, r)
	}
	if c.made++; c.options.Progress != nil {
		c.options.Progress(c.made)
	}
	return []Policy{out}
}

// of returns the subjects that are classes of workloads.
func (s *side) of(classes []*selector.Class) []*subject {
	out := make([]*subject, len(classes))
	for i, c := range classes {
		out[i] = s.classes[c]
	}
	return out
}

func classesOf(list []*subject) []*selector.Class {
	out := make([]*selector.Class, len(list))
	for i, s := range list {
		out[i] = s.class
	}
	return out
}
