// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// streamRoutes reads the routes of what is passed on as it is.
func (x *index) streamRoutes(gateways map[Name]*gateway, o *Objects) []*route {
	var out []*route
	add := func(of kind, r metav1.Object, spec *gatewayv1.CommonRouteSpec, hostnames []gatewayv1.Hostname, refs []gatewayv1.BackendRef) {
		own := &route{name: nameOf(r), of: of, created: r.GetCreationTimestamp().Time}
		if own.parents = x.attach(gateways, of, r, spec.ParentRefs, hostnames); len(own.parents) > 0 {
			x.shares(own, refs)
			out = append(out, own)
		}
	}
	for _, r := range o.TLSRoutes {
		add(tlsRouteKind, r, &r.Spec.CommonRouteSpec, r.Spec.Hostnames, first(r.Spec.Rules, func(u *gatewayv1.TLSRouteRule) []gatewayv1.BackendRef { return u.BackendRefs }))
	}
	for _, r := range o.TCPRoutes {
		add(tcpRouteKind, r, &r.Spec.CommonRouteSpec, nil, first(r.Spec.Rules, func(u *gatewayv1.TCPRouteRule) []gatewayv1.BackendRef { return u.BackendRefs }))
	}
	for _, r := range o.UDPRoutes {
		add(udpRouteKind, r, &r.Spec.CommonRouteSpec, nil, first(r.Spec.Rules, func(u *gatewayv1.UDPRouteRule) []gatewayv1.BackendRef { return u.BackendRefs }))
	}
	return out
}

// first returns the backends of the first rule: nothing tells the connections of another
// one apart, and the API has room for one only.
func first[T any](rules []T, backends func(*T) []gatewayv1.BackendRef) []gatewayv1.BackendRef {
	if len(rules) == 0 {
		return nil
	}
	return backends(&rules[0])
}

// nowhere is a backend without addresses: connections to it are closed.
const nowhere = "nowhere"

// destination is where connections go.
type destination struct {
	shares   []config.Share
	backends []*config.Backend // that they name
}

func (d *destination) add(backend *config.Backend, weight *int) {
	d.shares = append(d.shares, config.Share{Name: backend.Name, Weight: weight})
	d.backends = append(d.backends, backend)
}

// shares reads where connections go. The share of a backend that cannot be had goes
// nowhere.
func (x *index) shares(r *route, refs []gatewayv1.BackendRef) {
	total := 0
	for i := range refs {
		weight := 1
		if refs[i].Weight != nil {
			weight = int(*refs[i].Weight)
		}
		total += weight
		backend, p := x.backend(r, &refs[i].BackendObjectReference)
		if p != nil {
			r.unresolved(fmt.Sprintf("rules[0].backendRefs[%d]", i), p)
			backend = &config.Backend{Name: nowhere}
		}
		r.passed.add(backend, &weight)
		if p == nil && r.ends() {
			backend = x.again(r, &refs[i].BackendObjectReference, backend)
		}
		r.ended.add(backend, &weight)
	}
	if total == 0 {
		r.passed, r.ended = destination{}, destination{}
		r.passed.add(&config.Backend{Name: nowhere}, nil)
		r.ended.add(&config.Backend{Name: nowhere}, nil)
	}
	for _, p := range r.parents {
		p.conditions.set(resolvedRefs, metav1.ConditionTrue, string(gatewayv1.RouteReasonResolvedRefs), "")
	}
}

// ends tells whether TLS ends at one of the listeners of a route of streams.
func (r *route) ends() bool {
	return slices.ContainsFunc(r.parents, func(p *parent) bool {
		return slices.ContainsFunc(p.at, func(a attachment) bool { return a.listener.endsTLS() })
	})
}

// again is the backend of what ended here: it is spoken to by TLS if a policy says so.
func (x *index) again(r *route, ref *gatewayv1.BackendObjectReference, plain *config.Backend) *config.Backend {
	name := referTo(r.of, r.name.Namespace, serviceKind, ref.Namespace, ref.Name).name
	policy := x.policyOf(name, portOf(x.services[name], *ref.Port, false).Name, r.parents)
	switch {
	case policy == nil:
		return plain
	case policy.tls == nil:
		return &config.Backend{Name: nowhere}
	}
	out := *plain
	out.Name, out.TLS = plain.Name+"/tls", policy.tls
	return &out
}

