// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"testing"

	networkingv1 "k8s.io/api/networking/v1"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/policy"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// TestSofteningOneOfTwoRulesLeavesTheStepDenied is what docs/policy.md says: an
// Ingress that leaves the gateway's class is judged by EXP-020, for what it is,
// and by EXP-048, for the step.
func TestSofteningOneOfTwoRulesLeavesTheStepDenied(t *testing.T) {
	t.Parallel()
	set, err := checks.NewSet(All()...)
	if err != nil {
		t.Fatal(err)
	}
	ingress := func(class string) *networkingv1.Ingress {
		ing := &networkingv1.Ingress{}
		ing.Namespace, ing.Name, ing.Spec.IngressClassName = "shop", "web", &class
		ing.Spec.Rules = []networkingv1.IngressRule{{Host: "shop.example.com"}}
		ing.Spec.TLS = []networkingv1.IngressTLS{{Hosts: []string{"shop.example.com"}, SecretName: "web-tls"}}
		return ing
	}
	soft := func(id string) v1alpha1.CheckRule {
		return v1alpha1.CheckRule{Check: id, Action: v1alpha1.ActionWarn}
	}
	for name, tc := range map[string]struct {
		rules          []v1alpha1.CheckRule
		create, update checks.Action
	}{
		"neither": {nil, checks.Deny, checks.Deny},
		"EXP-020": {[]v1alpha1.CheckRule{soft("EXP-020")}, checks.Warn, checks.Deny},
		"both":    {[]v1alpha1.CheckRule{soft("EXP-020"), soft("EXP-048")}, checks.Warn, checks.Warn},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := policy.Compile(set, &v1alpha1.CheckPolicySpec{Checks: tc.rules})
			if err != nil {
				t.Fatal(err)
			}
			before, after := ingress("gatehouse"), ingress("traefik")
			strictest := func(in checks.Input) checks.Action {
				in.Inventory = inventory.New(after)
				out := checks.Ignore
				for _, j := range p.Decide(policy.Enforce, policy.Baseline, nil, p.Evaluate(in, policy.Baseline)) {
					out = min(out, j.Action)
				}
				return out
			}
			if got := strictest(checks.Input{Object: after}); got != tc.create {
				t.Errorf("a creation: got %s, want %s", got, tc.create)
			}
			if got := strictest(checks.Input{Object: after, Old: before, Request: checks.Request{Operation: checks.Update}}); got != tc.update {
				t.Errorf("an update: got %s, want %s", got, tc.update)
			}
		})
	}
}
