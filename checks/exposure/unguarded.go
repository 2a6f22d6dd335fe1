// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// maxUnguarded is how many pods and templates are found open behind one port
// before the count ends: what matters then is that there are many.
const maxUnguarded = 100

// leftOpen is what policies leave open behind one port of an exposed Service.
type leftOpen struct {
	port      *corev1.ServicePort // nil for all ports together: there are many, none, or not the one that a route names
	workloads []string            // each by what controls it in the end, in the order of the inventory
	found     int                 // pods and templates, at most maxUnguarded
	fault     string              // of the first workload
	differ    bool                // the others' faults are not all the same
	certainty checks.Certainty
}

// openings looks behind an exposed Service for what policies do not guard: one
// entry for each port, however many workloads it leads to. A Service that
// selects nothing yet exposes no pods; they are judged when they come.
func openings(x exposed, in checks.Input) []leftOpen {
	ports := x.ports
	if x.ref.Name == "" {
		for i := range x.svc.Spec.Ports {
			ports = append(ports, &x.svc.Spec.Ports[i])
		}
	}
	if len(ports) == 0 || len(ports) > few {
		ports = []*corev1.ServicePort{nil} // of many ports a list would not be read
	}
	out := make([]leftOpen, len(ports))
	for i, p := range ports {
		out[i].port = p
	}
	for _, w := range x.workloads(in) {
		if w.Spec != nil && w.Spec.HostNetwork {
			continue // policies do not apply to it; EXP-041 reports it
		}
		if !addOpenings(out, x, w, in) {
			break
		}
	}
	return slices.DeleteFunc(out, func(o leftOpen) bool { return o.found == 0 })
}

// addOpenings adds a workload to the ports that are open on it; false when more
// workloads would say nothing new.
func addOpenings(out []leftOpen, x exposed, w *inventory.Workload, in checks.Input) bool {
	i := ingressOf(x.svc.Namespace, w.Labels, portsBehind(x, w), in.Inventory)
	if i.guarded() {
		return true
	}
	name, more := root(w, in.Inventory), false
	for j := range out {
		o, here := &out[j], i
		if i.isolated && len(out) > 1 {
			here = ingressOf(x.svc.Namespace, w.Labels, []podPort{targetPort(o.port, w)}, in.Inventory)
		}
		if !here.guarded() && o.found < maxUnguarded {
			o.add(name, here)
		}
		more = more || o.found < maxUnguarded
	}
	return more
}

func (o *leftOpen) add(workload string, i isolation) {
	fault, certainty := i.fault("its pods"), certaintyOf(i)
	if o.found == 0 {
		o.fault, o.certainty = fault, certainty
	}
	o.found++
	o.differ = o.differ || fault != o.fault
	o.certainty = min(o.certainty, certainty)
	if !slices.Contains(o.workloads, workload) {
		o.workloads = append(o.workloads, workload)
	}
}

// finding words what a way leads to.
func (o *leftOpen) finding(x exposed, w Way) checks.Finding {
	subject, port := "ingress", "the ports"
	if o.port != nil {
		subject, port = "ingress/"+portSubject(*o.port), fmt.Sprintf("port %d", o.port.Port)
	}
	f := checks.Finding{
		Severity: w.severity(checks.Medium), Certainty: max(w.certainty, o.certainty), Subject: x.subject(subject), Field: x.field(),
		Path: x.path(w, o.workloads[0]),
	}
	switch {
	case x.workload != nil:
		f.Message = "is open to " + whom(w) + " by " + port + " of " + w.By + ", and " + o.fault
	case len(o.workloads) == 1:
		f.Message = "opens " + port + " of " + o.workloads[0] + " to " + whom(w) + ", and " + o.fault
	case o.differ:
		f.Message = "opens " + port + " of " + o.named() + " to " + whom(w) + "; for " + o.workloads[0] + ", " + o.fault
	default:
		f.Message = "opens " + port + " of " + o.named() + " to " + whom(w) + ", and " + strings.Replace(o.fault, "its pods", "their pods", 1)
	}
	f.Message += w.doubt()
	return f
}

// named counts the workloads and names the first.
func (o *leftOpen) named() string {
	const most = 3
	list, count := strings.Join(o.workloads[:min(most, len(o.workloads))], ", "), fmt.Sprint(len(o.workloads))
	if o.found == maxUnguarded {
		count = "more than " + fmt.Sprint(len(o.workloads)-1)
	}
	if more := len(o.workloads) - most; more > 0 {
		list += fmt.Sprintf(" and %d more", more)
	}
	return count + " workloads (" + list + ")"
}
