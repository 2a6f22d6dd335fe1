// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"iter"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Kinds that checks ask for by name.
var (
	NamespaceKind      = schema.GroupKind{Kind: "Namespace"}
	NodeKind           = schema.GroupKind{Kind: "Node"}
	PodKind            = schema.GroupKind{Kind: "Pod"}
	ServiceKind        = schema.GroupKind{Kind: "Service"}
	ServiceAccountKind = schema.GroupKind{Kind: "ServiceAccount"}
	SecretKind         = schema.GroupKind{Kind: "Secret"}
	EndpointSliceKind  = schema.GroupKind{Group: "discovery.k8s.io", Kind: "EndpointSlice"}
	IngressKind        = schema.GroupKind{Group: "networking.k8s.io", Kind: "Ingress"}
	IngressClassKind   = schema.GroupKind{Group: "networking.k8s.io", Kind: "IngressClass"}
	NetworkPolicyKind  = schema.GroupKind{Group: "networking.k8s.io", Kind: "NetworkPolicy"}
	RoleKind           = schema.GroupKind{Group: rbacv1.GroupName, Kind: "Role"}
	ClusterRoleKind    = schema.GroupKind{Group: rbacv1.GroupName, Kind: "ClusterRole"}
	RoleBindingKind    = schema.GroupKind{Group: rbacv1.GroupName, Kind: "RoleBinding"}
	ClusterBindingKind = schema.GroupKind{Group: rbacv1.GroupName, Kind: "ClusterRoleBinding"}
	GatewayClassKind   = schema.GroupKind{Group: GatewayGroup, Kind: "GatewayClass"}
	GatewayKind        = schema.GroupKind{Group: GatewayGroup, Kind: "Gateway"}
	AccessPolicyKind   = schema.GroupKind{Group: ownGroup, Kind: "AccessPolicy"}
	TrafficPolicyKind  = schema.GroupKind{Group: ownGroup, Kind: "TrafficPolicy"}
	ClientPolicyKind   = schema.GroupKind{Group: ownGroup, Kind: "ClientPolicy"}
)

// Entry returns the entry of an identity, or nil.
func (inv *Inventory) Entry(k Key) *Entry {
	inv.noteKey(k)
	if inv.over != nil {
		for _, e := range inv.over.entries {
			if e.Key == k {
				return e
			}
		}
		if inv.over.hides(k) {
			return nil
		}
	}
	t := inv.objects[k.Kind]
	if t == nil {
		return nil
	}
	// The pivot sorts before the entry's row, so the first row from there is it.
	p := inv.seekObject(t, &words{a: k.Namespace, b: k.Name})
	r := t.at(p)
	if r == nil && p.bough < len(t.boughs) {
		_, r = t.after(p)
	}
	if r == nil || r.entry.Key != k {
		return nil
	}
	return r.entry
}

// Get returns the object of an identity as a T; false when the inventory does
// not hold it.
func Get[T Object](inv *Inventory, k schema.GroupKind, namespace, name string) (T, bool) {
	var none T
	e := inv.Entry(Key{k, namespace, name})
	if e == nil {
		return none, false
	}
	o, ok := e.Object.(T)
	return o, ok
}

// Len returns how many objects of a kind the inventory holds, the overlay not
// counted.
func (inv *Inventory) Len(k schema.GroupKind) int {
	inv.noteKind(Key{Kind: k})
	if t := inv.objects[k]; t != nil {
		return t.Len()
	}
	return 0
}

// Entries yields the entries of a kind in a namespace, or of every namespace
// when it is empty, ordered by namespace and name.
func (inv *Inventory) Entries(k schema.GroupKind, namespace string) iter.Seq[*Entry] {
	return func(yield func(*Entry) bool) {
		inv.noteKind(Key{Kind: k, Namespace: namespace})
		d, over, yield := matchA, inv.over, inv.ending(yield)
		if namespace == "" {
			d = 0
		}
		stopped := false
		visit := func(e *Entry) bool {
			if over.hides(e.Key) {
				return true
			}
			stopped = !yield(e)
			return !stopped
		}
		if t := inv.objects[k]; t != nil {
			if d == 0 {
				t.ascend(place{}, func(r row) bool { return visit(r.entry) })
			} else {
				pivot := words{a: namespace}
				end, _ := scanFrom(t, inv.seekObject(t, &pivot), pivot, d, visit)
				inv.leaveObject(t, end)
			}
		}
		if over == nil || stopped {
			return
		}
		for _, e := range over.entries {
			if e.Key.Kind == k && (namespace == "" || e.Key.Namespace == namespace) && !yield(e) {
				return
			}
		}
	}
}

