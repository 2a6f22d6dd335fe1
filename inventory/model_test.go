// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// model is the inventory without indexes: every question is a loop over all
// objects. The indexes must give the same answers.
type model map[Key]Object

func (m model) with(o Object) model {
	out := maps.Clone(m)
	out[KeyOf(o)] = o
	return out
}

func (m model) without(k Key) model {
	out := maps.Clone(m)
	delete(out, k)
	return out
}

// where lists the keys of the objects for which keep is true, in order.
func (m model) where(keep func(Key, Object) bool) []string {
	var out []string
	for k, o := range m {
		if keep(k, o) {
			out = append(out, k.String())
		}
	}
	slices.Sort(out)
	return out
}

func (m model) workloads(keep func(Key, *Workload) bool) []string {
	return m.where(func(k Key, o Object) bool {
		w := workloadOf(k, o)
		return w != nil && keep(k, w)
	})
}

// The test draws from few names, labels, hosts and addresses, so that objects
// collide, replace and match each other all the time.
var (
	testNamespaces = []string{"a", "b"}
	testNames      = []string{"x", "y", "z"}
	testHosts      = []string{"", "one.example.com", "Two.example.com", "two.example.com"}
	testAddresses  = []string{"10.0.0.1", "10.0.0.2", "fd00::1"}
)

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

func randomLabels(r *rand.Rand) map[string]string {
	out := map[string]string{}
	for range r.IntN(4) {
		out[pick(r, []string{"app", "tier", "zone"})] = pick(r, []string{"", "1", "2"})
	}
	return out
}

func meta(r *rand.Rand) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: pick(r, testNamespaces), Name: pick(r, testNames), Labels: randomLabels(r)}
}

func randomObject(r *rand.Rand) Object {
	switch r.IntN(7) {
	case 0, 1:
		p := &corev1.Pod{ObjectMeta: meta(r)}
		for range r.IntN(3) {
			p.Status.PodIPs = append(p.Status.PodIPs, corev1.PodIP{IP: pick(r, testAddresses)})
		}
		if r.IntN(2) == 0 {
			yes := true
			p.OwnerReferences = []metav1.OwnerReference{{Kind: "ReplicaSet", Name: pick(r, testNames), Controller: &yes}}
		}
		p.Spec.HostNetwork = r.IntN(5) == 0
		return p
	case 2:
		d := &appsv1.Deployment{ObjectMeta: meta(r)}
		d.Spec.Template.Labels = randomLabels(r)
		return d
	case 3:
		s := &corev1.Service{ObjectMeta: meta(r), Spec: corev1.ServiceSpec{Selector: randomLabels(r)}}
		if r.IntN(3) == 0 {
			s.Spec.Type = corev1.ServiceTypeExternalName
			s.Spec.ExternalName = pick(r, testNames) + "." + pick(r, testNamespaces) + pick(r, []string{"", ".svc", ".svc.cluster.local.", ".example"})
		}
		return s
	case 4:
		s := &discoveryv1.EndpointSlice{ObjectMeta: meta(r)}
		s.Labels = map[string]string{discoveryv1.LabelServiceName: pick(r, append(testNames, ""))}
		if r.IntN(2) == 0 {
			s.Labels[discoveryv1.LabelManagedBy] = pick(r, []string{"endpointslice-controller.k8s.io", "hand"})
		}
		for range r.IntN(3) {
			s.Endpoints = append(s.Endpoints, discoveryv1.Endpoint{Addresses: []string{pick(r, testAddresses)}})
		}
		return s
	case 5:
		ing := &networkingv1.Ingress{ObjectMeta: meta(r)}
		for range r.IntN(4) {
			backend := networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{Name: pick(r, testNames)}}
			ing.Spec.Rules = append(ing.Spec.Rules, networkingv1.IngressRule{Host: pick(r, testHosts), IngressRuleValue: networkingv1.IngressRuleValue{
				HTTP: &networkingv1.HTTPIngressRuleValue{Paths: []networkingv1.HTTPIngressPath{{Backend: backend}, {Backend: backend}}},
			}})
		}
		return ing
	}
	if r.IntN(3) == 0 {
		item := func() any {
			return map[string]any{"name": pick(r, testNames), "namespace": pick(r, testNamespaces), "kind": pick(r, []string{"Service", "TraefikService"})}
		}
		u := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{"weighted": map[string]any{"services": []any{item(), item()}}}}}
		u.SetGroupVersionKind(pick(r, TraefikServiceKinds).WithVersion("v1alpha1"))
		u.SetNamespace(pick(r, testNamespaces))
		u.SetName(pick(r, testNames))
		return u
	}
	u := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{
		"hosts": []any{pick(r, testHosts), pick(r, testHosts)},
		"http":  []any{map[string]any{"route": []any{map[string]any{"destination": map[string]any{"host": pick(r, testNames) + "." + pick(r, testNamespaces)}}}}},
	}}}
	u.SetGroupVersionKind(schema.GroupVersionKind{Group: "networking.istio.io", Version: "v1", Kind: "VirtualService"})
	u.SetNamespace(pick(r, testNamespaces))
	u.SetName(pick(r, testNames))
	return u
}

