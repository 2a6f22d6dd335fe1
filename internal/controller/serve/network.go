// SPDX-License-Identifier: Apache-2.0

package serve

import (
	"github.com/gatehouse-sh/gatehouse/internal/controller/networkplan"
)

// network wires the plans of namespaces, and what sees the traffic.
func (p *process) network() error {
	c := p.plans
	if c == nil {
		return nil
	}
	var err error
	if c.Metrics, err = networkplan.NewMetrics(p.Registry); err != nil {
		return err
	}
	c.Client, c.Reader, c.Cache = p.mgr.GetClient(), p.mgr.GetAPIReader(), p.mgr.GetCache()
	c.Inventory, c.Ready, c.Tell = p.live.Inventory, p.live.HasSynced, p.events.Tell
	if p.Flows.Address != "" {
		p.Flows.Follow = true
		t := &networkplan.Traffic{Relay: p.Flows, Network: p.Plans.Network, Inventory: p.live.Inventory, Ready: p.live.HasSynced, Changed: c.Changed}
		c.Traffic = t.Load
		if err := p.mgr.Add(t); err != nil {
			return err
		}
	}
	return p.mgr.Add(c)
}
