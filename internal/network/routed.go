// SPDX-License-Identifier: Apache-2.0

package network

import (
	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/manifests"
	"github.com/gatehouse-sh/gatehouse/internal/endpoint"
)

// routed returns the connections of the gateway of Gatehouse, as it resolves its routes.
// Where that cannot be told, its routes count by what they name, as those of others do:
// more than it connects to, and never less. Classes are those of the pods that the options
// name.
func (c *Cluster) routed(classes []string) (*manifests.Routed, []generator.Problem) {
	if len(classes) == 0 {
		classes = checks.DefaultParameters().Gateway.GatewayClasses
	}
	world, err := endpoint.New(endpoint.Input{Inventory: c.inv, Parameters: checks.DefaultParameters(), Now: c.now})
	if err != nil {
		return nil, []generator.Problem{{Edge: generator.Edge{From: generator.Peer{Kind: generator.GatewayPeer}}, What: "what it serves cannot be told, so that its routes count by what they name: " + err.Error()}}
	}
	made := world.Connections(endpoint.Servers{Universe: c.universe, Environment: &c.env, Classes: classes})
	if !made.Gateway.Empty() {
		c.env.Gateway = made.Gateway
	}
	c.env.Gateways = made.Servers
	return &manifests.Routed{GatewayClasses: made.GatewayClasses, IngressClasses: made.IngressClasses, Edges: made.Edges, Problems: made.Problems}, nil
}
