// SPDX-License-Identifier: Apache-2.0

package blast

import (
	"reflect"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/checks/exposure"
	"github.com/gatehouse-sh/gatehouse/internal/authz/power"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// reach says from where a workload can be reached. The zero value is the widest.
type reach uint8

const (
	outside  reach = iota // the internet, or any node address, past the bundled gateway
	gateway               // through the bundled gateway
	inside                // an internal network
	anywhere              // in a chain: any of them
)

// door is a way from outside that ends at a workload.
type door struct {
	exposure.Way
	svc *corev1.Service // nil for a port of the node
}

func (d *door) reach() reach {
	switch {
	case d.Gateway:
		return gateway
	case d.Internal:
		return inside
	}
	return outside
}

// steps is the chain from outside to the workload, the workload not included.
func (d *door) steps() []string {
	out := d.Path()
	if d.svc != nil && d.Referrer() != nil {
		out = append(out, serviceName(d.svc))
	}
	return out
}

func serviceName(svc *corev1.Service) string {
	return inventory.Key{Kind: inventory.ServiceKind, Namespace: svc.Namespace, Name: svc.Name}.String()
}

// doors is what counts of the doors to a workload: the first of each reach, and how
// many there are. Its size does not depend on their number, of which there may be
// thousands for each of thousands of workloads.
type doors struct {
	best  [anywhere]*door
	count [anywhere]int
}

func (d *doors) add(list []door) {
	for i := range list {
		r := list[i].reach()
		d.offer(r, &list[i])
		d.count[r]++
	}
}

// join adds what counts of other doors.
func (d *doors) join(o *doors) {
	for r, at := range o.best {
		if at != nil {
			d.offer(reach(r), at)
			d.count[r] += o.count[r]
		}
	}
}

func (d *doors) offer(r reach, one *door) {
	if at := &d.best[r]; *at == nil || compareDoor(one, *at) < 0 {
		*at = one
	}
}

func (d *doors) none() bool { return d.count == [anywhere]int{} }

// target is a workload and the doors to it that the object under judgement has
// to do with.
type target struct {
	w     *inventory.Workload
	doors doors
}

// judge works out the chains of one object. It belongs to one goroutine.
type judge struct {
	in  checks.Input
	inv *inventory.Inventory
	at  home // the namespace that was looked at last

	account inventory.Key // that was asked for last
	effect  *power.Effect // of it
	survey  *power.Survey // nil unless many are asked for
	harms   []harm        // room for those of a workload

	// reached are the targets of accounts, of a role or a binding under judgement:
	// they are the same before it. nil when nobody asks again.
	reached map[account][]target
}

func newJudge(in checks.Input) *judge { return &judge{in: in, inv: in.Inventory} }

// sweep prepares for questions about many namespaces. Answers are no longer shared
// with other checks: each is asked for once, and there are thousands.
func (j *judge) sweep() {
	j.inv = j.inv.Sweep()
	j.survey = power.NewSurvey(j.inv)
	j.in = checks.Input{Object: j.in.Object, Old: j.in.Old, Inventory: j.inv, Parameters: j.in.Parameters, Request: j.in.Request}
}

// doorsOf returns what counts of every door to a workload: the ways to the Services
// that select its pods or list one of their addresses, and the ports that it takes
// of nodes.
func (j *judge) doorsOf(w *inventory.Workload) doors {
	if w.Spec == nil || mirror(w) {
		return doors{}
	}
	h := j.home(w.Key.Namespace)
	out := h.chosen(j, w.Labels)
	for e := range h.listing(j, w) {
		out.add(e.through(j))
	}
	out.add(j.hostDoors(w))
	return out
}

// everyDoor is doorsOf for those who need them all.
func (j *judge) everyDoor(w *inventory.Workload) []door {
	if w.Spec == nil || mirror(w) {
		return nil
	}
	var out []door
	h := j.home(w.Key.Namespace)
	for e := range h.selecting(j, w.Labels) {
		out = append(out, e.through(j)...)
	}
	for e := range h.listing(j, w) {
		out = append(out, e.through(j)...)
	}
	return append(out, j.hostDoors(w)...)
}

// listed reports whether somebody wrote an address of a pod down for a Service: its
// replicas then need not have the same doors.
func (j *judge) listed(w *inventory.Workload) bool {
	for range j.home(w.Key.Namespace).listing(j, w) {
		return true
	}
	return false
}

func (j *judge) hostDoors(w *inventory.Workload) []door {
	if !w.Spec.HostNetwork && !takesPorts(w.Spec) {
		return nil
	}
	var out []door
	for _, way := range exposure.HostWays(j.root(w).String(), w.Spec) {
		out = append(out, door{way, nil})
	}
	return out
}

// takesPorts is a quick look; exposure.HostWays decides.
func takesPorts(s *corev1.PodSpec) bool {
	takes := func(list []corev1.Container) bool {
		return slices.ContainsFunc(list, func(c corev1.Container) bool {
			return slices.ContainsFunc(c.Ports, func(p corev1.ContainerPort) bool { return p.HostPort != 0 })
		})
	}
	return takes(s.Containers) || takes(s.InitContainers)
}

// mirror reports whether a pod stands for a static one, which no admission
// prevents.
func mirror(w *inventory.Workload) bool { return w.Mirror() }

// replica reports whether two pods, neighbours in an index, differ in nothing
// that is judged here but what lists their addresses (listed): they have one
// controller, and the inventory lets equal ones share their spec.
func replica(a, b *inventory.Workload) bool {
	return a != nil && a.Controller != nil && a.Controller == b.Controller && a.Spec == b.Spec && len(a.Addresses) == len(b.Addresses) && sameLabels(a.Labels, b.Labels)
}

// sameLabels compares what replicas mostly share first: the map itself.
func sameLabels(a, b map[string]string) bool {
	if len(a) != len(b) {
		return false
	}
	if reflect.ValueOf(a).UnsafePointer() == reflect.ValueOf(b).UnsafePointer() {
		return true
	}
	for k, v := range a {
		if w, there := b[k]; !there || v != w {
			return false
		}
	}
	return true
}

// controller returns what made a pod or a template; nil when nothing did or the
// inventory does not hold it.
func (j *judge) controller(w *inventory.Workload) *inventory.Workload { return j.inv.ControllerOf(w) }

// remade is controller for what the controller would make again as it is, so that
// it is enough to judge that.
func (j *judge) remade(w *inventory.Workload) bool {
	up := j.controller(w)
	return up != nil && !j.revised(w, up)
}

// root is the name under which a person knows a workload: the Deployment and not
// its ReplicaSet. What is under judgement keeps its own name, and so does what its
// controller would not make again.
func (j *judge) root(w *inventory.Workload) inventory.Key {
	own := inventory.KeyOf(j.in.Object)
	at := w
	for range 3 { // Pod, ReplicaSet or Job, Deployment or CronJob
		if at.Key == own {
			break
		}
		up := j.controller(at)
		if up == nil || j.revised(at, up) {
			break
		}
		at = up
	}
	return at.Key
}

// revised reports whether a controller would make other pods today, in what counts
// here: a ReplicaSet of an earlier revision, which an update of the Deployment does
// not mend, or a pod that somebody else changed.
func (j *judge) revised(w, controller *inventory.Workload) bool {
	without := func(s *corev1.PodSpec) bool {
		return s.AutomountServiceAccountToken != nil && !*s.AutomountServiceAccountToken
	}
	if w.Spec == nil || controller.Spec == nil || w.Spec == controller.Spec {
		return false
	}
	if w.ServiceAccount() != controller.ServiceAccount() || without(w.Spec) != without(controller.Spec) {
		return true
	}
	if tokens := j.tokensOf(w); len(tokens) > 0 {
		had := j.tokensOf(controller)
		if slices.ContainsFunc(tokens, func(t held) bool { return !slices.Contains(had, t) }) {
			return true
		}
	}
	now, escapes := escape(w)
	if !escapes {
		return false
	}
	then, _ := escape(controller)
	return slices.ContainsFunc(now.parts, func(p part) bool {
		return !slices.ContainsFunc(then.parts, func(q part) bool { return q.trait == p.trait })
	})
}
