// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// share lets the pods of one controller have one spec while they wait for the
// end of an initial list; the inventory does the same once they are in it.
func (c *compactor) share(e *inventory.Entry) {
	w := e.Workload
	if c.siblings == nil || e.Object != nil || w == nil || w.Controller == nil {
		return
	}
	by := sibling{e.Key.Namespace, *w.Controller}
	first, known := c.siblings[by]
	if !known {
		c.siblings[by] = w
		return
	}
	w.Share(first)
}

// listing switches the sharing on until listed.
func (c *compactor) listing() { c.siblings = map[sibling]*inventory.Workload{} }

func (c *compactor) listed() { c.siblings = nil }
