// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// ingressChecks lists EXP-020 to EXP-029: Ingresses.
func ingressChecks() []checks.Check {
	return []checks.Check{
		ingressOutsideGateway(),
		emptyOrWildcardHost(),
		defaultBackend(),
		noTLS(),
		nginxSnippets(),
		riskyAnnotationValues(),
		openAllowList(),
		ingressNginx(),
		hostCollision(),
		ingressBackendTrust(),
	}
}

var (
	ingresses = []schema.GroupKind{inventory.IngressKind}

	// hostKinds claim host names and judge them alike.
	hostKinds = []schema.GroupKind{
		inventory.IngressKind,
		{Group: inventory.GatewayGroup, Kind: "HTTPRoute"},
		{Group: inventory.GatewayGroup, Kind: "GRPCRoute"},
		{Group: inventory.GatewayGroup, Kind: "TLSRoute"},
	}
)

// anyHostName stands for the empty host in subjects and messages.
const anyHostName = "*"

// hostName is how messages and subjects write a host.
func hostName(host string) string {
	if host == "" {
		return anyHostName
	}
	return host
}
