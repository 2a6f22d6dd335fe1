// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"cmp"
	"errors"
	"maps"
	"reflect"
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/gatehouse-sh/gatehouse/gateway/kube/provision"
	"github.com/gatehouse-sh/gatehouse/gateway/translate"
)

// store keeps the objects of one watch, as a reflector brings them. What is in it is not
// changed any more.
type store struct {
	changed func(change)

	mu      sync.RWMutex
	objects map[translate.Name]object
	listed  []object // objects, as they were last listed; nil: there are others since
	whole   bool     // what there is was read once
	meant   uint64   // how often something was new, or meant something else; what went counts not
	upTo    string   // the resource version up to which was read
}

// change is what of an object is another one.
type change int

const (
	nothing change = iota
	status         // nothing that is translated
	meaning
)

func newStore(changed func(change)) *store {
	return &store{changed: changed, objects: map[translate.Name]object{}}
}

var errNoObject = errors.New("what came is no object")

// lastApplied is what kubectl notes on objects: all of them, once more.
const lastApplied = corev1.LastAppliedConfigAnnotation

// strip takes out what nobody here reads, and what is half of an object.
func strip(in any) (any, error) {
	o, is := in.(object)
	if !is {
		return nil, errNoObject
	}
	o.SetManagedFields(nil)
	if a := o.GetAnnotations(); a[lastApplied] != "" {
		delete(a, lastApplied)
	}
	return o, nil
}

// Transformer implements cache.TransformingStore.
func (s *store) Transformer() cache.TransformFunc { return strip }

// Add puts an object.
func (s *store) Add(in any) error { return s.Update(in) }

// Update puts an object.
func (s *store) Update(in any) error {
	stripped, err := strip(in)
	if err != nil {
		return err
	}
	o, name := stripped.(object), nameOf(stripped.(object)) //nolint:errcheck // strip has returned one
	s.mu.Lock()
	what := difference(s.objects[name], o)
	if what == meaning {
		s.meant++
	}
	s.objects[name], s.listed = o, nil
	s.mu.Unlock()
	s.changed(what)
	return nil
}

// Delete removes an object.
func (s *store) Delete(in any) error {
	o, is := in.(object)
	if !is {
		return errNoObject
	}
	s.mu.Lock()
	delete(s.objects, nameOf(o))
	s.listed = nil
	s.mu.Unlock()
	s.changed(meaning)
	return nil
}

// Replace takes the whole state.
func (s *store) Replace(list []any, upTo string) error {
	now := make(map[translate.Name]object, len(list))
	for _, in := range list {
		stripped, err := strip(in)
		if err != nil {
			return err
		}
		o := stripped.(object) //nolint:errcheck // strip has returned one
		now[nameOf(o)] = o
	}
	s.mu.Lock()
	before, most := s.objects, nothing
	for name, o := range now {
		most = max(most, difference(before[name], o))
	}
	if most == meaning {
		s.meant++
	}
	if !s.whole || len(before) != len(now) {
		most = meaning
	}
	s.objects, s.listed, s.whole, s.upTo = now, nil, true, upTo
	s.mu.Unlock()
	s.changed(most)
	return nil
}

// UpdateResourceVersion implements cache.ResourceVersionUpdater: all was read up to a version.
func (s *store) UpdateResourceVersion(upTo string) {
	s.mu.Lock()
	s.upTo = upTo
	s.mu.Unlock()
	s.changed(nothing)
}

// Resync does nothing: there is nobody to whom objects would be sent again.
func (s *store) Resync() error { return nil }

// synced tells whether the whole state was read once. It stays so when the API server is
// away.
func (s *store) synced() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.whole
}

// list is view, of the objects.
func (s *store) list() []object { return s.view().objects }

// view is what was read of a kind at a time. Its objects are shared, and the same list as
// long as there are no others.
type view struct {
	objects []object
	meant   uint64 // of the store then
}

func (s *store) view() view {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listed == nil {
		s.listed = slices.Collect(maps.Values(s.objects))
	}
	return view{s.listed, s.meant}
}

// readUpTo is the resource version up to which was read, "" before anything was.
func (s *store) readUpTo() string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.upTo
}

func (s *store) len() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.objects)
}

func (s *store) get(name translate.Name) object {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.objects[name]
}

func nameOf(o metav1.Object) translate.Name {
	return translate.Name{Namespace: o.GetNamespace(), Name: o.GetName()}
}

// compare orders names.
func compare(a, b translate.Name) int { return cmp.Compare(a.String(), b.String()) }

// difference tells what of an object is another one than before. Of most kinds the
// generation says whether it is more than the status; before may be nil.
func difference(before, now object) change {
	switch {
	case before == nil || before.GetUID() != now.GetUID() || (before.GetDeletionTimestamp() == nil) != (now.GetDeletionTimestamp() == nil) || !maps.Equal(before.GetLabels(), now.GetLabels()) || !maps.Equal(before.GetAnnotations(), now.GetAnnotations()):
		return meaning
	case before.GetResourceVersion() == now.GetResourceVersion():
		return nothing
	}
	switch was := before.(type) {
	case *corev1.Namespace:
		return status
	case *corev1.Service:
		if is, same := now.(*corev1.Service); same && reflect.DeepEqual(was.Spec, is.Spec) && (is.Labels[provision.MarkLabel] == "" || reflect.DeepEqual(was.Status, is.Status)) {
			return status // of one that was made for a Gateway, the addresses are the Gateway's
		}
		return meaning
	}
	if g := before.GetGeneration(); g != 0 && g == now.GetGeneration() {
		return status
	}
	return meaning
}
