// SPDX-License-Identifier: Apache-2.0

package netpol_test

import (
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/compact"
	"github.com/gatehouse-sh/gatehouse/generator/internal/proof"
	"github.com/gatehouse-sh/gatehouse/generator/internal/randommodel"
	"github.com/gatehouse-sh/gatehouse/generator/netpol"
)

// proved is what the proof of one model says: nothing wrong, or what.
type proved struct {
	wrong string
	lost  int // edges that came back as problems
	cut   bool
	list  []*networkingv1.NetworkPolicy
}

// prove renders a model, reads the policies back and compares them with it.
// Nothing may be allowed that the model does not want, and nothing be missing
// but what came back as a problem.
func prove(m *generator.Model, o compact.Options, write netpol.RenderOptions) proved {
	return proveWith(m, o, write, func([]*networkingv1.NetworkPolicy) {})
}

// proveWith changes the policies before they are read.
func proveWith(m *generator.Model, o compact.Options, write netpol.RenderOptions, change func([]*networkingv1.NetworkPolicy)) proved {
	plan, problems := compact.Compact(m, o)
	list, refused := netpol.Render(plan.Policies(), write)
	change(list)
	out := proved{list: list, cut: len(list) > len(plan.Policies())}
	again, err := proof.Written(list)
	if err != nil {
		out.wrong = err.Error()
		return out
	}
	read, err := netpol.Read(again)
	if err != nil {
		out.wrong = err.Error()
		return out
	}
	unsaid := slices.Concat(problems, refused)
	out.lost = len(m.Edges) - len(proof.Without(m, unsaid).Edges)
	var wrong []string
	for _, key := range keys(list) {
		if !o.Selectors.Sees(key) {
			wrong = append(wrong, "selects by "+key)
		}
	}
	wrong = append(wrong, proof.Wrong(read, m, unsaid)...)
	out.wrong = strings.Join(wrong, "\n")
	return out
}

// keys returns the keys of labels by which policies select pods.
func keys(list []*networkingv1.NetworkPolicy) []string {
	var out []string
	add := func(s *metav1.LabelSelector) {
		if s == nil {
			return
		}
		for key := range s.MatchLabels {
			out = append(out, key)
		}
		for _, e := range s.MatchExpressions {
			out = append(out, e.Key)
		}
	}
	for _, p := range list {
		add(&p.Spec.PodSelector)
		for _, r := range p.Spec.Ingress {
			for _, q := range r.From {
				add(q.PodSelector)
			}
		}
		for _, r := range p.Spec.Egress {
			for _, q := range r.To {
				add(q.PodSelector)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// check proves a model, and shows the smallest one that fails.
func check(t *testing.T, m *generator.Model, seed uint64) proved {
	t.Helper()
	var o compact.Options
	var write netpol.RenderOptions
	if seed%5 == 0 { // as with Cilium
		o.Selectors.Visible = func(key string) bool { return key != "app" && key != "tier" }
	}
	if seed%3 == 0 { // so that rules are cut
		write.MaxBytes = 300
	}
	got := prove(m, o, write)
	if got.wrong != "" {
		t.Fatalf("seed %d:\n%s", seed, proof.Smallest(m, func(m *generator.Model) (string, any) { p := prove(m, o, write); return p.wrong, p.list }))
	}
	return got
}

// TestPoliciesMeanTheModel is the proof over models that once showed a fault, and
// over random ones and label universes.
func TestPoliciesMeanTheModel(t *testing.T) {
	t.Parallel()
	proof.Again(t, func(t *testing.T, m *generator.Model, seed uint64) { check(t, m, seed) })
	var cut atomic.Uint64
	models := proof.Random(t, 3, os.Getenv, func(t *testing.T, m *generator.Model, seed uint64) bool {
		t.Helper()
		got := check(t, m, seed)
		if got.cut {
			cut.Add(1)
		}
		return got.lost == 0
	})
	if models >= 100 && cut.Load() == 0 {
		t.Error("no policy was cut")
	}
	t.Logf("policies of %d of them were cut", cut.Load())
}

// TestTheProofFindsFaults spoils one rule of each model in ways of which each
// means something else: what is left of the proof would otherwise show nothing.
func TestTheProofFindsFaults(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*networkingv1.NetworkPolicyIngressRule){
		"nobody is left": func(r *networkingv1.NetworkPolicyIngressRule) { r.From = r.From[1:] },
		"every port":     func(r *networkingv1.NetworkPolicyIngressRule) { r.Ports = nil },
		"one port less":  func(r *networkingv1.NetworkPolicyIngressRule) { r.Ports = r.Ports[1:] },
		"pods without their label": func(r *networkingv1.NetworkPolicyIngressRule) {
			r.From[0] = networkingv1.NetworkPolicyPeer{PodSelector: &metav1.LabelSelector{}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			proof.FindsFaults(t, 100, 3, func(seed uint64) (bool, bool) {
				did := false
				got := proveWith(randommodel.New(rand.New(rand.NewPCG(seed, 4)), randommodel.Options{}), compact.Options{}, netpol.RenderOptions{}, func(list []*networkingv1.NetworkPolicy) {
					for _, p := range list {
						if len(p.Spec.Ingress) > 0 && !did {
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
