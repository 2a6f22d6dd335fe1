// SPDX-License-Identifier: Apache-2.0

package endpoint

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/gateway/translate"
	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// Connections are those that the gateway opens: to the backends of what it serves, and to
// whom its policies have it ask.
type Connections struct {
	// Edges are as generator.Build wants them: ends may be Services, and evidence names
	// objects. Those of several Gateways may be about the same connection.
	Edges    []generator.Edge
	Problems []generator.Problem // what asks for the gateway and is not served, in order

	// Gateway is where the gateway's pods are taken to be, since nobody said so and none
	// is among the workloads. Empty unless an edge comes from GatewayPeer because of that.
	Gateway generator.Group

	// Servers are the workloads that edges come from.
	Servers []generator.Peer

	// Its classes: whose routes these are the connections of.
	GatewayClasses, IngressClasses []string
}

// Servers is what is known of the gateway's pods.
type Servers struct {
	Universe *generator.Universe
	// Environment has the pods that somebody names, and Classes are those whose Gateways and
	// Ingresses these serve.
	Environment *generator.Environment
	Classes     []string
}

// gatewayLabel is on what is made for one Gateway (gateway-api.sigs.k8s.io/geps/gep-1762).
const gatewayLabel = "gateway.networking.k8s.io/gateway-name"

// Connections lists them. A connection comes from the pods that were made for its Gateway,
// or else from those that serve all of them.
func (w *World) Connections(s Servers) Connections {
	c := connecting{World: w, servers: s}
	c.out.GatewayClasses, c.out.IngressClasses = w.Parameters.Gateway.GatewayClasses, w.Parameters.Gateway.IngressClasses
	for _, g := range w.snapshots() {
		at := doorway{served: g, all: &c, from: c.serversOf(g)}
		for i := range g.snapshot.Routes {
			at.route(&g.snapshot.Routes[i])
		}
		for i := range g.snapshot.Streams {
			at.stream(&g.snapshot.Streams[i])
		}
		at.asks()
		at.doors()
	}
	c.refused()
	for i := range c.out.Edges {
		if p := c.out.Edges[i].From; p.Kind == generator.WorkloadPeer && !slices.Contains(c.out.Servers, p) {
			c.out.Servers = append(c.out.Servers, p)
		}
	}
	return c.out
}

// connecting is the state of one call of Connections.
type connecting struct {
	*World
	servers Servers
	out     Connections
}

// doorway is one Gateway, and the pods from which its connections come.
type doorway struct {
	*served
	all  *connecting
	from []generator.Peer
}

// serversOf returns the pods of a Gateway.
func (c *connecting) serversOf(s *served) []generator.Peer {
	group := generator.Peer{Kind: generator.GatewayPeer}
	said := !c.servers.Environment.Gateway.Empty()
	if said && slices.Contains(c.servers.Classes, s.through().Class) {
		return []generator.Peer{group}
	}
	if s.object != nil {
		if own := c.labelled(s.name.Namespace, gatewayLabel, s.name.Name); len(own) > 0 {
			return own
		}
	}
	var shared []generator.Peer
	for _, namespace := range c.Parameters.Gateway.Namespaces {
		shared = append(shared, c.labelled(namespace, checks.GatewayLabel, checks.GatewayLabelValue)...)
	}
	if len(shared) > 0 {
		return shared
	}
	if said {
		return nil // those are of other classes
	}
	c.out.Gateway = Installed(c.Parameters)
	return []generator.Peer{group}
}

// Installed is where the pods of the gateway are that serve every Gateway without pods of
// its own.
func Installed(p *checks.Parameters) generator.Group {
	out := generator.Group{Where: "where the gateway is installed"}
	for _, namespace := range p.Gateway.Namespaces {
		out.Pods = append(out.Pods, generator.PodSet{Namespace: namespace, Labels: map[string]string{checks.GatewayLabel: checks.GatewayLabelValue}})
	}
	return out
}

func (c *connecting) labelled(namespace, label, value string) []generator.Peer {
	var out []generator.Peer
	for _, w := range c.servers.Universe.Within(namespace) {
		if w.Labels[label] == value {
			out = append(out, generator.WorkloadPeerOf(w.ID))
		}
	}
	return out
}

func (d *doorway) route(r *config.Route) {
	for i := range r.Backends {
		d.backend(originOf(r.Name, nil), r.Backends[i].Name, generator.TCP)
	}
	for i := range r.Mirrors {
		d.backend(originOf(r.Name, nil), r.Mirrors[i].Backend, generator.TCP)
	}
}

