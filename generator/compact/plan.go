// SPDX-License-Identifier: Apache-2.0

// Package compact makes few policies of many edges: those that need the same are
// written once, and what is allowed is neither more nor less. A plan knows no
// dialect; generator/netpol and its siblings write it down in theirs.
package compact

import (
	"cmp"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/generator"
)

// Direction is a side of a connection, seen from the pods of a policy. The zero
// value is none.
type Direction uint8

// The directions.
const (
	Ingress Direction = 1 + iota // connections that the pods accept
	Egress                       // connections that the pods open
)

// String returns the direction in one word.
func (d Direction) String() string {
	switch d {
	case Ingress:
		return "ingress"
	case Egress:
		return "egress"
	}
	return "no direction"
}

// Peer returns the end of an edge that the rules of a policy name. The other end is
// the pods that the policy is about.
func (d Direction) Peer(e *generator.Edge) generator.Peer {
	if d == Ingress {
		return e.From
	}
	return e.To
}

// Plan is the policies of a model. Allows take effect before Denies are applied,
// and Denies are removed before them: a namespace that denies and does not yet
// allow is cut off.
type Plan struct {
	Allows []Policy // ordered by namespace and name; each has a rule
	Denies []Policy // one for each guarded direction of a namespace; without rules
}

// Policies returns all policies in the order in which they are applied.
func (p *Plan) Policies() []Policy { return slices.Concat(p.Allows, p.Denies) }

// Policy isolates some pods in one direction and allows them what its rules say.
type Policy struct {
	Namespace string
	Name      string // a DNS subdomain; no two of a namespace are the same
	Direction Direction
	Subject   metav1.LabelSelector // the pods; without labels, all of the namespace. Read only.
	Rules     []Rule
}

// Rule allows connections with any of the peers on any of the ports. It has at
// least one of each: no peers never means everybody.
type Rule struct {
	Peers []Peer
	Ports []generator.Port // numbers as the fewest ranges, then names; ordered

	// Requests are those of HTTP that are meant, of a plan with Options.Requests.
	Requests generator.Requests

	// Edges are those of the model that need the rule, in order.
	Edges []*generator.Edge
}

// Because returns the evidence of all edges, ordered, each piece once.
func (r *Rule) Because() []generator.Evidence {
	var out []generator.Evidence
	for _, e := range r.Edges {
		out = append(out, e.Because...)
	}
	slices.SortFunc(out, generator.Evidence.Compare)
	return slices.Compact(out)
}

// Peer is pods, a block of addresses or a domain name. Kind says what it came
// of, so that a dialect may have another word for it: a group of the
// environment gives all its peers to one rule.
type Peer struct {
	Kind generator.PeerKind

	// Namespaces and Pods are for pods: those that Pods selects in any of the
	// namespaces. A ClusterPeer has no namespaces and means all of them; every
	// other peer of pods has one.
	Namespaces []string
	Pods       metav1.LabelSelector // read only

	// Spelled says that the namespace is to be named in full, also where it is that
	// of the policy. It means the same; enforcers differ in what they make of it.
	Spelled bool

	Block generator.Block // for addresses
	Name  string          // for a domain name
}

// IsBlock reports whether the peer is addresses.
func (p *Peer) IsBlock() bool { return p.Block.Prefix.IsValid() }

// IsName reports whether the peer is a domain name.
func (p *Peer) IsName() bool { return p.Name != "" }

// IsPods reports whether the peer is pods of the cluster.
func (p *Peer) IsPods() bool { return !p.IsBlock() && !p.IsName() }

// AllPods reports whether the peer is every pod of its namespaces.
func (p *Peer) AllPods() bool {
	return p.IsPods() && len(p.Pods.MatchLabels) == 0 && len(p.Pods.MatchExpressions) == 0
}

func comparePeers(a, b Peer) int {
	form := func(p *Peer) int {
		switch {
		case p.IsBlock():
			return 1
		case p.IsName():
			return 2
		}
		return 0
	}
	if c := cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(form(&a), form(&b))); c != 0 {
		return c
	}
	switch {
	case a.IsBlock():
		return a.Block.Prefix.Compare(b.Block.Prefix)
	case a.IsName():
		return cmp.Compare(a.Name, b.Name)
	}
	return cmp.Or(slices.Compare(a.Namespaces, b.Namespaces), cmp.Compare(selectorText(&a.Pods), selectorText(&b.Pods)))
}
