// SPDX-License-Identifier: Apache-2.0

package blast

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/gatehouse-sh/gatehouse/checks/exposure"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// home is a namespace and its Services. A role may be bound to the accounts of a
// thousand namespaces, and each account runs several workloads: to look at the
// Services of a namespace once costs less than to ask the index for each label of
// each workload.
type home struct {
	namespace string
	known     bool
	services  []entrance // all of them, or none where there are too many
	many      bool

	listed bool                   // manual is filled in
	manual map[string][]*entrance // address -> exposed Services without selector
}

// maxServices is how many Services of a namespace are compared with the labels of a
// workload. Comparing costs some 20 ns for each, the index almost a microsecond for
// each of the workload's labels, of which there are five or so.
const maxServices = 64

// entrance is a Service and the doors that it opens, once they are asked for.
type entrance struct {
	inventory.Selector
	svc   *corev1.Service // nil until it is asked for
	doors []door
	known bool // doors are
}

func (e *entrance) service() *corev1.Service {
	if e.svc == nil {
		e.svc = e.Service()
	}
	return e.svc
}

// home looks at a namespace. What it returned for another is not valid any more.
func (j *judge) home(namespace string) *home {
	h := &j.at
	if h.known && h.namespace == namespace {
		return h
	}
	*h = home{namespace: namespace, known: true, services: h.services[:0]}
	if h.many = namespace == ""; h.many { // a file that does not say: a list would be of every namespace
		return h
	}
	for s := range j.inv.Selectors(namespace) {
		if h.many = len(h.services) == maxServices; h.many {
			h.services = h.services[:0]
			break
		}
		h.services = append(h.services, entrance{Selector: s})
	}
	return h
}

// through returns the doors to what is behind the Service.
func (e *entrance) through(j *judge) []door {
	if !e.known {
		e.known = true
		svc := e.service()
		for _, way := range exposure.Ways(svc, j.in) {
			e.doors = append(e.doors, door{way, svc})
		}
	}
	return e.doors
}

// selecting adds the doors of the Services that select pods with these labels.
func (h *home) selecting(j *judge, out []door, labels map[string]string) []door {
	for i := range h.services {
		e := &h.services[i]
		if value, has := labels[e.Key]; has && value == e.Value && inventory.Matches(e.service().Spec.Selector, labels) {
			out = together(out, e.through(j))
		}
	}
	if h.many {
		for svc := range j.inv.Selecting(h.namespace, labels) {
			e := entrance{svc: svc}
			out = together(out, e.through(j))
		}
	}
	return out
}

// listing returns the exposed Services without selector by the addresses that
// their EndpointSlices hold. The addresses of other namespaces' pods are not looked
// for: endpoints that lead there are refused by manual-endpoints (EXP-009), and
// judged when they are written.
func (h *home) listing(j *judge) map[string][]*entrance {
	if h.listed {
		return h.manual
	}
	h.listed = true
	for i := range h.services {
		if h.services[i].Key == "" {
			h.list(j, &h.services[i])
		}
	}
	if h.many {
		for svc := range inventory.List[*corev1.Service](j.inv, inventory.ServiceKind, h.namespace) {
			h.list(j, &entrance{svc: svc})
		}
	}
	return h.manual
}

func (h *home) list(j *judge, e *entrance) {
	if len(e.service().Spec.Selector) > 0 || len(e.through(j)) == 0 {
		return
	}
	if h.manual == nil {
		h.manual = map[string][]*entrance{}
	}
	for s := range j.inv.Slices(h.namespace, e.svc.Name) {
		for _, address := range exposure.EndpointAddresses(s) {
			h.manual[address] = append(h.manual[address], e)
		}
	}
}
