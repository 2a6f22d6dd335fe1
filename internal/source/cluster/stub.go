// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/inventory"
)

// stub is all that a reflector gets to see of an object: its identity, its
// version, and the compact entry that was made of it the moment it was decoded.
// The object itself is garbage by then, so an initial list of any length needs
// little more memory than the inventory that comes of it.
type stub struct {
	metav1.Object // empty and shared; nothing but the methods below is asked

	key     inventory.Key
	version string
	uid     uint64           // fingerprint
	entry   *inventory.Entry // nil for deletions
	defines *definition      // for CRDs and APIServices
	decoded time.Time
}

// GetNamespace returns the object's namespace.
func (s *stub) GetNamespace() string { return s.key.Namespace }

// GetName returns the object's name.
func (s *stub) GetName() string { return s.key.Name }

// GetResourceVersion returns the object's version.
func (s *stub) GetResourceVersion() string { return s.version }

// GetObjectKind returns no kind: a reflector only asks in order to refuse tables.
func (s *stub) GetObjectKind() schema.ObjectKind { return schema.EmptyObjectKind }

// DeepCopyObject returns a copy; what it points to is immutable.
func (s *stub) DeepCopyObject() runtime.Object {
	out := *s
	return &out
}

// compactor makes stubs. It belongs to one goroutine.
type compactor struct {
	kind     inventory.Kind
	empty    *metav1.ObjectMeta
	pool     *inventory.Pool
	siblings map[sibling]*inventory.Workload // during an initial list
}

// sibling names the controller of a pod.
type sibling struct {
	namespace string
	inventory.Controller
}

func newCompactor(kind inventory.Kind, pool *inventory.Pool) *compactor {
	return &compactor{kind: kind, empty: &metav1.ObjectMeta{}, pool: pool}
}

// stub compacts an object, which must not be used afterwards. It returns nil for
// what is not an API object.
func (c *compactor) stub(o runtime.Object) *stub {
	object, ok := o.(inventory.Object)
	if !ok {
		return nil
	}
	s := &stub{
		Object: c.empty, version: object.GetResourceVersion(), uid: fingerprint(object.GetUID()),
		defines: definitionOf(object), decoded: time.Now(),
	}
	s.entry = c.pool.Entry(object)
	s.entry.Version = number(s.version)
	s.key = s.entry.Key
	c.share(s.entry)
	return s
}

// gone is stub for a deletion.
func (c *compactor) gone(o runtime.Object) *stub {
	object, ok := o.(inventory.Object)
	if !ok {
		return nil
	}
	key := inventory.Key{Kind: c.kind.GroupKind, Namespace: object.GetNamespace(), Name: object.GetName()}
	return &stub{Object: c.empty, key: key, version: object.GetResourceVersion(), uid: fingerprint(object.GetUID()), decoded: time.Now()}
}
