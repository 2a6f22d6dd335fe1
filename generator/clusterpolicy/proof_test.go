// SPDX-License-Identifier: Apache-2.0

package clusterpolicy_test

import (
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"

	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/clusterpolicy"
	"github.com/gatehouse-sh/gatehouse/generator/compact"
	"github.com/gatehouse-sh/gatehouse/generator/internal/proof"
	"github.com/gatehouse-sh/gatehouse/generator/netpol"
)

type proved struct {
	wrong string
	lost  int // edges that came back as problems
	list  []*policyv1alpha2.ClusterNetworkPolicy
}

// open is a model in which addresses may reach the pods of every namespace: what
// no ClusterNetworkPolicy denies.
func open(m *generator.Model) *generator.Model {
	out := *m
	out.Edges = slices.Clone(m.Edges)
	for namespace, guard := range m.Guards {
		if !guard.Ingress {
			continue
		}
		for _, text := range []string{"0.0.0.0/0", "::/0"} {
			for _, protocol := range generator.Protocols {
				out.Edges = append(out.Edges, generator.Edge{From: generator.CIDRPeerOf(netip.MustParsePrefix(text)), To: generator.NamespacePeerOf(namespace), Port: generator.EveryPort(protocol)})
			}
		}
	}
	slices.SortFunc(out.Edges, generator.Edge.Compare)
	out.Edges = slices.CompactFunc(out.Edges, func(a, b generator.Edge) bool { return a.Compare(b) == 0 })
	return &out
}

// prove renders a model, reads the policies back and compares them with it:
// alone, and, in the tier that nothing overrides, together with NetworkPolicies
// that deny ingress.
func prove(m *generator.Model, seed uint64, change func([]*policyv1alpha2.ClusterNetworkPolicy)) (out proved) {
	fail := func(err error) proved {
		out.wrong = err.Error()
		return out
	}
	o := clusterpolicy.RenderOptions{Priority: int32(seed % 900)}
	if seed%2 == 0 {
		o.Tier = policyv1alpha2.AdminTier
	}
	if seed%3 > 0 {
		o.Channel = clusterpolicy.Experimental
	}
	plan, problems := compact.Compact(m, compact.Options{})
	list, refused := clusterpolicy.Render(m, plan.Policies(), o)
	change(list)
	out.list = list
	again, err := proof.Written(list)
	if err != nil {
		return fail(err)
	}
	read, err := clusterpolicy.Read(again)
	if err != nil {
		return fail(err)
	}
	unsaid := slices.Concat(problems, refused)
	out.lost = len(m.Edges) - len(proof.Without(m, unsaid).Edges)
	wrong := proof.Wrong(read, open(m), unsaid)
	if o.Tier == policyv1alpha2.AdminTier {
		denials, _ := netpol.Render(slices.DeleteFunc(slices.Clone(plan.Denies), func(p compact.Policy) bool { return p.Direction != compact.Ingress }), netpol.RenderOptions{})
		closed, err := netpol.Read(denials)
		if err != nil {
			return fail(err)
		}
		wrong = append(wrong, proof.Wrong(slices.Concat(read, closed), m, unsaid)...)
	}
	out.wrong = strings.Join(wrong, "\n")
	return out
}

func nothing([]*policyv1alpha2.ClusterNetworkPolicy) {}

// ranged is a model of a cluster whose ranges of pods are known: which pods a block
// holds has to be.
func ranged(m *generator.Model) *generator.Model {
	if len(m.Environment.PodRanges) > 0 {
		return m
	}
	out := *m
	out.Environment.PodRanges = []netip.Prefix{netip.MustParsePrefix("10.244.0.0/16")}
	return &out
}

// check proves a model, and shows the smallest one that fails.
func check(t *testing.T, m *generator.Model, seed uint64) proved {
	t.Helper()
	m = ranged(m)
	got := prove(m, seed, nothing)
	if got.wrong != "" {
		t.Fatalf("seed %d:\n%s", seed, proof.Smallest(m, func(m *generator.Model) (string, any) { p := prove(ranged(m), seed, nothing); return p.wrong, p.list }))
	}
	return got
}

// TestPoliciesMeanTheModel is the proof over models that once showed a fault, and
// over random ones and label universes.
func TestPoliciesMeanTheModel(t *testing.T) {
	t.Parallel()
	proof.Again(t, func(t *testing.T, m *generator.Model, seed uint64) { check(t, m, seed) })
	proof.Random(t, 8, os.Getenv, func(t *testing.T, m *generator.Model, seed uint64) bool {
		t.Helper()
		return check(t, m, seed).lost == 0
	})
}

// TestTheProofFindsFaults spoils one policy of each model: what is left of the
// proof would otherwise show nothing.
func TestTheProofFindsFaults(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*policyv1alpha2.ClusterNetworkPolicySpec){
		"accepted is denied": func(s *policyv1alpha2.ClusterNetworkPolicySpec) {
			s.Egress[0].Action = policyv1alpha2.ClusterNetworkPolicyRuleActionDeny
		},
		"every port":           func(s *policyv1alpha2.ClusterNetworkPolicySpec) { s.Egress[0].Protocols = nil },
		"a rule less":          func(s *policyv1alpha2.ClusterNetworkPolicySpec) { s.Egress = s.Egress[1:] },
		"after what denies it": func(s *policyv1alpha2.ClusterNetworkPolicySpec) { s.Priority += clusterpolicy.Levels },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			proof.FindsFaults(t, 50, 4, func(seed uint64) (bool, bool) {
				did := false
				got := prove(ranged(proof.Model(seed)), seed, func(list []*policyv1alpha2.ClusterNetworkPolicy) {
					for _, p := range list {
						if !did && len(p.Spec.Egress) > 0 && p.Spec.Egress[0].Action == policyv1alpha2.ClusterNetworkPolicyRuleActionAccept {
							did = true
							spoil(&p.Spec)
						}
					}
				})
				return did, got.wrong != ""
			})
		})
	}
}

// FuzzPoliciesMeanTheModel looks for seeds that nobody thought of.
func FuzzPoliciesMeanTheModel(f *testing.F) {
	proof.Fuzz(f, func(t *testing.T, m *generator.Model, seed uint64) { check(t, m, seed) })
}
