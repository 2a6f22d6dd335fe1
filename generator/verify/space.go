// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"errors"
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/gatehouse-sh/gatehouse/generator"
)

// element is an end as small as policies can tell ends apart.
type element struct {
	namespace int32 // index in space.namespaces; -1 for what is no pod
	workload  *generator.Workload
	stranger  StrangerKind
	labels    labels.Set
	interval  int32 // of an address, and of a pod where blocks match pods; else -1
	address   netip.Addr
	domain    string
}

func (e *element) isPod() bool { return e.namespace >= 0 }

// resolve returns the numbers that a port has at an element.
func (e *element) resolve(p generator.Port) generator.PortSet {
	switch {
	case p.Name == "":
		return generator.Ports(p)
	case e.workload != nil:
		return e.workload.Resolve(p)
	}
	return generator.PortSet{}
}

// namespace is a namespace that somebody named, or one of those that nobody did.
type namespace struct {
	name     string // empty for one that nobody named
	labels   labels.Set
	guard    generator.Guard
	elements []int32
}

// space is every end, divided into classes that nothing tells apart.
type space struct {
	model   *generator.Model
	options Options
	meter   *meter // of its making

	elements   []element
	namespaces []namespace
	byName     map[string]int32              // the namespaces that somebody named
	byLabel    map[string]map[string][]int32 // the pods by the value of a label key; see labelled
	byWorkload map[*generator.Workload]stretch
	intervals  []interval
	addresses  []int32   // the element of each interval; -1 where every address is a pod's
	podsAt     [][]int32 // the pods in each interval, where blocks match pods
	domains    []int32   // elements

	class   []int32   // of each element
	classes [][]int32 // elements of each class
	cache   setCache
}

// stretch is elements that follow each other.
type stretch struct{ first, end int32 }

// ErrPodRanges is the fault of a question about policies whose blocks hold pods
// too, in a cluster of which Environment.PodRanges are not known.
var ErrPodRanges = errors.New("blocks match pods, and in which ranges the addresses of pods are is not known")

// newSpace lists every end. It does not divide them.
func newSpace(v *vocabulary, m *generator.Model, o Options, count *meter) (*space, error) {
	s := &space{
		model: m, options: o, meter: count, intervals: cut(v.prefixes), byName: make(map[string]int32, len(v.namespaces)), byLabel: map[string]map[string][]int32{},
		byWorkload: make(map[*generator.Workload]stretch, len(m.Universe.Workloads())), cache: newSetCache(),
	}
	places := []int32{-1}
	if v.places {
		if places = places[:0]; len(m.Environment.PodRanges) == 0 {
			return nil, ErrPodRanges
		}
		for i, in := range s.inRanges() {
			if in {
				places = append(places, int32(i))
			}
		}
		s.podsAt = make([][]int32, len(s.intervals))
	}
	s.addNamespaces(v)
	s.addWorkloads(places)
	s.addStrangers(v, places)
	s.addresses = make([]int32, len(s.intervals))
	for i, pods := range s.onlyPods() {
		s.addresses[i] = -1
		if !pods {
			s.addresses[i] = s.add(element{namespace: -1, interval: int32(i), address: s.intervals[i].first})
		}
	}
	for _, name := range sorted(v.domains) {
		s.domains = append(s.domains, s.add(element{namespace: -1, interval: -1, domain: name}))
	}
	return s, nil
}

func (s *space) add(e element) int32 {
	if !s.meter.spend(elementSteps) {
		return 0
	}
	id := int32(len(s.elements)) //nolint:gosec // the elements fit into memory
	s.elements = append(s.elements, e)
	if e.isPod() {
		ns := &s.namespaces[e.namespace]
		ns.elements = append(ns.elements, id)
		if e.interval >= 0 {
			s.podsAt[e.interval] = append(s.podsAt[e.interval], id)
		}
	}
	return id
}

