// SPDX-License-Identifier: Apache-2.0

package command

import (
	"errors"
	"fmt"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/notation"
	"github.com/gatehouse-sh/gatehouse/generator/verify"
)

// namedEnd is an end as a user names it: a peer of the model, with the ends that
// it stands for. A Service has none until its port is known.
type namedEnd struct {
	peer generator.Peer
	ends []verify.End
}

// readEnd finds the end that a text names.
func readEnd(m *generator.Model, text string) (namedEnd, error) {
	p, err := notation.ParsePeer(text)
	if err != nil {
		return namedEnd{}, err
	}
	if p, err = notation.Find(m.Universe, p); err != nil {
		return namedEnd{}, err
	}
	end := namedEnd{peer: p}
	switch p.Kind {
	case generator.ServicePeer:
	case generator.WorkloadPeer:
		end.ends = []verify.End{verify.PodOf(p.ID())}
	case generator.NamespacePeer:
		if m.Universe.NamespaceLabels(p.Namespace) == nil {
			return namedEnd{}, fmt.Errorf("%q: no namespace %s among the objects; there are %s", text, p.Namespace, orNone(m.Universe.Namespaces()))
		}
		end.ends = []verify.End{verify.StrangerIn(p.Namespace)}
	case generator.ClusterPeer:
		end.ends = []verify.End{verify.StrangerIn("")}
	case generator.CIDRPeer:
		if !p.Prefix.IsSingleIP() {
			return namedEnd{}, fmt.Errorf("%q is many addresses: name one", text)
		}
		end.ends = []verify.End{verify.AddressOf(p.Prefix.Addr())}
	case generator.FQDNPeer:
		end.ends = []verify.End{verify.DomainOf(p.Name)}
	case generator.ExternalPeer:
		return namedEnd{}, fmt.Errorf("%q is many addresses: name one", text)
	case generator.DNSPeer, generator.APIServerPeer, generator.NodePeer, generator.GatewayPeer, generator.MonitoringPeer:
		return groupEnd(m, p.Kind)
	}
	return end, nil
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

// parsePort reads what stands for one port: "8080", "UDP/53", "53/udp", "TCP/http".
func parsePort(text string) (generator.Port, error) {
	list, err := notation.ParsePorts(text)
	switch {
	case err != nil:
		return generator.Port{}, err
	case len(list) > 1 || list[0].Name == "" && list[0].First != list[0].Last:
		return generator.Port{}, fmt.Errorf("port %q: is many ports: name one", text)
	}
	return list[0], nil
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
			out = append(out, why.String())
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
