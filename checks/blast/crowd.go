// SPDX-License-Identifier: Apache-2.0

package blast

import (
	"slices"

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
	members []target
	at      map[*inventory.Workload]int // in members; filled in when it is asked
}

// few is how many workloads of a crowd are looked through: a map of them costs more.
const few = 8

// find returns where a workload is among the members; negative when it is not there.
func (c *crowd) find(w *inventory.Workload) int {
	if len(c.members) <= few {
		return slices.IndexFunc(c.members, func(t target) bool { return t.w == w })
	}
	if c.at == nil {
		c.at = make(map[*inventory.Workload]int, 2*few)
	}
	for i := len(c.at); i < len(c.members); i++ {
		c.at[c.members[i].w] = i
	}
	if i, there := c.at[w]; there {
		return i
	}
	return -1
}

func (c *crowd) add(w *inventory.Workload, by *doors) {
	if i := c.find(w); i >= 0 {
		c.members[i].doors.join(by)
		return
	}
	c.members = append(c.members, target{w, *by})
}

// doorsBy returns the doors to what is behind a Service.
func (j *judge) doorsBy(svc *corev1.Service) []door {
	return doorsOf(svc, exposure.Ways(svc, j.in))
}

func doorsOf(svc *corev1.Service, ways []exposure.Way) []door {
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

func (j *judge) chains(c crowd, keep func(harm) (harm, bool)) []*hazard {
	var out []*hazard
	for i := range c.members {
		if w := c.members[i].w; w.Spec != nil && !mirror(w) {
			out = j.add(out, c.members[i], keep)
		}
	}
	return out
}

// cohort are the Services of one selector in a namespace, and what counts of their
// doors.
type cohort struct {
	svc *corev1.Service // one of them
	by  doors
}

// grouped puts openings into cohorts. It leaves out the Services that nothing opens,
// and those that select nothing.
func grouped(list []opening) []cohort {
	var out []cohort
	known := map[string]int{}
	for i := range list {
		o := &list[i]
		if len(o.doors) == 0 || len(o.svc.Spec.Selector) == 0 {
			continue
		}
		at := len(out)
		if len(list) > 1 { // one has nothing to be compared with
			spelled := spell(o.svc.Namespace, o.svc.Spec.Selector)
			if first, there := known[spelled]; there {
				at = first
			} else {
				known[spelled] = at
			}
		}
		if at == len(out) {
			out = append(out, cohort{svc: o.svc})
		}
		out[at].by.add(o.doors)
	}
	return out
}

// behind returns the workloads that Services lead to: those that they select, and
// the pods whose addresses somebody listed for them. Replicas that cannot be told
// apart come once, and Services with equal selectors are looked at as one.
func (j *judge) behind(list []opening) crowd {
	var out crowd
	cohorts := grouped(list)
	for i := range cohorts {
		var last *inventory.Workload
		for _, w := range exposure.Selected(cohorts[i].svc, j.in) {
			if !replica(last, w) {
				last = w
				out.add(w, &cohorts[i].by)
			}
		}
	}
	for i := range list {
		j.byHand(&out, &list[i])
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
				if seen[w] = true; out.find(w) < 0 || !selects(o.svc, w) {
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
