// SPDX-License-Identifier: Apache-2.0

package kube

import (
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/gateway/translate"
)

// object is what the API server has.
type object interface {
	runtime.Object
	metav1.Object
}

// kind is a kind of objects that are read.
type kind struct {
	resource schema.GroupVersionResource
	name     string // HTTPRoute
	example  object
	gather   func(*translate.Objects, []object)
	part     part
}

// part is what a kind means to others when it is new.
type part int

const (
	door     part = iota // it may have something served that a guard is for
	guard                // it says who may have what is served, and how it is passed on
	endpoint             // it says where others are passed on to
)

// as is a kind of another part.
func (k *kind) as(p part) *kind {
	k.part = p
	return k
}

// groupVersionKind is how an object of a kind calls itself.
func (k *kind) groupVersionKind() schema.GroupVersionKind {
	return k.resource.GroupVersion().WithKind(k.name)
}

// of describes a kind, and where translation takes its objects.
func of[T object](gv schema.GroupVersion, name, plural string, example T, field func(*translate.Objects) *[]T) *kind {
	return &kind{
		resource: gv.WithResource(plural), name: name, example: example,
		gather: func(to *translate.Objects, list []object) {
			out := field(to)
			for _, o := range list {
				if typed, is := o.(T); is {
					*out = append(*out, typed)
				}
			}
		},
	}
}

// watched are the kinds of which all objects are read, in whichever of them the API
// server has.
func watched() []*kind {
	gateway, core, networking := schema.GroupVersion(gatewayv1.GroupVersion), corev1.SchemeGroupVersion, networkingv1.SchemeGroupVersion
	type objects = translate.Objects
	return []*kind{
		of(gateway, "GatewayClass", "gatewayclasses", &gatewayv1.GatewayClass{}, func(o *objects) *[]*gatewayv1.GatewayClass { return &o.Classes }),
		of(gateway, "Gateway", "gateways", &gatewayv1.Gateway{}, func(o *objects) *[]*gatewayv1.Gateway { return &o.Gateways }),
		of(gateway, "ListenerSet", "listenersets", &gatewayv1.ListenerSet{}, func(o *objects) *[]*gatewayv1.ListenerSet { return &o.ListenerSets }),
		of(gateway, "HTTPRoute", "httproutes", &gatewayv1.HTTPRoute{}, func(o *objects) *[]*gatewayv1.HTTPRoute { return &o.HTTPRoutes }),
		of(gateway, "GRPCRoute", "grpcroutes", &gatewayv1.GRPCRoute{}, func(o *objects) *[]*gatewayv1.GRPCRoute { return &o.GRPCRoutes }),
		of(gateway, "TLSRoute", "tlsroutes", &gatewayv1.TLSRoute{}, func(o *objects) *[]*gatewayv1.TLSRoute { return &o.TLSRoutes }),
		of(gateway, "TCPRoute", "tcproutes", &gatewayv1.TCPRoute{}, func(o *objects) *[]*gatewayv1.TCPRoute { return &o.TCPRoutes }),
		of(gateway, "UDPRoute", "udproutes", &gatewayv1.UDPRoute{}, func(o *objects) *[]*gatewayv1.UDPRoute { return &o.UDPRoutes }),
		of(gateway, "ReferenceGrant", "referencegrants", &gatewayv1.ReferenceGrant{}, func(o *objects) *[]*gatewayv1.ReferenceGrant { return &o.ReferenceGrants }),
		of(gateway, "BackendTLSPolicy", "backendtlspolicies", &gatewayv1.BackendTLSPolicy{}, func(o *objects) *[]*gatewayv1.BackendTLSPolicy { return &o.Policies }).as(guard),
		of(v1alpha1.GroupVersion, "AccessPolicy", "accesspolicies", &v1alpha1.AccessPolicy{}, func(o *objects) *[]*v1alpha1.AccessPolicy { return &o.AccessPolicies }).as(guard),
		of(v1alpha1.GroupVersion, "TrafficPolicy", "trafficpolicies", &v1alpha1.TrafficPolicy{}, func(o *objects) *[]*v1alpha1.TrafficPolicy { return &o.TrafficPolicies }).as(guard),
		of(v1alpha1.GroupVersion, "ClientPolicy", "clientpolicies", &v1alpha1.ClientPolicy{}, func(o *objects) *[]*v1alpha1.ClientPolicy { return &o.ClientPolicies }).as(guard),
		of(v1alpha1.GroupVersion, "GatewayParameters", "gatewayparameters", &v1alpha1.GatewayParameters{}, func(o *objects) *[]*v1alpha1.GatewayParameters { return &o.Parameters }),
		of(networking, "IngressClass", "ingressclasses", &networkingv1.IngressClass{}, func(o *objects) *[]*networkingv1.IngressClass { return &o.IngressClasses }),
		of(networking, "Ingress", "ingresses", &networkingv1.Ingress{}, func(o *objects) *[]*networkingv1.Ingress { return &o.Ingresses }),
		of(core, "Namespace", "namespaces", &corev1.Namespace{}, func(o *objects) *[]*corev1.Namespace { return &o.Namespaces }),
		of(core, "Service", "services", &corev1.Service{}, func(o *objects) *[]*corev1.Service { return &o.Services }),
		of(discoveryv1.SchemeGroupVersion, "EndpointSlice", "endpointslices", &discoveryv1.EndpointSlice{}, func(o *objects) *[]*discoveryv1.EndpointSlice { return &o.EndpointSlices }).as(endpoint),
	}
}

// secretKind and configMapKind are read one by one, see references.
func secretKind() *kind {
	return of(corev1.SchemeGroupVersion, "Secret", "secrets", &corev1.Secret{}, func(o *translate.Objects) *[]*corev1.Secret { return &o.Secrets })
}

func configMapKind() *kind {
	return of(corev1.SchemeGroupVersion, "ConfigMap", "configmaps", &corev1.ConfigMap{}, func(o *translate.Objects) *[]*corev1.ConfigMap { return &o.ConfigMaps })
}
