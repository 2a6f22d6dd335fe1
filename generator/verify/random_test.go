// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"

	"github.com/gatehouse-sh/gatehouse/generator"
)

// dice draw the same case for the same seed.
type dice struct{ *rand.Rand }

func newDice(seed uint64) dice { return dice{rand.New(rand.NewPCG(seed, 46))} }

func (d dice) chance(percent int) bool { return d.IntN(100) < percent }

func pick[T any](d dice, list []T) T { return list[d.IntN(len(list))] }

var (
	testNamespaces = []string{"shop", "pay", "ops"}
	testKeys       = []string{"app", "tier", "team"}
	testValues     = []string{"a", "b", "c"}
	testNames      = []string{"http", "dns", "admin"}
	testDomains    = []string{"api.example.com", "*.example.com", "a.b.example.com", "example.org"}
	testBlocks     = []string{"0.0.0.0/0", "::/0", "10.0.0.0/8", "10.0.0.0/16", "10.0.1.0/24", "10.0.1.128/25", "10.0.1.7/32", "192.0.2.0/24", "192.0.2.64/26", "2001:db8::/32", "2001:db8:1::/48"}
	testAddresses  = []string{"192.0.2.1", "192.0.2.70", "198.51.100.1", "2001:db8::1", "2001:db8:1::1", "2001:db9::1", "10.1.0.1", "203.0.113.9"}
	testNumbers    = []uint16{1, 53, 79, 80, 81, 443, 8079, 8080, 8081, 9000, generator.MaxPort}
)

func (d dice) labels() map[string]string {
	out := map[string]string{}
	for _, key := range testKeys {
		if d.chance(60) {
			out[key] = pick(d, testValues)
		}
	}
	return out
}

