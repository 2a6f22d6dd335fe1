// SPDX-License-Identifier: Apache-2.0

package generator

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/gatehouse-sh/gatehouse/inventory"
)

// Observe reads the universe out of an inventory. Pods, ReplicaSets and Jobs
// belong to what controls them, up to what nothing controls: a Deployment, a
// CronJob, a custom resource with a pod template.
func Observe(inv *inventory.Inventory) (*Universe, error) { return new(Observer).Observe(inv) }

// Observer is Observe for one version of an inventory after the other: the
// workloads of a namespace in which no object with pods has changed are those of
// the version before. The zero value is ready, and a nil one remembers nothing. It
// is for one goroutine.
type Observer struct{ spaces map[string]*observed }

// observed is the workloads of a namespace. What they are made of is in it too:
// nothing in one namespace makes pods of another.
type observed struct {
	from      []*inventory.Entry // those with pods; an entry does not change
	workloads []*Workload        // in order
	byID      map[WorkloadID]*Workload
}

// Observe reads the universe out of a version.
func (o *Observer) Observe(inv *inventory.Inventory) (*Universe, error) {
	spaces := map[string]*observed{}
	var space *observed
	name := ""
	for _, kind := range inventory.Kinds() {
		for e := range inv.Entries(kind.GroupKind, "") {
			if e.Workload == nil {
				continue
			}
			if space == nil || e.Key.Namespace != name { // they come in the order of namespaces
				name = e.Key.Namespace
				if space = spaces[name]; space == nil {
					space = &observed{}
					spaces[name] = space
				}
			}
			space.from = append(space.from, e)
		}
	}
	for name, space := range spaces {
		if o != nil && o.spaces[name] != nil && slices.Equal(o.spaces[name].from, space.from) {
			spaces[name] = o.spaces[name]
			continue
		}
		space.read(inv)
	}
	if o != nil {
		o.spaces = spaces
	}
	namespaces := map[string]map[string]string{}
	for e := range inv.Entries(inventory.NamespaceKind, "") {
		if ns, ok := e.Object.(*corev1.Namespace); ok {
			namespaces[ns.Name] = ns.Labels
		}
	}
	u, err := NewUniverse(nil, namespaces)
	if err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(spaces)) {
		u.workloads = append(u.workloads, spaces[name].workloads...)
		u.byID[name] = spaces[name].byID
		if u.namespaces[name] == nil {
			u.addNamespace(name, nil)
		}
	}
	return u, nil
}

// read finds the workloads.
func (s *observed) read(inv *inventory.Inventory) {
	s.byID = map[WorkloadID]*Workload{}
	for _, e := range s.from {
		if e.Workload.Controller == nil {
			w := workloadOf(e.Workload, idOf(e.Workload.Key))
			w.Selector = selectorOf(e.Object)
			s.byID[w.ID] = w
		}
	}
	for _, e := range s.from {
		if e.Workload.Controller == nil {
			continue
		}
		id := OwnerOf(inv, e.Workload)
		w, known := s.byID[id]
		if !known {
			w = workloadOf(e.Workload, id)
			w.Addresses = nil
			w.Labels = stable(w.Labels)
			s.byID[id] = w
		}
		w.Addresses = append(w.Addresses, addressesOf(e.Workload)...)
	}
	s.workloads = slices.SortedFunc(maps.Values(s.byID), func(a, b *Workload) int { return a.ID.Compare(b.ID) })
}
