// SPDX-License-Identifier: Apache-2.0

package intents

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/notation"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// The annotations of workloads and Services. Their value is entries on lines or
// between commas, each as notation.ParseEntry reads it.
const (
	AllowFrom = "gatehouse.sh/allow-from" // who may connect to the pods, and on which of their ports
	AllowTo   = "gatehouse.sh/allow-to"   // to whom the pods may connect
)

// MaxEntries is how many entries of one annotation count. Those beyond are a
// problem: an annotation may have 256 KiB.
const MaxEntries = 256

// annotations reads those of workloads and Services.
func (r *reader) annotations() {
	described := map[generator.WorkloadID]bool{}
	var owned []*inventory.Entry
	for _, kind := range inventory.Kinds() {
		for e := range r.inv.Entries(kind.GroupKind, "") {
			controlled := e.Workload != nil && e.Workload.Controller != nil // what owns it has the same
			if e.Object != nil && !controlled && (e.Key.Namespace != "" || e.Key.Kind == inventory.NamespaceKind) {
				r.strange(r.speaker(e), e.Key, "metadata.annotations", "annotation", e.Object.GetAnnotations())
			}
			switch {
			case e.Workload == nil:
			case controlled:
				owned = append(owned, e)
			default:
				id := generator.OwnerOf(r.inv, e.Workload)
				described[id] = true
				r.workload(e, id)
			}
		}
	}
	// The owner decides: who may make a pod could claim that a Deployment owns it.
	// Where nobody described the owner, its pods are all that is known of it.
	for _, e := range owned {
		if id := generator.OwnerOf(r.inv, e.Workload); !described[id] {
			r.workload(e, id)
		}
	}
	for s := range inventory.List[*corev1.Service](r.inv, inventory.ServiceKind, "") {
		r.service(s)
	}
	for n := range inventory.List[*corev1.Namespace](r.inv, inventory.NamespaceKind, "") {
		r.namespace(n)
	}
}

// workload reads the annotations of an object and those of its pod template.
func (r *reader) workload(e *inventory.Entry, id generator.WorkloadID) {
	if r.universe.Workload(id) == nil {
		return
	}
	field := "metadata"
	if e.Workload.Field != "" {
		field = e.Workload.Field + ".metadata"
		r.strange(generator.WorkloadPeerOf(id), e.Key, field+".annotations", "annotation", e.Workload.Annotations)
		if e.Object != nil {
			r.annotated(e.Key, "metadata", e.Object.GetAnnotations(), generator.WorkloadPeerOf(id))
		}
	}
	r.annotated(e.Key, field, e.Workload.Annotations, generator.WorkloadPeerOf(id))
}

// service reads the annotations of a Service, which speaks for the pods behind it.
func (r *reader) service(s *corev1.Service) {
	at := place{object: inventory.KeyOf(s), about: generator.ServicePeerOf(s.Namespace, s.Name)}
	if _, has := s.Annotations[AllowTo]; has {
		at.field, at.what = annotationField("metadata", AllowTo), "annotation "+AllowTo
		r.problem(&at, "a Service opens no connections: say it at the workload")
	}
	if _, has := s.Annotations[AllowFrom]; !has {
		return
	}
	if len(s.Spec.Selector) == 0 {
		at.field, at.what = annotationField("metadata", AllowFrom), "annotation "+AllowFrom
		r.problem(&at, "the Service selects no pods")
		return
	}
	r.annotated(at.object, "metadata", map[string]string{AllowFrom: s.Annotations[AllowFrom]}, at.about)
}

func annotationField(metadata, key string) string { return metadata + ".annotations[" + key + "]" }

// annotated reads the entries of both annotations. self is the end that the object speaks for.
func (r *reader) annotated(object inventory.Key, metadata string, annotations map[string]string, self generator.Peer) {
	for _, key := range []string{AllowFrom, AllowTo} {
		value, has := annotations[key]
		if !has {
			continue
		}
		at := place{object: object, field: annotationField(metadata, key), what: "annotation " + key, about: self}
		entries := notation.Split(value)
		switch {
		case len(entries) == 0:
			r.problem(&at, "it has no entry")
		case len(entries) > MaxEntries:
			r.problem(&at, "%d entries; only the first %d count", len(entries), MaxEntries)
			entries = entries[:MaxEntries]
		}
		for _, text := range entries {
			at.what = fmt.Sprintf("annotation %s %q", key, notation.Shortened(text))
			entry, err := notation.ParseEntry(text)
			if err != nil {
				r.problem(&at, "%v", err)
				continue
			}
			other, ok := r.found(&at, entry.Peer)
			switch {
			case !ok:
			case key == AllowFrom:
				r.wish(&at, other, self, entry.Ports)
			default:
				r.wish(&at, self, other, entry.Ports)
			}
		}
	}
}
