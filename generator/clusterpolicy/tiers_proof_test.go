// SPDX-License-Identifier: Apache-2.0

package clusterpolicy

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/compact"
	"github.com/gatehouse-sh/gatehouse/generator/internal/proof"
	"github.com/gatehouse-sh/gatehouse/generator/templates"
	"github.com/gatehouse-sh/gatehouse/generator/verify"
)

// outside is an address of nothing in any random model.
const outside = "192.0.2.7"

// randomTiers are some tiers about pods.
func randomTiers(r *rand.Rand, pods []*generator.Workload) []templates.Tier {
	rules := func(d compact.Direction) []templates.TierRule {
		out := make([]templates.TierRule, r.IntN(4))
		for i := range out {
			out[i] = templates.TierRule{Name: fmt.Sprintf("r%d", i), Action: templates.Action(1 + r.IntN(3))}
			blocks := false
			for range 1 + r.IntN(2) {
				w := pods[r.IntN(len(pods))]
				switch n := r.IntN(6); {
				case n == 0:
					out[i].Peers = append(out[i].Peers, generator.Peer{Kind: generator.ClusterPeer})
				case n < 3:
					out[i].Peers = append(out[i].Peers, generator.NamespacePeerOf(w.ID.Namespace))
				case n == 3 && d == compact.Egress:
					out[i].Peers, blocks = append(out[i].Peers, cidr("192.0.2.0/24")), true
				default:
					out[i].Peers = append(out[i].Peers, generator.WorkloadPeerOf(w.ID))
				}
			}
			for range r.IntN(3) {
				protocol, first := generator.Protocols[r.IntN(3)], uint16(79+r.IntN(3))
				p := generator.Port{Protocol: protocol, First: first, Last: first + uint16(r.IntN(2))}
				name := []string{"http", "api", "dns"}[r.IntN(3)]
				switch n := r.IntN(16); {
				case n == 0 && !blocks:
					p = generator.NamedPort(protocol, name)
				case n < 4 && !blocks:
					for _, every := range generator.Protocols {
						out[i].Ports = append(out[i].Ports, generator.NamedPort(every, name))
					}
				}
				out[i].Ports = append(out[i].Ports, p)
			}
		}
		return out
	}
	subjects := []map[string]string{{}, {"team": "x"}, {"kubernetes.io/metadata.name": "b"}}
	out := make([]templates.Tier, 1+r.IntN(3))
	for i, priority := range r.Perm(len(out)) {
		out[i] = templates.Tier{
			Name: fmt.Sprintf("t%d", i), Tier: templates.TierName(1 + r.IntN(2)), Priority: priority, Subject: subjects[r.IntN(3)],
			Egress: rules(compact.Egress), Ingress: rules(compact.Ingress),
		}
	}
	return out
}

// tiersAllow reads tiers as docs of theirs say: in their order, the first rule about a
// connection decides, and what none is about is allowed. peer is nil for the address
// outside.
func tiersAllow(m *generator.Model, list []templates.Tier, d compact.Direction, subject, peer, accepts *generator.Workload, port generator.Port) bool {
	about := func(r *templates.TierRule) bool {
		named := slices.ContainsFunc(r.Peers, func(p generator.Peer) bool {
			switch p.Kind { //nolint:exhaustive // of the others none is drawn
			case generator.ClusterPeer:
				return peer != nil
			case generator.NamespacePeer:
				return peer != nil && peer.ID.Namespace == p.Namespace
			case generator.WorkloadPeer:
				return peer != nil && peer.ID == p.ID()
			}
			return peer == nil && p.Prefix.Contains(netip.MustParseAddr(outside))
		})
		return named && (len(r.Ports) == 0 || slices.ContainsFunc(r.Ports, func(p generator.Port) bool {
			if accepts == nil {
				return generator.Ports(p).Contains(port)
			}
			return accepts.Resolve(p).Contains(port)
		}))
	}
	list = slices.SortedFunc(slices.Values(list), func(a, b templates.Tier) int {
		return cmp.Or(cmp.Compare(a.Tier, b.Tier), cmp.Compare(a.Priority, b.Priority))
	})
	passed := templates.TierName(0)
	for i := range list {
		t := &list[i]
		rules := t.Ingress
		if d == compact.Egress {
			rules = t.Egress
		}
		if t.Tier == passed || !labels.SelectorFromSet(t.Subject).Matches(labels.Set(m.Universe.NamespaceLabels(subject.ID.Namespace))) {
			continue
		}
		if at := slices.IndexFunc(rules, func(r templates.TierRule) bool { return about(&r) }); at >= 0 {
			if rules[at].Action != templates.Pass {
				return rules[at].Action == templates.Accept
			}
			passed = t.Tier
		}
	}
	return true
}

// TestTiersMeanWhatTheySay compares random tiers, written and read again, with a plain
// reading of them, for each two workloads and an address.
func TestTiersMeanWhatTheySay(t *testing.T) {
	t.Parallel()
	asked, refused := map[bool]int{}, 0
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 9))
		m := proof.Model(seed + 1)
		if len(m.Environment.PodRanges) == 0 {
			m.Environment.PodRanges = []netip.Prefix{netip.MustParsePrefix("10.244.0.0/16")}
		}
		pods := slices.DeleteFunc(slices.Clone(m.Universe.Workloads()), func(w *generator.Workload) bool { return w.HostNetwork })
		if len(pods) == 0 {
			continue
		}
		list := randomTiers(r, pods)
		objects, err := Tiers(m, list, RenderOptions{})
		if err != nil {
			refused++
			continue
		}
		objects, err = proof.Written(objects)
		if err != nil {
			t.Fatal(err)
		}
		read, err := Read(objects)
		if err != nil {
			t.Fatal(err)
		}
		set, err := verify.Compile(read, m, verify.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, from := range pods {
			for _, to := range append(slices.Clone(pods), nil) {
				end := verify.AddressOf(netip.MustParseAddr(outside))
				if to != nil {
					end = verify.PodOf(to.ID)
				}
				for _, protocol := range generator.Protocols {
					for _, n := range []uint16{53, 79, 80, 82, 8080} {
						port := generator.NumberedPort(protocol, n)
						want := tiersAllow(m, list, compact.Egress, from, to, to, port) && (to == nil || tiersAllow(m, list, compact.Ingress, to, from, to, port))
						got, err := set.Allowed(verify.PodOf(from.ID), end, port)
						if err != nil {
							t.Fatal(err)
						}
						if asked[want]++; got.Allowed != want {
							t.Fatalf("seed %d: %s -> %v %s: %v, and the tiers say %v: %+v\n%+v", seed, from.ID, end, port, got, want, list, objects)
						}
					}
				}
			}
		}
	}
	if asked[true] < 10_000 || asked[false] < 10_000 || refused > 250 {
		t.Errorf("%v answers, %d cannot be said", asked, refused)
	}
	t.Logf("%d connections are allowed and %d are not; of 300 lists of tiers %d cannot be said", asked[true], asked[false], refused)
}
