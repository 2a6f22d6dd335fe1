// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"context"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/flowcontrol"

	"github.com/gatehouse-sh/gatehouse/gateway/translate"
)

// DefaultController is whose GatewayClasses are served.
const DefaultController = "gatehouse.sh/gateway"

// Options say what a Controller serves.
type Options struct {
	Controller string // the name in GatewayClasses; "" is DefaultController
	Plane      Plane
	Log        logr.Logger
	// Standby has statuses written and Events told while Lead runs, and not as long as Run
	// does: several processes may serve the same, and one says so.
	Standby bool
}

// Controller has a Plane serve what a cluster says.
type Controller struct {
	options Options
	client  *client
	kinds   []*kind

	dirty   chan struct{} // has a value when there is something to translate
	touched chan struct{} // has a value when a status may be another one than it was
	ready   atomic.Bool
	term    atomic.Pointer[term] // nil while another process leads

	mu       sync.Mutex
	watchers map[*kind]*watcher
	looked   bool // what the API server has was asked once
	known    bool // which kinds it has
	ending   sync.WaitGroup

	secrets, configMaps *references
	writer              *writer
	announcer           *announcer
	metrics             *metrics
	fence               *fence
	ahead               draft                            // what was translated before it may be served; of Run
	gateways            atomic.Pointer[[]translate.Name] // that are served

	asked time.Time // since when the API server is asked whether it is ready; of discover

	// These belong to the goroutine of Run.
	translator translate.Translator
	last       *translate.Result
	served     []Served
	making     map[string]bool // GatewayClasses for whose Gateways the Plane makes objects
	since      time.Time       // since when answers are waited for
}

// New makes a Controller. It does nothing before Run.
func New(config *rest.Config, o Options) (*Controller, error) {
	if o.Controller == "" {
		o.Controller = DefaultController
	}
	kinds, secrets, configMaps := watched(), secretKind(), configMapKind()
	api, err := newClient(config, append([]*kind{secrets, configMaps}, kinds...))
	if err != nil {
		return nil, err
	}
	c := &Controller{options: o, client: api, kinds: kinds, dirty: make(chan struct{}, 1), touched: make(chan struct{}, 1), watchers: map[*kind]*watcher{}}
	c.writer = newWriter(api, o.Log, func() { signal(c.touched) })
	c.announcer = newAnnouncer(api, o)
	c.fence = newFence(api, kinds, o.Log, c.watcher, func() { signal(c.dirty) })
	c.metrics = newMetrics(c)
	c.writer.wrote = c.metrics.writes
	c.announcer.told = c.metrics.events.Inc
	c.fence.counted = func(outcome string) { c.metrics.fences.WithLabelValues(outcome).Inc() }
	limit := flowcontrol.NewTokenBucketRateLimiter(readsPerSecond, readsAtOnce)
	c.secrets, c.configMaps = newReferences(secrets, api, limit, o.Log, c.changed), newReferences(configMaps, api, limit, o.Log, c.changed)
	return c, nil
}

// Ready tells whether what the cluster says was handed to the Plane once.
func (c *Controller) Ready() bool { return c.ready.Load() }

// changed notes that an object is another one.
func (c *Controller) changed(what change) {
	switch what {
	case nothing:
	case status:
		signal(c.touched)
	case meaning:
		signal(c.dirty)
	}
}

// changedOf is changed for a kind.
func (c *Controller) changedOf(k *kind) func(change) {
	if k.part != guard {
		return c.changed
	}
	return func(what change) {
		c.changed(what)
		c.fence.heard()
	}
}

func signal(to chan struct{}) {
	select {
	case to <- struct{}{}:
	default: // it is known
	}
}

// Times of the loop.
const (
	// unanswered is how long what the API server says of a Secret is waited for at most,
	// before it counts as not there: for a Gateway that other processes serve already, they
	// go on for mostUnanswered.
	unanswered = 2 * time.Second
	// telling is the least time between two looks at all statuses.
	telling = 50 * time.Millisecond
)

// Run works until ctx ends. What the Plane serves stays.
func (c *Controller) Run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer func() {
		stop()
		c.ending.Wait()
		c.secrets.wait()
		c.configMaps.wait()
	}()
	c.ending.Go(func() { c.discover(ctx) })
	if !c.options.Standby {
		c.ending.Go(func() { c.Lead(ctx) })
	}
	tell := time.NewTimer(0)
	defer tell.Stop()
	due, pause := true, telling
	rest := time.NewTimer(0)
	defer rest.Stop()
	var dirty chan struct{} // nil while nothing is translated
	var translating, publishing pacer
	changed := c.options.Plane.Changed()
	calm := time.NewTimer(0) // what replicas say is looked at as seldom as they are told
	defer calm.Stop()
	for {
		touched := c.touched
		if due {
			touched = nil // it will be told
		}
		select {
		case <-ctx.Done():
			return nil
		case <-rest.C:
			dirty = c.dirty
		case <-dirty:
			began := time.Now()
			done := c.translate(ctx, translating.spare(began))
			if pause := translating.rest(began, time.Now()); done {
				dirty = nil
				rest.Reset(pause)
			}
		case <-calm.C:
			changed = c.options.Plane.Changed()
		case <-changed:
			began := time.Now()
			c.publish(ctx)
			changed = nil
			calm.Reset(publishing.rest(began, time.Now()))
		case <-touched:
			tell.Reset(pause)
			due = true
		case <-tell.C:
			due = false
			began := time.Now()
			c.tellAll()
			pause = max(telling, 10*time.Since(began)) // a tenth of the time at most
		}
	}
}

