// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/compact"
	"github.com/gatehouse-sh/gatehouse/generator/netpol"
	"github.com/gatehouse-sh/gatehouse/generator/plan"
	"github.com/gatehouse-sh/gatehouse/generator/verify"
)

type objects = []*networkingv1.NetworkPolicy

// shop is web, which asks carts, in a guarded namespace.
func shop(t *testing.T) *generator.Model {
	t.Helper()
	workload := func(name string) *generator.Workload {
		return &generator.Workload{ID: generator.WorkloadID{Namespace: "shop", Kind: "Deployment", Name: name}, Labels: map[string]string{"app": name}}
	}
	web, carts := workload("web"), workload("carts")
	u, err := generator.NewUniverse([]*generator.Workload{web, carts}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return &generator.Model{
		Universe: u, Environment: generator.NewEnvironment(), Guards: map[string]generator.Guard{"shop": {Ingress: true, Egress: true}},
		Edges: []generator.Edge{{From: generator.WorkloadPeerOf(web.ID), To: generator.WorkloadPeerOf(carts.ID), Port: generator.NumberedPort(generator.TCP, 80)}},
	}
}

func planOf(t *testing.T, d plan.Dialect[*networkingv1.NetworkPolicy], o plan.Options) plan.Plan[*networkingv1.NetworkPolicy] {
	t.Helper()
	p, err := plan.Make(shop(t), d, o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func names(list objects) string {
	var out []string
	for _, p := range list {
		out = append(out, p.Name)
	}
	return strings.Join(out, " ")
}

func TestAPlanIsProvedAndAllowsBeforeItDenies(t *testing.T) {
	t.Parallel()
	p := planOf(t, netpol.Dialect(netpol.RenderOptions{}), plan.Options{})
	if err := p.Refusal(); err != nil || !p.Exact() || len(p.Problems) > 0 {
		t.Errorf("refused: %v, exact: %v, problems: %v", err, p.Exact(), p.Problems)
	}
	if got, want := names(p.Allows), "gatehouse-deployment-carts-ingress gatehouse-deployment-web-egress"; got != want {
		t.Errorf("allows %s, want %s", got, want)
	}
	if got, want := names(p.Denies), "gatehouse-default-deny-egress gatehouse-default-deny-ingress"; got != want {
		t.Errorf("denies %s, want %s", got, want)
	}
	if len(p.Policies) != len(p.Objects()) {
		t.Errorf("%d policies of %d objects", len(p.Policies), len(p.Objects()))
	}
}

// lossy loses what spoil takes out of the objects that allow.
func lossy(spoil func(objects) objects) plan.Dialect[*networkingv1.NetworkPolicy] {
	d := netpol.Dialect(netpol.RenderOptions{})
	render := d.Render
	d.Render = func(m *generator.Model, list []compact.Policy) ([]*networkingv1.NetworkPolicy, []generator.Problem) {
		out, problems := render(m, list)
		return spoil(out), problems
	}
	return d
}

func TestAPlanThatLosesAnEdgeIsRefused(t *testing.T) {
	t.Parallel()
	p := planOf(t, lossy(func(list objects) objects {
		return slices.DeleteFunc(list, func(p *networkingv1.NetworkPolicy) bool { return p.Name == "gatehouse-deployment-web-egress" })
	}), plan.Options{})
	var refused *plan.RefusedError
	if err := p.Refusal(); !errors.As(err, &refused) || len(refused.Missing) != 1 {
		t.Fatalf("refused with %v", err)
	}
	if want := "Deployment shop/web -> Deployment shop/carts TCP/80"; refused.Missing[0].String() != want || !strings.Contains(refused.Error(), want) {
		t.Errorf("got %v, want %s", refused, want)
	}
	if p.Exact() {
		t.Error("it is called exact")
	}
}

func TestAPlanThatAllowsMoreMayBeAppliedAndSaysSo(t *testing.T) {
	t.Parallel()
	p := planOf(t, lossy(func(list objects) objects {
		for _, p := range list {
			for i := range p.Spec.Ingress {
				p.Spec.Ingress[i].From = nil // everybody
			}
		}
		return list
	}), plan.Options{})
	if err := p.Refusal(); err != nil || p.Exact() || len(p.Report.Extra) == 0 {
		t.Errorf("refused: %v, exact: %v, extra: %v", err, p.Exact(), p.Report.Extra)
	}
}

// TestAdaptTakesEdgesOut: what an enforcer cannot do is missing in the proof too.
func TestAdaptTakesEdgesOut(t *testing.T) {
	t.Parallel()
	p := planOf(t, netpol.Dialect(netpol.RenderOptions{}), plan.Options{
		Adapt: func(m *generator.Model, p *compact.Plan) (*compact.Plan, []generator.Problem) {
			return &compact.Plan{Denies: p.Denies}, []generator.Problem{{Edge: m.Edges[0], What: "not here"}}
		},
	})
	if p.Refusal() == nil || len(p.Allows) > 0 || len(p.Problems) != 1 || p.Problems[0].What != "not here" {
		t.Errorf("refused: %v, %d allow, problems: %v", p.Refusal(), len(p.Allows), p.Problems)
	}
}

// TestPoliciesThatStayAreBeside: one that accepts everything makes the plan wider,
// one that stands before it and denies makes it lack something. They are not read
// back as part of the plan.
func TestPoliciesThatStayAreBeside(t *testing.T) {
	t.Parallel()
	everyPod := verify.Pods{Namespaces: labels.Everything(), Pods: labels.Everything()}
	for name, tc := range map[string]struct {
		beside  verify.Policy
		refused bool
	}{
		"wider":  {verify.Policy{Name: "open", Tier: verify.Normal, Subject: everyPod, Ingress: []verify.Rule{{Action: verify.Accept, Anyone: true, EveryPort: true}}, Egress: []verify.Rule{{Action: verify.Accept, Anyone: true, EveryPort: true}}}, false},
		"denied": {verify.Policy{Name: "shut", Tier: verify.Admin, Subject: everyPod, Ingress: []verify.Rule{{Action: verify.Deny, Anyone: true, EveryPort: true}}}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := planOf(t, netpol.Dialect(netpol.RenderOptions{}), plan.Options{Beside: []verify.Policy{tc.beside}})
			if got := p.Refusal() != nil; got != tc.refused || p.Exact() {
				t.Errorf("refused: %v, exact: %v", p.Refusal(), p.Exact())
			}
			if len(p.Policies) != len(p.Objects()) {
				t.Errorf("%d policies of %d objects", len(p.Policies), len(p.Objects()))
			}
		})
	}
}

func TestWhatIsNotProvedIsRefused(t *testing.T) {
	t.Parallel()
	var none plan.Plan[*networkingv1.NetworkPolicy]
	if err := none.Refusal(); !errors.Is(err, plan.ErrUnproven) || none.Exact() {
		t.Errorf("the zero value is refused with %v", err)
	}
	if _, err := plan.Make(shop(t), plan.Dialect[*networkingv1.NetworkPolicy]{}, plan.Options{}); err == nil {
		t.Error("a dialect without functions makes a plan")
	}
	d := netpol.Dialect(netpol.RenderOptions{})
	d.Read = func(*generator.Model, objects) ([]verify.Policy, error) { return nil, errors.New("unreadable") }
	p, err := plan.Make(shop(t), d, plan.Options{})
	if err == nil || !strings.Contains(err.Error(), "unreadable") || !errors.Is(p.Refusal(), plan.ErrUnproven) {
		t.Errorf("what cannot be read gives %v, and is refused with %v", err, p.Refusal())
	}
	d = netpol.Dialect(netpol.RenderOptions{})
	d.Read = func(*generator.Model, objects) ([]verify.Policy, error) {
		return []verify.Policy{{Name: "no tier"}}, nil
	}
	if _, err = plan.Make(shop(t), d, plan.Options{}); err == nil || !strings.Contains(err.Error(), "no tier") {
		t.Errorf("what cannot be proved gives %v", err)
	}
}
