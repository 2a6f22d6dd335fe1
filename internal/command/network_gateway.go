// SPDX-License-Identifier: Apache-2.0

package command

import (
	"fmt"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/manifests"
	"github.com/gatehouse-sh/gatehouse/internal/endpoint"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// routed returns the connections of the gateway of Gatehouse, as it resolves its routes.
// Where its pods are is assumed if nothing says so, which is told.
func (a *app) routed(f *modelFlags, inv *inventory.Inventory, u *generator.Universe, env *generator.Environment) (*manifests.Routed, error) {
	world, err := endpoint.New(endpoint.Input{Inventory: inv, Parameters: checks.DefaultParameters(), Now: a.Now()})
	if err != nil {
		return nil, fmt.Errorf("read what the gateway serves: %w", err)
	}
	c := world.Connections(endpoint.Servers{Universe: u, Environment: env, Classes: f.classes})
	env.Gateways = c.Servers
	if !c.Gateway.Empty() {
		env.Gateway = c.Gateway
		for _, set := range c.Gateway.Pods {
			if !f.quiet {
				a.say("note: no pods of the gateway are among the objects: those of namespace %s with %s=%s are assumed (--gateway says otherwise)", set.Namespace, checks.GatewayLabel, set.Labels[checks.GatewayLabel])
			}
		}
	}
	return &manifests.Routed{GatewayClasses: c.GatewayClasses, IngressClasses: c.IngressClasses, Edges: c.Edges, Problems: c.Problems}, nil
}
