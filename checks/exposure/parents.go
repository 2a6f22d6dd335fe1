// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"slices"
	"strconv"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

var (
	listenerSetKind  = schema.GroupKind{Group: inventory.GatewayGroup, Kind: "ListenerSet"}
	xListenerSetKind = schema.GroupKind{Group: "gateway.networking.x-k8s.io", Kind: "XListenerSet"}
)

// parentOf is one parentRef of a route or ListenerSet, its defaults filled in.
type parentOf struct {
	group, kind, namespace, name string
	field                        string
}

// String names the parent as messages do: "Gateway edge/public".
func (p parentOf) String() string {
	if p.kind == defaultGateways {
		return "the default Gateways"
	}
	return inventory.Key{Kind: schema.GroupKind{Group: p.group, Kind: p.kind}, Namespace: p.namespace, Name: p.name}.String()
}

// subject is the identity of the parent in findings: its position in the list
// and the section of the Gateway do not matter.
func (p parentOf) subject() string {
	if p.kind == defaultGateways {
		return "parent/default"
	}
	return "parent/" + p.kind + "/" + p.namespace + "/" + p.name
}

// defaultGateways stands for the parents that a route gets by
// spec.useDefaultGateways: every Gateway that declares the scope.
// https://gateway-api.sigs.k8s.io/geps/gep-3793/
const defaultGateways = "(default Gateways)"

// parentsOf returns the parents of a Gateway API route; false for any other
// object.
func parentsOf(o inventory.Object) ([]parentOf, bool) {
	common, isRoute := commonSpec(o)
	if !isRoute {
		return nil, false
	}
	out := make([]parentOf, 0, len(common.ParentRefs))
	for i, ref := range common.ParentRefs {
		p := parentOf{group: inventory.GatewayGroup, kind: "Gateway", namespace: o.GetNamespace(), name: string(ref.Name), field: "spec.parentRefs[" + strconv.Itoa(i) + "]"}
		if ref.Group != nil {
			p.group = string(*ref.Group)
		}
		if ref.Kind != nil {
			p.kind = string(*ref.Kind)
		}
		if ref.Namespace != nil {
			p.namespace = string(*ref.Namespace)
		}
		out = append(out, p)
	}
	if scope := common.UseDefaultGateways; scope != "" && scope != gatewayv1.GatewayDefaultScopeNone {
		out = append(out, parentOf{group: inventory.GatewayGroup, kind: defaultGateways, field: "spec.useDefaultGateways"})
	}
	return out, true
}

func commonSpec(o inventory.Object) (*gatewayv1.CommonRouteSpec, bool) {
	switch r := o.(type) {
	case *gatewayv1.HTTPRoute:
		return &r.Spec.CommonRouteSpec, true
	case *gatewayv1.GRPCRoute:
		return &r.Spec.CommonRouteSpec, true
	case *gatewayv1.TLSRoute:
		return &r.Spec.CommonRouteSpec, true
	case *gatewayv1.TCPRoute:
		return &r.Spec.CommonRouteSpec, true
	case *gatewayv1.UDPRoute:
		return &r.Spec.CommonRouteSpec, true
	}
	return nil, false
}

// standing says where a parent leads. The zero value is the one that counts as
// a fault.
type standing uint8

const (
	elsewhere standing = iota // a door that is not the bundled gateway
	unknown                   // a Gateway or ListenerSet that the inventory does not hold
	bundled                   // the bundled gateway
	inMesh                    // traffic between workloads: opens nothing
)

// parentIs says where a parent leads, and through which Gateway (nil when the
// inventory does not hold it). A ListenerSet is followed to its Gateway; its
// parent can only be a Gateway, so the chain ends there.
func parentIs(p parentOf, in checks.Input) (standing, *gatewayv1.Gateway) {
	switch {
	case meshParent(p):
		return inMesh, nil
	case p.group == inventory.GatewayGroup && p.kind == "Gateway":
		return gatewayIs(p.namespace, p.name, in)
	case p.group == inventory.GatewayGroup && p.kind == defaultGateways:
		return defaultsAre(in)
	case p.group == listenerSetKind.Group && p.kind == listenerSetKind.Kind, p.group == xListenerSetKind.Group && p.kind == xListenerSetKind.Kind:
		e := in.Inventory.Entry(inventory.Key{Kind: schema.GroupKind{Group: p.group, Kind: p.kind}, Namespace: p.namespace, Name: p.name})
		if e == nil {
			return unknown, nil
		}
		ls, ok := asListenerSet(e.Object)
		if !ok {
			return unknown, nil
		}
		up := listenerSetParent(ls)
		if up.group != inventory.GatewayGroup || up.kind != "Gateway" {
			return elsewhere, nil
		}
		return gatewayIs(up.namespace, up.name, in)
	}
	return elsewhere, nil
}

