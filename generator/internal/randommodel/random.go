// SPDX-License-Identifier: Apache-2.0

// Package randommodel makes models of clusters that nobody would think of, for
// the tests that show that what is rendered means what was wanted, and makes
// small ones of those that show that it does not. Only tests use it.
package randommodel

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// Options say what models have at most; zero for a few of each.
type Options struct {
	Workloads int // 8 when 0
	Edges     int // 12 when 0
}

// New returns the model that a source of random numbers gives: the same for the
// same seed. It has passed generator.Build, as every model has.
func New(r *rand.Rand, o Options) *generator.Model {
	if o.Workloads == 0 {
		o.Workloads = 8
	}
	if o.Edges == 0 {
		o.Edges = 12
	}
	m := maker{r: r, apart: r.IntN(4) > 0}
	for i := range 1 + r.IntN(o.Workloads) {
		m.workload(i)
	}
	u, err := generator.NewUniverse(m.workloads, map[string]map[string]string{"a": {"team": "x"}, "b": nil, "kube-system": nil})
	if err != nil {
		return &generator.Model{} // no two workloads have the same number
	}
	env := m.environment()
	m.addresses(&env)
	in := generator.Input{Inventory: inventory.New(m.objects()...), Universe: u, Environment: env, Guards: map[string]generator.Guard{}, Now: now}
	for _, namespace := range namespaces {
		if r.IntN(5) > 0 {
			in.Guards[namespace] = generator.Guard{Ingress: r.IntN(4) > 0, Egress: r.IntN(4) > 0}
		}
	}
	for i := range r.IntN(o.Edges + 1) {
		e := generator.Edge{From: m.peer(), To: m.peer(), Port: m.port()}
		if e.To.Kind == generator.ServicePeer {
			e.Port = m.servicePort(e.To)
		}
		e.Because = []generator.Evidence{m.evidence(i, e.Port.Protocol)}
		in.Edges = append(in.Edges, e)
	}
	model, _ := generator.Build(in) // edges that cannot stand are not in it
	return model
}

var namespaces = []string{"a", "b", "kube-system"}

// now is the moment at which models count: what is asked for until then is over.
var now = time.Date(2026, time.November, 22, 12, 0, 0, 0, time.UTC)

type maker struct {
	r         *rand.Rand
	apart     bool // every workload has a label of its own
	workloads []*generator.Workload
	services  []*corev1.Service
}

func pick[T any](r *rand.Rand, list ...T) T { return list[r.IntN(len(list))] }

var names = []string{"http", "api", "dns"}

var kinds = []string{"Deployment", "StatefulSet", "DaemonSet", "CronJob", "Pod"}

// values are those of labels; a label without one is not an absent label.
var values = []string{"x", "y", "z", "x", "y", "z", ""}

func (m *maker) workload(i int) {
	r := m.r
	w := &generator.Workload{
		ID:     generator.WorkloadID{Namespace: pick(r, namespaces...), Kind: pick(r, kinds...), Name: fmt.Sprintf("w%d", i)},
		Labels: map[string]string{}, HostNetwork: r.IntN(10) == 0,
	}
	if m.apart || r.IntN(2) == 0 {
		w.Labels[pick(r, "app", "app.kubernetes.io/name")] = w.ID.Name
	}
	for _, key := range []string{"tier", "part-of", "k8s-app", "version", "pod-template-hash"} {
		if r.IntN(3) == 0 {
			w.Labels[key] = pick(r, values...)
		}
	}
	if r.IntN(2) == 0 {
		w.Selector = map[string]string{}
		for _, key := range []string{"app", "tier", "version"} { // a map would give another order each time
			if v, has := w.Labels[key]; has && r.IntN(2) == 0 {
				w.Selector[key] = v
			}
		}
	}
	for range r.IntN(3) {
		w.Ports = append(w.Ports, generator.ContainerPort{Name: pick(r, names...), Protocol: pick(r, generator.Protocols[:]...), Number: pick[uint16](r, 53, 80, 81, 8080)})
	}
	m.workloads = append(m.workloads, w)
}

// blocks overlap, lie inside each other, and have both families; the last is a
// metadata service, which an intent alone reaches.
var blocks = []string{
	"0.0.0.0/0", "203.0.113.0/24", "203.0.113.0/25", "203.0.113.7/32", "198.51.100.0/24", "10.0.0.0/8", "10.9.0.0/16", "::/0", "2001:db8::/32", "2001:db8::1/128",
	"169.254.169.254/32",
}

// nodeCache is where every node has a cache of name servers of its own.
var nodeCache = netip.MustParsePrefix("169.254.20.10/32")

func (m *maker) blocks(most int) []netip.Prefix {
	out := make([]netip.Prefix, m.r.IntN(most+1))
	for i := range out {
		out[i] = netip.MustParsePrefix(pick(m.r, blocks[1:len(blocks)-1]...))
	}
	return out
}

