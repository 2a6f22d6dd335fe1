// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"context"
	"sync"
	"sync/atomic"
)

// term is a time for which a Controller leads.
type term struct {
	served atomic.Bool // by a Plane that has known of it: before, nobody knows what to say
}

// leads tells whether what is so is to be said.
func (c *Controller) leads() bool {
	t := c.term.Load()
	return t != nil && t.served.Load()
}

// Lead writes statuses and tells Events until ctx ends, and returns when nothing is written
// any more.
func (c *Controller) Lead(ctx context.Context) {
	c.term.Store(&term{})
	defer c.term.Store(nil)
	signal(c.dirty) // nothing of what is so already was said
	var all sync.WaitGroup
	all.Go(func() { c.writer.run(ctx) })
	all.Go(func() { c.announcer.run(ctx) })
	all.Wait()
}
