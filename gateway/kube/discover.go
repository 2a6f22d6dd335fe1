// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"context"
	"fmt"
	"time"
)

const (
	// looking is how often is looked for kinds that the API server did not have.
	looking = 2 * time.Second
	// beginning is how long is waited at most for an API server to say that it is ready:
	// some are asked by a way that does not let the question through.
	beginning = time.Minute
)

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

// begun returns an error while the API server says that it is not ready, which it is not
// before it knows all definitions: kinds that it knows later could be guards of what it
// knows already. It is not asked once something is served.
func (c *Controller) begun(ctx context.Context) error {
	c.mu.Lock()
	known := c.known || c.looked
	c.mu.Unlock()
	if known {
		return nil
	}
	if c.asked.IsZero() {
		c.asked = time.Now()
	}
	err := c.client.ready(ctx)
	if err == nil || time.Since(c.asked) < beginning {
		return err
	}
	c.options.Log.Error(err, "the API server is not known to be ready, and is taken at its word", "after", beginning.String())
	return nil
}

// look begins to watch what there is now. What is missing counts as not installed when
// it is at two looks, and nothing is served before.
func (c *Controller) look(ctx context.Context) (missing []string, err error) {
	if err := c.begun(ctx); err != nil {
		return nil, err
	}
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
	for _, k := range c.kinds {
		switch {
		case c.watchers[k] != nil:
		case found[k.resource.GroupVersion().String()][k.resource.Resource]:
			w := c.client.begin(ctx, k, place{}, nil, c.options.Log, c.changedOf(k))
			c.watchers[k] = w
			c.ending.Go(func() { <-w.done })
		default:
			missing = append(missing, k.name)
		}
	}
	if !c.known && (len(missing) == 0 || c.looked) {
		c.known = true
		signal(c.dirty) // without any kind there is nothing else to say so
	}
	c.looked = true
	return missing, nil
}

// watcher returns who watches a kind, nil if nobody does.
func (c *Controller) watcher(k *kind) *watcher {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.watchers[k]
}
