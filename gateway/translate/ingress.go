// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// doors are ways in that are not written in Gateway API: Ingresses become routes, one
// for each host, as HTTPRoutes do, and are attached to listeners by the same rules.
type doors struct {
	*index
	controller string
	gateways   map[Name]*gateway
	classes    map[string]*ingressClass
	standard   string // the class of Ingresses that name none; "" is nobody's
	all        []*door
	canaries   []*bird
	read       map[Name]*certificate
	events     []Event
}

// door is a host of an Ingress: its routes at listeners of HTTP and of HTTPS.
type door struct {
	ingress       *networkingv1.Ingress
	manner        *manner
	host          string // as route.go of package config has it
	plain, secure *route
	tls           *networkingv1.IngressTLS // nil: the host is served in clear
	last          bool                     // what nothing else is for
}

// knock reads the Ingresses, and the Services that are exposed by annotations. It adds Gateways of classes that name none.
func (x *index) knock(o *Objects, gateways map[Name]*gateway, controller string) *doors {
	d := &doors{index: x, controller: controller, gateways: gateways, classes: map[string]*ingressClass{}, read: map[Name]*certificate{}}
	d.readClasses(o.IngressClasses)
	for _, i := range o.Ingresses {
		switch c := d.of(i); {
		case c == nil:
		case c.fault != "":
			d.say(i, "InvalidParameters", c.fault)
		default:
			c.gateway.missing.add(d.lacks(func() { d.ingress(i, c.gateway) }))
		}
	}
	for _, s := range o.Services {
		d.exposed(s)
	}
	return d
}

// say tells of an Ingress, or of the Service that asks for it.
func (d *doors) say(i *networkingv1.Ingress, reason, message string) {
	d.events = append(d.events, Event{Kind: kindIs(i).kind, Name: nameOf(i), Reason: reason, Message: message})
}

// kindIs is what an Ingress is: that, or a Service (ingressOf).
func kindIs(i *networkingv1.Ingress) kind {
	if i.Kind == serviceKind.kind {
		return serviceKind
	}
	return ingressKind
}

// told tells of what a route is made of.
func (d *doors) told(r *route, reason, message string) {
	d.events = append(d.events, Event{Kind: r.of.kind, Name: r.name, Reason: reason, Message: message})
}

// hostOf is the host of a rule of an Ingress, whose "*" is one label.
func hostOf(host string) string {
	switch {
	case host == "":
		return "*"
	case strings.HasPrefix(host, "*."):
		return "?" + host[1:]
	}
	return strings.ToLower(host)
}

// shown is a host as an Ingress has it.
func shown(host string) string { return strings.Replace(host, "?", "*", 1) }

// pathOf is a path of a rule, with its place.
type pathOf struct {
	*networkingv1.HTTPIngressPath
	at string
}

// origin is what is the same of a path of an Ingress and that of its canary.
func (p pathOf) origin() string {
	of := networkingv1.PathTypeImplementationSpecific
	if p.PathType != nil {
		of = *p.PathType
	}
	return string(of) + " " + p.Path
}

// hosted are the paths of a host.
type hosted struct {
	host  string
	as    string // whose certificate it has: an alias has that of another one
	paths []pathOf
	last  bool
}

func (d *doors) ingress(i *networkingv1.Ingress, g *gateway) {
	m := d.mannerOf(i)
	if m.canary != nil {
		if !m.closed {
			d.canaries = append(d.canaries, &bird{m, g})
		}
		return
	}
	tls := tlsHostsOf(i)
	for _, h := range m.bounded(hostsOf(i, m.aliases)) {
		d.door(m, g, h, tls)
	}
}

