// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/gatehouse-sh/gatehouse/generator"
)

// shop is a model of one workload, web of the namespace shop, which is guarded.
func shop(t testing.TB) *generator.Model {
	t.Helper()
	w := &generator.Workload{ID: generator.WorkloadID{Namespace: "shop", Kind: "Deployment", Name: "web"}, Labels: map[string]string{"app": "web"}}
	u, err := generator.NewUniverse([]*generator.Workload{w}, nil)
	if err != nil {
		t.Fatal(err)
	}
	both := generator.Guard{Ingress: true, Egress: true}
	return &generator.Model{Universe: u, Environment: generator.NewEnvironment(), Guards: map[string]generator.Guard{"shop": both}}
}

func ofShop(name string, rules ...Rule) Policy {
	return Policy{
		Name: "NetworkPolicy shop/" + name, Tier: Normal, Isolates: generator.Guard{Ingress: true}, Ingress: rules,
		Subject: Pods{labels.SelectorFromSet(labels.Set{"kubernetes.io/metadata.name": "shop"}), labels.Everything()},
	}
}

// blocks are blocks of 256 addresses, with as many between them.
func blocks(n int) []Peer {
	out := make([]Peer, n)
	for i := range out {
		out[i] = Peer{Block: generator.Block{Prefix: netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(1 + i>>15), byte(i >> 7), byte(i << 1), 0}), 24)}}
	}
	return out
}

// ports are single ports, with one between each two.
func ports(n int) []generator.Port {
	out := make([]generator.Port, n)
	for i := range out {
		out[i] = generator.NumberedPort(generator.TCP, uint16(2*i+1))
	}
	return out
}

func shopWeb() generator.Peer {
	return generator.WorkloadPeerOf(generator.WorkloadID{Namespace: "shop", Kind: "Deployment", Name: "web"})
}

// work runs a comparison and returns the steps that it took, and the megabytes
// that it asked for, which count what no meter does.
func work(policies []Policy, m *generator.Model, o Options) (report Report, steps, megabytes int, err error) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	count := newMeter(o, m)
	all := count.left
	report, err = compareWithin(count, policies, m, o)
	runtime.ReadMemStats(&after)
	return report, all - count.left, int((after.TotalAlloc - before.TotalAlloc) >> 20), err
}

// TestManyPortsAndManyBlocks: 32,000 ports of one policy, each of which 10,000
// blocks of others may or may not reach. Looked at for each block anew, the ports would
// be 320 million for each thing that is asked of them, of which there are a dozen.
func TestManyPortsAndManyBlocks(t *testing.T) { // not parallel: it counts what is allocated
	m := shop(t)
	many := blocks(10_000)
	list := ports(32_000)
	for i := range many {
		m.Edges = append(m.Edges, generator.Edge{From: generator.CIDRPeerOf(many[i].Block.Prefix), To: shopWeb(), Port: list[7]})
	}
	policies := []Policy{
		ofShop("ports", Rule{Name: "ingress[0]", Action: Accept, Anyone: true, Ports: list}),
		ofShop("blocks", Rule{Name: "ingress[0]", Action: Accept, Peers: many, Ports: []generator.Port{list[7], generator.NumberedPort(generator.TCP, 80)}}),
	}
	report, steps, megabytes, err := work(policies, m, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Missing) > 0 || len(report.Extra) == 0 || report.Extra[0].Ports.Ranges() < 31_000 {
		t.Errorf("%v is missing, %d extra", report.Missing, len(report.Extra))
	}
	if steps > MaxSteps/20 || megabytes > 400 {
		t.Errorf("%d steps and %d MB", steps, megabytes)
	}
	t.Logf("%d steps and %d MB", steps, megabytes)
}

// TestWorkOfACluster: what proves a cluster of a usual shape is far from the bound,
// however large it is.
func TestWorkOfACluster(t *testing.T) { // not parallel: it counts what is allocated
	const n = 1000
	m, policies := estate(t, n)
	o := Options{Blocks: BlocksMatchPods}
	m.Environment.PodRanges = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	policies[0].Ingress = append(policies[0].Ingress, Rule{Name: "ingress[9]", Action: Accept, Peers: blocks(20), EveryPort: true})
	_, steps, megabytes, err := work(policies, m, o)
	if err != nil || steps > pairSteps*n*n/3 || megabytes > 60 {
		t.Errorf("%d steps and %d MB, %v", steps, megabytes, err)
	}
	if most := newMeter(Options{}, m).left; most != MaxSteps {
		t.Errorf("%d steps for a small cluster", most)
	}
}

