// SPDX-License-Identifier: Apache-2.0

package checks

import (
	"net/netip"
	"slices"

	"github.com/gatehouse-sh/gatehouse/checks/loadbalancer"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// Parameters are the facts about a cluster that no object states. They are
// compiled from a CheckPolicy, and immutable: a change makes a new value.
type Parameters struct {
	ClusterDomain string // "cluster.local"

	// Gateway names the bundled gateway: what is attached to it is not an
	// exposure finding.
	Gateway Gateway

	// LoadBalancers tunes the public/internal classifier.
	LoadBalancers loadbalancer.Config

	// AllowedExternalIPs are the networks from which spec.externalIPs may come.
	AllowedExternalIPs []netip.Prefix

	// SensitivePorts maps a port to what usually listens there ("etcd client").
	SensitivePorts map[int32]string

	// StatusWriters and EndpointWriters are users, besides Kubernetes' own
	// controllers, that may write load balancer status and endpoints.
	StatusWriters   []string
	EndpointWriters []string
}

// Gateway says how the bundled gateway is recognised.
type Gateway struct {
	Namespaces []string // where it runs; its own Services live there

	// Controller is what GatewayClasses and IngressClasses of the gateway name as theirs:
	// a class that the inventory holds is judged by that, whatever it is called.
	Controller string

	// GatewayClasses and IngressClasses are names of classes that are the gateway's
	// where the inventory lacks the class, as files often do. A name that somebody
	// chose counts for a class of another controller, too; DefaultClass does not.
	GatewayClasses []string
	IngressClasses []string

	ParentGateways []GatewayName // Gateways that routes attach to; empty: any Gateway of the classes

	// Threshold is the least severe privilege that a workload behind the gateway
	// may not have (XR). SeverityUnset: any that counts.
	Threshold Severity
}

// OwnsGatewayClass reports whether a GatewayClass is the gateway's. The controller is
// what the class names; empty where the class is not known.
func (g Gateway) OwnsGatewayClass(name, controller string) bool {
	return g.ownsClass(g.GatewayClasses, name, controller)
}

// OwnsIngressClass is OwnsGatewayClass for an IngressClass.
func (g Gateway) OwnsIngressClass(name, controller string) bool {
	return g.ownsClass(g.IngressClasses, name, controller)
}

func (g Gateway) ownsClass(named []string, name, controller string) bool {
	if controller != "" && controller == g.Controller {
		return true
	}
	return slices.Contains(named, name) && (controller == "" || name != DefaultClass)
}

// GatewayName names a Gateway object.
type GatewayName struct{ Namespace, Name string }

// String returns "namespace/name".
func (g GatewayName) String() string { return g.Namespace + "/" + g.Name }

// GatewayLabel marks the objects that are the bundled gateway itself.
const (
	GatewayLabel      = "app.kubernetes.io/name"
	GatewayLabelValue = "gatehouse-gateway"
)

// What the classes of the bundled gateway name as their controller, and what a class
// of it is called that nobody named.
const (
	GatewayController = "gatehouse.sh/gateway"
	DefaultClass      = "gatehouse"
)

// DefaultParameters is what applies without a CheckPolicy.
func DefaultParameters() *Parameters {
	return &Parameters{
		ClusterDomain: "cluster.local",
		Gateway: Gateway{
			Namespaces:     []string{"gatehouse-system"},
			Controller:     GatewayController,
			GatewayClasses: []string{DefaultClass},
			IngressClasses: []string{DefaultClass},
			Threshold:      High,
		},
		SensitivePorts: DefaultSensitivePorts(),
	}
}

// OwnsService reports whether a Service belongs to the bundled gateway: it lives
// in the gateway's namespace and carries its label. Neither alone is enough, for
// a tenant can set a label.
func (g Gateway) OwnsService(o inventory.Object) bool {
	return slices.Contains(g.Namespaces, o.GetNamespace()) && o.GetLabels()[GatewayLabel] == GatewayLabelValue
}
