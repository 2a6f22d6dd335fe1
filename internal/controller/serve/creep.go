// SPDX-License-Identifier: Apache-2.0

package serve

import (
	"errors"

	"github.com/gatehouse-sh/gatehouse/internal/controller"
)

// creep wires the comparison of roles and bindings with what they were.
func (p *process) creep() error {
	if p.CompareRBAC <= 0 {
		return nil
	}
	c := &controller.Creep{
		Client: p.mgr.GetClient(), Reader: p.mgr.GetAPIReader(), Inventory: p.live.Inventory, Ready: p.complete,
		Installed: func() bool { return controller.Installed(p.live.Inventory()) },
		Tell:      p.events.Tell, Namespace: p.Namespace, Every: p.CompareRBAC,
	}
	return errors.Join(c.Register(p.Registry), p.mgr.Add(c))
}