// stream adds a route for what no older one has: a listener, or a name of one.
func (b *snapshotBuilder) stream(r *route) {
	for _, p := range r.parents {
		if p.gateway != b.gateway {
			continue
		}
		for _, a := range p.at {
			if !a.listener.serves() {
				continue
			}
			own := b.ports[place(a.listener)]
			var hosts []string
			for _, h := range a.hosts {
				at := own.name + " " + h
				if own.listeners[owner(own.hosts, h)] == a.listener && !b.taken[at] {
					b.taken[at] = true
					hosts = append(hosts, h)
				}
			}
			if len(hosts) == 0 {
				continue
			}
			to := r.passed
			out := config.Stream{Name: fmt.Sprintf("%s/%s/%s/%s", strings.ToLower(r.of.kind), r.name, own.name, a.listener.label()), Listeners: []string{own.name}}
			if r.of == tlsRouteKind && !slices.Equal(hosts, []string{"*"}) {
				out.Hosts = hosts
			}
			if a.listener.endsTLS() {
				to, out.TLS = r.ended, &config.TLS{Certificates: b.certificates(a.listener), Client: a.listener.clients}
			}
			out.Backends = to.shares
			backends, fits := b.passes(r, p, &out, to.backends)
			if !fits {
				continue
			}
			b.out.Streams, b.flows[out.Name] = append(b.out.Streams, out), p
			b.add(backends)
		}
	}
}

// passes returns where a stream goes, as there is room for it: one beyond that is closed,
// and does not fit if there is no room for that either.
func (b *snapshotBuilder) passes(r *route, p *parent, s *config.Stream, to []*config.Backend) (backends []*config.Backend, fits bool) {
	size := func() int { return bytesOf(&config.Snapshot{Streams: []config.Stream{*s}}) }
	if b.budget.serve(r.name.Namespace, size()+b.leads(to)) {
		return to, true
	}
	p.conditions.set(accepted, metav1.ConditionFalse, string(gatewayv1.RouteReasonUnsupportedValue), beyond(r.name.Namespace))
	s.TLS, s.Backends = nil, []config.Share{{Name: nowhere}}
	return []*config.Backend{{Name: nowhere}}, take(b.budget.closed, r.name.Namespace, size(), maxClosed)
}

// quiet takes out listeners of streams to which no route is attached, since nobody would
// answer there, and keeps hosts of the others that have no route from routes of less
// specific ones.
func (b *snapshotBuilder) quiet() {
	b.out.Listeners = slices.DeleteFunc(b.out.Listeners, func(l config.Listener) bool {
		return l.Protocol.Stream() && !slices.ContainsFunc(b.out.Streams, func(s config.Stream) bool { return slices.Contains(s.Listeners, l.Name) })
	})
	for i := range b.out.Listeners {
		l := &b.out.Listeners[i]
		for _, p := range b.ports {
			if p.name == l.Name && l.Protocol.Named() {
				b.close(p, l)
			}
		}
	}
}

// close has connections closed that ask a port for a host of which there is no route.
func (b *snapshotBuilder) close(p *port, l *config.Listener) {
	for _, h := range p.hosts {
		at := p.name + " " + h
		if b.taken[at] || slices.Contains(l.Hosts, h) || h == "*" && l.Protocol == config.Passthrough {
			continue // which is closed anyhow
		}
		b.taken[at] = true
		b.out.Streams = append(b.out.Streams, config.Stream{Name: fmt.Sprintf("%s/%s/%d", nowhere, p.name, len(b.out.Streams)), Listeners: []string{p.name}, Hosts: []string{h}, Backends: []config.Share{{Name: nowhere}}})
		b.add([]*config.Backend{{Name: nowhere}})
	}
}
