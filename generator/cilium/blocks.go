// SPDX-License-Identifier: Apache-2.0

package cilium

import (
	"errors"
	"net/netip"
	"slices"

	"github.com/cilium/cilium/pkg/policy/api"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/compact"
	"github.com/gatehouse-sh/gatehouse/generator/internal/rendering"
)

// Reasons why a block cannot be said.
var (
	errPartOfNodes = errors.New("to Cilium the nodes are all of them or none, and no block of addresses holds one (policy-cidr-match-mode): name the nodes as the peer, or a block apart from their addresses")
	errNodeLocal   = errors.New("to Cilium a name server on the network of the node is the node: redirect to its pods (CiliumLocalRedirectPolicy), and allow the pods")
)

// word is addresses that Cilium knows by entities and not as a block.
type word struct {
	entities  api.EntitySlice
	addresses []netip.Prefix
}

// apart returns the addresses that no block holds: those of the nodes, and of
// Cilium's own gateway. The API server has an entity too, but where it is not a
// node it is an address like others as well.
func apart(env *generator.Environment, g Gateway) []word {
	out := []word{{api.EntitySlice{api.EntityHost, api.EntityRemoteNode}, env.Nodes.Addresses}}
	if g == OwnGateway {
		out = append(out, word{api.EntitySlice{api.EntityIngress}, env.Gateway.Addresses})
	}
	return out
}

// blocks writes the blocks of a rule down. One that holds some nodes and not all
// cannot be said; where the blocks hold them all, the entities say so.
func (r *renderer) blocks(out *rule, list []compact.Peer, refused *rendering.Refusals) {
	refuse := func(i int, err error) {
		refused.Add(&list[i], err)
		list = slices.Delete(list, i, i+1)
	}
	for i := range slices.Backward(list) {
		if r.model.Environment.ResolverOnNode(list[i].Kind, list[i].Block.Prefix) {
			refuse(i, errNodeLocal)
		}
	}
	for again := true; again; {
		again = false
		for _, w := range r.apart {
			if slices.Contains(out.entities, w.entities[0]) || w.covered(list) {
				continue
			}
			for i := range slices.Backward(list) {
				if w.touched(&list[i].Block) {
					refuse(i, errPartOfNodes)
					again = true // what it held of other words is not held any more
				}
			}
		}
	}
	for _, w := range r.apart {
		if slices.ContainsFunc(list, func(q compact.Peer) bool { return w.touched(&q.Block) }) {
			out.mention(w.entities)
		}
	}
	for i := range slices.Backward(list) {
		b, err := blockOf(list[i].Block)
		if err != nil {
			refuse(i, err)
			continue
		}
		out.blocks = append(out.blocks, b)
	}
	slices.Reverse(out.blocks)
	out.world()
}

// world says in one word what a block of every address of both families says.
func (r *rule) world() {
	every := func(text api.CIDR) func(api.CIDRRule) bool {
		return func(b api.CIDRRule) bool { return b.Cidr == text && len(b.ExceptCIDRs) == 0 }
	}
	if slices.ContainsFunc(r.blocks, every("0.0.0.0/0")) && slices.ContainsFunc(r.blocks, every("::/0")) {
		r.blocks = nil // all others are inside
		r.mention(api.EntitySlice{api.EntityWorld})
	}
}

func (w word) touched(b *generator.Block) bool {
	return slices.ContainsFunc(w.addresses, func(a netip.Prefix) bool { return meets(b, a) != apartFrom })
}

// covered reports whether each of the addresses is in one of the blocks, or none
// in any.
func (w word) covered(list []compact.Peer) bool {
	if !slices.ContainsFunc(list, func(q compact.Peer) bool { return w.touched(&q.Block) }) {
		return true
	}
	for _, a := range w.addresses {
		if !slices.ContainsFunc(list, func(q compact.Peer) bool { return meets(&q.Block, a) == around }) {
			return false
		}
	}
	return true
}

// How a block and some addresses lie to each other.
type extent uint8

const (
	apartFrom extent = iota
	overlapping
	around
)

func meets(b *generator.Block, a netip.Prefix) extent {
	a = generator.CIDRPeerOf(a).Prefix
	if !b.Prefix.Overlaps(a) {
		return apartFrom
	}
	out := overlapping
	if b.Prefix.Bits() <= a.Bits() {
		out = around
	}
	for _, e := range b.Except {
		switch e = generator.CIDRPeerOf(e).Prefix; {
		case !e.Overlaps(a):
		case e.Bits() <= a.Bits():
			return apartFrom
		default:
			out = overlapping
		}
	}
	return out
}

func blockOf(b generator.Block) (api.CIDRRule, error) {
	cidr, except, err := rendering.Block(b)
	if err != nil {
		return api.CIDRRule{}, err
	}
	out := api.CIDRRule{Cidr: api.CIDR(cidr)}
	for _, e := range except {
		out.ExceptCIDRs = append(out.ExceptCIDRs, api.CIDR(e))
	}
	return out, nil
}
