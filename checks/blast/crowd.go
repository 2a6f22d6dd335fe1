// SPDX-License-Identifier: Apache-2.0

package blast

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/gatehouse-sh/gatehouse/checks/exposure"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// opening is a Service and doors to it.
type opening struct {
	svc   *corev1.Service
	doors []door
}

// crowd are the workloads that openings lead to, in the order in which they were
// found, and what counts of the doors to each. A thousand Services may lead to the
// same thousand workloads: each of these is judged once.
type crowd struct {
	order []*inventory.Workload
	doors map[*inventory.Workload]*doors
}

func (c *crowd) add(w *inventory.Workload, by *doors) {
	if !c.once(w, by) {
		c.doors[w].join(by)
	}
}

// once adds a workload that is not there yet; false when it is.
func (c *crowd) once(w *inventory.Workload, by *doors) bool {
	if c.doors[w] != nil {
		return false
	}
	if c.doors == nil {
		c.doors = map[*inventory.Workload]*doors{}
	}
	own := *by
	c.doors[w] = &own
	c.order = append(c.order, w)
	return true
}

// doorsBy returns the doors to what is behind a Service.
func (j *judge) doorsBy(svc *corev1.Service) []door {
	ways := exposure.Ways(svc, j.in)
	if len(ways) == 0 {
		return nil
	}
	out := make([]door, 0, len(ways))
	for _, way := range ways {
		out = append(out, door{way, svc})
	}
	return out
}

// onward returns the chains through Services.
func (j *judge) onward(list []opening) []*hazard {
	return j.chains(j.behind(list), nil)
}

func (j *judge) chains(c *crowd, keep func(harm) (harm, bool)) []*hazard {
	var out []*hazard
	for _, w := range c.order {
		if w.Spec != nil && !mirror(w) {
			out = j.add(out, target{w, *c.doors[w]}, keep)
		}
	}
	return out
}

// behind returns the workloads that Services lead to: those that they select, and
// the pods whose addresses somebody listed for them. Replicas that cannot be told
// apart come once, and Services with equal selectors are looked at as one.
func (j *judge) behind(list []opening) *crowd {
	type group struct {
		svc *corev1.Service // one of them
		by  doors
	}
	var groups []*group
	known := map[string]*group{}
	for i := range list {
		o := &list[i]
		if len(o.doors) == 0 || len(o.svc.Spec.Selector) == 0 {
			continue
		}
		spelled := spell(o.svc.Namespace, o.svc.Spec.Selector)
		g := known[spelled]
		if g == nil {
			g = &group{svc: o.svc}
			known[spelled], groups = g, append(groups, g)
		}
		g.by.add(o.doors)
	}
	out := &crowd{}
	for _, g := range groups {
		var last *inventory.Workload
		for _, w := range exposure.Selected(g.svc, j.in) {
			if !replica(last, w) {
				last = w
				out.add(w, &g.by)
			}
		}
	}
	for i := range list {
		j.byHand(out, &list[i])
	}
	return out
}

// byHand adds the pods whose addresses somebody listed for a Service that does not
// select them, each once.
func (j *judge) byHand(out *crowd, o *opening) {
	if len(o.doors) == 0 {
		return
	}
	var by doors
	by.add(o.doors)
	var seen map[*inventory.Workload]bool
	for s := range j.inv.Slices(o.svc.Namespace, o.svc.Name) {
		if exposure.SelectedOnly(s, o.svc) {
			continue
		}
		for _, address := range exposure.EndpointAddresses(s) {
			for w := range j.inv.PodsAt(address) {
				if seen[w] {
					continue
				}
				if seen == nil {
					seen = map[*inventory.Workload]bool{}
				}
				if seen[w] = true; out.doors[w] == nil || !selects(o.svc, w) {
					out.add(w, &by)
				}
			}
		}
	}
}

// selects reports whether a Service selects a pod.
func selects(svc *corev1.Service, w *inventory.Workload) bool {
	return svc.Namespace == w.Key.Namespace && inventory.Matches(svc.Spec.Selector, w.Labels)
}
