// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// competes reports whether another claimant of a host stands against the object.
func competes(e *inventory.Entry, host string, in checks.Input) bool {
	if e.Key.Namespace == in.Object.GetNamespace() {
		return false
	}
	if host == "" {
		return sameDoor(e, in)
	}
	switch e.Object.(type) {
	case *networkingv1.Ingress:
		return true
	case *gatewayv1.HTTPRoute, *gatewayv1.GRPCRoute, *gatewayv1.TLSRoute:
		return facesOut(e.Object)
	}
	return vendorRoute(e)
}

// vendorRoute reports whether an entry is a custom resource that routes
// requests. DNS records and the like claim names as well, for others.
func vendorRoute(e *inventory.Entry) bool {
	if e.Key.Kind.Group == inventory.GatewayGroup || e.Key.Kind == inventory.IngressKind {
		return false
	}
	kind, known := inventory.KindOf(e.Key.Kind)
	return known && len(kind.Backends) > 0
}

// sameDoor reports whether two claims for every host meet: two Ingresses of one
// class, or two routes with a Gateway in common. What every host means depends
// on the door.
func sameDoor(e *inventory.Entry, in checks.Input) bool {
	switch o := in.Object.(type) {
	case *networkingv1.Ingress:
		other, isIngress := e.Object.(*networkingv1.Ingress)
		if !isIngress {
			return false
		}
		mine, _ := classOf(o, in.Inventory)
		theirs, _ := classOf(other, in.Inventory)
		return mine == theirs
	default:
		return sharesParent(in.Object, e.Object)
	}
}

func sharesParent(a, b inventory.Object) bool {
	mine, isRoute := commonSpec(a)
	theirs, isRouteToo := commonSpec(b)
	if !isRoute || !isRouteToo {
		return false
	}
	for i := range mine.ParentRefs {
		for j := range theirs.ParentRefs {
			if sameParent(&mine.ParentRefs[i], a.GetNamespace(), &theirs.ParentRefs[j], b.GetNamespace()) {
				return true
			}
		}
	}
	return false
}

func sameParent(a *gatewayv1.ParentReference, aHome string, b *gatewayv1.ParentReference, bHome string) bool {
	if a.Name != b.Name || a.Kind != nil && *a.Kind == "Service" || b.Kind != nil && *b.Kind == "Service" {
		return false
	}
	if a.Namespace != nil {
		aHome = string(*a.Namespace)
	}
	if b.Namespace != nil {
		bHome = string(*b.Namespace)
	}
	if a.SectionName != nil && b.SectionName != nil && *a.SectionName != *b.SectionName {
		return false // two listeners, whose host names differ
	}
	return aHome == bHome
}

// wildcardOwner returns an object of another namespace that claims a wildcard
// above the host. The wildcard of an Ingress stands for one label, that of a
// route for any number.
func wildcardOwner(host string, in checks.Input) *inventory.Entry {
	if wide(host) || len(host) > longestHost {
		return nil
	}
	rest := host
	for depth := 1; ; depth++ {
		_, parent, found := strings.Cut(rest, ".")
		if !found || strings.IndexByte(parent, '.') < 0 {
			return nil
		}
		rest = parent
		wildcard := "*." + parent
		for e := range in.Inventory.Claims(wildcard) {
			if _, isIngress := e.Object.(*networkingv1.Ingress); isIngress && depth > 1 {
				continue
			}
			if competes(e, wildcard, in) && !vendorRoute(e) {
				return e
			}
		}
	}
}

// hostField is where an object names a host.
func hostField(o inventory.Object, host string) string {
	for _, h := range inventory.Hosts(o) {
		if strings.EqualFold(h.Name, host) {
			return h.Field
		}
	}
	return "spec"
}
