// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"

	"github.com/gatehouse-sh/gatehouse/gateway/access"
	"github.com/gatehouse-sh/gatehouse/gateway/certs"
	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/gateway/internal/hosts"
	"github.com/gatehouse-sh/gatehouse/gateway/request"
	"github.com/gatehouse-sh/gatehouse/gateway/route"
	"github.com/gatehouse-sh/gatehouse/gateway/tcp"
	"github.com/gatehouse-sh/gatehouse/gateway/telemetry"
	"github.com/gatehouse-sh/gatehouse/gateway/upstream"
)

// Proxy serves the current snapshot. Its methods may be called by any number of
// goroutines.
type Proxy struct {
	backends *upstream.Set
	current  atomic.Pointer[compiled]
	applying sync.Mutex
	tunnels  tcp.Open // connections that are HTTP no more: they end when one side does, whatever is configured meanwhile
	limits   *limitState
	access   *access.Set
	copying  atomic.Int64    // copies of requests under way
	ending   context.Context //nolint:containedctx // of the process, which copies do not outlive
	end      context.CancelFunc

	telemetry *telemetry.Set // nil: nothing is told
	// Log is told what operators should know. It is set before anything is applied.
	Log logr.Logger
}

// compiled is a snapshot made ready.
type compiled struct {
	index     *route.Index
	routes    []target
	listeners map[string]*listener
}

// listener is how a listener reads requests.
type listener struct {
	name     string
	form     request.Options
	redirect uint16
	maxBody  int64
	rate     int64
	idle     time.Duration // of tunnels
	crowd    *crowd
	guard    guard
	hosts    hosts.Map[named] // all of the listener
	hsts     []string         // the value of Strict-Transport-Security; nil: none is sent
	terms    any              // by which connections are judged
}

// New makes a Proxy that answers 503 until something is applied. Without a Set,
// nothing is told of requests.
func New(t *telemetry.Set) *Proxy {
	p := &Proxy{backends: upstream.NewSet(upstream.Own), limits: newLimitState(), access: access.NewSet(), telemetry: t}
	p.ending, p.end = context.WithCancel(context.Background())
	p.access.Fetched, p.limits.found = p.fetched, p.found
	return p
}

// Apply serves a snapshot without faults (config.Snapshot.Validate, which the caller
// has asked) from now on, if all of it can be served; or else the one before stays.
// Requests under way, and connections, are not touched.
// The certificates that are shown to backends are from store. Terms are what connections
// are judged by (Connection.Judge), by listener: they and the policies of a request are
// always of the same snapshot.
func (p *Proxy) Apply(s *config.Snapshot, store *certs.Store, terms map[string]any) error {
	p.applying.Lock()
	defer p.applying.Unlock()
	index, err := route.New(s)
	if err != nil {
		return err
	}
	next := &compiled{index: index, routes: make([]target, len(s.Routes)), listeners: make(map[string]*listener, len(s.Listeners))}
	policies, err := p.limits.compile(s)
	if err != nil {
		return err
	}
	applied, leave := false, func() {}
	defer func() {
		if !applied {
			policies.abandon()
			leave()
		}
	}()
	pools, keepPools, err := p.backends.Prepare(s.Backends, store)
	if err != nil {
		return err
	}
	guards, keep, leaving, err := p.access.Update(s, func(e *config.ExternalAuth) (access.External, error) {
		return externalOf(e, func(name string) *upstream.Pool { return pools[name] })
	})
	if err != nil {
		return err
	}
	leave = leaving
	identity := identities(s.IdentityHeadersOfRoutes())
	for i := range s.Routes {
		r := &s.Routes[i]
		if next.routes[i], err = compile(r, pools); err != nil {
			return fmt.Errorf("route %s: %w", r.Name, err)
		}
		if identity != nil {
			next.routes[i].identity = identity[i]
		}
		next.routes[i].filters = policies.own(r.Traffic)
		guard, err := attachAccess(r.Access, guards)
		if err != nil {
			return fmt.Errorf("route %s: %w", r.Name, err)
		}
		beside, err := attachAccess(r.AccessBeside, guards)
		if err != nil {
			return fmt.Errorf("route %s: %w", r.Name, err)
		}
		next.routes[i].access = slices.Concat(guard.enforced, guard.defaults)
		next.routes[i].beside = slices.Concat(beside.enforced, beside.defaults)
	}
	for i := range s.Listeners {
		l := &s.Listeners[i]
		next.listeners[l.Name] = compileListener(l, s.Form(l))
		if err := next.listeners[l.Name].guarded(l, policies, guards); err != nil {
			return fmt.Errorf("listener %s: %w", l.Name, err)
		}
		next.listeners[l.Name].terms = terms[l.Name]
		next.listeners[l.Name].crowd = newCrowd(&l.Client.Limits, p.current.Load().listener(l.Name))
	}
	keepPools() // nothing can fail any more
	p.current.Store(next)
	applied = true
	policies.keep()
	keep()
	return nil
}

// Drain ends the waiting of requests that are too many: the process is ending.
func (p *Proxy) Drain() { p.limits.queue.Drain() }

// Waiting is how many requests wait for a limit.
func (p *Proxy) Waiting() int { return p.limits.queue.Len() }

// Close ends what outlives requests: idle connections to backends, stores, and, when
// ctx ends, tunnels.
func (p *Proxy) Close(ctx context.Context) {
	p.end()
	p.limits.close()
	p.tunnels.End(ctx)
	p.access.Close()
	p.backends.Close() //nolint:contextcheck // nothing is waited for
}

