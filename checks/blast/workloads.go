// SPDX-License-Identifier: Apache-2.0

package blast

import (
	"iter"

	corev1 "k8s.io/api/core/v1"

	"github.com/gatehouse-sh/gatehouse/checks/exposure"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// workloads yields the workloads of a namespace, or of all when it is empty.
func (j *judge) workloads(namespace string) iter.Seq[*inventory.Workload] {
	return func(yield func(*inventory.Workload) bool) {
		for _, k := range exposure.TemplateKinds() {
			var last *inventory.Workload
			for e := range j.inv.Entries(k, namespace) {
				// Without a namespace the doors of Services are not asked for.
				if e.Workload == nil || replica(last, e.Workload) && (namespace == "" || !j.listed(e.Workload)) {
					continue
				}
				last = e.Workload
				if !yield(e.Workload) {
					return
				}
			}
		}
	}
}

// exposed returns the chains to every workload that can be reached: by way of the
// Services, of which few are exposed, and of the pods that take ports of nodes.
func (j *judge) exposed(keep func(harm) (harm, bool)) []*hazard {
	var open []opening
	for svc := range inventory.List[*corev1.Service](j.inv, inventory.ServiceKind, "") {
		if doors := j.doorsBy(svc); len(doors) > 0 {
			open = append(open, opening{svc, doors})
		}
	}
	reached := j.behind(open)
	for w := range j.workloads("") {
		if w.Spec != nil && !mirror(w) {
			var own doors
			if own.add(j.hostDoors(w)); !own.none() {
				reached.add(w, &own)
			}
		}
	}
	return j.chains(reached, keep)
}
