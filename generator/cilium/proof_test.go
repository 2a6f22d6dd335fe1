// SPDX-License-Identifier: Apache-2.0

package cilium_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/cilium/pkg/policy/api"
	"sigs.k8s.io/yaml"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/cilium"
	"github.com/gatehouse-sh/gatehouse/generator/compact"
	"github.com/gatehouse-sh/gatehouse/generator/internal/proof"
	"github.com/gatehouse-sh/gatehouse/generator/internal/randommodel"
	"github.com/gatehouse-sh/gatehouse/generator/netpol"
	"github.com/gatehouse-sh/gatehouse/generator/verify"
)

// proved is what the proof of one model says: nothing wrong, or what.
type proved struct {
	wrong string
	lost  int // edges that came back as problems
	list  []*cilium.Policy
	read  []verify.Policy
}

// written is the policies as the API server would have them: as text, and read
// from it strictly.
func written(list []*cilium.Policy) ([]*cilium.Policy, error) {
	text, err := yaml.Marshal(list)
	if err != nil {
		return nil, err
	}
	var out []*cilium.Policy
	return out, yaml.UnmarshalStrict(text, &out)
}

// proveWith renders a model, changes the policies, reads them back and compares
// them with it. Nothing may be allowed that the model does not want, and nothing
// be missing but what came back as a problem.
func proveWith(m *generator.Model, o compact.Options, g cilium.Gateway, change func([]*cilium.Policy)) (out proved) {
	fail := func(err error) proved {
		out.wrong = err.Error()
		return out
	}
	plan, problems := compact.Compact(m, o)
	list, refused := cilium.Render(m, plan.Policies(), cilium.RenderOptions{SCTP: true, Gateway: g})
	change(list)
	out.list = list
	list, err := written(list)
	if err != nil {
		return fail(err)
	}
	if out.read, err = cilium.Read(list, &m.Environment, g); err != nil {
		return fail(err)
	}
	unsaid := slices.Concat(problems, refused)
	out.lost = len(m.Edges) - len(proof.Without(m, unsaid).Edges)
	out.wrong = strings.Join(proof.Wrong(out.read, m, unsaid), "\n")
	return out
}

func nothing([]*cilium.Policy) {}

// model returns the model of a seed, and what gateway and labels its cluster has.
func model(seed uint64) (*generator.Model, compact.Options, cilium.Gateway) {
	var o compact.Options
	if seed%5 == 0 {
		o.Selectors.Visible = func(key string) bool { return key != "app" && key != "tier" }
	}
	g := cilium.PodGateway
	if seed%3 == 0 {
		g = cilium.OwnGateway
	}
	return proof.Model(seed), o, g
}

// check proves the model of a seed, and shows the smallest one that fails.
func check(t *testing.T, seed uint64) proved {
	t.Helper()
	m, o, g := model(seed)
	got := proveWith(m, o, g, nothing)
	if got.wrong != "" {
		small := randommodel.Shrink(m, func(m *generator.Model) bool { return proveWith(m, o, g, nothing).wrong != "" })
		shown := proveWith(small, o, g, nothing)
		text, err := yaml.Marshal(shown.list)
		t.Fatalf("seed %d, gateway %d:\n%s%s\n%s%v", seed, g, randommodel.Text(small), shown.wrong, text, err)
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
		m, o, _ := model(seed)
		plan, _ := compact.Compact(m, o)
		list, refused := netpol.Render(plan.Policies(), netpol.RenderOptions{})
		if len(refused) > 0 {
			continue
		}
		other, err := netpol.Read(list)
		if err != nil {
			t.Fatal(err)
		}
		gained, lost, err := verify.Diff(other, got.read, m, verify.Options{})
		if err != nil || len(gained)+len(lost) > 0 {
			t.Fatalf("seed %d: more than NetworkPolicy: %v, less: %v %v", seed, gained, lost, err)
		}
		both++
	}
	if models == 0 || models >= 100 && (whole*4 < models || both == 0) {
		t.Errorf("of %d models only %d can be said wholly, %d of them in both dialects: the rest shows little", models, whole, both)
	}
	t.Logf("%d models from seed %d, %d of them without a problem, %d the same as NetworkPolicy", models, first, whole, both)
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
				m, _, g := model(seed)
				did := false
				got := proveWith(m, compact.Options{}, g, func(list []*cilium.Policy) {
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
	for seed := range uint64(8) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) { check(t, seed) })
}
