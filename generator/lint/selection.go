// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/verify"
)

// selected returns the known workloads of a selection that policies apply to. The
// answer is kept, and is not to be changed.
func (l *linter) selected(p verify.Pods) []*generator.Workload {
	key := [2]string{textOf(p.Namespaces), textOf(p.Pods)}
	out, known := l.selections[key]
	if known {
		return out
	}
	for _, namespace := range l.namespaces(p.Namespaces, key[0]) {
		if !l.asker.Spend(pairSteps * len(l.model.Universe.Within(namespace))) {
			return nil
		}
		for _, w := range l.model.Universe.Within(namespace) {
			if !w.HostNetwork && p.Pods.Matches(labels.Set(w.Labels)) {
				out = append(out, w)
			}
		}
	}
	l.selections[key] = out
	return out
}

// namespaces returns the known namespaces that a selector, by its text, matches.
func (l *linter) namespaces(s labels.Selector, text string) []string {
	out, known := l.within[text]
	if known {
		return out
	}
	if !l.asker.Spend(pairSteps * len(l.model.Universe.Namespaces())) {
		return nil
	}
	for _, namespace := range l.model.Universe.Namespaces() {
		if s.Matches(labels.Set(l.model.Universe.NamespaceLabels(namespace))) {
			out = append(out, namespace)
		}
	}
	l.within[text] = out
	return out
}

// textOf tells selectors apart: what selects nothing has the text of what selects
// everything.
func textOf(s labels.Selector) string {
	if labels.MatchesNothing(s) {
		return "!"
	}
	return s.String()
}

// selection finds policies and peers that select no known workload. A peer that
// may be a group of the environment, whose pods nobody described, is left alone,
// and so is one that selects every pod: it may be about pods to come.
func (l *linter) selection(p *verify.Policy) {
	if !p.Subject.Pods.Empty() && len(l.selected(p.Subject)) == 0 {
		l.add(SelectsNothing, p.Name, "", "selects no known workload: nothing is guarded by it")
	}
	for _, rules := range [][]verify.Rule{p.Ingress, p.Egress} {
		for i := range rules {
			r := &rules[i]
			for j, peer := range r.Peers {
				if peer.Pods.Pods == nil || peer.Pods.Pods.Empty() || len(l.selected(peer.Pods)) > 0 || l.isGroup(peer.Pods) {
					continue
				}
				l.nobody[[2]string{p.Name, r.Name}] = true
				l.add(NamesNobody, p.Name, r.Name, fmt.Sprintf("its peer %d (%s) is no known workload", j+1, peer.Pods.Pods))
			}
		}
	}
}

// isGroup reports whether pods of a group of the environment may be selected.
func (l *linter) isGroup(p verify.Pods) bool {
	for k := generator.DNSPeer; k <= generator.MonitoringPeer; k++ {
		group, _ := l.model.Environment.Group(k)
		if slices.ContainsFunc(group.Pods, func(set generator.PodSet) bool {
			own := l.model.Universe.NamespaceLabels(set.Namespace)
			if own == nil {
				own = map[string]string{corev1.LabelMetadataName: set.Namespace}
			}
			return p.Namespaces.Matches(labels.Set(own)) && p.Pods.Matches(labels.Set(set.Labels))
		}) {
			return true
		}
	}
	return false
}
