// SPDX-License-Identifier: Apache-2.0

package cilium_test

import (
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cilium/cilium/pkg/policy/api"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/cilium"
	"github.com/gatehouse-sh/gatehouse/generator/compact"
	"github.com/gatehouse-sh/gatehouse/generator/internal/proof"
)

// proved is what the proof of one model says: nothing wrong, or what.
type proved struct {
	wrong string
	lost  int // edges that came back as problems
	cut   bool
	asks  bool // for requests of HTTP
	list  []*cilium.Policy
}

// proveWith renders a model, changes the policies, reads them back and compares
// them with it. Nothing may be allowed that the model does not want, and nothing
// be missing but what came back as a problem.
func proveWith(m *generator.Model, o compact.Options, write cilium.RenderOptions, change func([]*cilium.Policy)) (out proved) {
	fail := func(err error) proved {
		out.wrong = err.Error()
		return out
	}
	plan, problems := compact.Compact(m, o)
	list, refused := cilium.Render(m, plan.Policies(), write)
	change(list)
	out.list, out.cut = list, len(list) > len(plan.Policies())
	out.asks = slices.ContainsFunc(list, func(p *cilium.Policy) bool {
		return slices.ContainsFunc(p.Spec.Ingress, func(r api.IngressRule) bool {
			return slices.ContainsFunc(r.ToPorts, func(ports api.PortRule) bool { return ports.Rules != nil && len(ports.Rules.HTTP) > 0 })
		})
	})
	list, err := proof.Written(list)
	if err != nil {
		return fail(err)
	}
	read, err := cilium.Read(list, &m.Environment, write.Gateway)
	if err != nil {
		return fail(err)
	}
	unsaid := slices.Concat(problems, refused)
	out.lost = len(m.Edges) - len(proof.Without(m, unsaid).Edges)
	out.wrong = strings.Join(proof.Wrong(read, m, unsaid), "\n")
	return out
}

func nothing([]*cilium.Policy) {}

// options returns what gateway and labels the cluster of a seed has, and whether it
// knows SCTP; whether requests are asked for, and rules are cut.
func options(seed uint64) (compact.Options, cilium.RenderOptions) {
	o := compact.Options{Requests: seed%2 == 0}
	write := cilium.RenderOptions{SCTP: seed%10 != 9}
	if seed%5 == 0 {
		o.Selectors.Visible = func(key string) bool { return key != "app" && key != "tier" }
	}
	if seed%3 == 0 {
		write.Gateway = cilium.OwnGateway
	}
	if seed%6 == 1 {
		write.MaxBytes = 300
	}
	return o, write
}

// check proves a model, and shows the smallest one that fails.
func check(t *testing.T, m *generator.Model, seed uint64) proved {
	t.Helper()
	o, write := options(seed)
	got := proveWith(m, o, write, nothing)
	if got.wrong != "" {
		t.Fatalf("seed %d, %+v:\n%s", seed, write, proof.Smallest(m, func(m *generator.Model) (string, any) { p := proveWith(m, o, write, nothing); return p.wrong, p.list }))
	}
	return got
}

// TestPoliciesMeanTheModel is the proof over models that once showed a fault, and
// over random ones and label universes.
func TestPoliciesMeanTheModel(t *testing.T) {
	t.Parallel()
	proof.Again(t, func(t *testing.T, m *generator.Model, seed uint64) { check(t, m, seed) })
	var cut, asked atomic.Uint64
	models := proof.Random(t, 4, os.Getenv, func(t *testing.T, m *generator.Model, seed uint64) bool {
		t.Helper()
		got := check(t, m, seed)
		if got.cut {
			cut.Add(1)
		}
		if got.asks {
			asked.Add(1)
		}
		return got.lost == 0
	})
	if models >= 100 && (cut.Load() == 0 || asked.Load() == 0) {
		t.Error("no policy was cut, or none asks for requests of HTTP")
	}
	t.Logf("policies of %d of them were cut, and of %d ask for requests of HTTP", cut.Load(), asked.Load())
}

// TestTheProofFindsFaults spoils one rule of each model in ways of which each
// means something else: what is left of the proof would otherwise show nothing.
func TestTheProofFindsFaults(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*api.IngressRule){
		"nobody is left": func(r *api.IngressRule) { *r = api.IngressRule{} },
		"everybody":      func(r *api.IngressRule) { r.IngressCommonRule = api.IngressCommonRule{} },
		"every port":     func(r *api.IngressRule) { r.ToPorts = nil },
		"pods without their label": func(r *api.IngressRule) {
			r.FromEndpoints = []api.EndpointSelector{api.NewESFromMatchRequirements(nil, nil)}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			proof.FindsFaults(t, 50, 4, func(seed uint64) (bool, bool) {
				_, write := options(seed)
				did := false
				got := proveWith(proof.Model(seed), compact.Options{}, write, func(list []*cilium.Policy) {
					for _, p := range list {
						if len(p.Spec.Ingress) > 0 && len(p.Spec.Ingress[0].FromEndpoints) > 0 && !did {
							did = true
							spoil(&p.Spec.Ingress[0])
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
