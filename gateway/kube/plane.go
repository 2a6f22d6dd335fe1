// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"context"
	"net/netip"
	"time"

	corev1 "k8s.io/api/core/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/gateway/translate"
)

// Served is one Gateway as a Plane is to serve it.
type Served struct {
	Gateway translate.Name
	Created time.Time
	// Asked are addresses that the Gateway has to have, as its spec has them; none: any.
	Asked []string
	// Held are those of its status: it keeps them where that can be.
	Held []string
	// Snapshot has listeners on the unspecified address, and the ports of the Gateway: who
	// serves it says where that is. Nil: nothing is listened for, and the addresses stay.
	Snapshot *config.Snapshot
	// Object is the Gateway itself, Parameters those of its class, and Service the one that
	// was made for it (package provision). Each is nil if there is none.
	Object     *gatewayv1.Gateway
	Parameters *v1alpha1.GatewayParameters
	Service    *corev1.Service
	// Unknown tells that the class names parameters that there are not, or is not there: where
	// it is served, and what was made for it, stay as they are.
	Unknown bool
	// Classless tells that the class is not there. Keep and Unknown are so then.
	Classless bool
	// Unanswered is how many Secrets and ConfigMaps Snapshot is without since the API server
	// has not said yet whether they are there. What is served with them is not to be cut for
	// that.
	Unanswered int
	// Keep has what was served before stay, since of what is asked now no configuration
	// can be made. Snapshot is nil then.
	Keep bool
}

// Port is where listeners of a Gateway are, as its spec has it.
type Port struct {
	Number    uint16
	Datagrams bool
}

// State is what became of a Gateway.
type State struct {
	// Live is the Snapshot of the last Serve once it is in force, and nil before.
	Live      *config.Snapshot
	Settled   bool // Live is as Serve wanted it, also where that is nil
	Waits     bool // for answers of the API server: what is said of its listeners is not known
	Addresses []netip.Addr
	Hostnames []string // by which it is reached where a load balancer has no address
	// Unbound are ports of listeners that cannot be had, and why. What else the Gateway has
	// is served.
	Unbound map[Port]string
	// Reason says why it is not as it was wanted, and Message what was the matter. Both are
	// for Programmed. A Gateway may be Settled and have a reason: it is served, and cannot
	// be reached.
	Reason  gatewayv1.GatewayConditionReason
	Message string
}

// Plane serves Gateways. Its methods may be called by any number of goroutines.
type Plane interface {
	// Serve serves these Gateways and no others from now on. It may return before they are
	// served; what cannot be is tried again when Serve is called again. Snapshots must not
	// change any more.
	Serve(ctx context.Context, all []Served)
	// State says what became of a Gateway of the last Serve.
	State(gateway translate.Name) State
	// Changed has a value when a State has changed since Serve, or when it is time to call
	// Serve again.
	Changed() <-chan struct{}
}
