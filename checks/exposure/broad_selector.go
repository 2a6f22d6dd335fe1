// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// broadSelector flags exposed Services whose selector takes in more than one
// thing (EXP-018).
func broadSelector() checks.Check {
	return checks.Check{
		ID: "EXP-018", Name: "broad-selector",
		Severity: checks.Medium,
		Actions:  checks.Actions{Baseline: checks.Warn, Strict: checks.Deny},
		Kinds:    services,
		Doc: checks.Doc{
			Title: "An exposed Service selects one workload",
			Why: "Traffic goes to every pod of the namespace that carries the selector's labels, also to those that come later. " +
				"A single label that several workloads share exposes all of them, and a Service without selector exposes whatever somebody writes into its endpoints. " +
				"The rule fires for a Service that is exposed past the gateway when it has no selector, when its only label matches pods of several owners, or when it matches pods of several owners that run as different ServiceAccounts, however many labels it has: such pods differ in what they may do. " +
				"Owners are followed from the pod to the Deployment or other controller that the inventory holds. " +
				"A canary that shares one label with its stable sibling is reported too; a second label that both have does away with that.",
			Attack: "pods that nobody meant to expose answer to strangers, or an attacker's pod joins an exposed Service by one label",
			Fix:    "select by the labels that only the intended workload has, such as app.kubernetes.io/name together with app.kubernetes.io/instance",
			Exempt: "A Service that spreads over several workloads on purpose, for example during a migration.",
			Sources: []string{
				"https://kubernetes.io/docs/concepts/services-networking/service/#defining-a-service",
				"https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/",
				"https://github.com/open-policy-agent/gatekeeper-library/tree/master/library/general/uniqueserviceselector",
			},
		},
		Run: checks.On(func(svc *corev1.Service, in checks.Input) []checks.Finding {
			if svc.Spec.Type == corev1.ServiceTypeExternalName {
				return nil
			}
			w, exposed := bypassing(Ways(svc, in))
			if !exposed {
				return nil
			}
			f := checks.Finding{Severity: w.severity(checks.Medium), Certainty: w.certainty, Subject: "selector", Field: "spec.selector"}
			if len(svc.Spec.Selector) == 0 {
				f.Message = "opens to " + whom(w) + " whatever its endpoints say, because it has no selector" + w.doubt()
				f.Path = w.Path("whatever its endpoints list")
				return []checks.Finding{f}
			}
			owners, accounts := ownersOf(svc, in)
			switch {
			case len(owners) < 2:
				return nil
			case len(svc.Spec.Selector) == 1:
				f.Message = "opens to " + whom(w) + " several workloads, because its only label " + selectorText(svc) + " matches " + listed(owners) + w.doubt()
			case accounts > 1:
				f.Message = "opens to " + whom(w) + " workloads that run as different ServiceAccounts: " + selectorText(svc) + " matches " + listed(owners) + w.doubt()
			default:
				return nil
			}
			f.Path = w.Path(listed(owners))
			return []checks.Finding{f}
		}),
	}
}

// ownersOf names the workloads that a Service selects, each by what controls it
// in the end, in order, and counts the ServiceAccounts that they run as.
func ownersOf(svc *corev1.Service, in checks.Input) (owners []string, accounts int) {
	var names []string
	var last *corev1.PodSpec
	var lastController inventory.Controller
	for _, w := range Selected(svc, in) {
		if w.Spec == nil || w.Spec == last && w.Controller != nil && *w.Controller == lastController {
			continue
		}
		last = w.Spec
		if w.Controller != nil {
			lastController = *w.Controller
		}
		if name := root(w, in.Inventory); !slices.Contains(owners, name) {
			owners = append(owners, name)
		}
		if a := w.ServiceAccount(); !slices.Contains(names, a) {
			names = append(names, a)
		}
	}
	slices.Sort(owners)
	return owners, len(names)
}

// root names what controls a workload in the end: the Deployment of a pod, and
// not its ReplicaSet. A controller that the inventory does not hold is taken by its
// name, when it is of a kind that makes such workloads or of one that the inventory
// knows nothing about; any other reference counts for nothing.
func root(w *inventory.Workload, inv *inventory.Inventory) string {
	for w.Controller != nil {
		up := inv.ControllerOf(w)
		if up == nil {
			break
		}
		w = up
	}
	if c := w.Controller; c != nil && byName(w, inv) {
		return c.Kind + " " + w.Key.Namespace + "/" + c.Name
	}
	return w.Key.String()
}

// byName reports whether the controller of a workload, which is not in the
// inventory, can be taken by its name.
func byName(w *inventory.Workload, inv *inventory.Inventory) bool {
	kind, ok := w.Controller.GroupKind()
	if !ok {
		return false
	}
	if _, known := inventory.KindOf(kind); !known {
		return true
	}
	return w.Made() && inv.Entry(inventory.Key{Kind: kind, Namespace: w.Key.Namespace, Name: w.Controller.Name}) == nil
}

// listed joins names for a message; of many it gives the first three.
func listed(names []string) string {
	const most = 3
	switch {
	case len(names) > most:
		return strings.Join(names[:most], ", ") + " and others"
	case len(names) > 1:
		return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
	}
	return strings.Join(names, "")
}