// hostsOf are the hosts of an Ingress. What its default backend is for comes last: all
// that no rule is for, of its own hosts and of those that nobody has.
func hostsOf(i *networkingv1.Ingress, aliases []string) []*hosted {
	var out []*hosted
	byHost := map[string]*hosted{}
	all := func(host string) *hosted {
		if byHost[host] == nil {
			byHost[host] = &hosted{host: host, as: host}
			out = append(out, byHost[host])
		}
		return byHost[host]
	}
	for n := range i.Spec.Rules {
		r := &i.Spec.Rules[n]
		h := all(hostOf(r.Host))
		if r.HTTP == nil {
			continue
		}
		for k := range r.HTTP.Paths {
			h.paths = append(h.paths, pathOf{&r.HTTP.Paths[k], fmt.Sprintf("rules[%d].http.paths[%d]", n, k)})
		}
	}
	for _, a := range aliases {
		if h := hostOf(a); byHost[h] == nil && len(out) > 0 {
			all(h).paths, byHost[h].as = out[0].paths, out[0].host
		}
	}
	if i.Spec.DefaultBackend == nil {
		return out
	}
	all("*")
	prefix := networkingv1.PathTypePrefix
	for _, h := range slices.Clone(out) {
		rest := networkingv1.HTTPIngressPath{Path: "/", PathType: &prefix, Backend: *i.Spec.DefaultBackend}
		if !slices.ContainsFunc(h.paths, func(p pathOf) bool { return p.everything() }) {
			out = append(out, &hosted{host: h.host, as: h.as, last: true, paths: []pathOf{{&rest, "defaultBackend"}}})
		}
	}
	return slices.DeleteFunc(out, func(h *hosted) bool { return len(h.paths) == 0 })
}

// everything tells whether a path is for all that no other one of its host is for.
func (p pathOf) everything() bool {
	return strings.Trim(p.Path, "/") == "" && (p.PathType == nil || *p.PathType != networkingv1.PathTypeExact)
}

// door makes the routes of one host, and attaches them.
func (d *doors) door(m *manner, g *gateway, h *hosted, tls *tlsHosts) {
	i := m.ingress
	p := &door{ingress: i, manner: m, host: h.host, tls: tls.of(h.host), last: h.last}
	if p.tls == nil {
		p.tls = tls.of(h.as)
	}
	label := strings.NewReplacer("*", "_", "?", "_").Replace(h.host) // a name of package config
	if h.last {
		label += "/default"
	}
	var barred *listener
	routeOf := func(protocol gatewayv1.ProtocolType) *route {
		at, by := d.reach(g, protocol, i.Namespace, h.host)
		if barred == nil {
			barred = by
		}
		r := &route{name: nameOf(i), of: kindIs(i), created: i.CreationTimestamp.Time, part: label, last: h.last}
		r.parents = []*parent{{gateway: g, conditions: conditions{generation: i.Generation}, at: at}}
		return r
	}
	p.plain, p.secure = routeOf(gatewayv1.HTTPProtocolType), routeOf(gatewayv1.HTTPSProtocolType)
	switch {
	case barred != nil:
		d.say(i, string(gatewayv1.RouteReasonNotAllowedByListeners), fmt.Sprintf("host %s: listener %s of Gateway %s has it, and takes no routes from namespace %s (allowedRoutes)", shown(h.host), barred.label(), nameOf(g.object), i.Namespace))
	case len(p.plain.parents[0].at)+len(p.secure.parents[0].at) == 0:
		d.say(i, string(gatewayv1.RouteReasonNotAllowedByListeners), fmt.Sprintf("host %s: no listener of Gateway %s that is for it takes routes from namespace %s (hostname, allowedRoutes)", shown(h.host), nameOf(g.object), i.Namespace))
	}
	if len(p.plain.parents[0].at)+len(p.secure.parents[0].at) == 0 {
		return
	}
	r := p.secure
	if m.root != nil && !h.last && !m.closed {
		root := rule{matches: []config.Match{{Path: config.PathMatch{Exact: "/"}}}, Target: config.Target{Redirect: m.root}, guards: m.guards, backends: m.backends}
		root.size = sizeOf(root.matches, &root.Target)
		r.rules = append(r.rules, root)
	}
	for _, path := range h.paths {
		d.path(r, m, path)
	}
	slices.SortStableFunc(r.rules, func(a, b rule) int { // as ingress-nginx orders expressions
		return cmp.Compare(len(b.matches[0].Path.Regex), len(a.matches[0].Path.Regex))
	})
	p.plain.rules = slices.Clone(r.rules)
	if p.tls != nil && !m.inClear || m.always {
		p.toTLS()
	}
	p.plain.settle()
	p.secure.settle()
	d.all = append(d.all, p)
}

