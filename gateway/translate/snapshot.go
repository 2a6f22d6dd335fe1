// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// snapshotBuilder collects what the data plane of one Gateway serves.
type snapshotBuilder struct {
	out      *config.Snapshot
	gateway  *gateway
	ports    map[socket]*port
	byName   map[string]*port
	backends map[string]bool
	guards   map[any]bool // policies of rules that are there, and names of their key sets
	secrets  map[Name]bool
	origins  []*route           // of the snapshot's routes
	flows    map[string]*parent // of the snapshot's streams, by their names
	taken    map[string]bool    // names of listeners of streams
	policies *policies
	used     map[*policy]bool
	budget   budget
	shut     map[shutHost]bool
	shutters map[string]bool  // names of the routes that answer for these
	before   *config.Snapshot // of the same Gateway, without faults; nil: none
	scratch  []string         // of hosts
}

// socket is what listeners share.
type socket struct {
	port      gatewayv1.PortNumber
	datagrams bool
}

func place(l *listener) socket { return socket{l.spec.Port, datagrams(l)} }

// port is what the listeners of one port are together: the data plane tells them apart
// by the hosts that are asked for.
type port struct {
	name      string // in the snapshot
	number    gatewayv1.PortNumber
	datagrams bool
	listeners []*listener
	hosts     []string // of the listeners
}

// snapshot makes the configuration of a Gateway; nil if it has no listener that could
// be served, or if there is a fault for which the data plane would refuse the whole.
func snapshot(g *gateway, routes []*route, guards *policies, options *Options, before *config.Snapshot) (s *config.Snapshot, fault string) {
	b := &snapshotBuilder{out: &config.Snapshot{}, before: before, gateway: g, ports: map[socket]*port{}, byName: map[string]*port{}, flows: map[string]*parent{}, taken: map[string]bool{}, policies: guards, used: map[*policy]bool{}, budget: newBudget(), backends: map[string]bool{}, guards: map[any]bool{}, secrets: map[Name]bool{}, shut: map[shutHost]bool{}, shutters: map[string]bool{}}
	if g.refused {
		return nil, ""
	}
	for _, l := range g.listeners {
		if l.serves() && b.affords(l) {
			b.listener(l, options)
		}
	}
	if len(b.out.Listeners) == 0 {
		return nil, ""
	}
	for _, l := range g.listeners {
		if p := b.ports[place(l)]; p != nil && !l.serves() {
			b.host(p, l) // nobody else is to have what is asked of it
		}
	}
	b.certify()
	b.present()
	b.floor()
	if before != nil {
		b.out.Routes, b.origins = make([]config.Route, 0, len(before.Routes)+1), make([]*route, 0, len(before.Routes)+1)
	}
	for _, r := range routes {
		if r.of == httpRouteKind || r.of == grpcRouteKind || r.of.isDoor() {
			b.route(r)
		} else {
			b.stream(r)
		}
	}
	b.lose()
	if b.quiet(); len(b.out.Listeners) == 0 {
		return nil, ""
	}
	b.enact()
	b.unwrite()
	if !g.builtin {
		b.out.Telemetry.Decisions.Gateway = nameOf(g.object).String()
	}
	if len(b.out.Routes) == 0 {
		b.out.Routes = nil
	}
	if fault := b.check(); fault != "" {
		b.gateway.conditions.set(accepted, metav1.ConditionFalse, string(gatewayv1.GatewayReasonInvalidParameters), fault)
		return nil, fault
	}
	return b.out, ""
}

func (b *snapshotBuilder) listener(l *listener, options *Options) {
	p := b.ports[place(l)]
	if p == nil {
		of := b.protocol(l)
		p = &port{name: fmt.Sprintf("%s-%d", strings.ToLower(string(of)), l.spec.Port), number: l.spec.Port, datagrams: datagrams(l)}
		b.ports[place(l)], b.byName[p.name] = p, p
		number := uint16(l.spec.Port) //nolint:gosec // the API server bounds it
		if options.Port != nil {
			number = options.Port(l.spec.Port)
		}
		made := config.Listener{Name: p.name, Address: netip.AddrPortFrom(options.Address, number), Protocol: config.Protocol(of)}
		if of == gatewayv1.HTTPProtocolType {
			made.HTTP2 = config.HTTP2On // gRPC in clear begins with it
		}
		b.out.Listeners = append(b.out.Listeners, made)
	}
	own := b.host(p, l)
	if l.spec.Protocol != gatewayv1.HTTPSProtocolType {
		return
	}
	if own.TLS == nil {
		own.TLS = &config.TLS{Client: l.clients}
	}
	if b.shares(l) {
		return // see certify
	}
	for _, name := range b.certificates(l) {
		if !slices.Contains(own.TLS.Certificates, name) {
			own.TLS.Certificates = append(own.TLS.Certificates, name)
		}
	}
}

