// SPDX-License-Identifier: Apache-2.0

package compact

import (
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/gatehouse-sh/gatehouse/generator"
)

// unused says by which labels of workloads no policy selects: since they are others
// for the next pod or release, or since the enforcer does not see them; nothing where
// there are none.
func (c *compactor) unused(list ...*generator.Workload) string {
	changing, unseen := map[string]bool{}, map[string]bool{}
	for _, w := range list {
		for key := range w.Labels {
			switch visible := c.options.Selectors.Visible; {
			case generator.Churns(key):
				changing[key] = true
			case visible != nil && !visible(key):
				unseen[key] = true
			}
		}
	}
	var out string
	if len(changing) > 0 {
		out = " (others change from one pod or release to the next: " + strings.Join(slices.Sorted(maps.Keys(changing)), ", ") + ")"
	}
	if len(unseen) > 0 {
		out += " (others make no identity, and the enforcer does not see them: " + strings.Join(slices.Sorted(maps.Keys(unseen)), ", ") + ")"
	}
	return out
}

// passing reports the workloads that policies select by a label that looks like one
// of a single release. There was no other that tells them apart, and the policies
// are right until the value changes.
func (c *compactor) passing(list []Policy) {
	look := func(namespace string, s *metav1.LabelSelector) {
		check := func(key, value string) {
			if generator.Passing(value) {
				c.report(namespace, key, value, s)
			}
		}
		for key, value := range s.MatchLabels {
			check(key, value)
		}
		for _, e := range s.MatchExpressions {
			for _, value := range e.Values {
				check(e.Key, value)
			}
		}
	}
	for i := range list {
		p := &list[i]
		look(p.Namespace, &p.Subject)
		for j := range p.Rules {
			for k := range p.Rules[j].Peers {
				if q := &p.Rules[j].Peers[k]; q.Kind == generator.WorkloadPeer {
					for _, namespace := range q.Namespaces {
						look(namespace, &q.Pods)
					}
				}
			}
		}
	}
}

// report is about the workloads of a namespace that a selector selects by a value
// which their owners do not select by.
func (c *compactor) report(namespace, key, value string, s *metav1.LabelSelector) {
	selected, err := metav1.LabelSelectorAsSelector(s)
	if err != nil {
		return // whoever reads the policies says so
	}
	for _, w := range c.model.Universe.Within(namespace) {
		if w.HostNetwork || w.Labels[key] != value || w.Selector[key] == value || !selected.Matches(labels.Set(w.Labels)) {
			continue
		}
		c.problem(&generator.Edge{To: generator.WorkloadPeerOf(w.ID)}, "policies select its pods by the label %s=%s, which looks like one of a single release: give them a label that stays, and is no other workload's", key, value)
	}
}
