// SPDX-License-Identifier: Apache-2.0

package endpoint

import (
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/gateway/translate"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// Controller is whose GatewayClasses and IngressClasses are the gateway's.
const Controller = checks.GatewayController

var configMapKind = schema.GroupKind{Kind: "ConfigMap"}

// backendPolicies are the kind by which backends are spoken to by TLS, which no
// inventory knows.
var backendPolicies = schema.GroupKind{Group: inventory.GatewayGroup, Kind: "BackendTLSPolicy"}

// Kinds are those that are read beside inventory.Kinds.
func Kinds() []inventory.Kind {
	return []inventory.Kind{
		{GroupKind: backendPolicies, Version: "v1", Resource: "backendtlspolicies", Namespaced: true},
		{GroupKind: ownKind(v1alpha1.GatewayParametersKind), Version: v1alpha1.GroupVersion.Version, Resource: "gatewayparameters"},
	}
}

func ownKind(kind string) schema.GroupKind {
	return schema.GroupKind{Group: v1alpha1.GroupVersion.Group, Kind: kind}
}

// objects takes from an inventory what the gateway would read, but EndpointSlices: how
// many addresses a backend has right now is no part of what is exposed.
func objects(inv *inventory.Inventory) (*translate.Objects, error) {
	var faults []error
	out := &translate.Objects{
		Classes:         all[gatewayv1.GatewayClass](inv, inventory.GatewayClassKind, &faults),
		Gateways:        all[gatewayv1.Gateway](inv, inventory.GatewayKind, &faults),
		ListenerSets:    all[gatewayv1.ListenerSet](inv, gatewayKind("ListenerSet"), &faults),
		HTTPRoutes:      all[gatewayv1.HTTPRoute](inv, gatewayKind("HTTPRoute"), &faults),
		GRPCRoutes:      all[gatewayv1.GRPCRoute](inv, gatewayKind("GRPCRoute"), &faults),
		TLSRoutes:       all[gatewayv1.TLSRoute](inv, gatewayKind("TLSRoute"), &faults),
		TCPRoutes:       all[gatewayv1.TCPRoute](inv, gatewayKind("TCPRoute"), &faults),
		UDPRoutes:       all[gatewayv1.UDPRoute](inv, gatewayKind("UDPRoute"), &faults),
		ReferenceGrants: all[gatewayv1.ReferenceGrant](inv, inventory.ReferenceGrantKind, &faults),
		Policies:        all[gatewayv1.BackendTLSPolicy](inv, backendPolicies, &faults),
		Namespaces:      all[corev1.Namespace](inv, inventory.NamespaceKind, &faults),
		Services:        all[corev1.Service](inv, inventory.ServiceKind, &faults),
		ConfigMaps:      all[corev1.ConfigMap](inv, configMapKind, &faults),
		IngressClasses:  all[networkingv1.IngressClass](inv, inventory.IngressClassKind, &faults),
		Ingresses:       all[networkingv1.Ingress](inv, inventory.IngressKind, &faults),
		AccessPolicies:  all[v1alpha1.AccessPolicy](inv, ownKind(v1alpha1.AccessPolicyKind), &faults),
		TrafficPolicies: all[v1alpha1.TrafficPolicy](inv, ownKind(v1alpha1.TrafficPolicyKind), &faults),
		ClientPolicies:  all[v1alpha1.ClientPolicy](inv, ownKind(v1alpha1.ClientPolicyKind), &faults),
		Parameters:      all[v1alpha1.GatewayParameters](inv, ownKind(v1alpha1.GatewayParametersKind), &faults),
	}
	nameNamespaces(out)
	return out, errors.Join(faults...)
}

func gatewayKind(kind string) schema.GroupKind {
	return schema.GroupKind{Group: inventory.GatewayGroup, Kind: kind}
}

// all are the objects of a kind, whose Go type is T. Those that were read without their
// type get it.
func all[T any](inv *inventory.Inventory, kind schema.GroupKind, faults *[]error) []*T {
	var out []*T
	for e := range inv.Entries(kind, "") {
		switch o := any(e.Object).(type) {
		case *T:
			out = append(out, o)
		case *unstructured.Unstructured:
			made := new(T)
			if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, made); err != nil {
				*faults = append(*faults, fmt.Errorf("read %s: %w", e.Key, err))
				continue
			}
			out = append(out, made)
		}
	}
	return out
}
