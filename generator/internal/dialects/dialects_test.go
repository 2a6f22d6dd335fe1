// SPDX-License-Identifier: Apache-2.0

// Package dialects shows that all dialects say the same.
package dialects

import (
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"

	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/cilium"
	"github.com/gatehouse-sh/gatehouse/generator/clusterpolicy"
	"github.com/gatehouse-sh/gatehouse/generator/compact"
	"github.com/gatehouse-sh/gatehouse/generator/internal/proof"
	"github.com/gatehouse-sh/gatehouse/generator/netpol"
	"github.com/gatehouse-sh/gatehouse/generator/verify"
)

// others are the dialects that are compared with NetworkPolicy.
var others = [...]string{"CiliumNetworkPolicy", "ClusterNetworkPolicy"}

// sayings are what NetworkPolicies and those of the others mean.
type sayings struct {
	networkPolicy []verify.Policy
	others        [len(others)][]verify.Policy
}

// say writes a model in every dialect and reads it back. A problem is what one of them
// cannot say.
func say(m *generator.Model, seed uint64) (sayings, []generator.Problem, error) {
	var o compact.Options
	if seed%5 == 0 {
		o.Selectors.Visible = func(key string) bool { return key != "app" && key != "tier" }
	}
	gateway := cilium.PodGateway
	if seed%3 == 0 {
		gateway = cilium.OwnGateway
	}
	p, problems := compact.Compact(m, o)
	np, more := netpol.Render(p.Policies(), netpol.RenderOptions{})
	problems = append(problems, more...)
	cnp, more := cilium.Render(m, p.Policies(), cilium.RenderOptions{SCTP: true, Gateway: gateway})
	problems = append(problems, more...)
	admin, more := clusterpolicy.Render(m, p.Policies(), clusterpolicy.RenderOptions{Tier: policyv1alpha2.AdminTier, Channel: clusterpolicy.Experimental})
	problems = append(problems, more...)
	// They deny no address that connects to pods; NetworkPolicies beside them do.
	denials, more := netpol.Render(slices.DeleteFunc(slices.Clone(p.Denies), func(p compact.Policy) bool { return p.Direction != compact.Ingress }), netpol.RenderOptions{})
	problems = append(problems, more...)

	var out sayings
	var err error
	if out.networkPolicy, err = netpol.Read(np); err != nil {
		return out, nil, err
	}
	if out.others[0], err = cilium.Read(cnp, &m.Environment, gateway); err != nil {
		return out, nil, err
	}
	closed, err := netpol.Read(denials)
	if err != nil {
		return out, nil, err
	}
	out.others[1], err = clusterpolicy.Read(admin)
	out.others[1] = append(out.others[1], closed...)
	// A problem without an end is about no edge: that denials are beside.
	return out, slices.DeleteFunc(problems, func(p generator.Problem) bool { return p.Edge.From == generator.Peer{} }), err
}

// common is a model without what one of the dialects cannot say.
func common(m *generator.Model, seed uint64) (*generator.Model, sayings, error) {
	if len(m.Environment.PodRanges) == 0 { // which pods a block of ClusterNetworkPolicy holds
		ranged := *m
		ranged.Environment.PodRanges = []netip.Prefix{netip.MustParsePrefix("10.244.0.0/16")}
		m = &ranged
	}
	for {
		said, problems, err := say(m, seed)
		less := proof.Without(m, problems)
		if err != nil || len(less.Edges) == len(m.Edges) {
			return m, said, err
		}
		m = less
	}
}

// differences says in what the other dialects allow something else than NetworkPolicy.
func differences(m *generator.Model, said *sayings) []string {
	var out []string
	for i, name := range others {
		gained, lost, err := verify.Diff(said.networkPolicy, said.others[i], m, verify.Options{})
		if err != nil {
			out = append(out, name+": "+err.Error())
		}
		for _, d := range gained {
			out = append(out, fmt.Sprintf("%s allows, and NetworkPolicy does not: %s", name, d))
		}
		for _, d := range lost {
			out = append(out, fmt.Sprintf("NetworkPolicy allows, and %s does not: %s", name, d))
		}
	}
	return out
}

// TestAllDialectsMeanTheModel: what all of them can say of a model, all of them say
// alike, of models that once showed a fault and of random ones.
func TestAllDialectsMeanTheModel(t *testing.T) {
	t.Parallel()
	edges, guarded := 0, 0
	check := func(t *testing.T, whole *generator.Model, seed uint64) {
		t.Helper()
		fails := func(m *generator.Model) (string, any) {
			m, said, err := common(m, seed)
			if err != nil {
				return err.Error(), nil
			}
			return strings.Join(differences(m, &said), "\n"), nil
		}
		m, said, err := common(whole, seed)
		if err != nil || len(differences(m, &said)) > 0 {
			t.Fatalf("seed %d: %v\n%s", seed, err, proof.Smallest(whole, fails))
		}
		edges += len(m.Edges)
		guarded += len(said.networkPolicy)
	}
	proof.Again(t, check)
	edges, guarded = 0, 0
	models, first := proof.Seeds(t, os.Getenv)
	models = max(models/4, 1)
	for i := range models {
		check(t, proof.Model(first+i), first+i)
	}
	if models >= 100 && (uint64(edges) < 2*models || uint64(guarded) < 2*models) {
		t.Errorf("%d models with %d edges and %d policies show little", models, edges, guarded)
	}
	t.Logf("%d models from seed %d, with %d edges and %d NetworkPolicies that all dialects can say", models, first, edges, guarded)
}

// TestTheComparisonFindsFaults takes a rule out of one dialect alone, or makes one
// wider: what is compared would otherwise show nothing.
func TestTheComparisonFindsFaults(t *testing.T) {
	t.Parallel()
	for i, name := range others {
		for fault, spoil := range map[string]func(*verify.Policy) bool{
			"a rule less": func(p *verify.Policy) bool {
				some := len(p.Egress) > 0 && p.Egress[0].Action == verify.Accept
				if some {
					p.Egress = slices.Clone(p.Egress[1:])
				}
				return some
			},
			"every port": func(p *verify.Policy) bool {
				some := len(p.Egress) > 0 && p.Egress[0].Action == verify.Accept && len(p.Egress[0].Ports) > 0
				if some {
					p.Egress = slices.Clone(p.Egress)
					p.Egress[0].Ports, p.Egress[0].EveryPort = nil, true
				}
				return some
			},
		} {
			t.Run(name+" "+fault, func(t *testing.T) {
				t.Parallel()
				proof.FindsFaults(t, 100, 3, func(seed uint64) (bool, bool) {
					m, said, err := common(proof.Model(seed), seed)
					if err != nil {
						t.Fatal(err)
					}
					said.others[i] = slices.Clone(said.others[i])
					for k := range said.others[i] {
						if spoil(&said.others[i][k]) {
							return true, len(differences(m, &said)) > 0
						}
					}
					return false, false
				})
			})
		}
	}
}
