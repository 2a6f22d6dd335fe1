// SPDX-License-Identifier: Apache-2.0

package clusterpolicy_test

import (
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"

	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"
	"sigs.k8s.io/yaml"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/clusterpolicy"
	"github.com/gatehouse-sh/gatehouse/generator/compact"
	"github.com/gatehouse-sh/gatehouse/generator/internal/proof"
	"github.com/gatehouse-sh/gatehouse/generator/internal/randommodel"
	"github.com/gatehouse-sh/gatehouse/generator/netpol"
	"github.com/gatehouse-sh/gatehouse/generator/verify"
)

type proved struct {
	wrong string
	lost  int // edges that came back as problems
	list  []*policyv1alpha2.ClusterNetworkPolicy
	both  []verify.Policy // with the NetworkPolicies that deny ingress
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
	text, err := yaml.Marshal(list)
	if err != nil {
		return fail(err)
	}
	var again []*policyv1alpha2.ClusterNetworkPolicy
	if err = yaml.UnmarshalStrict(text, &again); err != nil {
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
		out.both = slices.Concat(read, closed)
		wrong = append(wrong, proof.Wrong(out.both, m, unsaid)...)
	}
	out.wrong = strings.Join(wrong, "\n")
	return out
}

func nothing([]*policyv1alpha2.ClusterNetworkPolicy) {}

func model(seed uint64) *generator.Model {
	m := proof.Model(seed)
	if len(m.Environment.PodRanges) == 0 { // which pods a block holds has to be known
		m.Environment.PodRanges = []netip.Prefix{netip.MustParsePrefix("10.244.0.0/16")}
	}
	return m
}

// check proves the model of a seed, and shows the smallest one that fails.
func check(t *testing.T, seed uint64) proved {
	t.Helper()
	m := model(seed)
	got := prove(m, seed, nothing)
	if got.wrong != "" {
		small := randommodel.Shrink(m, func(m *generator.Model) bool { return prove(m, seed, nothing).wrong != "" })
		shown := prove(small, seed, nothing)
		text, err := yaml.Marshal(shown.list)
		t.Fatalf("seed %d:\n%s%s\n%s%v", seed, randommodel.Text(small), shown.wrong, text, err)
	}
	return got
}

// TestPoliciesMeanTheModel is the proof over random models and label universes.
// Where NetworkPolicy can say all of a model too, both allow the same.
func TestPoliciesMeanTheModel(t *testing.T) {
	t.Parallel()
	models, first := proof.Seeds(t, os.Getenv)
	whole, both := uint64(0), 0
	for i := range models {
		seed := first + i
		got := check(t, seed)
		if got.lost > 0 {
			continue
		}
		whole++
		m := model(seed)
		plan, _ := compact.Compact(m, compact.Options{})
		list, refused := netpol.Render(plan.Policies(), netpol.RenderOptions{})
		if len(refused) > 0 || got.both == nil {
			continue
		}
		other, err := netpol.Read(list)
		if err != nil {
			t.Fatal(err)
		}
		gained, lost, err := verify.Diff(other, got.both, m, verify.Options{})
		if err != nil || len(gained)+len(lost) > 0 {
			t.Fatalf("seed %d: more than NetworkPolicy: %v, less: %v %v", seed, gained, lost, err)
		}
		both++
	}
	if models == 0 || models >= 100 && (whole*8 < models || both == 0) {
		t.Errorf("of %d models only %d can be said wholly, %d of them in both dialects: the rest shows little", models, whole, both)
	}
	t.Logf("%d models from seed %d, %d of them without a problem, %d the same as NetworkPolicy", models, first, whole, both)
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
				got := prove(model(seed), seed, func(list []*policyv1alpha2.ClusterNetworkPolicy) {
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
	for seed := range uint64(8) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) { check(t, seed) })
}
