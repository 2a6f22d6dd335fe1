// SPDX-License-Identifier: Apache-2.0

package command

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/verify"
)

// namedEnd is an end as a user names it: a peer of the model, with the ends that
// it stands for. A Service has none until its port is known.
type namedEnd struct {
	peer generator.Peer
	ends []verify.End
}

// groups are the peers that go by one word.
var groups = map[string]generator.PeerKind{
	"dns": generator.DNSPeer, "api-server": generator.APIServerPeer, "nodes": generator.NodePeer,
	"gateway": generator.GatewayPeer, "monitoring": generator.MonitoringPeer,
}

// readEnd finds the end that a text names.
func readEnd(m *generator.Model, text string) (namedEnd, error) {
	if kind, is := groups[text]; is {
		return groupEnd(m, kind)
	}
	if a, err := netip.ParseAddr(text); err == nil {
		return namedEnd{generator.CIDRPeerOf(netip.PrefixFrom(a, a.BitLen())), []verify.End{verify.AddressOf(a)}}, nil
	}
	parts := strings.Split(text, "/")
	switch {
	case len(parts) == 1 && strings.Contains(text, ".") && len(validation.IsDNS1123Subdomain(text)) == 0:
		return namedEnd{generator.FQDNPeerOf(text), []verify.End{verify.DomainOf(text)}}, nil
	case len(parts) == 3 && slices.Contains([]string{"service", "services", "svc"}, strings.ToLower(parts[0])):
		return namedEnd{peer: generator.ServicePeerOf(parts[1], parts[2])}, nil
	case len(parts) == 3:
		return workloadEnd(m, parts[0], parts[1], parts[2])
	case text == "*/*":
		return namedEnd{generator.Peer{Kind: generator.ClusterPeer}, []verify.End{verify.StrangerIn("")}}, nil
	case len(parts) == 2 && parts[1] == "*":
		if m.Universe.NamespaceLabels(parts[0]) == nil {
			return namedEnd{}, fmt.Errorf("%q: no namespace %s among the objects; there are %s", text, parts[0], orNone(m.Universe.Namespaces()))
		}
		return namedEnd{generator.NamespacePeerOf(parts[0]), []verify.End{verify.StrangerIn(parts[0])}}, nil
	case len(parts) == 2:
		return workloadEnd(m, "", parts[0], parts[1])
	}
	return namedEnd{}, fmt.Errorf("%q is neither a workload (namespace/name), a Service (service/namespace/name), an address, a domain name nor one of dns, api-server, nodes, gateway, monitoring", text)
}

func workloadEnd(m *generator.Model, kind, namespace, name string) (namedEnd, error) {
	var found []generator.WorkloadID
	within := m.Universe.Within(namespace)
	others := make([]string, 0, len(within))
	for _, w := range within {
		others = append(others, w.ID.Name)
		if w.ID.Name == name && (kind == "" || strings.EqualFold(kind, w.ID.Kind)) {
			found = append(found, w.ID)
		}
	}
	slices.Sort(others)
	switch len(found) {
	case 1:
		return namedEnd{generator.WorkloadPeerOf(found[0]), []verify.End{verify.PodOf(found[0])}}, nil
	case 0:
		return namedEnd{}, fmt.Errorf("no workload %s in namespace %s; there are %s", name, namespace, orNone(slices.Compact(others)))
	}
	names := make([]string, len(found))
	for i, id := range found {
		names[i] = strings.ToLower(id.Kind) + "/" + namespace + "/" + name
	}
	return namedEnd{}, fmt.Errorf("%s/%s is several workloads: say %s", namespace, name, strings.Join(names, " or "))
}

// groupEnd is an end for each part of a group.
func groupEnd(m *generator.Model, kind generator.PeerKind) (namedEnd, error) {
	out := namedEnd{peer: generator.Peer{Kind: kind}}
	if out.ends = verify.Samples(m, out.peer); len(out.ends) == 0 {
		return out, fmt.Errorf("what %q is in this cluster is not known: --%s says it", kind, flagOf[kind])
	}
	return out, nil
}

// flagOf says which flag tells what a group is.
var flagOf = map[generator.PeerKind]string{
	generator.DNSPeer: "dns", generator.APIServerPeer: "api-server", generator.NodePeer: "node-cidr",
	generator.GatewayPeer: "gateway", generator.MonitoringPeer: "monitoring",
}

// parsePort reads "8080", "UDP/53", "53/udp", "TCP/http" or "http".
func parsePort(text string) (generator.Port, error) {
	protocol, port := generator.TCP, text
	if a, b, both := strings.Cut(text, "/"); both {
		p, err := generator.ParseProtocol(a)
		if err != nil {
			if p, err = generator.ParseProtocol(b); err != nil {
				return generator.Port{}, fmt.Errorf("port %q: neither %q nor %q is a protocol: TCP, UDP or SCTP", text, a, b)
			}
			b = a
		}
		protocol, port = p, b
	}
	if n, err := strconv.ParseUint(port, 10, 32); err == nil {
		if n < 1 || n > generator.MaxPort {
			return generator.Port{}, fmt.Errorf("port %q: not a number from 1 to %d", text, generator.MaxPort)
		}
		return generator.NumberedPort(protocol, uint16(n)), nil
	}
	if faults := validation.IsValidPortName(port); len(faults) > 0 {
		return generator.Port{}, fmt.Errorf("port %q: neither a number nor the name of a port", text)
	}
	return generator.NamedPort(protocol, port), nil
}

// pair is one pair of ends to ask about.
type pair struct {
	fromPeer, toPeer generator.Peer
	from, to         verify.End
	port             generator.Port
}

// pairs are what two named ends stand for. Behind a Service there may be several
// workloads, each with a port of its own.
func (r *modelled) pairs(from, to namedEnd, port generator.Port) ([]pair, error) {
	if from.peer.Kind == generator.ServicePeer {
		return nil, errors.New("a Service opens no connections: name a workload as the source")
	}
	targets := []generator.Edge{{To: to.peer, Port: port}}
	if to.peer.Kind == generator.ServicePeer {
		var err error
		if targets, err = r.behind(to.peer, port); err != nil {
			return nil, err
		}
	}
	var out []pair
	for _, t := range targets {
		ends := to.ends
		if to.peer.Kind == generator.ServicePeer {
			ends = verify.Samples(r.model, t.To)
		}
		for _, a := range from.ends {
			for _, b := range ends {
				out = append(out, pair{from.peer, t.To, a, b, t.Port})
			}
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("nothing is known of %s", to.peer)
	}
	return out, nil
}

// because says what declares a connection: the evidence of the edges between
// these ends whose ports hold this one.
func (r *modelled) because(q pair) []string {
	out := []string{}
	for i := range r.model.Edges {
		e := &r.model.Edges[i]
		if e.From != q.fromPeer || e.To != q.toPeer || !r.samePort(e, q) {
			continue
		}
		for _, why := range e.Because {
			text := why.Source.String()
			if why.Where != "" {
				text += " " + why.Where
			}
			if why.What != "" {
				text += " (" + why.What + ")"
			}
			out = append(out, text)
		}
	}
	return out
}

func (r *modelled) samePort(e *generator.Edge, q pair) bool {
	if e.Port == q.port {
		return true
	}
	have, want := generator.Ports(e.Port), generator.Ports(q.port)
	if w := r.model.Universe.Workload(q.toPeer.ID()); w != nil {
		have, want = w.Resolve(e.Port), w.Resolve(q.port)
	}
	return !want.Empty() && want.Minus(have).Empty()
}
