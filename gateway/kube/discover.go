// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"context"
	"fmt"
	"time"
)

// looking is how often is looked for kinds that the API server did not have.
const looking = 2 * time.Second

// discover begins to watch the kinds that the API server has. Those that it has not, it
// may have later: definitions are installed by somebody. One that is found is watched
// from then on, for a server that has just begun does not know all of its kinds.
func (c *Controller) discover(ctx context.Context) {
	told := ""
	for {
		missing, err := c.look(ctx)
		switch {
		case err != nil:
			if told != err.Error() {
				told = err.Error()
				c.options.Log.Error(err, "find out which kinds there are")
			}
		case len(missing) == 0:
			c.options.Log.Info("all kinds are watched")
			return
		default:
			if now := fmt.Sprint(missing); told != now {
				told = now
				c.options.Log.Info("these kinds are not installed, and not watched", "kinds", missing)
			}
		}
		if !sleep(ctx, looking) {
			return
		}
	}
}

// look begins to watch what there is now.
func (c *Controller) look(ctx context.Context) (missing []string, err error) {
	found := map[string]map[string]bool{} // resources by version
	for _, k := range c.kinds {
		gv := k.resource.GroupVersion()
		if c.watcher(k) != nil || found[gv.String()] != nil {
			continue
		}
		if found[gv.String()], err = c.client.served(ctx, gv); err != nil {
			return nil, err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.known {
		c.known = true
		signal(c.dirty) // without any kind there is nothing else to say so
	}
	for _, k := range c.kinds {
		switch {
		case c.watchers[k] != nil:
		case found[k.resource.GroupVersion().String()][k.resource.Resource]:
			w := c.client.begin(ctx, k, place{}, c.options.Log, c.changed)
			c.watchers[k] = w
			c.ending.Go(func() { <-w.done })
		default:
			missing = append(missing, k.name)
		}
	}
	return missing, nil
}

// watcher returns who watches a kind, nil if nobody does.
func (c *Controller) watcher(k *kind) *watcher {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.watchers[k]
}
