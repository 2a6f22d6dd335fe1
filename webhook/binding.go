// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"errors"
	"fmt"
	"maps"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	kjson "sigs.k8s.io/json"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// bindingKind is what puts a pod on a node: pods/binding, and bindings by its older
// name.
var bindingKind = schema.GroupKind{Kind: "Binding"}

// bound reads the review of a Binding as that of an update of its pod. Kubernetes
// copies the annotations of the Binding onto the pod, and since 1.35 its labels (with
// the feature gate PodTopologyLabelsAdmission since 1.33), over what is there. The
// pod is as the inventory has it, on both sides of the update, so nothing but the
// labels and annotations can make a difference; custom checks, which may read more of
// it, leave it out.
// https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/registry/core/pod/storage/storage.go (setPodNodeAndMetadata)
func (r Review) bound(inv *inventory.Inventory) (Review, error) {
	if r.Object == nil {
		return r, errors.New("the request carries no object")
	}
	if err := bounded(r.Object); err != nil {
		return r, fmt.Errorf("the object is too large: %w", err)
	}
	var b corev1.Binding
	if err := kjson.UnmarshalCaseSensitivePreserveInts(r.Object, &b); err != nil {
		return r, fmt.Errorf("decode Binding: %w", err)
	}
	e := inv.Entry(inventory.Key{Kind: inventory.PodKind, Namespace: r.Namespace, Name: b.Name})
	if e == nil || e.Object == nil && e.Workload == nil {
		return r, fmt.Errorf("pod %s/%s, which it puts on a node with labels or annotations, is not known yet", r.Namespace, checks.Plain(b.Name))
	}
	old := stored(e)
	pod, ok := old.DeepCopyObject().(*corev1.Pod)
	if !ok {
		return r, fmt.Errorf("pod %s/%s is a %T", r.Namespace, checks.Plain(b.Name), old)
	}
	pod.Labels, pod.Annotations = merged(pod.Labels, b.Labels), merged(pod.Annotations, b.Annotations)
	r.Kind, r.Resource, r.Subresource = corev1.SchemeGroupVersion.WithKind("Pod"), corev1.Resource("pods"), "binding"
	r.Operation, r.Object, r.OldObject, r.current, r.old, r.binds = "UPDATE", nil, nil, pod, old, true
	return r, nil
}

// merged returns a map with the entries of another over its own.
func merged(into, from map[string]string) map[string]string {
	out := make(map[string]string, len(into)+len(from))
	maps.Copy(out, into)
	maps.Copy(out, from)
	return out
}