func keysOf[T any](seq iter.Seq[T], key func(T) Key) []string {
	var out []string
	for v := range seq {
		out = append(out, key(v).String())
	}
	slices.Sort(out)
	return out
}

func ofWorkload(w *Workload) Key { return w.Key }
func ofEntry(e *Entry) Key       { return e.Key }
func ofObject[T Object](o T) Key { return KeyOf(o) }

// compare asks every question of both and reports the first difference.
func compare(t *testing.T, inv *Inventory, m model) {
	t.Helper()
	same := func(what string, got, want []string) {
		t.Helper()
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("%s (want -, got +):\n%s", what, d)
		}
	}
	for _, ns := range testNamespaces {
		for _, labels := range []map[string]string{{"app": "1"}, {"app": ""}, {"app": "1", "tier": "2"}, {"app": "2", "tier": "1", "zone": "1"}, {}, nil} {
			same(fmt.Sprintf("Selected(%s, %v)", ns, labels), keysOf(inv.Selected(ns, labels), ofWorkload),
				m.workloads(func(k Key, w *Workload) bool { return k.Namespace == ns && Matches(labels, w.Labels) }))
			same(fmt.Sprintf("Selecting(%s, %v)", ns, labels), keysOf(inv.Selecting(ns, labels), ofObject[*corev1.Service]),
				m.where(func(k Key, o Object) bool {
					s, ok := o.(*corev1.Service)
					return ok && k.Namespace == ns && Matches(s.Spec.Selector, labels)
				}))
		}
		for _, name := range testNames {
			same("Referrers", keysOf(inv.Referrers(ns, name), ofEntry), m.where(func(_ Key, o Object) bool {
				return slices.ContainsFunc(Backends(o), func(r ServiceRef) bool { return r.Namespace == ns && r.Name == name })
			}))
			same("Senders", keysOf(inv.Senders(ns, name), ofEntry), m.where(func(_ Key, o Object) bool {
				return slices.ContainsFunc(Relays(o), func(r ServiceRef) bool { return r.Namespace == ns && r.Name == name })
			}))
			same("TraefikServices", keysOf(inv.TraefikServices(ns, name), ofEntry), m.where(func(k Key, _ Object) bool {
				return slices.Contains(TraefikServiceKinds, k.Kind) && k.Namespace == ns && k.Name == name
			}))
			same("Slices", keysOf(inv.Slices(ns, name), ofObject[*discoveryv1.EndpointSlice]), m.where(func(k Key, o Object) bool {
				s, ok := o.(*discoveryv1.EndpointSlice)
				return ok && k.Namespace == ns && s.Labels[discoveryv1.LabelServiceName] == name
			}))
			c := Controller{Kind: "ReplicaSet", Name: name}
			same("Siblings", keysOf(inv.Siblings(ns, c), ofWorkload), m.workloads(func(k Key, w *Workload) bool {
				return k.Namespace == ns && w.Controller != nil && *w.Controller == c
			}))
			for _, gk := range []schema.GroupKind{PodKind, ServiceKind, IngressKind} {
				key := Key{gk, ns, name}
				if e, o := inv.Entry(key), m[key]; (e == nil) != (o == nil) || e != nil && e.Object != o {
					t.Fatalf("Entry(%v) = %v, want the object %v", key, e, o)
				}
			}
		}
	}
	for _, gk := range []schema.GroupKind{PodKind, ServiceKind, EndpointSliceKind, IngressKind} {
		for _, ns := range append(testNamespaces, "") {
			same("Entries", keysOf(inv.Entries(gk, ns), ofEntry), m.where(func(k Key, _ Object) bool {
				return k.Kind == gk && (ns == "" || k.Namespace == ns)
			}))
		}
	}
	for _, ip := range testAddresses {
		same("PodsAt", keysOf(inv.PodsAt(ip), ofWorkload), m.workloads(func(_ Key, w *Workload) bool { return slices.Contains(w.Addresses, ip) }))
	}
	for _, ip := range testAddresses {
		same("Listing", keysOf(inv.Listing(ip), ofObject[*discoveryv1.EndpointSlice]), m.where(func(_ Key, o Object) bool {
			s, isSlice := o.(*discoveryv1.EndpointSlice)
			return isSlice && s.Labels[discoveryv1.LabelServiceName] != "" && s.Labels[discoveryv1.LabelManagedBy] != "endpointslice-controller.k8s.io" &&
				slices.ContainsFunc(s.Endpoints, func(e discoveryv1.Endpoint) bool { return slices.Contains(e.Addresses, ip) })
		}))
	}
	for _, host := range testHosts {
		same("Claims", keysOf(inv.Claims(host), ofEntry), m.where(func(_ Key, o Object) bool {
			return slices.ContainsFunc(Hosts(o), func(h Host) bool { return strings.EqualFold(h.Name, host) })
		}))
	}
}

