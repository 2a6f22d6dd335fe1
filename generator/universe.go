// SPDX-License-Identifier: Apache-2.0

package generator

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/inventory"
)

// Universe is every workload that is known, and the labels of the namespaces.
// It does not change; any number of goroutines may read it.
type Universe struct {
	workloads  []*Workload
	namespaces map[string]map[string]string
	byID       map[string]map[WorkloadID]*Workload // by namespace
}

// NewUniverse takes workloads and the labels of namespaces. Namespaces of
// workloads need not be listed. Every namespace gets the label
// kubernetes.io/metadata.name, which the API server sets and nobody can change.
func NewUniverse(workloads []*Workload, namespaces map[string]map[string]string) (*Universe, error) {
	u := &Universe{
		workloads:  slices.SortedFunc(slices.Values(workloads), func(a, b *Workload) int { return a.ID.Compare(b.ID) }),
		namespaces: make(map[string]map[string]string, len(namespaces)),
		byID:       make(map[string]map[WorkloadID]*Workload, len(namespaces)),
	}
	for name, labels := range namespaces {
		u.addNamespace(name, labels)
	}
	for _, w := range u.workloads {
		if u.Workload(w.ID) != nil {
			return nil, fmt.Errorf("%s: described twice", w.ID)
		}
		if u.byID[w.ID.Namespace] == nil {
			u.byID[w.ID.Namespace] = map[WorkloadID]*Workload{}
		}
		u.byID[w.ID.Namespace][w.ID] = w
		if _, known := u.namespaces[w.ID.Namespace]; !known {
			u.addNamespace(w.ID.Namespace, nil)
		}
	}
	return u, nil
}

func (u *Universe) addNamespace(name string, labels map[string]string) {
	own := make(map[string]string, len(labels)+1)
	maps.Copy(own, labels)
	own[corev1.LabelMetadataName] = name
	u.namespaces[name] = own
}

// Workloads returns all workloads in order. The slice is shared: read only.
func (u *Universe) Workloads() []*Workload { return u.workloads }

// Workload returns one workload, or nil.
func (u *Universe) Workload(id WorkloadID) *Workload { return u.byID[id.Namespace][id] }

// Within returns the workloads of a namespace in order. The slice is shared.
func (u *Universe) Within(namespace string) []*Workload {
	find := func(w *Workload, ns string) int { return strings.Compare(w.ID.Namespace, ns) }
	from, _ := slices.BinarySearchFunc(u.workloads, namespace, find)
	to := from
	for to < len(u.workloads) && u.workloads[to].ID.Namespace == namespace {
		to++
	}
	return u.workloads[from:to]
}

// Namespaces returns the names of all namespaces, in order.
func (u *Universe) Namespaces() []string { return slices.Sorted(maps.Keys(u.namespaces)) }

// NamespaceLabels returns the labels of a namespace; nil for an unknown one.
func (u *Universe) NamespaceLabels(name string) map[string]string { return u.namespaces[name] }

// OwnerOf returns the workload that a pod or a template belongs to. What the
// inventory does not hold is known by the reference alone: the ReplicaSet of a
// Deployment has its name and the hash of the template, the Job of a CronJob that is
// there its name and the minute of the run.
func OwnerOf(inv *inventory.Inventory, w *inventory.Workload) WorkloadID {
	for w.Controller != nil {
		above := inv.ControllerOf(w)
		if above == nil {
			return ownerByName(inv, w)
		}
		w = above
	}
	return idOf(w.Key)
}

func ownerByName(inv *inventory.Inventory, w *inventory.Workload) WorkloadID {
	c := w.Controller
	id := WorkloadID{Namespace: w.Key.Namespace, Kind: c.Kind, Name: c.Name}
	if hash := w.Labels[appsv1.DefaultDeploymentUniqueLabelKey]; c.Kind == "ReplicaSet" && hash != "" {
		if name, cut := strings.CutSuffix(c.Name, "-"+hash); cut {
			id.Kind, id.Name = "Deployment", name
		}
	}
	if i := strings.LastIndexByte(c.Name, '-'); c.Kind == "Job" && i > 0 && len(c.Name)-i > minuteDigits && strings.Trim(c.Name[i+1:], "0123456789") == "" &&
		inv.Entry(inventory.Key{Kind: cronJobKind, Namespace: id.Namespace, Name: c.Name[:i]}) != nil {
		id.Kind, id.Name = cronJobKind.Kind, c.Name[:i]
	}
	return id
}

// minuteDigits are those of the minutes since 1970, which end the name of a CronJob's
// Job (k8s.io/kubernetes/pkg/controller/cronjob, getJobName).
const minuteDigits = 8

var cronJobKind = schema.GroupKind{Group: batchv1.GroupName, Kind: "CronJob"}

func idOf(k inventory.Key) WorkloadID {
	return WorkloadID{Namespace: k.Namespace, Kind: k.Kind.Kind, Name: k.Name}
}

func workloadOf(w *inventory.Workload, id WorkloadID) *Workload {
	out := &Workload{ID: id, HostNetwork: w.Spec.HostNetwork, Addresses: addressesOf(w)}
	out.Labels, out.Wrong = possible(w.Labels)
	for _, list := range [][]corev1.Container{w.Spec.Containers, w.Spec.InitContainers} {
		for i := range list {
			out.Ports = append(out.Ports, containerPorts(list[i].Ports)...)
		}
	}
	return out
}

func containerPorts(list []corev1.ContainerPort) []ContainerPort {
	out := make([]ContainerPort, 0, len(list))
	for _, p := range list {
		protocol, err := ParseProtocol(string(p.Protocol))
		if err != nil || p.ContainerPort < 1 || p.ContainerPort > MaxPort {
			continue // no API server accepts it, and a name without a number resolves to nothing
		}
		out = append(out, ContainerPort{Name: p.Name, Protocol: protocol, Number: uint16(p.ContainerPort)})
	}
	return out
}

func addressesOf(w *inventory.Workload) []netip.Addr {
	var out []netip.Addr
	for _, text := range w.Addresses {
		if a, err := netip.ParseAddr(text); err == nil {
			out = append(out, a.Unmap())
		}
	}
	return out
}

// selectorOf returns the pairs by which an owner finds its pods. A selector with
// expressions has none that say the same.
func selectorOf(o inventory.Object) map[string]string {
	var s *metav1.LabelSelector
	switch w := o.(type) {
	case *appsv1.Deployment:
		s = w.Spec.Selector
	case *appsv1.StatefulSet:
		s = w.Spec.Selector
	case *appsv1.DaemonSet:
		s = w.Spec.Selector
	case *appsv1.ReplicaSet:
		s = w.Spec.Selector
	case *corev1.ReplicationController:
		return w.Spec.Selector
	case *batchv1.Job:
		if w.Spec.ManualSelector == nil || !*w.Spec.ManualSelector {
			return nil // made of the UID, which the next Job does not have
		}
		s = w.Spec.Selector
	}
	if s == nil || len(s.MatchExpressions) > 0 {
		return nil
	}
	return s.MatchLabels
}
