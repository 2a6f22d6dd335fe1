// SPDX-License-Identifier: Apache-2.0

package blast

import (
	"cmp"
	"iter"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/checks/exposure"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// What other packages of checks ask about workloads and their accounts.

// Escape is one way out of the containers of a workload onto its node.
type Escape struct {
	Trait string // names it within the workload: "hostPath//etc/kubernetes", "privileged/app"
	Why   string // one clause: "volume keys is /etc/kubernetes of the node"
}

// Escapes returns every way out of a workload's containers that XR-003 knows, in
// the order of its spec.
func Escapes(w *inventory.Workload) []Escape {
	if w == nil || w.Spec == nil {
		return nil
	}
	h, _ := escape(w)
	out := make([]Escape, 0, len(h.parts))
	for i := range h.parts {
		out = append(out, Escape{h.parts[i].trait, h.parts[i].path[0]})
	}
	return out
}

// Identity is an identity of a cloud that an annotation gives to a
// ServiceAccount.
type Identity struct {
	Annotation string
	Is         string // what the cloud calls it: "AWS IAM role"
	Value      string
}

// Identities returns the cloud identities of a ServiceAccount, ordered by
// annotation.
func Identities(sa *corev1.ServiceAccount) []Identity {
	if sa == nil || len(sa.Annotations) == 0 {
		return nil
	}
	var out []Identity
	for _, i := range identities {
		if value := sa.Annotations[i.annotation]; value != "" {
			out = append(out, Identity{i.annotation, i.is, value})
		}
	}
	return out
}

// ProjectsToken reports whether a volume of a pod holds a token of its account
// for the API server.
func ProjectsToken(s *corev1.PodSpec) bool { return projectsToken(s) }

// HoldsToken reports whether the pods of a workload hold a token of their account for the
// API server. It is not known while the account, which may forbid it, is not: sa is nil
// then. "default" is made by Kubernetes in every namespace, and forbids nothing.
func HoldsToken(w *inventory.Workload, sa *corev1.ServiceAccount) (holds, known bool) {
	if w.Spec == nil {
		return false, false
	}
	h := harm{account: inventory.Key{Kind: inventory.ServiceAccountKind, Namespace: w.Key.Namespace, Name: w.ServiceAccount()}}
	h.mount(w, sa)
	return h.term != unmounted, h.certainty == checks.Violation
}

// Ways returns every way from outside that ends at a workload: through the
// Services that lead to its pods, and by ports of its node. Those past the bundled
// gateway come first and those from an internal network last; the order is the
// same every time. In gives the inventory and the parameters; its object is not
// looked at.
func Ways(w *inventory.Workload, in checks.Input) []exposure.Way {
	doors := newJudge(in).everyDoor(w)
	slices.SortStableFunc(doors, func(a, b door) int { return cmp.Or(cmp.Compare(a.reach(), b.reach()), compareDoor(&a, &b)) })
	out := make([]exposure.Way, 0, len(doors))
	for i := range doors {
		out = append(out, doors[i].Way)
	}
	return out
}

// Controlled reports whether the inventory holds the controller that made a pod
// or a template and would make it again. It runs what the controller says, and is
// judged there.
func Controlled(w *inventory.Workload, in checks.Input) bool { return newJudge(in).remade(w) }

// Running yields the workloads that run as a ServiceAccount, as a person knows
// them: those that a controller of the inventory would make again are left out.
func Running(in checks.Input, namespace, account string) iter.Seq[*inventory.Workload] {
	return func(yield func(*inventory.Workload) bool) {
		j := newJudge(in)
		for w := range in.Inventory.RunningAs(namespace, account) {
			if w.Spec != nil && !mirror(w) && !j.remade(w) && !yield(w) {
				return
			}
		}
	}
}
