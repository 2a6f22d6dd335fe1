// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"slices"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// Kind says what Gatehouse knows of one kind of object. The list of kinds is
// the single source for decoding, for what is listed and watched, for the
// webhook's rules and for the RBAC of the binaries.
type Kind struct {
	schema.GroupKind
	Version    string // the version that is read and registered for
	Resource   string // plural in the API
	Namespaced bool

	// New returns an empty typed object; nil for kinds handled as unstructured.
	New func() Object

	// Kept says that the object is part of a live inventory: the answer to a
	// question about another object depends on it. The others are only judged.
	Kept bool

	// Sealed kinds are never read from a cluster: only what is written is judged,
	// and their types leave out what no check may see.
	Sealed bool

	// BuiltIn kinds exist in every cluster; the others appear with their CRD.
	BuiltIn bool

	// PodTemplate, Hosts and Backends are paths for kinds without a type: the
	// pod template, the host names claimed, the names of the Services reached.
	// See Walk for the notation of the last two.
	PodTemplate []string
	Hosts       []string
	Backends    []string
}

// GVR returns the resource that the kind is listed, watched and registered by.
func (k Kind) GVR() schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: k.Group, Version: k.Version, Resource: k.Resource}
}

// GVK returns the kind with its version.
func (k Kind) GVK() schema.GroupVersionKind {
	return k.GroupKind.WithVersion(k.Version)
}

// Object returns an empty object of the kind.
func (k Kind) Object() Object {
	if k.New != nil {
		return k.New()
	}
	u := &unstructured.Unstructured{}
	u.SetGroupVersionKind(k.GVK())
	return u
}

// Kinds returns every known kind, ordered by group and name.
func Kinds() []Kind { return slices.Clone(kinds) }

// Readable returns the known kinds that may be read from a cluster, in the same
// order.
func Readable() []Kind {
	return slices.DeleteFunc(Kinds(), func(k Kind) bool { return k.Sealed })
}

// KindOf looks a kind up.
func KindOf(gk schema.GroupKind) (Kind, bool) {
	i, known := kindIndex[gk]
	if !known {
		return Kind{}, false
	}
	return kinds[i], true
}

// KindOfResource looks a kind up by its API group and plural.
func KindOfResource(gr schema.GroupResource) (Kind, bool) {
	i, known := resourceIndex[gr]
	if !known {
		return Kind{}, false
	}
	return kinds[i], true
}

// GatewayGroup is the API group of the Gateway API.
const GatewayGroup = gatewayv1.GroupName

var kinds = sortKinds(slices.Concat(builtIn, gatewayAPI, customKinds))

var (
	kindIndex     = indexKinds(func(k Kind) schema.GroupKind { return k.GroupKind })
	resourceIndex = indexKinds(func(k Kind) schema.GroupResource { return schema.GroupResource{Group: k.Group, Resource: k.Resource} })
)

func indexKinds[K comparable](key func(Kind) K) map[K]int {
	out := make(map[K]int, len(kinds))
	for i, k := range kinds {
		out[key(k)] = i
	}
	return out
}

func sortKinds(list []Kind) []Kind {
	slices.SortFunc(list, func(a, b Kind) int {
		return compareStrings(a.Group, b.Group, a.GroupKind.Kind, b.GroupKind.Kind)
	})
	return list
}

// core builds the row of a built-in kind.
func core(group, version, kind, resource string, scope scope, keep keep, newObject func() Object) Kind { //nolint:unparam // version is a column of the table, whatever stands in it now
	return Kind{
		GroupKind: schema.GroupKind{Group: group, Kind: kind}, Version: version, Resource: resource,
		Namespaced: scope == namespaced, Kept: keep == kept, New: newObject, BuiltIn: true,
	}
}

func sealed(k Kind) Kind {
	k.Sealed = true
	return k
}

type scope uint8

const (
	clusterScoped scope = iota
	namespaced
)

type keep uint8

const (
	judged keep = iota // only judged when it is written
	kept               // part of the inventory
)

