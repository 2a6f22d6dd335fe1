// SPDX-License-Identifier: Apache-2.0

package compact

import (
	"maps"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/generator"
)

// expanded is what rules name for a group of the environment.
type expanded struct {
	peers   []Peer
	problem string
}

// expand returns the pods and addresses that a group is in this cluster.
func (c *compactor) expand(k generator.PeerKind) expanded {
	if known, done := c.groups[k]; done {
		return known
	}
	var out expanded
	reachable := false // by pods that policies select, or by addresses
	group, _ := c.model.Environment.Group(k)
	for i, set := range group.Pods {
		hosts := c.onNodes(groupKey{k, i}, set)
		reachable = reachable || !hosts
		if what := c.unselectable(set); what != "" {
			out.problem = what
		} else if !hosts || len(set.Labels) == 0 { // without labels, others of the namespace belong to it
			out.peers = append(out.peers, Peer{Kind: k, Namespaces: []string{set.Namespace}, Pods: selecting(set)})
		}
	}
	for _, b := range c.model.Blocks(generator.Peer{Kind: k}) {
		if b.Prefix.IsValid() {
			reachable = true
			out.peers = append(out.peers, Peer{Kind: k, Block: b})
		}
	}
	switch {
	case out.problem != "" || reachable:
	case len(group.Pods) > 0:
		out.problem = "the pods of " + k.String() + " are on the network of their nodes, and no addresses are given for them"
	default:
		out.problem = "what \"" + k.String() + "\" is in this cluster is not known"
	}
	c.groups[k] = out
	return out
}

// unselectable says why no policy can select a set of pods.
func (c *compactor) unselectable(set generator.PodSet) string {
	for _, key := range slices.Sorted(maps.Keys(set.Labels)) {
		if visible := c.options.Selectors.Visible; visible != nil && !visible(key) {
			return "the enforcer does not see the label " + key + ", by which the pods in " + set.Namespace + " are known"
		}
	}
	return ""
}

// onNodes reports whether all pods that are known of a set are on the network of
// their nodes.
func (c *compactor) onNodes(k groupKey, set generator.PodSet) bool {
	is, done := c.nodes[k]
	if !done {
		is = c.allOnNodes(set)
		c.nodes[k] = is
	}
	return is
}

func (c *compactor) allOnNodes(set generator.PodSet) bool {
	known := false
	for _, w := range c.model.Universe.Within(set.Namespace) {
		if set.Holds(w.ID.Namespace, w.Labels) {
			if !w.HostNetwork {
				return false
			}
			known = true
		}
	}
	return known && !slices.ContainsFunc(c.options.Selectors.Expected, func(e generator.PodSet) bool {
		return !maps.Equal(e.Labels, set.Labels) && set.Holds(e.Namespace, e.Labels) && !c.index.Known(e)
	})
}

// selecting returns the selector of a set of pods. One without labels has no
// map, which is how the API server writes it.
func selecting(set generator.PodSet) metav1.LabelSelector {
	if len(set.Labels) == 0 {
		return metav1.LabelSelector{}
	}
	return metav1.LabelSelector{MatchLabels: set.Labels}
}
