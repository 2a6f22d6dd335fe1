// SPDX-License-Identifier: Apache-2.0

package backstop

import (
	"slices"
	"strings"
	"testing"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/policy"
)

// TestRulesReadWhatTheyShare judges by one expression that a rule about faults and
// one about the update read, which the policy holds once.
func TestRulesReadWhatTheyShare(t *testing.T) {
	t.Parallel()
	kind := checks.BackstopVariable{Name: "kind", Expression: `self.spec.type + "/" + self.metadata.name`}
	set, err := checks.NewSet(checks.Check{
		ID: "EXP-001", Name: "node-port", Severity: checks.High, Kinds: []schema.GroupKind{{Kind: "Service"}},
		Doc: checks.Doc{Title: "t", Why: "w", Attack: "a", Fix: "f", Sources: []string{"s"}},
		Run: func(checks.Input) []checks.Finding { return nil },
		Backstop: &checks.Backstop{Rules: func(*checks.Parameters) []checks.BackstopRule {
			return []checks.BackstopRule{
				{Reading: kind, Faults: `reading == "NodePort/" + self.metadata.name ? ["type"] : []`},
				{Reading: kind, Step: `variables.kind[0] != variables.kind[1] && variables.kind[1].startsWith("ClusterIP/") ? ["step"] : []`},
			}
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	objects := build(t, policy.Default(set))
	variables := objects.Policies[0].Spec.Variables
	named := func(v admissionregistrationv1.Variable) bool { return v.Name == kind.Name }
	if at := slices.IndexFunc(variables, named); at != 0 || slices.ContainsFunc(variables[1:], named) {
		t.Errorf("the reading is variable %d, or there more than once", at)
	}
	list := enforcers(t, objects)
	service := func(kind corev1.ServiceType) *corev1.Service {
		return &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web"}, Spec: corev1.ServiceSpec{Type: kind}}
	}
	for name, tc := range map[string]struct {
		old, new corev1.ServiceType // no old one: a creation
		want     []string           // the subjects
	}{
		"a creation with the fault":       {"", corev1.ServiceTypeNodePort, []string{"type"}},
		"a creation without":              {"", corev1.ServiceTypeClusterIP, nil},
		"an update that adds the fault":   {corev1.ServiceTypeLoadBalancer, corev1.ServiceTypeNodePort, []string{"type"}},
		"an update that keeps it":         {corev1.ServiceTypeNodePort, corev1.ServiceTypeNodePort, nil},
		"an update that takes it away":    {corev1.ServiceTypeNodePort, corev1.ServiceTypeClusterIP, nil},
		"an update that is a step":        {corev1.ServiceTypeClusterIP, corev1.ServiceTypeLoadBalancer, []string{"step"}},
		"an update that is the step back": {corev1.ServiceTypeLoadBalancer, corev1.ServiceTypeClusterIP, nil},
		"a step that adds the fault":      {corev1.ServiceTypeClusterIP, corev1.ServiceTypeNodePort, []string{"type", "step"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := checks.Input{Object: service(tc.new)}
			if tc.old != "" {
				in.Old = service(tc.old)
			}
			var want []string
			for _, subject := range tc.want {
				want = append(want, "EXP-001 node-port (high) at "+subject+". Change: f")
			}
			if got := ask(t, list, in).texts; !slices.Equal(got, want) {
				t.Errorf("the policy says %q, want %q", strings.Join(got, " | "), want)
			}
		})
	}
}
