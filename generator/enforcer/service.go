// SPDX-License-Identifier: Apache-2.0

package enforcer

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/compact"
)

// services adds the selectors of Services to rules that allow the pods behind
// them by other labels, where the enforcer allows the address of a Service only
// when its selector, taken for the labels of a pod, matches a peer. Only a
// Service all of whose pods a rule allows is added: nothing is allowed that was
// not.
func (a *adapter) services(list []compact.Policy) {
	behind := map[string][]service{}
	for i := range a.model.Services {
		if s := a.behind(&a.model.Services[i]); len(s.pods) > 0 {
			namespace := s.through.Service.Namespace
			behind[namespace] = append(behind[namespace], s)
		}
	}
	for i := range list {
		if list[i].Direction != compact.Egress {
			continue
		}
		for j := range list[i].Rules {
			r := &list[i].Rules[j]
			for _, namespace := range targets(r) {
				for _, s := range behind[namespace] {
					if !peersMatch(r, namespace, s.through.Selector) && !slices.ContainsFunc(s.pods, func(pod map[string]string) bool { return !peersMatch(r, namespace, pod) }) {
						r.Peers = append(r.Peers, compact.Peer{Kind: generator.WorkloadPeer, Namespaces: []string{namespace}, Pods: metav1.LabelSelector{MatchLabels: s.through.Selector}})
					}
				}
			}
		}
	}
}

type service struct {
	through *generator.Through
	pods    []map[string]string // the labels of those behind it, which are expected as well
}

func (a *adapter) behind(through *generator.Through) service {
	out := service{through: through}
	set := generator.PodSet{Namespace: through.Service.Namespace, Labels: through.Selector}
	for _, w := range a.model.Universe.Within(set.Namespace) {
		if !w.HostNetwork && set.Holds(w.ID.Namespace, w.Labels) {
			out.pods = append(out.pods, w.Labels)
		}
	}
	for k := generator.DNSPeer; k <= generator.MonitoringPeer; k++ {
		group, _ := a.model.Environment.Group(k)
		for _, expected := range group.Pods {
			if set.Holds(expected.Namespace, expected.Labels) {
				out.pods = append(out.pods, expected.Labels)
			}
		}
	}
	return out
}

// targets returns the namespaces of the workloads that the edges of a rule lead
// to, in order.
func targets(r *compact.Rule) []string {
	var out []string
	for _, e := range r.Edges {
		if e.To.Kind == generator.WorkloadPeer {
			out = append(out, e.To.Namespace)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// peersMatch reports whether a peer of a rule selects labels in a namespace.
func peersMatch(r *compact.Rule, namespace string, own map[string]string) bool {
	return slices.ContainsFunc(r.Peers, func(q compact.Peer) bool {
		if !q.IsPods() || len(q.Namespaces) > 0 && !slices.Contains(q.Namespaces, namespace) {
			return false
		}
		selector, err := metav1.LabelSelectorAsSelector(&q.Pods)
		return err == nil && selector.Matches(labels.Set(own))
	})
}