func (d dice) universe(t testing.TB) *generator.Universe {
	namespaces := map[string]map[string]string{}
	for _, name := range testNamespaces {
		namespaces[name] = d.labels()
	}
	var list []*generator.Workload
	for i := range 1 + d.IntN(7) {
		w := &generator.Workload{
			ID:     generator.WorkloadID{Namespace: pick(d, testNamespaces), Kind: "Deployment", Name: fmt.Sprintf("w%d", i)},
			Labels: d.labels(), HostNetwork: d.chance(10),
		}
		for range d.IntN(4) {
			w.Ports = append(w.Ports, generator.ContainerPort{Name: pick(d, testNames), Protocol: generator.Protocols[d.IntN(3)], Number: pick(d, testNumbers)})
		}
		for range d.IntN(3) {
			w.Addresses = append(w.Addresses, netip.AddrFrom4([4]byte{10, 0, byte(d.IntN(3)), pick(d, []byte{1, 7, 130, 200})}))
		}
		list = append(list, w)
	}
	u, err := generator.NewUniverse(list, namespaces)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func (d dice) model(t testing.TB) *generator.Model {
	m := &generator.Model{Universe: d.universe(t), Environment: generator.NewEnvironment(), Guards: map[string]generator.Guard{}}
	m.Environment.PodRanges = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/16")}
	m.Environment.Nodes = generator.Group{Addresses: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/24")}}
	m.Environment.DNS = generator.Group{Pods: []generator.PodSet{{Namespace: "ops", Labels: map[string]string{"app": pick(d, testValues)}}}}
	for _, name := range testNamespaces {
		if d.chance(60) {
			m.Guards[name] = generator.Guard{Ingress: d.chance(60), Egress: d.chance(60)}
		}
	}
	for range d.IntN(8) {
		e := generator.Edge{From: d.peer(m.Universe), To: d.peer(m.Universe), Port: d.port()}
		if e.From.Kind == generator.FQDNPeer || !e.From.HasPods() && !e.To.HasPods() {
			continue
		}
		m.Edges = append(m.Edges, e)
	}
	return m
}

func (d dice) peer(u *generator.Universe) generator.Peer {
	switch d.IntN(8) {
	case 0:
		return generator.NamespacePeerOf(pick(d, testNamespaces))
	case 1:
		return generator.CIDRPeerOf(netip.MustParsePrefix(pick(d, testBlocks)))
	case 2:
		return generator.FQDNPeerOf(pick(d, testDomains))
	case 3:
		return generator.Peer{Kind: pick(d, []generator.PeerKind{generator.DNSPeer, generator.NodePeer, generator.ClusterPeer, generator.ExternalPeer})}
	}
	if w := pick(d, u.Workloads()); !w.HostNetwork {
		return generator.WorkloadPeerOf(w.ID)
	}
	return generator.NamespacePeerOf("shop")
}

func (d dice) port() generator.Port {
	p := generator.Protocols[d.IntN(3)]
	switch d.IntN(5) {
	case 0:
		return generator.NamedPort(p, pick(d, testNames))
	case 1:
		return generator.EveryPort(p)
	case 2:
		a, b := pick(d, testNumbers), pick(d, testNumbers)
		return generator.Port{Protocol: p, First: min(a, b), Last: max(a, b)}
	}
	return generator.NumberedPort(p, pick(d, testNumbers))
}

func (d dice) selector(keys []string) labels.Selector {
	if d.chance(35) {
		return labels.Everything()
	}
	s := labels.NewSelector()
	for range 1 + d.IntN(2) {
		key, values := pick(d, keys), []string{pick(d, testValues)}
		op := pick(d, []selection.Operator{selection.Equals, selection.Equals, selection.In, selection.NotIn, selection.Exists, selection.DoesNotExist})
		if op == selection.Exists || op == selection.DoesNotExist {
			values = nil
		}
		if op == selection.In || op == selection.NotIn {
			values = append(values, pick(d, testValues))
		}
		r, err := labels.NewRequirement(key, op, values)
		if err != nil {
			panic(err)
		}
		s = s.Add(*r)
	}
	return s
}

func (d dice) pods() Pods {
	p := Pods{Namespaces: d.selector(testKeys), Pods: d.selector(testKeys)}
	if d.chance(50) {
		p.Namespaces = labels.SelectorFromSet(labels.Set{corev1.LabelMetadataName: pick(d, testNamespaces)})
	}
	if d.chance(3) {
		p.Pods = labels.Nothing()
	}
	return p
}

func (d dice) rule(i int, tier Tier) Rule {
	r := Rule{Name: fmt.Sprintf("rule[%d]", i), Action: Accept, Anyone: d.chance(15), EveryPort: d.chance(25)}
	if tier == Normal {
		if d.chance(20) {
			r.Action = Deny
		}
	} else {
		r.Action = pick(d, []Action{Accept, Deny, Pass})
	}
	for range d.IntN(3) {
		if r.Anyone {
			break
		}
		switch d.IntN(5) {
		case 0:
			r.Peers = append(r.Peers, Peer{Block: d.block(), Scope: BlockScope(d.IntN(2))})
		case 1:
			r.Peers = append(r.Peers, Peer{Domain: pick(d, testDomains)})
		default:
			r.Peers = append(r.Peers, Peer{Pods: d.pods()})
		}
	}
	for range d.IntN(3) {
		if r.EveryPort {
			break
		}
		r.Ports = append(r.Ports, d.port())
	}
	return r
}

func (d dice) block() generator.Block {
	p := netip.MustParsePrefix(pick(d, testBlocks))
	var except []netip.Prefix
	for range d.IntN(3) {
		if x := netip.MustParsePrefix(pick(d, testBlocks)); x.Bits() > p.Bits() && p.Contains(x.Addr()) {
			except = append(except, x)
		}
	}
	return generator.Without(p, except)
}

func (d dice) policies() []Policy {
	var out []Policy
	for i := range d.IntN(6) {
		p := Policy{Name: fmt.Sprintf("policy %d", 9-i), Tier: pick(d, []Tier{Admin, Normal, Normal, Normal, Baseline}), Priority: int32(i), Subject: d.pods()}
		if p.Tier == Normal {
			p.Isolates = generator.Guard{Ingress: d.chance(60), Egress: d.chance(60)}
		}
		for j := range d.IntN(3) {
			p.Ingress = append(p.Ingress, d.rule(j, p.Tier))
		}
		for j := range d.IntN(3) {
			p.Egress = append(p.Egress, d.rule(j, p.Tier))
		}
		out = append(out, p)
	}
	return out
}
