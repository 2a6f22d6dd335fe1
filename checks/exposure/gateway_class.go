// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	networkingv1 "k8s.io/api/networking/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// ownGatewayClass reports whether a GatewayClass is the bundled gateway's.
func ownGatewayClass(name string, in checks.Input) bool {
	controller := ""
	if class, known := inventory.Get[*gatewayv1.GatewayClass](in.Inventory, inventory.GatewayClassKind, "", name); known {
		controller = string(class.Spec.ControllerName)
	}
	return in.Parameters.Gateway.OwnsGatewayClass(name, controller)
}

// ownIngressClass reports whether an IngressClass is the bundled gateway's.
func ownIngressClass(name string, in checks.Input) bool {
	controller := ""
	if class, known := inventory.Get[*networkingv1.IngressClass](in.Inventory, inventory.IngressClassKind, "", name); known {
		controller = class.Spec.Controller
	}
	return in.Parameters.Gateway.OwnsIngressClass(name, controller)
}

// Providers name their GatewayClasses; the name says whether the load balancer
// faces the internet. Classes that are not listed count as public.
// https://cloud.google.com/kubernetes-engine/docs/concepts/gateway-api#gatewayclass
// https://learn.microsoft.com/en-us/azure/application-gateway/for-containers/
var publicClasses = map[string]bool{
	"gke-l7-global-external-managed":      true,
	"gke-l7-global-external-managed-mc":   true,
	"gke-l7-regional-external-managed":    true,
	"gke-l7-regional-external-managed-mc": true,
	"gke-l7-gxlb":                         true,
	"gke-l7-gxlb-mc":                      true,
	"azure-alb-external":                  true,
}

var internalClasses = map[string]bool{
	"gke-l7-rilb":    true,
	"gke-l7-rilb-mc": true,
	"gke-l7-cross-regional-internal-managed-mc": true,
}

// doorFrom says where callers of a Gateway of a class stand.
func doorFrom(class string) string {
	if internalClasses[class] {
		return "internal network"
	}
	return "internet"
}
