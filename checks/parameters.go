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
	Namespaces     []string // where it runs; its own Services live there
	GatewayClasses []string
	IngressClasses []string
	ParentGateways []GatewayName // Gateways that routes attach to; empty: any Gateway of the classes

	// Threshold is the least severe privilege that a workload behind the gateway
	// may not have (XR). SeverityUnset: any that counts.
	Threshold Severity
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

// DefaultParameters is what applies without a CheckPolicy.
func DefaultParameters() *Parameters {
	return &Parameters{
		ClusterDomain: "cluster.local",
		Gateway: Gateway{
			Namespaces:     []string{"gatehouse-system"},
			GatewayClasses: []string{"gatehouse"},
			IngressClasses: []string{"gatehouse"},
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