// protocol is what the port of a listener speaks: HTTPS, if one of its listeners does, and
// the others' streams are beside it.
func (b *snapshotBuilder) protocol(l *listener) gatewayv1.ProtocolType {
	for _, other := range b.gateway.listeners {
		if other.serves() && place(other) == place(l) && other.spec.Protocol == gatewayv1.HTTPSProtocolType {
			return other.spec.Protocol
		}
	}
	return l.spec.Protocol
}

// certificates adds what a listener presents, and returns its names.
func (b *snapshotBuilder) certificates(l *listener) []string {
	out := make([]string, 0, len(l.secrets))
	for _, s := range l.secrets {
		out = append(out, b.certificate(s))
	}
	return out
}

// certificate adds one that is not there yet, and returns its name.
func (b *snapshotBuilder) certificate(s *corev1.Secret) string {
	name := nameOf(s)
	if !b.secrets[name] {
		b.secrets[name] = true
		b.out.Certificates = append(b.out.Certificates, config.Certificate{
			Name: name.String(), Cert: s.Data[corev1.TLSCertKey], Key: config.Secret(s.Data[corev1.TLSPrivateKeyKey]), Alone: true,
		})
	}
	return name.String()
}

// host gives a host of a port to a listener, and returns what they are served by.
func (b *snapshotBuilder) host(p *port, l *listener) *config.Listener {
	p.listeners, p.hosts = append(p.listeners, l), append(p.hosts, l.host())
	own := &b.out.Listeners[slices.IndexFunc(b.out.Listeners, func(c config.Listener) bool { return c.Name == p.name })]
	if !own.Protocol.Stream() && l.spec.Protocol != gatewayv1.TLSProtocolType && !slices.Contains(own.Hosts, l.host()) {
		own.Hosts = append(own.Hosts, l.host())
	}
	return own
}

// route adds the rules of a route, once for each port at which it is attached.
func (b *snapshotBuilder) route(r *route) {
	for i := range b.out.Listeners {
		l := &b.out.Listeners[i]
		if p := b.byName[l.Name]; !p.datagrams && l.Redirect == 0 {
			if hosts := b.hosts(r, p); len(hosts) > 0 {
				b.rules(r, p, hosts)
			}
		}
	}
}

// hosts are those for which a route is attached at a port. What is asked for a host goes to
// the most specific listener of the port, and to the routes of no other one. They are there
// until the next call.
func (b *snapshotBuilder) hosts(r *route, at *port) []string {
	out := b.scratch[:0]
	for _, p := range r.parents {
		if p.gateway != b.gateway {
			continue
		}
		for _, a := range p.at {
			if !a.listener.serves() || a.listener.spec.Port != at.number || datagrams(a.listener) {
				continue
			}
			for _, h := range a.hosts {
				if at.listeners[owner(at.hosts, h)] == a.listener && !slices.Contains(out, h) {
					out = append(out, h)
				}
			}
		}
	}
	slices.Sort(out)
	b.scratch = out
	return out
}

func (b *snapshotBuilder) rules(r *route, p *port, hosts []string) {
	if hosts = b.open(r, p.name, hosts); len(hosts) == 0 {
		return
	}
	for i := range r.rules {
		own, as := b.fits(r, &r.rules[i], hosts), r.write(i, p.name, hosts)
		if own == nil {
			b.shutter(r, as)
			return
		}
		b.out.Routes, b.origins = append(b.out.Routes, config.Route{Name: as.name, Listeners: as.listeners, Hosts: as.hosts, Matches: own.matches, Target: own.Target}), append(b.origins, r)
		out := &b.out.Routes[len(b.out.Routes)-1]
		if d := own.Redirect; d != nil && d.Port == 0 && d.Scheme == "" {
			here := *d
			here.Port = uint16(p.number) //nolint:gosec // the API server bounds it
			out.Redirect = &here
		}
		own.guards.attach(b.out, out, b.guards)
		b.guard(out, r, own, p)
		b.add(own.backends)
	}
}

// add adds backends that are not there yet.
func (b *snapshotBuilder) add(list []*config.Backend) {
	for _, backend := range list {
		if b.backends[backend.Name] {
			continue
		}
		b.backends[backend.Name] = true
		own := *backend
		switch t := own.TLS; {
		case t == nil:
		case !b.trusts(&own):
			own.Endpoints, own.TLS = nil, nil // nobody is spoken to who was not to be trusted
		case b.gateway.unshown:
			own.Endpoints = nil // it would be spoken to by somebody else than was meant
		case b.gateway.shown != nil:
			shown := *t
			shown.ClientCertificate = b.certificate(b.gateway.shown)
			own.TLS = &shown
		}
		b.out.Backends = append(b.out.Backends, own)
	}
}
