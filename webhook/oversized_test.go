// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/internal/policy"
)

// TestPaddingDoesNotGetAnObjectPast: a cluster-scoped object beyond the bounds is
// refused where a namespace enforces, whatever the mode of cluster-scoped objects,
// and only warned of where none does.
func TestPaddingDoesNotGetAnObjectPast(t *testing.T) {
	t.Parallel()
	list := func(n int, form string) string {
		var out []string
		for i := range n {
			out = append(out, fmt.Sprintf(form, i))
		}
		return strings.Join(out, ",")
	}
	subjects := func(n int) string {
		return `{"metadata":{"name":"x"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"view"},"subjects":[` +
			list(n, `{"kind":"User","apiGroup":"rbac.authorization.k8s.io","name":"u%d"}`) + `]}`
	}
	names := func(n int) string {
		return `{"metadata":{"name":"x"},"rules":[{"verbs":["get"],"apiGroups":[""],"resources":["pods"]},{"verbs":["get"],"apiGroups":[""],"resources":["configmaps"],"resourceNames":[` + list(n, `"s%d"`) + `]}]}`
	}
	const binding, role = "ClusterRoleBinding", "ClusterRole"
	for name, tc := range map[string]struct {
		admission    string // of the only namespace
		mode         policy.Mode
		kind, object string
		allowed      bool
		says         string // in the refusal or in a warning
	}{
		"subjects, where a namespace enforces":  {"enforce", policy.WarnOnly, binding, subjects(usual.entries + 1), false, "subjects holds more than 2000 entries"},
		"as many as may be":                     {"enforce", policy.WarnOnly, binding, subjects(usual.entries), true, ""},
		"where one only warns":                  {"warn", policy.WarnOnly, binding, subjects(usual.entries + 1), true, "subjects holds more than 2000 entries"},
		"where none opted in":                   {"", policy.WarnOnly, binding, subjects(usual.entries + 1), true, "subjects holds more than 2000 entries"},
		"where cluster-scoped objects are off":  {"enforce", policy.Off, binding, subjects(usual.entries + 1), true, ""},
		"where the mode of a label is unknown":  {"yes please", policy.WarnOnly, binding, subjects(usual.entries + 1), false, "cannot judge"},
		"names of a role":                       {"enforce", policy.WarnOnly, role, names(usual.entries + 1), false, "rules[1].resourceNames holds more than 2000 entries"},
		"as many names as may be":               {"enforce", policy.WarnOnly, role, names(usual.entries), true, ""},
		"names of a role where one only warns":  {"warn", policy.WarnOnly, role, names(usual.entries + 1), true, "rules[1].resourceNames"},
		"a binding that cannot be decoded":      {"enforce", policy.WarnOnly, binding, `{"metadata":{"name":"x"},"subjects":7}`, false, "subjects"},
		"the same where no namespace minds it":  {"warn", policy.WarnOnly, binding, `{"metadata":{"name":"x"},"subjects":7}`, true, "subjects"},
		"a name that would write a second line": {"enforce", policy.WarnOnly, role, `{"metadata":{"labels":{"a\nb":[` + list(usual.entries+1, "%d") + `]}}}`, false, "metadata.labels"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "apart"}}
			if tc.admission != "" {
				ns.Labels = map[string]string{policy.AdmissionLabel: tc.admission}
			}
			e := engine(t, ns)
			p := *e.Policy()
			p.ClusterMode = tc.mode
			e.Policy = func() *policy.Policy { return &p }
			body := review("CREATE", "rbac.authorization.k8s.io", "v1", tc.kind, strings.ToLower(tc.kind)+"s", tc.object, "")
			body = []byte(strings.Replace(string(body), `"namespace":"shop",`, "", 1))
			_, got := handler(t, Validator{e}).answer(t.Context(), body)
			said := got.Message + strings.Join(got.Warnings, "\n")
			if got.Allowed != tc.allowed || !strings.Contains(said, tc.says) || tc.says == "" && said != "" {
				t.Errorf("allowed %v: %.400s", got.Allowed, said)
			}
		})
	}
}
