// SPDX-License-Identifier: Apache-2.0

package cilium

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	slim "github.com/cilium/cilium/pkg/k8s/slim/k8s/apis/meta/v1"
	"github.com/cilium/cilium/pkg/policy/api"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/verify"
)

// subject: a policy of a namespace selects no pods of another.
func (r *reader) subject(s api.EndpointSelector) verify.Pods {
	out, elsewhere := r.pods("endpointSelector", s)
	if elsewhere && r.namespace != "" {
		r.fault("endpointSelector", "a policy of one namespace is not about others")
	}
	return out
}

// pods reads a selector, and whether it names namespaces: else it is about the
// policy's own (pkg/k8s/apis/cilium.io/utils, getEndpointSelector).
func (r *reader) pods(at string, s api.EndpointSelector) (verify.Pods, bool) {
	out := verify.Pods{Namespaces: labels.Everything(), Pods: labels.Everything()}
	if s.LabelSelector == nil {
		r.fault(at, "is null")
		return out, false
	}
	elsewhere := false
	add := func(key string, operator selection.Operator, values []string) {
		source, bare, found := strings.Cut(key, ":")
		if !found {
			source, bare = "any", key
		}
		in := &out.Pods
		switch of, isNamespace := strings.CutPrefix(bare, "io.cilium.k8s.namespace.labels."); {
		case source != "k8s" && source != "any" || strings.HasPrefix(bare, "io.cilium.k8s.policy."):
			r.fault(at, "labels of %s are not read", key)
			return
		case bare == "io.kubernetes.pod.namespace":
			elsewhere = true
			if operator == selection.Exists {
				return // every pod has one
			}
			bare, in = corev1.LabelMetadataName, &out.Namespaces
		case isNamespace:
			elsewhere = true
			bare, in = of, &out.Namespaces
		}
		requirement, err := labels.NewRequirement(bare, operator, values)
		if err != nil {
			r.fault(at, "%v", err)
			return
		}
		*in = (*in).Add(*requirement)
	}
	for _, key := range slices.Sorted(maps.Keys(s.MatchLabels)) {
		add(key, selection.In, []string{s.MatchLabels[key]})
	}
	operators := map[slim.LabelSelectorOperator]selection.Operator{
		slim.LabelSelectorOpIn: selection.In, slim.LabelSelectorOpNotIn: selection.NotIn,
		slim.LabelSelectorOpExists: selection.Exists, slim.LabelSelectorOpDoesNotExist: selection.DoesNotExist,
	}
	for _, e := range s.MatchExpressions {
		add(e.Key, operators[e.Operator], e.Values)
	}
	if !elsewhere {
		out.Namespaces = r.own
	}
	return out, elsewhere
}

func (r *reader) peers(at string, p peers) []verify.Peer {
	var out []verify.Peer
	for i, s := range p.endpoints {
		pods, _ := r.pods(fmt.Sprintf("%s.endpoints[%d]", at, i), s)
		out = append(out, verify.Peer{Pods: pods})
	}
	for _, e := range p.entities {
		out = append(out, r.entity(at, e, p.entities)...)
	}
	for _, text := range p.cidrs {
		out = append(out, r.block(at, string(text), nil)...)
	}
	for _, b := range p.blocks {
		if b.Cidr == "" {
			r.fault(at, "groups of blocks are not read")
			continue
		}
		out = append(out, r.block(at, string(b.Cidr), b.ExceptCIDRs)...)
	}
	for _, n := range p.names {
		out = append(out, r.domain(at, n)...)
	}
	return out
}

