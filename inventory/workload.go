// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"reflect"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
)

// Workload is what runs or could run: a pod, or the pod template of a
// controller (also one with no replicas, and a CronJob between two runs).
type Workload struct {
	Key         Key
	Labels      map[string]string // of the pod, not of the controller
	Annotations map[string]string // of the pod, not of the controller
	Spec        *corev1.PodSpec   // trimmed when the inventory is live
	Controller  *Controller       // nil for what nothing controls
	Addresses   []string          // IPs of a running pod
	Field       string            // path of the pod template in its object, "" for a pod
}

// Controller names the object that made a pod or a template.
type Controller struct {
	APIVersion string // tells a Job of Kubernetes from another group's
	Kind       string
	Name       string
	UID        types.UID // as the reference has it; empty in files that were written by hand
}

// ServiceAccount returns the name of the account that the pods run as. The API
// server mirrors the deprecated field into the current one; a file may hold
// either.
func (w *Workload) ServiceAccount() string {
	switch {
	case w.Spec.ServiceAccountName != "":
		return w.Spec.ServiceAccountName
	case w.Spec.DeprecatedServiceAccount != "":
		return w.Spec.DeprecatedServiceAccount
	}
	return "default"
}

// NewEntry makes the entry of an object: its identity and, for what carries a
// pod template, the workload. A pod whose facts the caller wants kept without
// the object itself goes through CompactEntry.
func NewEntry(o Object) *Entry {
	e := &Entry{Key: KeyOf(o), Object: o}
	e.Workload = workloadOf(e.Key, o)
	return e
}

// CompactEntry is NewEntry for objects that are kept: the object is trimmed in
// place, and of a pod only the workload remains.
func CompactEntry(o Object) *Entry {
	Trim(o)
	return compactEntry(o)
}

func compactEntry(o Object) *Entry {
	e := NewEntry(o)
	if _, isPod := o.(*corev1.Pod); isPod {
		e.Object = nil
	}
	return e
}

// Pod rebuilds the pod of a compact entry.
func (w *Workload) Pod() *corev1.Pod {
	p := &corev1.Pod{Spec: *w.Spec}
	p.Namespace, p.Name, p.Labels, p.Annotations = w.Key.Namespace, w.Key.Name, w.Labels, w.Annotations
	if w.Controller != nil {
		yes := true
		p.OwnerReferences = []metav1.OwnerReference{{APIVersion: w.Controller.APIVersion, Kind: w.Controller.Kind, Name: w.Controller.Name, UID: w.Controller.UID, Controller: &yes}}
	}
	for _, ip := range w.Addresses {
		p.Status.PodIPs = append(p.Status.PodIPs, corev1.PodIP{IP: ip})
	}
	return p
}

// Template is the pod template inside an object.
type Template struct {
	Meta  *metav1.ObjectMeta
	Spec  *corev1.PodSpec
	Field string // path of the template: "" for a pod, "spec.template" for a Deployment
}

// SpecField returns the path of the pod spec: "spec" or "spec.template.spec".
func (t Template) SpecField() string {
	if t.Field == "" {
		return "spec"
	}
	return t.Field + ".spec"
}

// TemplateOf returns the pod template of a pod, of a workload kind, or of a
// custom resource whose kind says where its template is (Kind.PodTemplate).
func TemplateOf(o Object) (Template, bool) {
	switch w := o.(type) {
	case *corev1.Pod:
		return Template{&w.ObjectMeta, &w.Spec, ""}, true
	case *appsv1.Deployment:
		return Template{&w.Spec.Template.ObjectMeta, &w.Spec.Template.Spec, "spec.template"}, true
	case *appsv1.StatefulSet:
		return Template{&w.Spec.Template.ObjectMeta, &w.Spec.Template.Spec, "spec.template"}, true
	case *appsv1.DaemonSet:
		return Template{&w.Spec.Template.ObjectMeta, &w.Spec.Template.Spec, "spec.template"}, true
	case *appsv1.ReplicaSet:
		return Template{&w.Spec.Template.ObjectMeta, &w.Spec.Template.Spec, "spec.template"}, true
	case *batchv1.Job:
		return Template{&w.Spec.Template.ObjectMeta, &w.Spec.Template.Spec, "spec.template"}, true
	case *batchv1.CronJob:
		t := &w.Spec.JobTemplate.Spec.Template
		return Template{&t.ObjectMeta, &t.Spec, "spec.jobTemplate.spec.template"}, true
	case *corev1.ReplicationController:
		if w.Spec.Template == nil {
			return Template{}, false
		}
		return Template{&w.Spec.Template.ObjectMeta, &w.Spec.Template.Spec, "spec.template"}, true
	case *corev1.PodTemplate:
		return Template{&w.Template.ObjectMeta, &w.Template.Spec, "template"}, true
	case *unstructured.Unstructured:
		return customTemplate(w)
	}
	return Template{}, false
}