// List yields the objects of a kind as T. Entries of another type are left out.
func List[T Object](inv *Inventory, k schema.GroupKind, namespace string) iter.Seq[T] {
	return func(yield func(T) bool) {
		for e := range inv.Entries(k, namespace) {
			if o, ok := e.Object.(T); ok && !yield(o) {
				return
			}
		}
	}
}

// Namespace returns a namespace, or nil if the inventory does not hold it.
func (inv *Inventory) Namespace(name string) *corev1.Namespace {
	ns, _ := Get[*corev1.Namespace](inv, NamespaceKind, "", name)
	return ns
}

// Service returns a Service, or nil if the inventory does not hold it.
func (inv *Inventory) Service(namespace, name string) *corev1.Service {
	s, _ := Get[*corev1.Service](inv, ServiceKind, namespace, name)
	return s
}

// PodsAt yields the pods that have an IP address, in any namespace.
func (inv *Inventory) PodsAt(address string) iter.Seq[*Workload] {
	return func(yield func(*Workload) bool) {
		inv.scan(inv.postings[byAddress], byAddress, words{a: address}, matchA, func(e *Entry) bool { return yield(e.Workload) })
	}
}

// Referrers yields what sends traffic to a Service: Ingresses, routes, webhook
// configurations, CRDs with a conversion webhook, APIServices, TraefikServices, and
// Services of type ExternalName that may be another name of it (Aliases).
func (inv *Inventory) Referrers(namespace, service string) iter.Seq[*Entry] {
	return func(yield func(*Entry) bool) {
		inv.scan(inv.postings[byBackend], byBackend, words{a: namespace, b: service}, matchAB, yield)
	}
}

// Claims yields the Ingresses and routes that claim exactly this host name.
// Names are compared in lower case; "" asks for those that claim every host.
func (inv *Inventory) Claims(host string) iter.Seq[*Entry] {
	return func(yield func(*Entry) bool) {
		inv.scan(inv.postings[byHost], byHost, words{a: strings.ToLower(host)}, matchA, yield)
	}
}

// Slices yields the EndpointSlices of a Service.
func (inv *Inventory) Slices(namespace, service string) iter.Seq[*discoveryv1.EndpointSlice] {
	return func(yield func(*discoveryv1.EndpointSlice) bool) {
		inv.scan(inv.postings[bySlice], bySlice, words{a: namespace, b: service}, matchAB, func(e *Entry) bool {
			s, ok := e.Object.(*discoveryv1.EndpointSlice)
			return !ok || yield(s)
		})
	}
}

// Listing yields the EndpointSlices of Services, in any namespace, that list an IP
// address and do not say that Kubernetes' own controllers manage them.
func (inv *Inventory) Listing(address string) iter.Seq[*discoveryv1.EndpointSlice] {
	return func(yield func(*discoveryv1.EndpointSlice) bool) {
		inv.scan(inv.postings[byEndpoint], byEndpoint, words{a: address}, matchA, func(e *Entry) bool {
			s, ok := e.Object.(*discoveryv1.EndpointSlice)
			return !ok || yield(s)
		})
	}
}

// NetworkPolicies yields the policies of a namespace.
func (inv *Inventory) NetworkPolicies(namespace string) iter.Seq[*networkingv1.NetworkPolicy] {
	return List[*networkingv1.NetworkPolicy](inv, NetworkPolicyKind, namespace)
}

// Siblings yields the pods and templates that one controller made.
func (inv *Inventory) Siblings(namespace string, c Controller) iter.Seq[*Workload] {
	return func(yield func(*Workload) bool) {
		inv.scan(inv.postings[byOwner], byOwner, words{a: namespace, b: c.Kind, c: c.Name}, matchABC, func(e *Entry) bool { return yield(e.Workload) })
	}
}
