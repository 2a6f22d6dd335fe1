// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/verify"
)

// TestContradictions: a rule that allows what another denies before it, in a tier above,
// by a rule of its own tier, or at the same priority.
func TestContradictions(t *testing.T) {
	t.Parallel()
	pods := func(app string) verify.Pods {
		return verify.Pods{Namespaces: labels.SelectorFromSet(labels.Set{corev1.LabelMetadataName: "shop"}), Pods: labels.SelectorFromSet(labels.Set{"app": app})}
	}
	rule := func(action verify.Action, peer string, port uint16) []verify.Rule {
		return []verify.Rule{{Name: "ingress[0]", Action: action, Peers: []verify.Peer{{Pods: pods(peer)}}, Ports: []generator.Port{generator.NumberedPort(generator.TCP, port)}}}
	}
	tier := func(name string, tier verify.Tier, priority int32, ingress []verify.Rule) verify.Policy {
		return verify.Policy{Name: name, Tier: tier, Priority: priority, Subject: pods("db"), Ingress: ingress}
	}
	allows := verify.Policy{Name: "db", Tier: verify.Normal, Subject: pods("db"), Isolates: generator.Guard{Ingress: true}, Ingress: rule(verify.Accept, "carts", 5432)}
	denies := allows
	denies.Name, denies.Ingress = "no carts", rule(verify.Deny, "carts", 5432)
	const what = "contradictory db ingress[0] allows what %s denies before it: Deployment shop/carts -> StatefulSet shop/db TCP/5432"
	for name, tc := range map[string]struct {
		list []verify.Policy
		want []string
	}{
		"a tier above":               {[]verify.Policy{allows, tier("above", verify.Admin, 1, rule(verify.Deny, "carts", 5432))}, []string{strings.Replace(what, "%s", "above", 1)}},
		"a denial of the same tier":  {[]verify.Policy{allows, denies}, []string{strings.Replace(what, "%s", "no carts", 1)}},
		"another port, another peer": {[]verify.Policy{allows, tier("above", verify.Admin, 1, rule(verify.Deny, "carts", 80)), tier("beside", verify.Admin, 2, rule(verify.Deny, "web", 5432))}, nil},
		"a tier below":               {[]verify.Policy{allows, tier("below", verify.Baseline, 1, rule(verify.Deny, "carts", 5432))}, nil},
		"two of one priority": {
			[]verify.Policy{tier("one", verify.Admin, 1, rule(verify.Deny, "carts", 5432)), tier("two", verify.Admin, 1, rule(verify.Accept, "carts", 5432))},
			[]string{
				"contradictory one  treats StatefulSet shop/db otherwise than two does at the same priority: which of them counts is not defined",
				"contradictory two  treats StatefulSet shop/db otherwise than one does at the same priority: which of them counts is not defined",
			},
		},
		"one after the other": {
			[]verify.Policy{tier("one", verify.Admin, 1, rule(verify.Accept, "carts", 5432)), tier("two", verify.Admin, 2, rule(verify.Deny, "carts", 5432))},
			nil,
		},
		"the denial first": {
			[]verify.Policy{tier("db", verify.Admin, 2, rule(verify.Accept, "carts", 5432)), tier("before", verify.Admin, 1, rule(verify.Deny, "carts", 5432))},
			[]string{strings.Replace(what, "%s", "before", 1)},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found, err := Policies(tc.list, model(t), Options{})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range found {
				if f.Kind == Contradictory {
					got = append(got, strings.Join([]string{f.Kind.String(), f.Policy, f.Rule, f.What}, " "))
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
