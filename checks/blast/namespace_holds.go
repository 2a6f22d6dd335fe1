// SPDX-License-Identifier: Apache-2.0

package blast

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// namespaceHolds tells who changes the labels of a Namespace what it holds
// (XR-007).
func namespaceHolds() checks.Check {
	return checks.Check{
		ID: "XR-007", Name: "namespace-with-exposed-privilege",
		Severity: checks.Medium,
		Actions:  checks.Actions{Baseline: checks.Warn, Strict: checks.Warn},
		Kinds:    []schema.GroupKind{inventory.NamespaceKind},
		Doc: checks.Doc{
			Title: "A Namespace that opts in, or that a Gateway lets in, holds nothing exposed and privileged",
			Why: "Labels of a Namespace decide whether its objects are judged, and which listeners of a Gateway take its routes. When an update makes the Namespace opt in, or makes a listener of a Gateway let its routes in, " +
				"the workloads in it that break one of the rules XR-001 to XR-004 are counted and the worst are named. " +
				"It only warns: to refuse would keep a Namespace from opting in, and what it holds was there before. Each workload is found by its own rule as well, as soon as the Namespace is judged.",
			Attack: "workloads that came before the rule keep what the rule would refuse",
			Fix:    "look at the workloads by `gatehouse check` and close the ways to them, or take rights from their ServiceAccounts",
			Exempt: "A namespace whose workloads are exempt each by itself.",
			Sources: []string{
				"https://gateway-api.sigs.k8s.io/reference/spec/#allowedroutes",
				"https://kubernetes.io/docs/concepts/security/pod-security-admission/",
			},
		},
		Run: checks.On(judgeNamespace),
	}
}

// admissionLabel is the label by which a Namespace opts in.
const admissionLabel = "gatehouse.sh/admission"

func judgeNamespace(ns *corev1.Namespace, in checks.Input) []checks.Finding {
	old, updated := checks.Old[*corev1.Namespace](in)
	if !updated || maps.Equal(old.Labels, ns.Labels) {
		return nil
	}
	var why, label string
	switch now := ns.Labels[admissionLabel]; {
	case now != "" && now != old.Labels[admissionLabel]:
		why, label = "opts in", admissionLabel
	default:
		if why, label = letIn(old.Labels, ns.Labels, in); why == "" {
			return nil
		}
	}
	j := newJudge(in)
	var found []*hazard
	for w := range j.workloads(ns.Name) {
		if !j.remade(w) {
			found = j.add(found, target{w, j.doorsOf(w)}, nil)
		}
	}
	found = worstOfEach(slices.DeleteFunc(found, func(h *hazard) bool { return !refused(h, in) }))
	if len(found) == 0 {
		return nil
	}
	names := make([]string, 0, shown)
	for i := range found[:min(shown, len(found))] {
		names = append(names, found[i].root.String())
	}
	f := checks.Finding{
		Subject: "labels/" + label, Field: "metadata.labels[" + label + "]", Certainty: found[0].certainty(),
		Message: fmt.Sprintf("%s, and holds workloads that are exposed and privileged: %s", why, strings.Join(names, ", ")),
		Path:    report{in: in}.path(found[0]),
	}
	if more := len(found) - shown; more > 0 {
		f.Message += fmt.Sprintf(" and %d more", more)
	}
	return []checks.Finding{f}
}

// letIn returns the first listener of a Gateway whose namespace selector matches
// the labels now and did not before, and the label that it reads.
func letIn(before, now map[string]string, in checks.Input) (why, label string) {
	for gw := range inventory.List[*gatewayv1.Gateway](in.Inventory, inventory.GatewayKind, "") {
		for i := range gw.Spec.Listeners {
			l := &gw.Spec.Listeners[i]
			if l.AllowedRoutes == nil || l.AllowedRoutes.Namespaces == nil || l.AllowedRoutes.Namespaces.Selector == nil {
				continue
			}
			s, err := metav1.LabelSelectorAsSelector(l.AllowedRoutes.Namespaces.Selector)
			if err != nil || s.Matches(labels.Set(before)) || !s.Matches(labels.Set(now)) {
				continue
			}
			for _, key := range slices.Sorted(maps.Keys(now)) {
				if before[key] != now[key] {
					label = key
					break
				}
			}
			return "is let in by listener " + string(l.Name) + " of " + inventory.KeyOf(gw).String(), label
		}
	}
	return "", ""
}