func (d *doorway) stream(t *config.Stream) {
	protocol := generator.TCP
	for _, l := range d.listenersOf(t.Listeners) {
		if l.Protocol == config.UDP {
			protocol = generator.UDP
		}
	}
	for i := range t.Backends {
		d.backend(originOf(t.Name, nil), t.Backends[i].Name, protocol)
	}
}

// backend is the connection to a backend of a route.
func (d *doorway) backend(of *Route, name string, protocol generator.Protocol) {
	service, port, is := translate.ServiceOf(name)
	if of == nil || !is {
		return // an answer of the gateway itself
	}
	ref := inventory.ServiceRef{Namespace: service.Namespace, Name: service.Name, Port: strconv.Itoa(int(port))}
	words := fmt.Sprintf("%s leads to it through %s", of.key(), d.through().By)
	because := append([]generator.Evidence{evidence(of.key(), d.fieldOf(of, ref), words)}, d.granted(of.key(), ref)...)
	d.connect(service, port, protocol, append(because, d.letsIn(of.Namespace)...))
}

// letsIn is the word of the Gateway's namespace for what routes of another one lead to.
func (d *doorway) letsIn(namespace string) []generator.Evidence {
	if d.object == nil || d.object.Namespace == namespace {
		return nil
	}
	return []generator.Evidence{evidence(d.key(), "spec.listeners", "lets routes of namespace "+namespace+" in")}
}

// connect makes the edges to a port of a Service.
func (d *doorway) connect(service translate.Name, port int32, protocol generator.Protocol, because []generator.Evidence) {
	to := generator.ServicePeerOf(service.Namespace, service.Name)
	at := generator.NumberedPort(protocol, uint16(port)) //nolint:gosec // it is a port of the Service, which the API server bounds
	for _, from := range d.from {
		d.all.out.Edges = append(d.all.out.Edges, generator.Edge{From: from, To: to, Port: at, Because: because})
	}
	if len(d.from) == 0 {
		what := fmt.Sprintf("the pods of the gateway are not known: %s is none of the classes that those of --gateway serve", d.through().Class)
		d.all.out.Problems = append(d.all.out.Problems, generator.Problem{Edge: generator.Edge{To: to, Port: at, Because: because}, What: what})
	}
}

// granted is the word of another namespace, whose Service an object uses.
func (d *doorway) granted(from inventory.Key, ref inventory.ServiceRef) []generator.Evidence {
	e := d.Inventory.Entry(from)
	if e == nil || from.Namespace == ref.Namespace {
		return nil
	}
	if g := d.Inventory.GrantFor(e.Object, ref); g != nil {
		return []generator.Evidence{evidence(inventory.KeyOf(g), "spec.from", "lets "+from.String()+" reach it")}
	}
	return nil
}

// fieldOf finds where an object names a Service, in the rule that a route was made of if
// it has rules.
func (d *doorway) fieldOf(of *Route, ref inventory.ServiceRef) string {
	if of.Kind == inventory.ServiceKind.Kind {
		return "metadata.annotations[" + exposeAnnotation + "]"
	}
	e := d.Inventory.Entry(of.key())
	if e == nil {
		return ""
	}
	found, within := "", fmt.Sprintf("spec.rules[%d].", of.Rule)
	for _, b := range inventory.Backends(e.Object) {
		if b.Namespace == ref.Namespace && b.Name == ref.Name && (found == "" || strings.HasPrefix(b.Field, within) && !strings.HasPrefix(found, within)) {
			found = b.Field
		}
	}
	return found
}

func evidence(object inventory.Key, field, what string) generator.Evidence {
	return generator.Evidence{Source: generator.Manifest, Confidence: generator.Certain, Object: object, Field: field, What: what}
}

// refused says which objects ask for more of the gateway than they get: no connection is
// made for that.
func (c *connecting) refused() {
	list := c.notServed()
	slices.SortFunc(list, func(a, b NotServed) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Part, b.Part), cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Message, b.Message))
	})
	for _, n := range slices.Compact(list) {
		of := Route{Kind: n.Kind, Namespace: n.Namespace, Name: n.Name}
		switch n.Kind {
		case inventory.IngressKind.Kind, inventory.ServiceKind.Kind, "HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute":
		case gatewayKind("Gateway").Kind, gatewayKind("ListenerSet").Kind:
			continue // routes that are not served because of it say so
		default:
			continue // a policy guards what is connected to all the same
		}
		what := fmt.Sprintf("%s is not served by the gateway as it asks: %s", of.key(), strings.TrimSpace(n.Part+" "+n.Message))
		c.out.Problems = append(c.out.Problems, generator.Problem{
			Edge: generator.Edge{From: generator.NamespacePeerOf(n.Namespace), Because: []generator.Evidence{evidence(of.key(), "", n.Reason)}}, What: what,
		})
	}
}