// listener is the one of a name; nil if there is none, or nothing was applied.
func (now *compiled) listener(name string) *listener {
	if now == nil {
		return nil
	}
	return now.listeners[name]
}

func compileListener(l *config.Listener, form request.Options) *listener {
	c := &l.Client
	out := &listener{name: l.Name, form: form, redirect: l.Redirect, maxBody: c.Limits.BodyBytes, hsts: hstsOf(l.HSTS)}
	out.rate, out.idle = cmp.Or(c.Limits.BodyBytesRate, defaultRate), c.Limits.TunnelIdle.Or(defaultTunnelIdle)
	return out
}

// Handler serves the requests of a listener.
func (p *Proxy) Handler(listener string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		whole := &struct { // made at once, and for this request only
			Exchange
			answer answer
		}{}
		x, a := &whole.Exchange, &whole.answer
		a.ResponseWriter = w
		a.record.Time, a.record.Listener, a.record.Protocol, a.record.Client = time.Now(), listener, r.Proto, peerOf(r)
		x.W, x.R, x.Now, x.answer = a, r, a.record.Time, a
		defer a.last()
		defer func() { // when all is told: the process waits for it
			if x.tunnel != nil {
				p.tunnels.Remove(x.tunnel)
			}
		}()
		defer p.told(x)
		defer p.rescue(x)
		now := p.current.Load()
		l := now.listener(listener)
		if l == nil {
			refuse(a, http.StatusServiceUnavailable, "no-configuration")
			return
		}
		p.serve(now, l, x) //nolint:contextcheck // it goes along in the request
	})
}

// serve is the only place that moves a request on.
func (p *Proxy) serve(now *compiled, l *listener, x *Exchange) {
	defer x.release()
	w, r := x.W, x.R
	conn := connectionOf(r.Context())
	x.answer.conn, x.answer.rate, x.idle = conn, l.rate, l.idle
	conn.ask()
	if l.hsts != nil {
		w.Header()[hstsName] = l.hsts
	}
	if r.TLS == nil && conn != nil {
		r.TLS = conn.TLS // net/http sees none behind a scanner of bytes
	}
	if r.ProtoMajor == 1 && r.ContentLength != 0 {
		// net/http reads some of a body that nobody has read before it answers. A body
		// that is forwarded has times of its own.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(grace)) // what is wrong will be seen by the read
	}
	var refusal *request.Refusal
	form := &x.form
	*form, refusal = request.Parse(r, x.answer.record.Client, &l.form)
	if refusal != nil {
		w.Header()["Connection"] = closing // what comes after it is not to be trusted
		refuse(w, refusal.StatusCode(), string(refusal.Reason))
		return
	}
	x.Form = form
	p.begin(x)
	if d := conn.judge(form.Host, x.Now, l.terms); !d.next {
		w.Header()["Connection"] = closing // another one may do
		refuse(w, d.Status, d.Reason)
		return
	}
	if l.redirect != 0 {
		toHTTPS(w, form, l.redirect)
		return
	}
	t, prefix := now.admit(l, x)
	switch {
	case t == nil:
	case t.redirect != nil:
		t.redirect.answer(w, form, prefix)
	default:
		x.prune(l.form.Headers, t.identity)
		x.body = bound(&x.paced, w, r, l, t)
		p.forward(x, t, prefix)
	}
}

// admit asks all filters, and finds the route of a request and the prefix that fitted.
// It returns none if the request was answered.
func (now *compiled) admit(l *listener, x *Exchange) (t *target, prefix string) {
	w, form, floor := x.W, x.Form, l.guardOf(x.Form.Host)
	if !pass(x, l.crowd.first) {
		return nil, ""
	}
	crossing := now.crossing(l.name, form)
	if crossing != nil {
		crossing.cors.greet(w.Header(), form.Header["Origin"][0])
	}
	// Whatever is asked for, also what there is not.
	if !pass(x, floor.traffic.enforced) {
		return nil, ""
	}
	if crossing != nil && preflight(form) {
		x.answer.record.Route = crossing.name
		crossing.cors.answer(w, form)
		return nil, ""
	}
	if !pass(x, floor.access.enforced) {
		return nil, ""
	}
	hit, found := now.index.Find(l.name, form)
	if !found {
		if pass(x, floor.traffic.late) {
			refuse(w, http.StatusNotFound, "no-route")
		}
		return nil, ""
	}
	t = &now.routes[hit.Route]
	x.Route = t.name
	x.answer.record.Route = t.name
	t.identity.Drop(form.Header) // before anybody is asked of it
	guard, own := t.access, t.filters
	if len(guard) == 0 {
		guard = floor.access.defaults
	}
	if len(own) == 0 {
		own = floor.traffic.defaults
	}
	if !pass(x, guard) || !pass(x, t.beside) || !pass(x, floor.traffic.late) || !pass(x, own) {
		return nil, ""
	}
	return t, hit.Prefix
}

// pass asks filters one after the other, and answers if one of them refuses.
func pass(x *Exchange, filters []Filter) bool {
	for _, f := range filters {
		d := f.Judge(x)
		if d.next {
			continue
		}
		x.answer.record.Policy, x.answer.record.Rule = d.Policy, d.Rule
		if d.Header != nil {
			d.Header(x.W.Header())
		}
		status := d.Status
		if status == 0 {
			status = http.StatusForbidden
		}
		refuse(x.W, status, d.Reason)
		return false
	}
	return true
}

// peerOf is the address of who opened the connection.
func peerOf(r *http.Request) netip.Addr {
	if ap, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		return ap.Addr().Unmap().WithZone("") // a network contains no address with a zone
	}
	return netip.Addr{}
}
