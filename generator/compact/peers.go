// SPDX-License-Identifier: Apache-2.0

package compact

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/selector"
)

// Named returns what the rules of policies that no edge asks for name for some
// peers, in the order of Plan's rules, or why no rule can name one of them.
func Named(m *generator.Model, peers []generator.Peer, o Options) ([]Peer, error) {
	c := newCompactor(m, o)
	keys := make([]peerKey, 0, len(peers))
	for _, p := range peers {
		end, what := c.peer(p, "")
		switch {
		case what != "":
			return nil, errors.New(what)
		case end.workload != nil:
			return nil, fmt.Errorf("%s has the labels of other workloads", p)
		}
		keys = append(keys, end.key)
	}
	slices.SortFunc(keys, peerKey.compare)
	return c.peers(slices.Compact(keys)), nil
}

// peers returns what rules name for some peers: one selector for the workloads
// of a namespace where that is possible, and one entry for the namespaces in
// which the same is selected.
func (c *compactor) peers(keys []peerKey) []Peer {
	var out []Peer
	classes := map[string][]*selector.Class{}
	var namespaces []string
	for _, k := range keys { // ordered, so that the classes of a namespace are
		switch k.kind {
		case generator.WorkloadPeer:
			if len(classes[k.namespace]) == 0 {
				namespaces = append(namespaces, k.namespace)
			}
			classes[k.namespace] = append(classes[k.namespace], k.class)
		case generator.NamespacePeer:
			out = append(out, Peer{Kind: k.kind, Namespaces: []string{k.namespace}})
		case generator.ClusterPeer:
			out = append(out, Peer{Kind: k.kind})
		case generator.CIDRPeer:
			out = append(out, Peer{Kind: k.kind, Block: generator.Block{Prefix: k.prefix}})
		case generator.FQDNPeer:
			out = append(out, Peer{Kind: k.kind, Name: k.name})
		case generator.ServicePeer: // never a key
		case generator.ExternalPeer, generator.DNSPeer, generator.APIServerPeer, generator.NodePeer, generator.GatewayPeer, generator.MonitoringPeer:
			out = append(out, c.expand(k.kind).peers...)
		}
	}
	for _, namespace := range namespaces {
		for _, s := range c.index.Cover(namespace, classes[namespace]) {
			out = append(out, Peer{Kind: generator.WorkloadPeer, Namespaces: []string{namespace}, Pods: s.Pods})
		}
	}
	return joined(out)
}

// joined makes one entry of those that select the same in several namespaces.
func joined(list []Peer) []Peer {
	at := map[string]int{}
	var out []Peer
	for _, p := range list {
		if p.IsPods() && len(p.Namespaces) > 0 {
			key := strconv.Itoa(int(p.Kind)) + selectorText(&p.Pods)
			if i, has := at[key]; has {
				out[i].Namespaces = slices.Concat(out[i].Namespaces, p.Namespaces)
				continue
			}
			at[key] = len(out)
		}
		out = append(out, p)
	}
	for i := range out {
		if len(out[i].Namespaces) > 1 {
			slices.Sort(out[i].Namespaces)
			out[i].Namespaces = slices.Compact(out[i].Namespaces)
		}
	}
	slices.SortFunc(out, comparePeers)
	return out
}

// selectorText is the same for selectors that are.
func selectorText(s *metav1.LabelSelector) string {
	words := make([]string, 0, len(s.MatchLabels)+len(s.MatchExpressions))
	for key, value := range s.MatchLabels {
		words = append(words, key+"="+value)
	}
	for _, e := range s.MatchExpressions {
		words = append(words, e.Key+" "+string(e.Operator)+" ("+strings.Join(e.Values, ",")+")")
	}
	slices.Sort(words)
	return strings.Join(words, ",")
}