// TestWorkIsBounded: what cannot be proved in time is refused with the name of what
// is too large, whatever there is too much of.
func TestWorkIsBounded(t *testing.T) { // not parallel: it counts what is allocated
	const steps = 100_000_000 // a fortieth of what is allowed, for the tests to be quick
	each := func(n int, rule func(i int, p Peer) Rule) []Rule {
		out := make([]Rule, n)
		for i, p := range blocks(n) {
			out[i] = rule(i, p)
			out[i].Name, out[i].Action = fmt.Sprintf("ingress[%d]", i), Accept
		}
		return out
	}
	all := ports(32_000)
	wide := Peer{Block: generator.Block{Prefix: netip.MustParsePrefix("0.0.0.0/0")}}
	for name, tc := range map[string]struct {
		policy Policy
		change func(*generator.Model, *Options)
		what   string
	}{
		"a port of its own for each of many blocks": {
			policy: ofShop("big", each(20_000, func(i int, p Peer) Rule { return Rule{Peers: []Peer{p}, Ports: all[i : i+1]} })...),
		},
		"many ports for each of some blocks": {
			policy: ofShop("big", each(500, func(i int, p Peer) Rule { return Rule{Peers: []Peer{p}, Ports: all[i : i+20_000]} })...),
		},
		"ports that grow with each rule": {
			policy: ofShop("big", each(20_000, func(i int, _ Peer) Rule { return Rule{Anyone: true, Ports: all[i : i+1]} })...),
		},
		"blocks that hold each other": {
			policy: ofShop("big", each(20_000, func(_ int, p Peer) Rule { return Rule{Peers: []Peer{p, wide}, EveryPort: true} })...),
		},
		"names of ports": {
			policy: ofShop("big", each(20_000, func(i int, p Peer) Rule {
				return Rule{Peers: []Peer{p}, Ports: []generator.Port{generator.NamedPort(generator.TCP, fmt.Sprintf("p%d", i))}}
			})...),
		},
		"blocks in the ranges of pods, each of which may hold any pod": {
			policy: ofShop("big", each(20_000, func(_ int, p Peer) Rule { return Rule{Peers: []Peer{p}, EveryPort: true} })...),
			change: func(m *generator.Model, o *Options) {
				o.Blocks = BlocksMatchPods
				m.Environment.PodRanges = []netip.Prefix{netip.MustParsePrefix("1.0.0.0/8")}
			},
		},
		"connections": {
			policy: ofShop("small"),
			change: func(m *generator.Model, _ *Options) {
				for i, p := range blocks(20_000) {
					m.Edges = append(m.Edges, generator.Edge{From: generator.CIDRPeerOf(p.Block.Prefix), To: shopWeb(), Port: all[i]})
				}
				m.Edges = append(m.Edges, generator.Edge{From: shopWeb(), To: generator.Peer{Kind: generator.ClusterPeer}, Port: all[0]})
			},
			what: "what is connected with namespace shop",
		},
	} {
		t.Run(name, func(t *testing.T) {
			m, o := shop(t), Options{MaxSteps: steps}
			if tc.change != nil {
				tc.change(m, &o)
			}
			if tc.what == "" {
				tc.what = "NetworkPolicy shop/big"
			}
			_, took, megabytes, err := work([]Policy{ofShop("small"), tc.policy}, m, o)
			var large *TooLargeError
			if !errors.As(err, &large) || !errors.Is(err, ErrTooLarge) || large.What != tc.what || !strings.HasPrefix(large.Error(), tc.what+" is too large") {
				t.Fatalf("%v after %d steps and %d MB", err, took, megabytes)
			}
			if took != steps+1 || megabytes > 300 {
				t.Errorf("%d steps and %d MB", took, megabytes)
			}
			t.Logf("%v: %d MB", err, megabytes)
			if _, _, err := Diff([]Policy{ofShop("small")}, []Policy{tc.policy}, m, o); err != nil && !errors.Is(err, ErrTooLarge) {
				t.Error(err)
			}
		})
	}
}