func (s *space) addNamespaces(v *vocabulary) {
	for _, name := range sorted(v.namespaces) {
		own := labels.Set(s.model.Universe.NamespaceLabels(name))
		if own == nil {
			own = labels.Set{corev1.LabelMetadataName: name}
		}
		s.byName[name] = int32(len(s.namespaces)) //nolint:gosec // the elements fit into memory
		s.namespaces = append(s.namespaces, namespace{name: name, labels: own, guard: s.model.Guards[name]})
	}
	marked := v.marked(v.namespaceKeys)
	marked[corev1.LabelMetadataName] = v.unheard()
	s.namespaces = append(s.namespaces, namespace{labels: labels.Set{corev1.LabelMetadataName: v.unheard()}}, namespace{labels: marked})
}

// addWorkloads adds the pods of all workloads, which are most of all elements.
func (s *space) addWorkloads(places []int32) {
	all := s.model.Universe.Workloads()
	s.elements = make([]element, 0, len(all)+8*len(s.namespaces))
	for _, w := range all {
		if w.HostNetwork {
			continue
		}
		first := int32(len(s.elements)) //nolint:gosec // the elements fit into memory
		s.addWorkload(w, places)
		end := int32(len(s.elements)) //nolint:gosec // the elements fit into memory
		s.byWorkload[w] = stretch{first, end}
	}
}

// addWorkload adds the pods of a workload: one, or where blocks match pods one
// for each interval that they are in. Where no pod is known it may get any
// address of a pod.
func (s *space) addWorkload(w *generator.Workload, places []int32) {
	e := element{namespace: s.byName[w.ID.Namespace], workload: w, labels: labels.Set(w.Labels)}
	if s.podsAt == nil || len(w.Addresses) == 0 {
		s.addAt(e, places)
		return
	}
	var seen []int32
	for _, a := range w.Addresses {
		i := int32(s.at(a)) //nolint:gosec // as many as prefixes
		if !slices.Contains(seen, i) {
			seen = append(seen, i)
			e.interval, e.address = i, a
			s.add(e)
		}
	}
}

func (s *space) addAt(e element, places []int32) {
	for _, i := range places {
		if s.meter.over() {
			return
		}
		e.interval = i
		if i >= 0 {
			e.address = s.intervals[i].first
		}
		s.add(e)
	}
}

func (s *space) addStrangers(v *vocabulary, places []int32) {
	marked := v.marked(v.podKeys)
	for i := range s.namespaces {
		e := element{namespace: int32(i), stranger: Plain}
		s.addAt(e, places)
		if len(marked) > 0 {
			e.stranger, e.labels = Marked, marked
			s.addAt(e, places)
		}
	}
	for _, group := range groupsOf(&s.model.Environment) {
		for _, set := range group.Pods {
			holds := func(w *generator.Workload) bool { return set.Holds(w.ID.Namespace, w.Labels) } // also on the network of its node: the group is known then
			if len(set.Labels) > 0 && !slices.ContainsFunc(s.model.Universe.Within(set.Namespace), holds) {
				s.addAt(element{namespace: s.byName[set.Namespace], stranger: Grouped, labels: labels.Set(set.Labels)}, places)
			}
		}
	}
}

// end returns an element as others see it.
func (s *space) end(id int32) End {
	e := &s.elements[id]
	switch {
	case e.workload != nil:
		return End{Workload: e.workload.ID, Address: e.address}
	case e.stranger == Grouped:
		out := strangerOf(generator.PodSet{Namespace: s.namespaces[e.namespace].name, Labels: e.labels})
		out.Address = e.address
		return out
	case e.isPod():
		ns := &s.namespaces[e.namespace]
		elsewhere := ns.name == "" && int(e.namespace) == len(s.namespaces)-1
		return End{Stranger: Stranger{Kind: e.stranger, Namespace: ns.name, Elsewhere: Labelled(elsewhere)}, Address: e.address}
	case e.domain != "":
		return End{Domain: e.domain}
	}
	v := s.intervals[e.interval]
	if v.first == v.last {
		return End{Address: v.first}
	}
	return End{Address: v.first, Last: v.last}
}
