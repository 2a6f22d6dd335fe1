// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/compact"
	"github.com/gatehouse-sh/gatehouse/generator/internal/randommodel"
	"github.com/gatehouse-sh/gatehouse/generator/netpol"
	"github.com/gatehouse-sh/gatehouse/generator/verify"
)

// namespace is the one of randommodel that plans are made for.
const namespace = "a"

// some returns the policies of a part of a model, for one namespace.
func some(r *rand.Rand, m *generator.Model, guard generator.Guard) []*networkingv1.NetworkPolicy {
	part := *m
	part.Guards = map[string]generator.Guard{namespace: guard}
	part.Edges = slices.DeleteFunc(slices.Clone(m.Edges), func(generator.Edge) bool { return r.IntN(3) == 0 })
	plan, _ := compact.Compact(&part, compact.Options{})
	policies, _ := netpol.Render(plan.Policies(), netpol.RenderOptions{})
	return policies
}

func someGuard(r *rand.Rand) generator.Guard {
	return generator.Guard{Ingress: r.IntN(4) > 0, Egress: r.IntN(4) > 0}
}

// foreign are policies of others: some of the same rules, for a few of the pods.
func foreign(r *rand.Rand, m *generator.Model) []*networkingv1.NetworkPolicy {
	if r.IntN(2) == 0 {
		return nil
	}
	var out []*networkingv1.NetworkPolicy
	for i, p := range some(r, m, someGuard(r)) {
		if r.IntN(2) == 0 {
			p.Name, p.Labels = fmt.Sprintf("foreign-%d", i), nil
			out = append(out, p)
			if r.IntN(2) == 0 {
				p.Spec.PodSelector = part(r, m)
			}
		}
	}
	return out
}

// ours are policies for a part of a model. Subjects are not always one workload.
func ours(r *rand.Rand, m *generator.Model) []*networkingv1.NetworkPolicy {
	list := some(r, m, someGuard(r))
	if r.IntN(2) == 0 {
		for _, p := range list {
			if !isDenial(&p.Spec) && r.IntN(2) == 0 {
				p.Spec.PodSelector = metav1.LabelSelector{}
			}
		}
	}
	return Named(list)
}

// part selects some pods by a few labels of one of them, whatever the subjects of
// our own policies are.
func part(r *rand.Rand, m *generator.Model) metav1.LabelSelector {
	pods := podsOf(m)
	if len(pods) == 0 {
		return metav1.LabelSelector{}
	}
	pod := pods[r.IntN(len(pods))]
	keys := slices.Sorted(maps.Keys(pod))
	var out metav1.LabelSelector
	for range min(len(keys), 1+r.IntN(2)) {
		key := keys[r.IntN(len(keys))]
		out.MatchExpressions = append(out.MatchExpressions, []metav1.LabelSelectorRequirement{
			{Key: key, Operator: metav1.LabelSelectorOpIn, Values: []string{pod[key]}},
			{Key: key, Operator: metav1.LabelSelectorOpExists},
			{Key: key, Operator: metav1.LabelSelectorOpNotIn, Values: []string{"another"}},
			{Key: "no-such-key", Operator: metav1.LabelSelectorOpDoesNotExist},
		}[r.IntN(4)])
	}
	return out
}

func podsOf(m *generator.Model) []labels.Set {
	var out []labels.Set
	for _, w := range m.Universe.Within(namespace) {
		if !w.HostNetwork {
			out = append(out, w.Labels)
		}
	}
	for k := generator.DNSPeer; k <= generator.MonitoringPeer; k++ {
		group, _ := m.Environment.Group(k)
		for _, set := range group.Pods {
			if set.Namespace == namespace {
				out = append(out, set.Labels)
			}
		}
	}
	return out
}

