// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Anybody may write any ownerReference. One counts as what made an object only
// when a controller would have written it: between the kinds of which one makes
// the other, and to the very object. The kinds come in layers, so there are no
// cycles and nothing is its own controller.

var (
	replicaSetKind = schema.GroupKind{Group: "apps", Kind: "ReplicaSet"}
	jobKind        = schema.GroupKind{Group: "batch", Kind: "Job"}

	makersOfPods = []schema.GroupKind{
		replicaSetKind, jobKind,
		{Group: "apps", Kind: "StatefulSet"},
		{Group: "apps", Kind: "DaemonSet"},
		{Kind: "ReplicationController"},
		{Group: "apps.kruise.io", Kind: "CloneSet"},
		{Group: "apps.kruise.io", Kind: "StatefulSet"},
		{Group: "apps.kruise.io", Kind: "DaemonSet"},
	}
	makersOfReplicaSets = []schema.GroupKind{{Group: "apps", Kind: "Deployment"}, {Group: "argoproj.io", Kind: "Rollout"}}
	makersOfJobs        = []schema.GroupKind{{Group: "batch", Kind: "CronJob"}}
)

// makers are the kinds of which the inventory knows that they make objects of a
// kind.
func makers(of schema.GroupKind) []schema.GroupKind {
	switch of {
	case PodKind:
		return makersOfPods
	case replicaSetKind:
		return makersOfReplicaSets
	case jobKind:
		return makersOfJobs
	}
	return nil
}

// controls reports whether a kind makes others, so that its objects must be told
// from later ones of the same name.
func controls(kind schema.GroupKind) bool {
	return slices.Contains(makersOfPods, kind) || slices.Contains(makersOfReplicaSets, kind) || slices.Contains(makersOfJobs, kind)
}

// GroupKind returns the kind of a controller; false for one without a version
// that can be read.
func (c *Controller) GroupKind() (schema.GroupKind, bool) {
	gv, err := schema.ParseGroupVersion(c.APIVersion)
	return schema.GroupKind{Group: gv.Group, Kind: c.Kind}, err == nil
}

// Made reports whether a workload of a kind is one that its controller's kind
// makes: a Pod of a ReplicaSet, and not a Deployment of a Deployment.
func (w *Workload) Made() bool {
	if w.Controller == nil {
		return false
	}
	kind, ok := w.Controller.GroupKind()
	return ok && slices.Contains(makers(w.Key.Kind), kind)
}

// ControllerOf returns what made a workload: nil when nothing did, when the
// inventory does not hold it, and when the reference is not one that a controller
// would have written. UIDs, which an API server always gives, are compared where
// both are known.
func (inv *Inventory) ControllerOf(w *Workload) *Workload {
	if !w.Made() {
		return nil
	}
	kind, _ := w.Controller.GroupKind()
	e := inv.Entry(Key{Kind: kind, Namespace: w.Key.Namespace, Name: w.Controller.Name})
	if e == nil || e.Workload == nil || e.Object == nil {
		return nil
	}
	if uid := e.Object.GetUID(); uid != "" && w.Controller.UID != "" && uid != w.Controller.UID {
		return nil
	}
	return e.Workload
}