func TestIndexesAnswerLikeALoopOverAllObjects(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(seed, 1))
			inv, m := New(), model{}
			for range 60 {
				before, beforeModel := inv, m
				e := inv.Edit()
				for range 1 + r.IntN(4) {
					if o := randomObject(r); r.IntN(3) == 0 {
						e.Delete(KeyOf(o))
						m = m.without(KeyOf(o))
					} else {
						e.Put(NewEntry(o))
						m = m.with(o)
					}
				}
				inv = e.Inventory()
				compare(t, inv, m)
				compare(t, before, beforeModel) // a version never changes
			}
		})
	}
}

func TestOverlaysAnswerLikeALoopOverAllObjects(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(seed, 2))
			m := model{}
			var objects []Object
			for range 25 {
				o := randomObject(r)
				objects, m = append(objects, o), m.with(o)
			}
			base := New(objects...)
			baseModel := m
			compare(t, base, m)
			inv := base
			for range 12 {
				if o := randomObject(r); r.IntN(3) == 0 {
					inv, m = inv.Without(KeyOf(o)), m.without(KeyOf(o))
				} else {
					inv, m = inv.With(o), m.with(o)
				}
				compare(t, inv, m)
			}
			compare(t, base, baseModel)
			compare(t, inv.Edit().Inventory(), baseModel) // an edit drops the overlay
		})
	}
}

func TestAnEditKnowsItsKeysInOrder(t *testing.T) {
	t.Parallel()
	service := func(ns, name string) *corev1.Service {
		return &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: name}}
	}
	inv := New(service("b", "x"), service("a", "y"), service("a", "x"), service("a", "x"))
	if got := inv.Len(ServiceKind); got != 3 {
		t.Errorf("Len = %d, want 3", got)
	}
	e := inv.Edit()
	e.Delete(Key{ServiceKind, "a", "none"})
	e.Delete(Key{PodKind, "a", "none"})
	e.Delete(Key{ServiceKind, "a", "x"})
	var got []string
	for _, k := range e.Keys(ServiceKind) {
		got = append(got, k.String())
	}
	if d := cmp.Diff([]string{"Service a/y", "Service b/x"}, got); d != "" {
		t.Error(d)
	}
	if e.Keys(PodKind) != nil {
		t.Error("a kind without objects has keys")
	}
	if inv.Service("a", "x") == nil || inv.Len(ServiceKind) != 3 {
		t.Error("the edit changed the version it came from")
	}
}

func TestScansStopWhenAsked(t *testing.T) {
	t.Parallel()
	labels := map[string]string{"app": "1", "tier": "1"}
	var objects []Object
	for _, name := range testNames {
		objects = append(objects,
			&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: name, Labels: labels}},
			&corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: name}, Spec: corev1.ServiceSpec{Selector: labels}})
	}
	inv := New(objects...).With(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: "laid over", Labels: labels}})
	first := func(name string, n int) {
		if n != 1 {
			t.Errorf("%s went on after the first", name)
		}
	}
	n := 0
	for range inv.Selected("a", labels) {
		n++
		break
	}
	first("Selected", n)
	n = 0
	for range inv.Selecting("a", labels) {
		n++
		break
	}
	first("Selecting", n)
	n = 0
	for range List[*corev1.Pod](inv, PodKind, "") {
		n++
		break
	}
	first("List", n)
}
