// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/gatehouse-sh/gatehouse/generator"
)

// Tier is where in the order of evaluation a policy stands. The zero value is
// none and is refused.
type Tier uint8

// The tiers, in their order (network-policy-api v0.2.0, ClusterNetworkPolicySpec):
// an Admin policy that accepts or denies is final, then the policies of the
// normal tier decide for the pods that they isolate, then those of Baseline, and
// what nobody decided is allowed.
const (
	Admin Tier = 1 + iota
	Normal
	Baseline
)

// Action is what a rule does. The zero value is none and is refused.
type Action uint8

// The actions. Pass leaves the decision to the next tier. Where a connection
// matches rules of both kinds in the normal tier, Deny wins, as in
// CiliumNetworkPolicy.
const (
	Accept Action = 1 + iota
	Deny
	Pass
)

// Policy is a policy of any dialect. Nothing in it means more by its absence: a
// list without elements is nobody and nothing, and readers say everything that
// their dialect leaves out.
type Policy struct {
	Name string // as people know it: "NetworkPolicy shop/web"
	Tier Tier

	// Priority orders the Admin and the Baseline tier, lower first. Rules of
	// different effect for the same pods at one priority are refused: which one
	// counts is not defined.
	Priority int32

	Subject Pods

	// Isolates says in which directions the subject is cut off from everything
	// that no rule of the normal tier accepts. Only there may it be set.
	Isolates generator.Guard

	Ingress, Egress []Rule // in the order in which they count
}

// Pods are the pods whose labels match in the namespaces whose labels match.
// Both selectors are needed; labels.Everything() is every one.
type Pods struct{ Namespaces, Pods labels.Selector }

func (p Pods) isSet() bool { return p.Namespaces != nil || p.Pods != nil }

func (p Pods) validate() error {
	if p.Namespaces == nil || p.Pods == nil {
		return errors.New("a selection of pods has a selector for namespaces and one for pods")
	}
	return nil
}

// EveryDomain as the Domain of a Peer is the addresses of every domain name.
const EveryDomain = "*"

// Peer is one of three: pods, a block of addresses, or the addresses of a domain
// name. "*." at the beginning of a name stands for one label or several. Names
// and addresses are apart: no block holds a name, and a reader says EveryDomain where
// its dialect means them as well.
type Peer struct {
	Pods   Pods
	Block  generator.Block
	Domain string

	// Scope, of a Block, is BlocksMatchPods where the dialect says so itself, as
	// the networks of a ClusterNetworkPolicy do. Else Options.Blocks counts.
	Scope BlockScope
}

func (p Peer) validate() error {
	kinds := 0
	for _, set := range []bool{p.Pods.isSet(), p.Block.Prefix.IsValid(), p.Domain != ""} {
		if set {
			kinds++
		}
	}
	switch {
	case kinds != 1:
		return errors.New("a peer is pods, a block or a domain name")
	case p.Scope != BlocksAreOutside && !p.Block.Prefix.IsValid():
		return errors.New("only a block has a scope")
	case p.Pods.isSet():
		return p.Pods.validate()
	}
	for _, except := range p.Block.Except {
		if !except.IsValid() || except.Bits() <= p.Block.Prefix.Bits() || !p.Block.Prefix.Contains(except.Addr()) {
			return fmt.Errorf("%s is no part of %s", except, p.Block.Prefix)
		}
	}
	return nil
}

// Rule is about connections with some peers on some ports, the accepting pod's.
type Rule struct {
	Name   string // as people find it in the policy: "ingress[0]"
	Action Action

	Peers  []Peer
	Anyone bool // every pod, address and domain name; Peers are empty then

	Ports     []generator.Port // names are resolved by each accepting pod, and by no address
	EveryPort bool             // every port of every protocol; Ports are empty then
}

func (r *Rule) validate(tier Tier) error {
	switch {
	case r.Action < Accept || r.Action > Pass:
		return errors.New("no action")
	case r.Action == Pass && tier == Normal:
		return errors.New("only the Admin and the Baseline tier have rules that pass")
	case r.Anyone && len(r.Peers) > 0, r.EveryPort && len(r.Ports) > 0:
		return errors.New("everything, and then some of it")
	}
	for i := range r.Peers {
		if err := r.Peers[i].validate(); err != nil {
			return err
		}
	}
	for _, p := range r.Ports {
		if err := p.Validate(); err != nil {
			return err
		}
	}
	return nil
}

// validate says what is wrong with a policy, with its name.
func (p *Policy) validate() error {
	var all []error
	if p.Tier < Admin || p.Tier > Baseline {
		all = append(all, errors.New("no tier"))
	}
	if p.Tier != Normal && p.Isolates != (generator.Guard{}) {
		all = append(all, errors.New("only policies of the normal tier isolate"))
	}
	all = append(all, p.Subject.validate())
	for _, rules := range [][]Rule{p.Ingress, p.Egress} {
		for i := range rules {
			if err := rules[i].validate(p.Tier); err != nil {
				all = append(all, fmt.Errorf("rule %s: %w", rules[i].Name, err))
			}
		}
	}
	if err := errors.Join(all...); err != nil {
		return fmt.Errorf("%s: %w", p.Name, err)
	}
	return nil
}