// entity: which addresses an entity is, the environment says. The own node and
// the others are only known together.
func (r *reader) entity(at string, e api.Entity, all api.EntitySlice) []verify.Peer {
	everything := verify.Peer{Pods: verify.Pods{Namespaces: labels.Everything(), Pods: labels.Everything()}}
	switch {
	case e == api.EntityKubeAPIServer:
		return addresses(r.env.APIServer.Addresses)
	case e == api.EntityRemoteNode && slices.Contains(all, api.EntityHost):
		return addresses(r.env.Nodes.Addresses)
	case e == api.EntityHost && slices.Contains(all, api.EntityRemoteNode):
		return nil // with the others
	case e == api.EntityIngress && r.gateway == OwnGateway:
		return addresses(r.env.Gateway.Addresses)
	case e == api.EntityWorld:
		return slices.Concat(r.block(at, "0.0.0.0/0", nil), r.block(at, "::/0", nil))
	case e == api.EntityCluster:
		out := append(addresses(r.env.Nodes.Addresses), everything)
		if r.gateway == OwnGateway {
			out = append(out, addresses(r.env.Gateway.Addresses)...)
		}
		return append(out, addresses(r.env.APIServer.Addresses)...)
	case e == api.EntityNone:
		return nil
	}
	r.fault(at, "who %q is without others is not known", e)
	return nil
}

func addresses(list []netip.Prefix) []verify.Peer {
	out := make([]verify.Peer, 0, len(list))
	for _, p := range list {
		out = append(out, verify.Peer{Block: generator.Block{Prefix: generator.CIDRPeerOf(p).Prefix}})
	}
	return out
}

// block: what is in the cluster has no label of a block (pkg/ipcache/metadata.go,
// "In-cluster entities must not have cidr or fqdn labels"): pods, nodes, and the
// gateway of Cilium's.
func (r *reader) block(at, text string, except []api.CIDR) []verify.Peer {
	prefix, ok := r.prefix(at, text)
	if !ok {
		return nil
	}
	var without []netip.Prefix
	for _, e := range except {
		if p, ok := r.prefix(at, string(e)); ok {
			without = append(without, p)
		}
	}
	inside := r.env.Nodes.Addresses
	if r.gateway == OwnGateway {
		inside = slices.Concat(inside, r.env.Gateway.Addresses)
	}
	for _, p := range inside {
		without = append(without, generator.CIDRPeerOf(p).Prefix)
	}
	b := generator.Without(prefix, without)
	if !b.Prefix.IsValid() {
		return nil // nobody
	}
	return []verify.Peer{{Block: b}}
}

// prefix reads a block, or one address.
func (r *reader) prefix(at, text string) (netip.Prefix, bool) {
	p, err := netip.ParsePrefix(text)
	if err != nil {
		a, of := netip.ParseAddr(text)
		if of != nil {
			r.fault(at, "%v", err)
			return netip.Prefix{}, false
		}
		p = netip.PrefixFrom(a, a.BitLen())
	}
	return generator.CIDRPeerOf(p).Prefix, true
}

// ports reads one entry of toPorts. A name of no protocol matches nothing
// (pkg/types, GetNamedPort), no protocol is all three.
func (r *reader) ports(at string, p *api.PortRule) []generator.Port {
	if p.TerminatingTLS != nil || p.OriginatingTLS != nil || len(p.ServerNames) > 0 || p.Listener != nil {
		r.fault(at, "rules about TLS and listeners are not read")
	}
	var out []generator.Port
	for _, q := range p.Ports {
		protocols := generator.Protocols[:]
		if !q.Protocol.IsAny() {
			one, err := generator.ParseProtocol(string(q.Protocol))
			if err != nil {
				r.fault(at, "%v", err)
				continue
			}
			protocols = []generator.Protocol{one}
		}
		number, err := strconv.ParseUint(q.Port, 0, 16)
		for _, protocol := range protocols {
			switch {
			case err != nil && !q.Protocol.IsAny():
				out = append(out, generator.NamedPort(protocol, strings.ToLower(q.Port)))
			case err != nil: // a name, and nobody has it
			case number == 0:
				out = append(out, generator.EveryPort(protocol))
			default:
				last := max(uint16(number), uint16(min(max(q.EndPort, 0), generator.MaxPort)))
				out = append(out, generator.Port{Protocol: protocol, First: uint16(number), Last: last})
			}
		}
	}
	return out
}
