// SPDX-License-Identifier: Apache-2.0

package enforcer

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/compact"
	"github.com/gatehouse-sh/gatehouse/generator/selector"
	"github.com/gatehouse-sh/gatehouse/generator/verify"
)

// Profile is what one enforcer makes of NetworkPolicies. It is a value that
// nobody changes; Find returns one. The zero value is no enforcer and refuses
// every connection.
type Profile struct {
	name string

	// byAddress: a block holds the pods that have its addresses, and not only what
	// is outside of the cluster.
	byAddress bool

	// nodes says whether a block holds nodes.
	nodes nodesInBlocks

	// resolver: an address of the link that name servers have on every node is the
	// node, which no block holds.
	resolver bool

	// sctp is why ports of SCTP cannot be said; nil where they can.
	sctp error

	// oneNumber: a pod has one port for a name, whatever its protocol.
	oneNumber bool

	// identity: only some labels of pods are seen.
	identity bool

	// ranges says what becomes of a range of ports.
	ranges portRanges

	// combinations is how many different ports, each with its protocol, all
	// policies together may allow one pod with one address; 0 for any number.
	combinations int

	// oneFamily: policies are about the family of the pods' addresses alone.
	oneFamily bool

	// mixed: the exceptions of a block count for other blocks as well.
	mixed bool

	// bySelector: the address of a Service is allowed where its selector, taken for
	// the labels of a pod, matches a peer.
	bySelector bool

	// hosts: a selector of the pods of the own namespace has those on the network
	// of their node too, unless the namespace is named.
	hosts bool
}

// nodesInBlocks says what a block of addresses is to nodes.
type nodesInBlocks uint8

const (
	nodesByAddress nodesInBlocks = iota // it holds them as it does any address
	nodesApart                          // it never holds one; the API server is a node in some clusters
	nodesOnly                           // it never holds one; the API server is none
	nodesAsPods                         // nodes connect to pods from addresses in the ranges of pods
)

// portRanges says what becomes of a range of ports (endPort).
type portRanges uint8

const (
	rangesCount   portRanges = iota // it is a range
	rangesByFirst                   // it is a range to pods; Services are found by its first port
	rangesIgnored                   // it is its first port at most
)

// Find returns the profile of an enforcer by its name. The error lists the names.
func Find(name string) (Profile, error) {
	for _, p := range profiles {
		if p.name == name {
			return p, nil
		}
	}
	return Profile{}, fmt.Errorf("enforcer %q: not one of %s", name, strings.Join(Names(), ", "))
}

// Names returns the names of all profiles: generic, which stands for what
// Kubernetes promises of every enforcer, and the others in order.
func Names() []string {
	out := make([]string, len(profiles))
	for i, p := range profiles {
		out[i] = p.name
	}
	return out
}

// String returns the name.
func (p Profile) String() string {
	if p.name == "" {
		return "no enforcer"
	}
	return p.name
}

// Verify says what the enforcer makes of the policies, for the proof.
func (p Profile) Verify() verify.Options {
	if p.byAddress {
		return verify.Options{Blocks: verify.BlocksMatchPods}
	}
	return verify.Options{}
}

// Selectors says by which labels the enforcer selects, for compact.Options. A
// cluster whose Cilium was given labels of its own needs selector.IdentityLabels
// of these instead.
func (p Profile) Selectors() selector.Options {
	if !p.identity {
		return selector.Options{}
	}
	visible, err := selector.IdentityLabels("")
	if err != nil {
		visible = func(string) bool { return false } // the patterns of the package are expressions
	}
	return selector.Options{Visible: visible}
}

// Adapt makes of a plan of the model one that means on the enforcer what the
// model says, less the edges that come back as problems with what to do. It never
// allows more than the plan does. The plan is not changed; what stays as it is is
// shared.
func (p Profile) Adapt(m *generator.Model, plan *compact.Plan) (*compact.Plan, []generator.Problem) {
	a := newAdapter(p, m)
	out := &compact.Plan{Denies: plan.Denies, Allows: make([]compact.Policy, 0, len(plan.Allows))}
	for i := range plan.Allows {
		if q := a.policy(&plan.Allows[i]); len(q.Rules) > 0 {
			out.Allows = append(out.Allows, q)
		}
	}
	if p.combinations > 0 {
		for _, side := range sides(out.Allows) {
			a.bound(out.Allows, side)
		}
	}
	a.settle(out.Allows)
	if p.bySelector {
		a.services(out.Allows)
	}
	if p.mixed {
		for _, side := range sides(out.Allows) {
			separate(out.Allows, side)
		}
	}
	out.Allows = slices.DeleteFunc(out.Allows, func(q compact.Policy) bool { return len(q.Rules) == 0 })
	return out, a.problems.List()
}

var errNoEnforcer = errors.New("no enforcer was chosen, and what it makes of policies is not known")