func (m *maker) environment() generator.Environment {
	env := generator.NewEnvironment()
	env.PodRanges, env.ServiceRanges = m.blocks(2), m.blocks(1)
	for _, g := range []*generator.Group{&env.DNS, &env.Gateway, &env.Monitoring} {
		for range m.r.IntN(3) {
			set := generator.PodSet{Namespace: pick(m.r, namespaces...), Labels: map[string]string{}}
			for _, key := range []string{"k8s-app", "tier"} {
				if m.r.IntN(2) == 0 {
					set.Labels[key] = pick(m.r, values...)
				}
			}
			g.Pods = append(g.Pods, set)
		}
		g.Addresses = m.blocks(1)
		g.Ports = both(pick[uint16](m.r, 53, 53, 53, 5353))
	}
	switch m.r.IntN(16) {
	case 0, 1:
		env.DNS.Ports = env.DNS.Ports[:m.r.IntN(2)]
	case 2:
		env.DNS.Ports = []generator.Port{generator.NamedPort(generator.UDP, "dns"), generator.NamedPort(generator.TCP, "dns")}
	}
	switch m.r.IntN(12) {
	case 0:
		env.DNS.Addresses = append(env.DNS.Addresses, nodeCache)
	case 1:
		env.DNS.Others = []generator.Listener{{Addresses: pick(m.r, nodeCache, netip.MustParsePrefix("203.0.113.7/32")), Ports: both(pick[uint16](m.r, 53, 5353))}}
	}
	for _, g := range []*generator.Group{&env.APIServer, &env.Nodes} {
		g.Addresses = m.blocks(2)
		g.Ports = []generator.Port{generator.NumberedPort(generator.TCP, 6443)}
	}
	return env
}

// both is a port of UDP and of TCP.
func both(n uint16) []generator.Port {
	return []generator.Port{generator.NumberedPort(generator.UDP, n), generator.NumberedPort(generator.TCP, n)}
}

// evidence of an edge for a protocol: from anywhere, until then or for ever, of an
// intent for some requests or all.
func (m *maker) evidence(i int, p generator.Protocol) generator.Evidence {
	why := generator.Evidence{Source: pick(m.r, generator.Intent, generator.Intent, generator.Intent, generator.Template, generator.Manifest, generator.Flow), Where: fmt.Sprintf("edge %d", i)}
	switch m.r.IntN(16) {
	case 0:
		why.Expires = now
	case 1:
		why.Expires = now.Add(time.Hour)
	}
	if why.Source == generator.Intent && (p == generator.TCP || m.r.IntN(8) == 0) && m.r.IntN(4) == 0 {
		why.Requests = generator.RequestsOf(generator.Request{Method: pick(m.r, "", "GET", "POST"), Path: pick(m.r, "/a", "/a*", "/b", "")})
	}
	return why
}

// addresses gives pods of some workloads addresses, most of them in the ranges of
// pods.
func (m *maker) addresses(env *generator.Environment) {
	if len(env.PodRanges) == 0 || m.r.IntN(2) == 0 {
		return
	}
	for _, w := range m.workloads {
		for range m.r.IntN(3) {
			from := pick(m.r, env.PodRanges...)
			if m.r.IntN(12) == 0 {
				from = netip.MustParsePrefix(pick(m.r, blocks...))
			}
			a := from.Addr()
			for range m.r.IntN(4) {
				if next := a.Next(); from.Contains(next) {
					a = next
				}
			}
			w.Addresses = append(w.Addresses, a)
		}
	}
}

func (m *maker) peer() generator.Peer {
	switch n := m.r.IntN(20); {
	case n < 10:
		return generator.WorkloadPeerOf(pick(m.r, m.workloads...).ID)
	case n < 12:
		return generator.NamespacePeerOf(pick(m.r, namespaces...))
	case n < 13:
		return generator.Peer{Kind: generator.ClusterPeer}
	case n < 15:
		return generator.CIDRPeerOf(netip.MustParsePrefix(pick(m.r, blocks...)))
	case n < 16:
		return generator.FQDNPeerOf(pick(m.r, "api.example.com", "*.example.com", "db.api.example.com", "*.api.example.com"))
	case n < 17 && len(m.services) > 0:
		s := pick(m.r, m.services...)
		return generator.ServicePeerOf(s.Namespace, s.Name)
	default:
		return generator.Peer{Kind: pick(m.r, generator.ExternalPeer, generator.DNSPeer, generator.APIServerPeer, generator.NodePeer, generator.GatewayPeer, generator.MonitoringPeer)}
	}
}

func (m *maker) port() generator.Port {
	protocol := pick(m.r, generator.TCP, generator.TCP, generator.UDP, generator.SCTP)
	switch n := m.r.IntN(12); {
	case n < 6:
		return generator.NumberedPort(protocol, pick[uint16](m.r, 1, 53, 80, 81, 82, 8080, generator.MaxPort))
	case n < 8:
		first := pick[uint16](m.r, 1, 79, 80, 81, generator.MaxPort-5)
		return generator.Port{Protocol: protocol, First: first, Last: first + uint16(m.r.IntN(5))} //nolint:gosec // below 5
	case n < 9:
		return generator.EveryPort(protocol)
	case n < 10:
		return generator.Port{} // those of the group
	default:
		return generator.NamedPort(protocol, pick(m.r, names...))
	}
}
