// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"fmt"
	"reflect"
	"sync"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/condition"
	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/gateway/ratelimit"
	"github.com/gatehouse-sh/gatehouse/gateway/ratelimit/schedule"
	"github.com/gatehouse-sh/gatehouse/gateway/ratelimit/shared"
)

// limitState is what limits know of the requests before, and who waits. It outlives
// snapshots: buckets by the names of policies and limits, stores by their own.
type limitState struct {
	store *ratelimit.Store
	queue *ratelimit.Queue
	// found is told when a store answers again, and why it does not any more; nil: nobody is.
	found func(store string, lost error)

	mu     sync.Mutex // of Apply
	gauges map[string]*ratelimit.Gauge
	stores map[string]*opened
	ending sync.WaitGroup
	closed chan struct{}
}

// opened is a store and what it was made of.
type opened struct {
	made  config.Redis
	store *shared.Store
}

func newLimitState() *limitState {
	return &limitState{store: ratelimit.NewStore(0), queue: ratelimit.NewQueue(0), gauges: map[string]*ratelimit.Gauge{}, stores: map[string]*opened{}, closed: make(chan struct{})}
}

// Bounds of how long stores are waited for: so that the first requests are counted,
// and so that those under way end before theirs is closed.
const (
	findStore  = time.Second
	leaveStore = 10 * time.Second
)

// traffic is the traffic policies of a snapshot, made ready.
type traffic struct {
	state    *limitState
	policies map[string]*trafficPolicy
	stores   map[string]*opened
	tables   map[string]bool
	gauges   map[string]*ratelimit.Gauge
}

// trafficPolicy is a policy whole, and in two parts: what needs no identity, and
// what does. A part that limits nothing is nil.
type trafficPolicy struct {
	mode               config.Mode
	whole, early, late *limits
}

// compile makes the policies of a snapshot ready. Nothing is closed before keep.
func (s *limitState) compile(snap *config.Snapshot) (*traffic, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := &traffic{state: s, policies: map[string]*trafficPolicy{}, stores: map[string]*opened{}, tables: map[string]bool{}, gauges: map[string]*ratelimit.Gauge{}}
	find := time.NewTimer(findStore)
	defer find.Stop()
	for i := range snap.Stores {
		c := &snap.Stores[i]
		o := s.stores[c.Name]
		if o == nil || !reflect.DeepEqual(o.made, *c.Redis) {
			var err error
			if o, err = s.open(c); err != nil {
				out.abandon()
				return nil, fmt.Errorf("store %s: %w", c.Name, err)
			}
		}
		out.stores[c.Name] = o
	}
	for _, o := range out.stores {
		select {
		case <-o.store.Tried():
		case <-find.C:
		}
	}
	for i := range snap.TrafficPolicies {
		p := &snap.TrafficPolicies[i]
		made, err := out.policy(p)
		if err != nil {
			out.abandon()
			return nil, fmt.Errorf("traffic policy %s: %w", p.Name, err)
		}
		out.policies[p.Name] = made
	}
	return out, nil
}

func (s *limitState) open(c *config.Store) (*opened, error) {
	r := c.Redis
	t, err := r.ClientTLS()
	if err != nil {
		return nil, err
	}
	return &opened{made: *r, store: shared.Open(shared.Options{
		Address: r.Address, TLS: t, Username: r.Username, Password: string(r.Password), Database: r.Database,
		Prefix: r.Prefix, Secret: r.Secret, Timeout: time.Duration(r.Timeout),
		Changed: func(lost error) {
			if s.found != nil {
				s.found(c.Name, lost)
			}
		},
	})}, nil
}

// abandon closes what was opened for a snapshot that is not served.
func (t *traffic) abandon() {
	for name, o := range t.stores {
		if t.state.stores[name] != o {
			o.store.Close()
		}
	}
}

// keep makes the state that of a snapshot which is served from now on.
func (t *traffic) keep() {
	s := t.state
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, o := range s.stores {
		if t.stores[name] != o {
			s.ending.Go(func() { // requests under way have it
				after := time.NewTimer(leaveStore)
				defer after.Stop()
				select {
				case <-after.C:
				case <-s.closed:
				}
				o.store.Close()
			})
		}
	}
	s.stores, s.gauges = t.stores, t.gauges
	s.store.Keep(t.tables)
}

// close ends all waiting, and closes what is open.
func (s *limitState) close() {
	s.queue.Drain()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.stores {
		o.store.Close()
	}
	s.stores = nil
	select {
	case <-s.closed:
	default:
		close(s.closed)
	}
	s.ending.Wait()
}

