// SPDX-License-Identifier: Apache-2.0

// Package inventory is an immutable, indexed view of the cluster objects that
// Gatehouse reasons about.
//
// It takes objects and answers look-ups; it does no I/O, reads no clock and
// knows no client. The loaders in internal/source fill it from files, by
// paging through a cluster, or from watches; the checks read it.
package inventory

import (
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Object is any API object: a typed one for the kinds of Kinds that have a
// type, otherwise *unstructured.Unstructured.
type Object interface {
	runtime.Object
	metav1.Object
}

// Key identifies an object. Namespace is empty for cluster-scoped kinds.
// Versions do not matter: an Ingress is the same object in every version.
type Key struct {
	Kind      schema.GroupKind
	Namespace string
	Name      string
}

// String returns "Kind namespace/name", or "Kind name" for cluster-scoped
// objects: the form in which messages name an object.
func (k Key) String() string {
	if k.Namespace == "" {
		return k.Kind.Kind + " " + k.Name
	}
	return k.Kind.Kind + " " + k.Namespace + "/" + k.Name
}

// Compare orders keys by namespace, name, kind and group.
func (k Key) Compare(o Key) int {
	if c := strings.Compare(k.Namespace, o.Namespace); c != 0 {
		return c
	}
	if c := strings.Compare(k.Name, o.Name); c != 0 {
		return c
	}
	if c := strings.Compare(k.Kind.Kind, o.Kind.Kind); c != 0 {
		return c
	}
	return strings.Compare(k.Kind.Group, o.Kind.Group)
}

// ServiceRef names a Service and, where the reference says so, its port.
type ServiceRef struct {
	Namespace string
	Name      string
	Port      string // number or name, empty when the reference has none
	Field     string // path of the reference inside the referring object
}

// Entry is one object of an inventory together with its identity. Entries and
// everything reachable from them are read-only and shared between versions.
type Entry struct {
	Key Key

	// Object is the object, trimmed by Trim when it was loaded to be kept. It is
	// nil for pods of a live inventory, whose facts are all in Workload.
	Object Object

	// Workload is set for pods and for every kind that carries a pod template.
	Workload *Workload

	// Version is the object's resourceVersion where an API server delivered it,
	// for those who must order what they hear of an object. 0: not known, or not
	// a number. It is no part of what is judged.
	Version uint64
}
