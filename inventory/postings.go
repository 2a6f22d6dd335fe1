// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"cmp"
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	netutils "k8s.io/utils/net"
)

// The secondary indexes. Each turns a question of a check into one scan whose
// cost is proportional to the answer.
const (
	byLabel    = iota // namespace, label key, label value -> workloads
	bySelector        // namespace, key, value of a Service's first selector pair, "" without -> Services
	byAddress         // IP address -> pods
	byOwner           // namespace, controller kind, controller name -> pods and templates
	byBackend         // namespace, Service name -> whatever routes to it, calls it or is another name of it
	byHost            // host in lower case -> Ingresses and routes
	byPath            // host in lower case, key of a path -> Ingresses and routes
	bySlice           // namespace, Service name -> EndpointSlices
	byAccount         // namespace, ServiceAccount -> pods and templates that run as it
	byRole            // kind of role, its namespace, its name -> bindings
	bySubject         // kind of subject, its namespace, its name -> bindings
	byEndpoint        // IP address -> EndpointSlices that somebody wrote by hand
	byRelay           // namespace, name of a TraefikService -> whatever sends traffic to it
	postingCount
)

// posting is a row of an index that is not in its tree yet.
type posting struct {
	index int
	words
	entry *Entry
}

// same reports whether both are the same row of the same index, whatever the
// entry.
func (p posting) same(o posting) bool { return p.index == o.index && p.words == o.words }

// appendPostings lists every secondary row of an entry. It is the only place
// that says what is indexed, so that adding, removing and overlaying agree.
func appendPostings(out []posting, e *Entry) []posting {
	add := func(index int, a, b, c string) {
		out = append(out, posting{index, words{a, b, c}, e})
	}
	if w := e.Workload; w != nil {
		for k, v := range w.Labels {
			add(byLabel, e.Key.Namespace, k, v)
		}
		for i, ip := range w.Addresses {
			if !slices.Contains(w.Addresses[:i], ip) {
				add(byAddress, ip, "", "")
			}
		}
		if w.Controller != nil {
			add(byOwner, e.Key.Namespace, w.Controller.Kind, w.Controller.Name)
		}
		add(byAccount, e.Key.Namespace, w.ServiceAccount(), "")
		return out
	}
	switch o := e.Object.(type) {
	case *corev1.Service:
		k, v := firstPair(o.Spec.Selector)
		add(bySelector, e.Key.Namespace, k, v)
		from := len(out)
		for _, a := range Aliases(o) {
			add(byBackend, a.Namespace, a.Name, "")
		}
		return distinct(out, from)
	case *discoveryv1.EndpointSlice:
		if name := o.Labels[discoveryv1.LabelServiceName]; name != "" {
			from := len(out) + 1
			add(bySlice, e.Key.Namespace, name, "")
			if !managed(o) {
				for i := range o.Endpoints {
					for _, text := range o.Endpoints[i].Addresses {
						if ip, ok := netip.AddrFromSlice(netutils.ParseIPSloppy(text)); ok {
							add(byEndpoint, ip.Unmap().String(), "", "")
						}
					}
				}
			}
			return distinct(out, from)
		}
		return out
	case *rbacv1.RoleBinding:
		return appendBinding(out, e, o.RoleRef, o.Subjects)
	case *rbacv1.ClusterRoleBinding:
		return appendBinding(out, e, o.RoleRef, o.Subjects)
	case nil:
		return out
	}
	from := len(out)
	if ing, isIngress := e.Object.(*networkingv1.Ingress); isIngress {
		out = appendIngressBackends(out, e, ing)
	} else {
		for _, ref := range Backends(e.Object) {
			add(byBackend, ref.Namespace, ref.Name, "")
		}
		for _, ref := range Relays(e.Object) {
			add(byRelay, ref.Namespace, ref.Name, "")
		}
	}
	return distinct(appendClaims(out, e), from)
}

// managed reports whether a slice says that one of Kubernetes' own controllers
// manages it.
// https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/#management
func managed(s *discoveryv1.EndpointSlice) bool {
	switch s.Labels[discoveryv1.LabelManagedBy] {
	case "endpointslice-controller.k8s.io", "endpointslicemirroring-controller.k8s.io", "endpoint-controller":
		return true
	}
	return false
}

// appendBinding lists the rows of a binding. A ServiceAccount without namespace
// means one of the binding's own, as in Kubernetes'
// pkg/registry/rbac/validation/rule.go (appliesToUser); API groups are not
// looked at there either.
func appendBinding(out []posting, e *Entry, ref rbacv1.RoleRef, subjects []rbacv1.Subject) []posting {
	role := words{a: ref.Kind, c: ref.Name}
	if ref.Kind != "ClusterRole" {
		role.b = e.Key.Namespace
	}
	out = append(out, posting{byRole, role, e})
	from := len(out)
	for i := range subjects {
		s := &subjects[i]
		namespace := ""
		if s.Kind == rbacv1.ServiceAccountKind {
			namespace = cmp.Or(s.Namespace, e.Key.Namespace)
		}
		out = append(out, posting{bySubject, words{s.Kind, namespace, s.Name}, e})
	}
	return distinct(out, from)
}

// distinct drops the rows from an offset on that are there twice, for objects
// that name a Service or a host repeatedly. It sorts, because a hostile object
// holds tens of thousands of them.
func distinct(out []posting, from int) []posting {
	if len(out)-from < 2 {
		return out
	}
	slices.SortFunc(out[from:], func(x, y posting) int { return cmp.Or(x.index-y.index, x.compare(&y.words)) })
	return append(out[:from], slices.CompactFunc(out[from:], func(x, y posting) bool {
		return x.index == y.index && x.compare(&y.words) == 0
	})...)
}

// firstPair returns the pair with the smallest key: every pod that a selector
// matches carries it, so one row per Service finds all Services of a pod. Empty for
// an empty selector.
func firstPair(selector map[string]string) (key, value string) {
	found := false
	for k, v := range selector {
		if !found || k < key {
			key, value, found = k, v, true
		}
	}
	return key, value
}