// policy makes a policy ready.
func (t *traffic) policy(p *config.TrafficPolicy) (*trafficPolicy, error) {
	if p.Unresolved != "" {
		none := &limits{state: t.state, policy: p.Name, unresolved: true}
		return &trafficPolicy{mode: p.Mode, whole: none, early: none}, nil
	}
	base := limits{state: t.state, policy: p.Name, alone: p.OnStoreFailure == "Local"}
	if o := t.stores[p.Store]; o != nil {
		base.store = o.store
	}
	whole, early, late := base, base, base
	count := 0
	for i := range p.RateLimits {
		if p.RateLimits[i].Scope == config.Gateway {
			count++
		}
	}
	if count > 1 {
		whole.slot = p.Name
		early.slot, late.slot = p.Name, p.Name
	}
	if c := p.Concurrency; c != nil {
		key, identity, err := partsOf(c.Key)
		if err != nil {
			return nil, fmt.Errorf("concurrency: %w", err)
		}
		g := t.state.gauges[p.Name]
		if g == nil {
			g = &ratelimit.Gauge{}
		}
		t.gauges[p.Name] = g
		whole.concurrency = &concurrency{gauge: g, key: key, most: c.Requests}
		if identity {
			late.concurrency = whole.concurrency
		} else {
			early.concurrency = whole.concurrency
		}
	}
	for i := range p.RateLimits {
		l := &p.RateLimits[i]
		r, identity, err := t.limit(p.Name, l)
		if err != nil {
			return nil, fmt.Errorf("limit %s: %w", l.Name, err)
		}
		part := &early
		if identity {
			part = &late
		}
		for _, to := range []*limits{&whole, part} {
			if l.Scope != config.Gateway {
				to.local = append(to.local, r)
				continue
			}
			if to.store == nil {
				return nil, fmt.Errorf("limit %s: there is no store %q", l.Name, p.Store)
			}
			to.shared = append(to.shared, r)
		}
	}
	return &trafficPolicy{mode: p.Mode, whole: whole.orNil(), early: early.orNil(), late: late.orNil()}, nil
}

func (l *limits) orNil() *limits {
	if l.concurrency == nil && len(l.local) == 0 && len(l.shared) == 0 {
		return nil
	}
	return l
}

// limit makes a limit ready, and tells whether it asks who makes a request.
func (t *traffic) limit(policy string, l *config.RateLimit) (r rateLimit, identity bool, err error) {
	name := policy + "\x00" + l.Name
	t.tables[name] = true
	r = rateLimit{name: l.Name, limit: limitOf(l.Limit), shadow: l.OnExceed.Action == config.Shadow, table: t.state.store.Table(name), prefix: []byte(name + "\x00")}
	if r.key, identity, err = partsOf(l.Key); err != nil {
		return r, false, err
	}
	if e := l.OnExceed; e.Action == config.Queue {
		const usual = 100
		r.wait, r.queued = time.Duration(e.MaxWait), e.MaxQueued
		if r.queued == 0 {
			r.queued = usual
		}
	}
	for i := range l.Tiers {
		when, err := condition.Bool(l.Tiers[i].When)
		if err != nil {
			return r, false, fmt.Errorf("tier %d: %w", i, err)
		}
		identity = identity || when.Identity()
		r.tiers = append(r.tiers, tier{when, limitOf(l.Tiers[i].Limit)})
	}
	for i := range l.Schedules {
		when, err := schedule.Parse(l.Schedules[i].Spec())
		if err != nil {
			return r, false, fmt.Errorf("schedule %d: %w", i, err)
		}
		if r.schedules == nil {
			r.schedules = &schedules{}
		}
		r.schedules.list = append(r.schedules.list, scheduled{when, limitOf(l.Schedules[i].Limit)})
	}
	return r, identity, nil
}

func limitOf(l config.Limit) ratelimit.Limit {
	if l.Burst == 0 {
		l.Burst = l.Requests
	}
	return ratelimit.Limit{Requests: l.Requests, Per: time.Duration(l.Per), Burst: l.Burst}
}

// attached are the filters of policies that something names, by mode.
type attached struct {
	enforced []Filter // before anybody is asked who it is
	late     []Filter // of the same, what needs to know
	defaults []Filter
}

// attach returns the policies of a listener.
func (t *traffic) attach(list []string) attached {
	var out attached
	for _, name := range list {
		p := t.policies[name]
		if p.mode == config.Default {
			out.defaults = add(out.defaults, p.whole)
			continue
		}
		out.enforced, out.late = add(out.enforced, p.early), add(out.late, p.late)
	}
	return out
}

// own returns the policies of a route: all that is judged there knows who asks.
func (t *traffic) own(list []string) []Filter {
	var out []Filter
	for _, name := range list {
		out = add(out, t.policies[name].whole)
	}
	return out
}

func add(list []Filter, l *limits) []Filter {
	if l == nil {
		return list
	}
	return append(list, l)
}