// parentAttached reports whether a parent is the bundled gateway. A Gateway
// that the inventory does not hold is not: its class is not known.
func parentAttached(p parentOf, in checks.Input) bool {
	where, _ := parentIs(p, in)
	return where == bundled
}

// gatewayIs judges a Gateway by name: one that the parameters name, or, when
// they name none, one of the bundled classes.
func gatewayIs(namespace, name string, in checks.Input) (standing, *gatewayv1.Gateway) {
	gw, known := inventory.Get[*gatewayv1.Gateway](in.Inventory, inventory.GatewayKind, namespace, name)
	named := in.Parameters.Gateway.ParentGateways
	switch {
	case slices.Contains(named, checks.GatewayName{Namespace: namespace, Name: name}):
		return bundled, gw
	case waypoint(gw, in):
		return inMesh, gw
	case len(named) > 0:
		return elsewhere, gw
	case !known:
		return unknown, nil
	case ownGatewayClass(string(gw.Spec.GatewayClassName), in):
		return bundled, gw
	}
	return elsewhere, gw
}

// defaultsAre judges the Gateways that offer themselves as default. None that
// is known is not "none": the inventory may lack them.
func defaultsAre(in checks.Input) (standing, *gatewayv1.Gateway) {
	found := unknown
	for gw := range inventory.List[*gatewayv1.Gateway](in.Inventory, inventory.GatewayKind, "") {
		if gw.Spec.DefaultScope == "" || gw.Spec.DefaultScope == gatewayv1.GatewayDefaultScopeNone {
			continue
		}
		switch s, _ := gatewayIs(gw.Namespace, gw.Name, in); s {
		case elsewhere, unknown:
			return elsewhere, gw
		case bundled:
			found = bundled
		case inMesh:
		}
	}
	return found, nil
}

// waypointClass and waypointController identify a Gateway that Istio runs as a
// proxy between workloads of an ambient mesh, behind a cluster address.
// https://istio.io/latest/docs/ambient/usage/waypoint/
const (
	waypointClass      = "istio-waypoint"
	waypointController = "istio.io/mesh-controller"
)

// waypoint reports whether a Gateway is an Istio waypoint. A GatewayClass of
// that name that belongs to another controller makes none.
func waypoint(gw *gatewayv1.Gateway, in checks.Input) bool {
	if gw == nil || gw.Spec.GatewayClassName != waypointClass {
		return false
	}
	class, known := inventory.Get[*gatewayv1.GatewayClass](in.Inventory, inventory.GatewayClassKind, "", waypointClass)
	return !known || class.Spec.ControllerName == waypointController
}

// routeAttached reports whether a route is attached to the bundled gateway and
// to nothing else that faces outward. A parent of kind Service is mesh traffic:
// it opens nothing, and attaches nothing.
func routeAttached(o inventory.Object, in checks.Input) bool {
	parents, isRoute := parentsOf(o)
	attached := false
	for _, p := range parents {
		switch where, _ := parentIs(p, in); where {
		case inMesh:
		case bundled:
			attached = true
		case elsewhere, unknown:
			return false
		}
	}
	return isRoute && attached
}

// meshParent reports whether a parent is a Service: GAMMA, traffic between
// workloads. https://gateway-api.sigs.k8s.io/mesh/
func meshParent(p parentOf) bool { return p.group == "" && p.kind == "Service" }

// asListenerSet reads a ListenerSet or its experimental predecessor, which has
// the same shape.
func asListenerSet(o inventory.Object) (*gatewayv1.ListenerSet, bool) {
	switch w := o.(type) {
	case *gatewayv1.ListenerSet:
		return w, true
	case *unstructured.Unstructured:
		if w.GroupVersionKind().GroupKind() != xListenerSetKind {
			return nil, false
		}
		ls := &gatewayv1.ListenerSet{}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(w.Object, ls); err != nil {
			return nil, false
		}
		return ls, true
	}
	return nil, false
}

func listenerSetParent(ls *gatewayv1.ListenerSet) parentOf {
	p := parentOf{group: inventory.GatewayGroup, kind: "Gateway", namespace: ls.Namespace, name: string(ls.Spec.ParentRef.Name), field: "spec.parentRef"}
	if ls.Spec.ParentRef.Kind != nil {
		p.kind = string(*ls.Spec.ParentRef.Kind)
	}
	if ls.Spec.ParentRef.Group != nil {
		p.group = string(*ls.Spec.ParentRef.Group)
	}
	if ls.Spec.ParentRef.Namespace != nil {
		p.namespace = string(*ls.Spec.ParentRef.Namespace)
	}
	return p
}