func compiled(t *testing.T, m *generator.Model, lists ...[]*networkingv1.NetworkPolicy) *verify.Set {
	t.Helper()
	read, err := netpol.Read(slices.Concat(lists...))
	if err != nil {
		t.Fatal(err)
	}
	s, err := verify.Compile(read, m, verify.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// question is a connection of two ends.
type question struct {
	from, to verify.End
	port     generator.Port
}

func questions(m *generator.Model) []question {
	var out []question
	for _, e := range m.Edges {
		for _, from := range verify.Samples(m, e.From) {
			for _, to := range verify.Samples(m, e.To) {
				if from.Domain == "" && (from.IsPod() || to.IsPod()) {
					out = append(out, question{from, to, e.Port})
				}
			}
		}
	}
	return out
}

// answers are the verdicts; false for what cannot be asked, such as the name of a
// port that the accepting end does not have.
func answers(s *verify.Set, list []question) []verify.Verdict {
	out := make([]verify.Verdict, len(list))
	for i, q := range list {
		if v, err := s.Allowed(q.from, q.to, q.port); err == nil {
			out[i] = v
		}
	}
	return out
}

func TestNothingThatStaysAllowedIsRefusedOnTheWay(t *testing.T) {
	t.Parallel()
	asked, steps, withForeign := 0, 0, 0
	for seed := range uint64(1000) {
		r := rand.New(rand.NewPCG(seed, 1))
		m := randommodel.New(r, randommodel.Options{})
		list := questions(m)
		if len(list) == 0 {
			continue
		}
		before, after := ours(r, m), ours(r, m)
		switch r.IntN(4) {
		case 0:
			before = nil // the first time
		case 1:
			after = nil // everything is withdrawn
		}
		others := foreign(r, m)
		if len(others) > 0 {
			withForeign++
		}
		was, will := answers(compiled(t, m, before, others), list), answers(compiled(t, m, after, others), list)
		state := State{Namespace: namespace, Ours: slices.Clone(before), Foreign: others, Pods: podsOf(m)}
		for n := 0; ; n++ {
			stage, todo := Next(state, after)
			if stage == Done {
				break
			}
			if n > 500 {
				t.Fatalf("seed %d: it does not end: %s %+v", seed, stage, todo)
			}
			// One step at a time, and everything forgotten: as when the process dies.
			state.Ours = executed(state.Ours, todo[0])
			steps++
			now := answers(compiled(t, m, state.Ours, others), list)
			for i, q := range list {
				asked++
				if was[i].Allowed && will[i].Allowed && !now[i].Allowed {
					t.Fatalf("seed %d, step %d (%s of %s): %s -> %s %s is refused: %s; %s", seed, n, stage, todo[0].Policy.Name, q.from, q.to, q.port, now[i].Egress, now[i].Ingress)
				}
				if q.from.Stranger.Kind != 0 || q.to.Stranger.Kind != 0 || q.port.First != q.port.Last {
					continue // several pods or ports: the decisions may be about different ones
				}
				for side, d := range map[string][3]verify.Decision{
					"egress": {was[i].Egress, will[i].Egress, now[i].Egress}, "ingress": {was[i].Ingress, will[i].Ingress, now[i].Ingress},
				} {
					if d[2].Action == verify.Accept && d[0].Action != verify.Accept && d[1].Action != verify.Accept {
						t.Fatalf("seed %d, step %d (%s of %s): %s -> %s %s: %s %s, and neither before nor after", seed, n, stage, todo[0].Policy.Name, q.from, q.to, q.port, side, d[2])
					}
				}
			}
		}
		if Digest(state.Ours) != Digest(after) {
			t.Fatalf("seed %d: it ends with others than what is wanted", seed)
		}
	}
	t.Logf("%d steps, %d questions, %d models with policies of others", steps, asked, withForeign)
	if asked < 10_000 || steps < 1000 || withForeign < 50 {
		t.Fatalf("%d steps and %d questions are too few", steps, asked)
	}
}

func executed(ours []*networkingv1.NetworkPolicy, s Step) []*networkingv1.NetworkPolicy {
	out := slices.DeleteFunc(slices.Clone(ours), func(p *networkingv1.NetworkPolicy) bool { return p.Name == s.Policy.Name })
	if !s.Delete {
		out = append(out, s.Policy)
	}
	return out
}

// TestStages follows the first application and the withdrawal of a plan through
// their stages, step by step.
func TestStages(t *testing.T) {
	t.Parallel()
	policy := func(name string, subject map[string]string, d networkingv1.PolicyType) *networkingv1.NetworkPolicy {
		p := opener(namespace, metav1.LabelSelector{MatchLabels: subject}, d)
		p.Name, p.Labels = name, nil
		if subject == nil {
			p.Spec.Ingress, p.Spec.Egress = nil, nil
		}
		return p
	}
	web := map[string]string{"app": "web"}
	wanted := Named([]*networkingv1.NetworkPolicy{
		policy("gatehouse-deployment-web-ingress", web, networkingv1.PolicyTypeIngress), policy("gatehouse-default-deny-ingress", nil, networkingv1.PolicyTypeIngress),
	})
	allow, deny := wanted[0].Name, wanted[1].Name
	open := opener(namespace, metav1.LabelSelector{}, networkingv1.PolicyTypeIngress).Name
	notDB := metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "app", Operator: metav1.LabelSelectorOpNotIn, Values: []string{"db"}}}}
	openWeb := opener(namespace, notDB, networkingv1.PolicyTypeIngress).Name
	notOld := metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "tier", Operator: metav1.LabelSelectorOpNotIn, Values: []string{"old"}}}}
	openRest := opener(namespace, notOld, networkingv1.PolicyTypeIngress).Name
	other := policy("by-hand", map[string]string{"app": "db"}, networkingv1.PolicyTypeIngress)
	sameAsOurs := policy("by-hand", web, networkingv1.PolicyTypeIngress)
	for name, tc := range map[string]struct {
		ours, foreign, wanted []*networkingv1.NetworkPolicy
		want                  string
	}{
		"the first time":                 {nil, nil, wanted, "open +" + open + "; allow +" + allow + "; cut +" + deny + "; close -" + open},
		"beside a policy for others":     {nil, []*networkingv1.NetworkPolicy{other}, wanted, "open +" + openWeb + "; allow +" + allow + "; cut +" + deny + "; close -" + openWeb},
		"beside a policy for these pods": {nil, []*networkingv1.NetworkPolicy{sameAsOurs}, wanted, "allow +" + allow + "; cut +" + deny},
		"withdrawn":                      {wanted, nil, nil, "open +" + open + "; cut -" + deny + " -" + allow + "; close -" + open},
		"beside a policy for one part": {
			nil,
			[]*networkingv1.NetworkPolicy{policy("by-hand", map[string]string{"app": "web", "tier": "old"}, networkingv1.PolicyTypeIngress)},
			wanted,
			"open +" + openRest + "; allow +" + allow + "; cut +" + deny + "; close -" + openRest,
		},
		"nothing to do":       {wanted, nil, wanted, ""},
		"the denial is gone":  {wanted[:1], nil, wanted, "cut +" + deny},
		"what allows is gone": {wanted[1:], nil, wanted, "allow +" + allow},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			state := State{Namespace: namespace, Ours: tc.ours, Foreign: tc.foreign, Pods: []labels.Set{web, {"app": "web", "tier": "old"}, {"app": "db"}}}
			var got []string
			for {
				stage, steps := Next(state, tc.wanted)
				if stage == Done {
					break
				}
				words := []string{stage.String()}
				for _, s := range steps {
					state.Ours = executed(state.Ours, s)
					words = append(words, map[bool]string{true: "-", false: "+"}[s.Delete]+s.Policy.Name)
				}
				got = append(got, strings.Join(words, " "))
			}
			if text := strings.Join(got, "; "); text != tc.want {
				t.Errorf("got  %s\nwant %s", text, tc.want)
			}
		})
	}
}