// customTemplate reads the pod template of a custom resource. A template that
// does not have the shape of one yields what could be read.
func customTemplate(u *unstructured.Unstructured) (Template, bool) {
	kind, known := KindOf(u.GroupVersionKind().GroupKind())
	if !known || len(kind.PodTemplate) == 0 {
		return Template{}, false
	}
	raw, found, err := unstructured.NestedMap(u.Object, kind.PodTemplate...)
	if err != nil || !found {
		return Template{}, false
	}
	var t corev1.PodTemplateSpec
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(raw, &t); err != nil {
		return Template{}, false
	}
	return Template{&t.ObjectMeta, &t.Spec, FieldPath(kind.PodTemplate...)}, true
}

func workloadOf(key Key, o Object) *Workload {
	t, ok := TemplateOf(o)
	if !ok {
		return nil
	}
	w := &Workload{Key: key, Labels: t.Meta.Labels, Annotations: t.Meta.Annotations, Spec: t.Spec, Field: t.Field}
	if ref := metav1.GetControllerOfNoCopy(o); ref != nil {
		w.Controller = &Controller{APIVersion: ref.APIVersion, Kind: ref.Kind, Name: ref.Name, UID: ref.UID}
	}
	if pod, ok := o.(*corev1.Pod); ok {
		w.Addresses = podAddresses(pod)
	}
	return w
}

// podAddresses returns the pod's own addresses; a pod in the host's network has
// none of its own.
func podAddresses(p *corev1.Pod) []string {
	if p.Spec.HostNetwork {
		return nil
	}
	var out []string
	for _, ip := range p.Status.PodIPs {
		out = append(out, ip.IP)
	}
	if len(out) == 0 && p.Status.PodIP != "" {
		out = []string{p.Status.PodIP}
	}
	return out
}

// shareTemplate lets a compact pod point at the spec, labels and annotations of
// a sibling made by the same controller when they are equal. A thousand
// replicas then cost one template.
func shareTemplate(e *Edit, entry *Entry) {
	w := entry.Workload
	if entry.Object != nil || w == nil || w.Controller == nil || e.postings[byOwner] == nil {
		return
	}
	pivot := words{a: entry.Key.Namespace, b: w.Controller.Kind, c: w.Controller.Name}
	scanTree(e.postings[byOwner], pivot, matchABC, func(other *Entry) bool {
		if other.Object != nil || other.Workload == nil || other.Key == entry.Key {
			return true
		}
		w.Share(other.Workload)
		return false // one sibling is enough: replicas are alike or they are not
	})
}

// Share lets w point at what an equal sibling holds already: the controller, the
// spec, the labels and the annotations of the pod, each by itself. Both have a
// controller. The sibling is not changed.
func (w *Workload) Share(sibling *Workload) {
	if *w.Controller == *sibling.Controller {
		w.Controller = sibling.Controller
	}
	if reflect.DeepEqual(sibling.Spec, w.Spec) {
		w.Spec = sibling.Spec
	}
	if reflect.DeepEqual(sibling.Labels, w.Labels) {
		w.Labels = sibling.Labels
	}
	if reflect.DeepEqual(sibling.Annotations, w.Annotations) {
		w.Annotations = sibling.Annotations
	}
}
