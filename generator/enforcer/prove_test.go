// SPDX-License-Identifier: Apache-2.0

package enforcer_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	networkingv1 "k8s.io/api/networking/v1"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/compact"
	"github.com/gatehouse-sh/gatehouse/generator/enforcer"
	"github.com/gatehouse-sh/gatehouse/generator/internal/proof"
	"github.com/gatehouse-sh/gatehouse/generator/netpol"
	"github.com/gatehouse-sh/gatehouse/generator/verify"
)

// proved is what became of a model on an enforcer.
type proved struct {
	wrong   []string
	refused []generator.Problem
	changed bool // something else is emitted than for everybody
	list    []*networkingv1.NetworkPolicy
}

// prove adapts the plan of a model, renders it, reads it back as the enforcer
// does, and compares it with the model without the edges that were refused.
func prove(p enforcer.Profile, m *generator.Model) proved {
	plan, problems := compact.Compact(m, compact.Options{Selectors: p.Selectors()})
	adapted, refused := p.Adapt(m, plan)
	list, unsaid := netpol.Render(adapted.Policies(), netpol.RenderOptions{})
	read, err := netpol.Read(list)
	if err != nil {
		return proved{wrong: []string{err.Error()}}
	}
	out := proved{refused: refused, list: list}
	report := func(about string, without []generator.Problem, pick func(verify.Report) []verify.Difference) {
		r, err := verify.Compare(read, proof.Without(m, without), p.Verify())
		if err != nil {
			// Of a cluster whose ranges of pods are not known no block may be left.
			out.wrong = append(out.wrong, err.Error())
			return
		}
		for _, d := range pick(r) {
			out.wrong = append(out.wrong, about+d.String())
		}
	}
	report("allowed, and refused or not wanted: ", refused, func(r verify.Report) []verify.Difference { return r.Extra })
	report("wanted, and not allowed: ", slices.Concat(problems, refused, unsaid), func(r verify.Report) []verify.Difference { return r.Missing })

	generic, _ := netpol.Render(plan.Policies(), netpol.RenderOptions{})
	before, err := netpol.Read(generic)
	if err != nil {
		out.wrong = append(out.wrong, err.Error())
		return out
	}
	out.changed = fmt.Sprint(before) != fmt.Sprint(read)
	if gained, _, err := verify.Diff(before, read, m, verify.Options{}); err != nil || len(gained) > 0 {
		out.wrong = append(out.wrong, fmt.Sprintf("allows more than the plan: %v %v", gained, err))
	}
	return out
}

// TestAdaptedPoliciesMeanTheModel is the proof over models that once showed a fault, and over random ones: on its enforcer, an
// adapted plan allows what the model wants and was not refused, nothing else,
// and nothing that the plan did not.
func TestAdaptedPoliciesMeanTheModel(t *testing.T) {
	t.Parallel()
	models, first := proof.Seeds(t, os.Getenv)
	models = max(models/8, 100)
	for _, name := range enforcer.Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := enforcer.Find(name)
			if err != nil {
				t.Fatal(err)
			}
			check := func(t *testing.T, m *generator.Model, seed uint64) proved {
				t.Helper()
				got := prove(p, m)
				if len(got.wrong) > 0 {
					t.Fatalf("seed %d:\n%s", seed, proof.Smallest(m, func(m *generator.Model) (string, any) {
						shown := prove(p, m)
						return strings.Join(shown.wrong, "\n"), []any{shown.list, fmt.Sprintf("refused: %v", shown.refused)}
					}))
				}
				return got
			}
			for _, k := range proof.Kept(t) {
				t.Run(k.Name, func(t *testing.T) { check(t, k.Model, 0) })
			}
			changed, refused := 0, 0
			for seed := range models {
				got := check(t, proof.Model(first+seed), first+seed)
				if got.changed {
					changed++
				}
				if len(got.refused) > 0 {
					refused++
				}
			}
			if every := name == "generic"; every != (changed == 0) || every != (refused == 0) {
				t.Errorf("of %d models %d are written differently, and of %d something is refused", models, changed, refused)
			}
			t.Logf("of %d models %d are written differently, and of %d something is refused", models, changed, refused)
		})
	}
}
