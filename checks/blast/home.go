// SPDX-License-Identifier: Apache-2.0

package blast

import (
	"iter"
	"maps"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"

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

	opened map[*corev1.Service]*entrance // those that were asked for one by one

	// Where there are too many Services:
	answers map[string]doors       // by the spelling of the labels
	groups  map[[2]string][]*group // by the first pair; nil until enough was asked
}

// group are the Services of one selector.
type group struct {
	selector map[string]string
	members  []*entrance
	doors    doors // once they are known
	known    bool
}

// indexed is how many workloads with different labels the index is asked about
// before all Services of a namespace are put into groups.
const indexed = 4

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
		e.doors = j.doorsBy(e.service())
	}
	return e.doors
}

// entrance returns that of a Service, where there are too many to keep all or it is
// asked for by its name.
func (h *home) entrance(svc *corev1.Service) *entrance {
	e := h.opened[svc]
	if e == nil {
		if h.opened == nil {
			h.opened = map[*corev1.Service]*entrance{}
		}
		e = &entrance{svc: svc}
		h.opened[svc] = e
	}
	return e
}

// selecting yields the Services that select pods with these labels.
func (h *home) selecting(j *judge, labels map[string]string) iter.Seq[*entrance] {
	return func(yield func(*entrance) bool) {
		for i := range h.services {
			e := &h.services[i]
			if value, has := labels[e.Key]; has && value == e.Value && inventory.Matches(e.service().Spec.Selector, labels) && !yield(e) {
				return
			}
		}
		if h.many {
			for svc := range j.inv.Selecting(h.namespace, labels) {
				if !yield(h.entrance(svc)) {
					return
				}
			}
		}
	}
}

// chosen returns what counts of the doors of the Services that select pods with
// these labels. Workloads with equal labels share the answer, and Services with
// equal selectors are looked at as one: there may be thousands of both.
func (h *home) chosen(j *judge, labels map[string]string) doors {
	var out doors
	if !h.many {
		for e := range h.selecting(j, labels) {
			out.add(e.through(j))
		}
		return out
	}
	spelled := spell("", labels)
	if known, asked := h.answers[spelled]; asked {
		return known
	}
	if h.answers == nil {
		h.answers = map[string]doors{}
	}
	if len(h.answers) < indexed || h.namespace == "" {
		for e := range h.selecting(j, labels) {
			out.add(e.through(j))
		}
	} else {
		h.group(j)
		for key, value := range labels {
			for _, g := range h.groups[[2]string{key, value}] {
				if inventory.Matches(g.selector, labels) {
					out.join(g.through(j))
				}
			}
		}
	}
	h.answers[spelled] = out
	return out
}

// group puts the Services of the namespace into groups.
func (h *home) group(j *judge) {
	if h.groups != nil {
		return
	}
	h.groups = map[[2]string][]*group{}
	known := map[string]*group{}
	for s := range j.inv.Selectors(h.namespace) {
		svc := s.Service()
		if svc == nil || len(svc.Spec.Selector) == 0 {
			continue
		}
		spelled := spell("", svc.Spec.Selector)
		g := known[spelled]
		if g == nil {
			g = &group{selector: svc.Spec.Selector}
			known[spelled] = g
			pair := [2]string{s.Key, s.Value}
			h.groups[pair] = append(h.groups[pair], g)
		}
		g.members = append(g.members, h.entrance(svc))
	}
}

func (g *group) through(j *judge) *doors {
	if !g.known {
		g.known = true
		for _, e := range g.members {
			g.doors.add(e.through(j))
		}
	}
	return &g.doors
}

// spell writes labels so that equal ones are written alike, and others are not.
func spell(before string, labels map[string]string) string {
	keys := slices.AppendSeq(make([]string, 0, len(labels)), maps.Keys(labels))
	slices.Sort(keys)
	out := make([]byte, 0, 32*len(keys))
	word := func(s string) {
		out = strconv.AppendInt(out, int64(len(s)), 10)
		out = append(append(out, ':'), s...)
	}
	word(before)
	for _, k := range keys {
		word(k)
		word(labels[k])
	}
	return string(out)
}

// listing yields the exposed Services for which an EndpointSlice lists an address of
// a pod, each once; not those that select it as well. The addresses of other
// namespaces' pods are not looked for: endpoints that lead there are refused by
// manual-endpoints (EXP-009), and judged when they are written.
func (h *home) listing(j *judge, w *inventory.Workload) iter.Seq[*entrance] {
	return func(yield func(*entrance) bool) {
		if len(w.Addresses) == 0 {
			return
		}
		h.list(j)
		var seen []*entrance
		first := func(e *entrance) bool {
			if slices.Contains(seen, e) {
				return false
			}
			seen = append(seen, e)
			return true
		}
		for _, address := range w.Addresses {
			for _, e := range h.manual[address] {
				if first(e) && !yield(e) {
					return
				}
			}
			for s := range j.inv.Listing(address) {
				if e := h.beside(j, s, w); e != nil && first(e) && !yield(e) {
					return
				}
			}
		}
	}
}

// beside returns the exposed Service of an EndpointSlice that somebody wrote, where
// the Service selects pods too, but not this one; nil for others.
func (h *home) beside(j *judge, s *discoveryv1.EndpointSlice, w *inventory.Workload) *entrance {
	if s.Namespace != w.Key.Namespace {
		return nil
	}
	svc := j.inv.Service(s.Namespace, s.Labels[discoveryv1.LabelServiceName])
	if svc == nil || len(svc.Spec.Selector) == 0 || selects(svc, w) || exposure.SelectedOnly(s, svc) {
		return nil
	}
	if e := h.entrance(svc); len(e.through(j)) > 0 {
		return e
	}
	return nil
}

func (h *home) list(j *judge) {
	if h.listed {
		return
	}
	h.listed = true
	for i := range h.services {
		if h.services[i].Key == "" {
			h.note(j, &h.services[i])
		}
	}
	if h.many {
		for svc := range inventory.List[*corev1.Service](j.inv, inventory.ServiceKind, h.namespace) {
			if len(svc.Spec.Selector) == 0 {
				h.note(j, h.entrance(svc))
			}
		}
	}
}

// note adds a Service to those that list addresses.
func (h *home) note(j *judge, e *entrance) {
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
