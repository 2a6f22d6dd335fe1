// SPDX-License-Identifier: Apache-2.0

// Package networkplan keeps the network policies of namespaces that were opted in
// in step with their plans (internal/network), and writes what it does and would do
// into the status of each NetworkPlan.
package networkplan

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-logr/logr"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/internal/controller"
	"github.com/gatehouse-sh/gatehouse/internal/network"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// FieldManager owns what the controller applies. A policy that it did not apply is
// never deleted.
const FieldManager = "gatehouse-network"

// The pace of the controller.
const (
	// gather is how long a change waits for others.
	gather = 250 * time.Millisecond

	// rest is how many times as long as a pass took nothing is done after it: planning
	// takes a tenth of a core at most.
	rest = 9

	// sweep is how often everything is planned anew, whatever has changed: intents
	// expire without an event.
	sweep = time.Minute
)

// Options say how carefully plans are applied.
type Options struct {
	Network network.Options

	// AtOnce is how many namespaces may be applied for the first time at once: those
	// that are watched after it and those that were withdrawn count. At least 1.
	AtOnce int

	// Watch is how long a namespace is watched after its plan was applied.
	Watch time.Duration

	// Settle is how long what was applied is given to take effect before something is
	// denied or deleted.
	Settle time.Duration

	// Never are namespaces that no plan is applied in, whatever their label says.
	Never []string
}

// Controller plans and applies. One replica runs it.
type Controller struct {
	Client client.Client // writes
	Reader client.Reader // reads without a cache
	Cache  cache.Cache   // NetworkPlans

	Inventory func() *inventory.Inventory
	Ready     func() bool            // the inventory is complete
	Traffic   func() network.Traffic // what was seen of the network; nil when nobody looks
	Tell      func(controller.Notice)

	Options Options
	Metrics *Metrics

	dirty   chan struct{}
	memory  map[string]*memory // by namespace
	store   network.Store      // of what memory holds
	observe generator.Observer // of pass
	read    map[string]*texts  // by namespace
	others  map[network.Stranger]bool
	started time.Time
}

// memory is what is known of a namespace besides what the API server holds. It is
// lost with the process, and nothing rests on it but pauses.
type memory struct {
	moved   time.Time // when something was applied or deleted last
	phase   v1alpha1.NetworkPhase
	digest  string         // of what follows
	applied network.Stored // as a whole last; none in a process that has not seen it
}

// New returns a controller that is to be wired.
func New(o Options) (*Controller, error) {
	if o.AtOnce < 1 {
		return nil, errors.New("network plans: at least one namespace at once")
	}
	if o.Settle < 0 || o.Watch < 0 {
		return nil, errors.New("network plans: a time that is less than none")
	}
	// What the cluster is told to have is checked before anything runs.
	if _, _, err := network.Survey(inventory.New(), o.Network, nil); err != nil {
		return nil, err
	}
	return &Controller{Options: o, dirty: make(chan struct{}, 1), memory: map[string]*memory{}, read: map[string]*texts{}, others: map[network.Stranger]bool{}}, nil
}

// Changed says that the cluster is another. It returns at once.
func (c *Controller) Changed() {
	select {
	case c.dirty <- struct{}{}:
	default: // it will look
	}
}

// NeedLeaderElection returns true: policies have one writer.
func (*Controller) NeedLeaderElection() bool { return true }

// Start plans and applies until ctx ends.
func (c *Controller) Start(ctx context.Context) error {
	log := logr.FromContextOrDiscard(ctx)
	informer, err := controller.Follow(ctx, c.Cache, &v1alpha1.NetworkPlan{}, c.dirty, sweep/6, nil)
	if err != nil {
		return nil //nolint:nilerr // only the end of ctx ends the attempts
	}
	if !toolscache.WaitForCacheSync(ctx.Done(), informer.HasSynced, c.Ready) {
		return nil
	}
	c.started = time.Now()
	for {
		began := time.Now()
		next, err := c.pass(ctx)
		if err != nil && ctx.Err() == nil {
			log.Error(err, "network plans are not up to date")
		}
		took := time.Since(began)
		c.Metrics.passed(took)
		if !c.wait(ctx, pauseAfter(took), next) {
			return nil
		}
	}
}

// pauseAfter is how long nothing is done after a pass that took so long: no longer than
// until the sweep, since a pass that has written much waited for the API server most of
// its time, and what has changed meanwhile waits for the next one.
func pauseAfter(took time.Duration) time.Duration { return max(gather, min(rest*took, sweep)) }

// wait returns after a pause, when something has changed or the time has come.
// False when ctx ended.
func (c *Controller) wait(ctx context.Context, pause, next time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
	}
	timer.Reset(max(next-pause, 0))
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
	case <-c.dirty:
	}
	return true
}

// remember returns what is known of a namespace.
func (c *Controller) remember(namespace string) *memory {
	m := c.memory[namespace]
	if m == nil {
		// What another replica may just have applied has not taken effect yet.
		m = &memory{moved: c.started}
		c.memory[namespace] = m
	}
	return m
}

// plans returns the NetworkPlans of the cluster by namespace.
func (c *Controller) plans(ctx context.Context) (map[string]*v1alpha1.NetworkPlan, []*v1alpha1.NetworkPlan, error) {
	var list v1alpha1.NetworkPlanList
	if err := c.Cache.List(ctx, &list); err != nil {
		return nil, nil, fmt.Errorf("list network plans: %w", err)
	}
	by, all := map[string]*v1alpha1.NetworkPlan{}, make([]*v1alpha1.NetworkPlan, 0, len(list.Items))
	for i := range list.Items {
		if p := &list.Items[i]; p.Name == v1alpha1.NetworkPlanName {
			by[p.Namespace] = p
			all = append(all, p)
		}
	}
	return by, all, nil
}
