// SPDX-License-Identifier: Apache-2.0

package blast

import (
	"iter"
	"reflect"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/checks/exposure"
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

// target is a workload and the doors to it that the object under judgement has
// to do with.
type target struct {
	w     *inventory.Workload
	doors []door
}

// judge works out the chains of one object. It belongs to one goroutine.
type judge struct {
	in     checks.Input
	inv    *inventory.Inventory
	manual map[string]map[string][]*corev1.Service // namespace, address -> exposed Services without selector
}

func newJudge(in checks.Input) *judge { return &judge{in: in, inv: in.Inventory} }

// doorsOf returns every door to a workload: the ways to the Services that select
// its pods or list one of their addresses, and the ports that it takes of nodes.
func (j *judge) doorsOf(w *inventory.Workload) []door {
	if w.Spec == nil || mirror(w) {
		return nil
	}
	var out []door
	add := func(svc *corev1.Service) {
		for _, way := range exposure.Ways(svc, j.in) {
			out = append(out, door{way, svc})
		}
	}
	for svc := range j.inv.Selecting(w.Key.Namespace, w.Labels) {
		add(svc)
	}
	for _, address := range w.Addresses {
		for _, svc := range j.listing(w.Key.Namespace)[address] {
			add(svc)
		}
	}
	return append(out, j.hostDoors(w)...)
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
func mirror(w *inventory.Workload) bool {
	_, is := w.Annotations[corev1.MirrorPodAnnotationKey]
	return is && w.Field == ""
}

// listing returns the exposed Services without selector of a namespace by the
// addresses that their EndpointSlices hold. The addresses of other namespaces'
// pods are not looked for: endpoints that lead there are refused by
// manual-endpoints (EXP-009), and judged when they are written.
func (j *judge) listing(namespace string) map[string][]*corev1.Service {
	if known, done := j.manual[namespace]; done {
		return known
	}
	out := map[string][]*corev1.Service{}
	for svc := range inventory.List[*corev1.Service](j.inv, inventory.ServiceKind, namespace) {
		if len(svc.Spec.Selector) > 0 || len(exposure.Ways(svc, j.in)) == 0 {
			continue
		}
		for s := range j.inv.Slices(namespace, svc.Name) {
			for _, address := range exposure.EndpointAddresses(s) {
				out[address] = append(out[address], svc)
			}
		}
	}
	if j.manual == nil {
		j.manual = map[string]map[string][]*corev1.Service{}
	}
	j.manual[namespace] = out
	return out
}

// behind yields the workloads that a Service leads to: those that it selects,
// and the pods whose addresses somebody listed for it. Replicas that cannot be
// told apart come once.
func (j *judge) behind(svc *corev1.Service) iter.Seq[*inventory.Workload] {
	return func(yield func(*inventory.Workload) bool) {
		var last *inventory.Workload
		for _, w := range exposure.Selected(svc, j.in) {
			if replica(last, w) {
				continue
			}
			last = w
			if !yield(w) {
				return
			}
		}
		for s := range j.inv.Slices(svc.Namespace, svc.Name) {
			if exposure.SelectedOnly(s, svc) {
				continue
			}
			for _, address := range exposure.EndpointAddresses(s) {
				for w := range j.inv.PodsAt(address) {
					if !yield(w) {
						return
					}
				}
			}
		}
	}
}

// replica reports whether two pods, neighbours in an index, differ in nothing
// that is judged here: they have one controller, and the inventory lets equal
// ones share their spec.
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
func (j *judge) controller(w *inventory.Workload) *inventory.Workload {
	if w.Controller == nil {
		return nil
	}
	gv, err := schema.ParseGroupVersion(w.Controller.APIVersion)
	if err != nil {
		return nil
	}
	e := j.inv.Entry(inventory.Key{Kind: schema.GroupKind{Group: gv.Group, Kind: w.Controller.Kind}, Namespace: w.Key.Namespace, Name: w.Controller.Name})
	if e == nil {
		return nil
	}
	return e.Workload
}

// root is the name under which a person knows a workload: the Deployment and not
// its ReplicaSet. What is under judgement keeps its own name.
func (j *judge) root(w *inventory.Workload) inventory.Key {
	own := inventory.KeyOf(j.in.Object)
	at := w
	for range 3 { // Pod, ReplicaSet or Job, Deployment or CronJob
		if at.Key == own {
			break
		}
		up := j.controller(at)
		if up == nil {
			break
		}
		at = up
	}
	return at.Key
}