// sleep waits; false when ctx ends before.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// translate says what the cluster means, and has it served; false when there was nothing to
// serve yet. ahead: what may not be served yet is translated meanwhile.
func (c *Controller) translate(ctx context.Context, ahead bool) bool {
	objects, may := c.objects(ctx)
	switch {
	case objects == nil:
		return false // not all is known; what comes says so
	case !may:
		if ahead {
			c.ahead = draft{objects, c.meaning(objects)}
		}
		return false
	}
	result := c.ahead.result
	if result == nil || !c.ahead.objects.Same(objects) {
		result = c.meaning(objects)
	}
	c.ahead = draft{}
	if missing := c.secrets.want(ctx, result.Secrets) + c.configMaps.want(ctx, result.ConfigMaps); missing > 0 {
		now := time.Now()
		if c.since.IsZero() {
			c.since = now
		}
		if left := unanswered - now.Sub(c.since); left > 0 {
			time.AfterFunc(left, func() { signal(c.dirty) })
			return true // what is served stays meanwhile
		}
	}
	c.since = time.Time{}
	lone := classless(objects, c.options.Controller, c.served)
	c.tellClassless(lone)
	c.last, c.served, c.making = result, append(served(objects, result), lone...), makingFor(c.options.Plane, objects)
	for i := range c.served {
		s := &c.served[i]
		missing := result.Missing[s.Gateway]
		s.Unanswered = c.secrets.unanswered(missing.Secrets) + c.configMaps.unanswered(missing.ConfigMaps)
	}
	if p, is := c.options.Plane.(interface{ Leftover([]translate.Name) }); is {
		p.Leftover(leftover(objects, result, c.options.Controller))
	}
	names := make([]translate.Name, len(c.served))
	for i := range c.served {
		names[i] = c.served[i].Gateway
	}
	c.gateways.Store(&names)
	c.publish(ctx)
	if c.leads() {
		c.announcer.offer(result.Events)
	}
	if !c.ready.Swap(true) {
		c.options.Log.Info("ready", "gateways", len(c.served), "httpRoutes", len(objects.HTTPRoutes))
	}
	return true
}

// draft is what follows from objects.
type draft struct {
	objects *translate.Objects
	result  *translate.Result // nil: there is none
}

// meaning translates.
func (c *Controller) meaning(objects *translate.Objects) *translate.Result {
	began := time.Now()
	result := c.translator.Translate(objects, translate.Options{Controller: c.options.Controller, Address: netip.IPv6Unspecified()})
	c.metrics.translations.Inc()
	c.metrics.seconds.Observe(time.Since(began).Seconds())
	return result
}

// publish has the Plane serve what was translated last.
func (c *Controller) publish(ctx context.Context) {
	if c.last == nil {
		return
	}
	now := c.term.Load()
	c.options.Plane.Serve(ctx, c.served)
	if now != nil {
		now.served.Store(true)
	}
	signal(c.touched)
}

// names are the Gateways that are served.
func (c *Controller) names() []translate.Name {
	if all := c.gateways.Load(); all != nil {
		return *all
	}
	return nil
}

// objects are what is known of the cluster, nil when that is not known yet, and whether they
// may be served: if not, that is being found out, of these very objects.
func (c *Controller) objects(ctx context.Context) (objects *translate.Objects, may bool) {
	passed, wait := c.fence.advance()
	if wait {
		return nil, false
	}
	read := c.read()
	if read == nil {
		return nil, false
	}
	if !c.fence.hides(read) {
		c.fence.known = read
		return c.gather(read), true
	}
	if passed {
		c.fence.keep(read)
	}
	begun := c.fence.trial == nil
	if begun {
		t := c.fence.begin(read)
		c.ending.Go(func() { c.fence.run(ctx, t) })
	}
	switch {
	case begun && !passed:
		return c.gather(read), false
	case c.fence.known == nil:
		return nil, false
	}
	return c.gather(c.fence.admit(read)), true
}

// gather makes of what was read of kinds, and one by one, what is translated.
func (c *Controller) gather(read map[*kind]view) *translate.Objects {
	out := &translate.Objects{}
	for _, k := range c.kinds {
		k.gather(out, read[k].objects)
	}
	c.secrets.gather(out)
	c.configMaps.gather(out)
	out.UnreadSecrets, out.UnreadConfigMaps = c.secrets.unread(), c.configMaps.unread()
	return out
}

// read is all that was read of the cluster, nil when something was not.
func (c *Controller) read() map[*kind]view {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.known {
		return nil
	}
	out := make(map[*kind]view, len(c.kinds))
	for _, k := range c.kinds {
		w := c.watchers[k]
		if w == nil {
			continue // the API server has no such kind
		}
		if !w.synced() {
			return nil
		}
		out[k] = w.view()
	}
	return out
}