// reach finds the listeners of a protocol where requests for a host arrive, if routes of
// the namespace may be there. What is asked for the host of a more specific listener of
// that port is not; and where one, of whatever port, keeps the namespace out of its host,
// no other one lets it in, and is returned as barred.
func (d *doors) reach(g *gateway, protocol gatewayv1.ProtocolType, namespace, host string) (at []attachment, barred *listener) {
	for _, l := range g.listeners {
		shared := common(l.host(), host)
		if l.set != nil || l.spec.Protocol != protocol || shared == "" || !l.allows(d.index, httpRouteKind, namespace) {
			continue
		}
		apart := false
		for _, other := range g.listeners {
			if other.host() == l.host() || !covers(l.host(), other.host()) || !covers(other.host(), shared) {
				continue
			}
			apart = apart || place(other) == place(l)
			if !strings.HasPrefix(family(other.spec.Protocol), whole) && !other.from(d.index, namespace) {
				apart, barred = true, other
			}
		}
		if !apart {
			at = append(at, attachment{l, []string{shared}})
		}
	}
	return at, barred
}

// unserved ends what is said of a path, or of an Ingress, that is answered 503.
const unserved = "; without it nothing is served (503)"

// path adds a rule. Where it is not known for which requests, what could be among them is
// refused: another Ingress may have less that guards it.
func (d *doors) path(r *route, m *manner, p pathOf) {
	b := &ruleBuilder{index: d.index, route: r, at: p.at, out: &rule{}}
	match, rewrite, fault := m.pathMatch(p)
	b.out.matches, b.out.origin = []config.Match{{Path: match}}, p.origin()
	switch {
	case fault != "":
		d.told(r, unsupportedAnnotation, fault+unserved)
		b.out.Target.Backends, b.out.closed = r.refused(), true
	case m.closed:
		b.out.Target.Backends, b.out.closed = r.refused(), true
	default:
		b.out.Target.Backends = []config.Weighted{d.share(b, m, p)}
		m.settings(b, rewrite)
	}
	switch b.judge(); {
	case len(b.out.wrong) > 0 && match.Regex == "":
		// No request has such a path: it is told, and serves nothing.
		d.told(r, string(gatewayv1.RouteReasonUnsupportedValue), strings.Join(b.out.faults, "; "))
		return
	case len(b.out.wrong) > 0:
		d.told(r, string(gatewayv1.RouteReasonUnsupportedValue), strings.Join(b.out.faults, "; ")+unserved)
		*b.out = rule{matches: []config.Match{{Path: around(p.Path)}}, Target: config.Target{Backends: r.refused()}, origin: p.origin(), closed: true}
	}
	r.rules = append(r.rules, *b.out)
}

// share is what becomes of the requests of a path.
func (d *doors) share(b *ruleBuilder, m *manner, p pathOf) config.Weighted {
	weight := 1
	out := config.Weighted{Weight: &weight}
	if s := p.Backend.Service; s != nil {
		b.out.services = append(b.out.services, Name{Namespace: b.route.name.Namespace, Name: s.Name})
	}
	backend, fault := d.backendOf(b.route, &p.Backend)
	if fault == nil {
		var refusal string
		if backend, refusal = m.spoken(backend); refusal != "" {
			fault = &problem{gatewayv1.RouteReasonUnsupportedProtocol, refusal}
		}
	}
	if fault != nil {
		if out.Status = b.route.failure(); fault.reason != "" {
			d.told(b.route, string(fault.reason), p.at+": "+fault.message)
		}
		return out
	}
	out.Name = backend.Name
	b.out.backends = append(b.out.backends, backend)
	return out
}

// backendOf finds the Service of a path.
func (d *doors) backendOf(r *route, b *networkingv1.IngressBackend) (*config.Backend, *problem) {
	if b.Service == nil {
		return nil, &problem{gatewayv1.RouteReasonInvalidKind, "backend.resource: what is no Service is not served"}
	}
	ref := gatewayv1.BackendObjectReference{Name: gatewayv1.ObjectName(b.Service.Name)}
	if n := b.Service.Port.Number; n != 0 {
		ref.Port = &n
	} else if s := d.services[Name{Namespace: r.name.Namespace, Name: b.Service.Name}]; s != nil {
		at := slices.IndexFunc(s.Spec.Ports, func(p corev1.ServicePort) bool { return p.Name == b.Service.Port.Name })
		if at < 0 || b.Service.Port.Name == "" {
			return nil, &problem{gatewayv1.RouteReasonBackendNotFound, fmt.Sprintf("Service %s has no port %q", nameOf(s), b.Service.Port.Name)}
		}
		ref.Port = &s.Spec.Ports[at].Port
	}
	return d.backend(r, &ref)
}
