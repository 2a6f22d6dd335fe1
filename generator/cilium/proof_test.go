// SPDX-License-Identifier: Apache-2.0

package cilium_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/cilium/cilium/pkg/policy/api"
	"sigs.k8s.io/yaml"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/cilium"
	"github.com/gatehouse-sh/gatehouse/generator/compact"
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
	rest := *m
	rest.Edges = slices.DeleteFunc(slices.Clone(m.Edges), func(e generator.Edge) bool {
		return slices.ContainsFunc(slices.Concat(problems, refused), func(p generator.Problem) bool { return p.Edge.Compare(e) == 0 })
	})
	out.lost = len(m.Edges) - len(rest.Edges)
	all, err := verify.Compare(out.read, m, verify.Options{})
	if err != nil {
		return fail(err)
	}
	kept, err := verify.Compare(out.read, &rest, verify.Options{})
	if err != nil {
		return fail(err)
	}
	var wrong []string
	for _, d := range all.Extra {
		wrong = append(wrong, fmt.Sprintf("allowed, and not wanted: %s", d))
	}
	for _, d := range kept.Missing {
		wrong = append(wrong, fmt.Sprintf("wanted, and not allowed: %s", d))
	}
	out.wrong = strings.Join(wrong, "\n")
	return out
}

func nothing([]*cilium.Policy) {}

// model returns the model of a seed, and what gateway and labels its cluster has.
func model(seed uint64) (*generator.Model, compact.Options, cilium.Gateway) {
	size := randommodel.Options{}
	if seed%8 == 0 {
		size = randommodel.Options{Workloads: 40, Edges: 80}
	}
	var o compact.Options
	if seed%5 == 0 {
		o.Selectors.Visible = func(key string) bool { return key != "app" && key != "tier" }
	}
	g := cilium.PodGateway
	if seed%3 == 0 {
		g = cilium.OwnGateway
	}
	return randommodel.New(rand.New(rand.NewPCG(seed, 4)), size), o, g
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

// What chooses the models, as for generator/netpol: how many, 2,000 if not said,
// and the seed of the first, which "random" draws.
const (
	modelsVariable = "GATEHOUSE_MODELS"
	seedVariable   = "GATEHOUSE_SEED"
)

func number(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	switch {
	case text == "":
		return otherwise
	case name == seedVariable && text == "random":
		return uint64(rand.Uint32())
	}
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// TestPoliciesMeanTheModel is the proof over random models and label universes.
// Where NetworkPolicy can say all of a model too, both allow the same.
func TestPoliciesMeanTheModel(t *testing.T) {
	t.Parallel()
	models, first := number(t, modelsVariable, 2000), number(t, seedVariable, 0)
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
			spoilt, found := 0, 0
			for seed := range uint64(400) {
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
				if did {
					spoilt++
					if got.wrong != "" {
						found++
					}
				}
			}
			// Not every one means something else: the guard of the other end may refuse
			// what is too much, another rule say the same, a name be nobody's.
			if spoilt < 50 || found*4 < spoilt {
				t.Errorf("%d of %d faults found", found, spoilt)
			}
			t.Logf("%d of %d faults found", found, spoilt)
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