var builtIn = []Kind{
	core("", "v1", "Namespace", "namespaces", clusterScoped, kept, func() Object { return &corev1.Namespace{} }),
	core("", "v1", "Node", "nodes", clusterScoped, kept, func() Object { return &corev1.Node{} }),
	core("", "v1", "Service", "services", namespaced, kept, func() Object { return &corev1.Service{} }),
	core("", "v1", "Endpoints", "endpoints", namespaced, judged, func() Object { return &corev1.Endpoints{} }), //nolint:staticcheck // the deprecated kind still steers traffic (CVE-2021-25740)
	core("", "v1", "Pod", "pods", namespaced, kept, func() Object { return &corev1.Pod{} }),
	core("", "v1", "PodTemplate", "podtemplates", namespaced, judged, func() Object { return &corev1.PodTemplate{} }),
	core("", "v1", "ReplicationController", "replicationcontrollers", namespaced, kept, func() Object { return &corev1.ReplicationController{} }),
	core("", "v1", "ServiceAccount", "serviceaccounts", namespaced, kept, func() Object { return &corev1.ServiceAccount{} }),
	core("", "v1", "ConfigMap", "configmaps", namespaced, judged, func() Object { return &corev1.ConfigMap{} }),
	sealed(core("", "v1", "Secret", "secrets", namespaced, judged, func() Object { return &Secret{} })),
	core("apps", "v1", "Deployment", "deployments", namespaced, kept, func() Object { return &appsv1.Deployment{} }),
	core("apps", "v1", "StatefulSet", "statefulsets", namespaced, kept, func() Object { return &appsv1.StatefulSet{} }),
	core("apps", "v1", "DaemonSet", "daemonsets", namespaced, kept, func() Object { return &appsv1.DaemonSet{} }),
	core("apps", "v1", "ReplicaSet", "replicasets", namespaced, kept, func() Object { return &appsv1.ReplicaSet{} }),
	core("batch", "v1", "Job", "jobs", namespaced, kept, func() Object { return &batchv1.Job{} }),
	core("batch", "v1", "CronJob", "cronjobs", namespaced, kept, func() Object { return &batchv1.CronJob{} }),
	core("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices", namespaced, kept, func() Object { return &discoveryv1.EndpointSlice{} }),
	core("networking.k8s.io", "v1", "Ingress", "ingresses", namespaced, kept, func() Object { return &networkingv1.Ingress{} }),
	core("networking.k8s.io", "v1", "IngressClass", "ingressclasses", clusterScoped, kept, func() Object { return &networkingv1.IngressClass{} }),
	core("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies", namespaced, kept, func() Object { return &networkingv1.NetworkPolicy{} }),
	core(rbacv1.GroupName, "v1", "Role", "roles", namespaced, kept, func() Object { return &rbacv1.Role{} }),
	core(rbacv1.GroupName, "v1", "ClusterRole", "clusterroles", clusterScoped, kept, func() Object { return &rbacv1.ClusterRole{} }),
	core(rbacv1.GroupName, "v1", "RoleBinding", "rolebindings", namespaced, kept, func() Object { return &rbacv1.RoleBinding{} }),
	core(rbacv1.GroupName, "v1", "ClusterRoleBinding", "clusterrolebindings", clusterScoped, kept, func() Object { return &rbacv1.ClusterRoleBinding{} }),
	core("admissionregistration.k8s.io", "v1", "ValidatingWebhookConfiguration", "validatingwebhookconfigurations", clusterScoped, kept, func() Object { return &admissionregistrationv1.ValidatingWebhookConfiguration{} }),
	core("admissionregistration.k8s.io", "v1", "MutatingWebhookConfiguration", "mutatingwebhookconfigurations", clusterScoped, kept, func() Object { return &admissionregistrationv1.MutatingWebhookConfiguration{} }),
	core("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions", clusterScoped, kept, func() Object { return &apiextensionsv1.CustomResourceDefinition{} }),
	{
		GroupKind: schema.GroupKind{Group: "apiregistration.k8s.io", Kind: "APIService"}, Version: "v1", Resource: "apiservices",
		Kept: true, BuiltIn: true, Backends: []string{"spec.service.name"},
	},
}

func gateway(kind, resource string, scope scope, newObject func() Object) Kind {
	return Kind{
		GroupKind: schema.GroupKind{Group: GatewayGroup, Kind: kind}, Version: "v1", Resource: resource,
		Namespaced: scope == namespaced, Kept: true, New: newObject,
	}
}

// Versions: GatewayClass, Gateway, HTTPRoute, GRPCRoute are v1 since 1.0 and
// 1.1, the others since later minors; the JSON shapes of their beta versions
// are the same, so files in those versions are read through the v1 types.
var gatewayAPI = []Kind{
	gateway("GatewayClass", "gatewayclasses", clusterScoped, func() Object { return &gatewayv1.GatewayClass{} }),
	gateway("Gateway", "gateways", namespaced, func() Object { return &gatewayv1.Gateway{} }),
	gateway("ListenerSet", "listenersets", namespaced, func() Object { return &gatewayv1.ListenerSet{} }),
	gateway("HTTPRoute", "httproutes", namespaced, func() Object { return &gatewayv1.HTTPRoute{} }),
	gateway("GRPCRoute", "grpcroutes", namespaced, func() Object { return &gatewayv1.GRPCRoute{} }),
	gateway("TLSRoute", "tlsroutes", namespaced, func() Object { return &gatewayv1.TLSRoute{} }),
	gateway("TCPRoute", "tcproutes", namespaced, func() Object { return &gatewayv1.TCPRoute{} }),
	gateway("UDPRoute", "udproutes", namespaced, func() Object { return &gatewayv1.UDPRoute{} }),
	gateway("ReferenceGrant", "referencegrants", namespaced, func() Object { return &gatewayv1.ReferenceGrant{} }),
}
