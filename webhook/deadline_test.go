// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/internal/policy"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// vast is a ClusterRole with that many rules.
func vast(t *testing.T, rules int) string {
	t.Helper()
	role := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "vast"}}
	for i := range rules {
		role.Rules = append(role.Rules, rbacv1.PolicyRule{
			Verbs: []string{"get", "create"}, APIGroups: []string{""}, Resources: []string{"pods", "secrets"}, ResourceNames: []string{fmt.Sprint("n", i)},
		})
	}
	out, err := json.Marshal(role)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// held are bindings of that role to a hundred accounts each, spread over 50 namespaces
// that take verdicts in a mode.
func held(bindings int, mode string) []inventory.Object {
	const namespaces, subjects = 50, 100
	var out []inventory.Object
	for i := range namespaces {
		out = append(out, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprint("ns", i), Labels: map[string]string{policy.AdmissionLabel: mode}}})
	}
	for i := range bindings {
		b := &rbacv1.RoleBinding{
			ObjectMeta: metav1.ObjectMeta{Namespace: fmt.Sprint("ns", i%namespaces), Name: fmt.Sprint("b", i)},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "vast"},
		}
		for k := range subjects {
			b.Subjects = append(b.Subjects, rbacv1.Subject{Kind: "ServiceAccount", Namespace: fmt.Sprint("ns", (i+k)%namespaces), Name: fmt.Sprint("a", k)})
		}
		out = append(out, b)
	}
	return out
}

// TestAVerdictHasAnEnd: an object whose verdict takes a quarter of a minute is refused
// in time where a namespace enforces, with the reason in the answer and counted; it is
// never let through in silence. A smaller one is judged.
func TestAVerdictHasAnEnd(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		rules, bindings int
		mode            string
		allowed         bool
		undecided       string
	}{
		"too much to judge where namespaces enforce": {1999, 2000, "enforce", false, "deadline: judging it takes too long"},
		"too much to judge where namespaces warn":    {1999, 2000, "warn", true, "deadline: judging it takes too long"},
		"what can be judged":                         {2, 2, "enforce", true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := engine(t, held(tc.bindings, tc.mode)...)
			registry := prometheus.NewRegistry()
			counted, err := NewMetrics(registry)
			if err != nil {
				t.Fatal(err)
			}
			e.Metrics = counted
			body := review("CREATE", "rbac.authorization.k8s.io", "v1", "ClusterRole", "clusterroles", vast(t, tc.rules), "")
			body = []byte(strings.Replace(string(body), `"namespace":"shop",`, "", 1))
			limit := 300 * time.Millisecond
			if tc.undecided == "" {
				limit = time.Minute
			}
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			start := time.Now()
			_, got := handler(t, Validator{e}).answer(ctx, body)
			if took := time.Since(start); took > limit+2*time.Second { // which a busy machine may take for one step
				t.Errorf("took %s", took)
			}
			if got.Allowed != tc.allowed || got.Annotations["undecided"] != tc.undecided {
				t.Errorf("allowed %v, annotations %v: %.200s", got.Allowed, got.Annotations, got.Message)
			}
			late := uint64(0)
			if tc.undecided != "" {
				late = 1
				if said := got.Message + strings.Join(got.Warnings, ""); !strings.Contains(said, "judging it takes too long") {
					t.Errorf("says %q", said)
				}
			}
			families, err := registry.Gather()
			if err != nil {
				t.Fatal(err)
			}
			n := uint64(0)
			for _, f := range families {
				if f.GetName() == "gatehouse_admission_errors_total" {
					for _, m := range f.GetMetric() {
						n += uint64(m.GetCounter().GetValue())
					}
				}
			}
			if n != late {
				t.Errorf("counted %v", n)
			}
		})
	}
}

func TestTheTimeOfAReview(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]time.Duration{
		"?timeout=3s": 1500 * time.Millisecond, "?timeout=1s": 500 * time.Millisecond, "?timeout=30s": 1500 * time.Millisecond,
		"": 1500 * time.Millisecond, "?timeout=-1s": 1500 * time.Millisecond, "?timeout=soon": 1500 * time.Millisecond,
	} {
		if got := timeFor(httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/validate"+query, nil)); got != want {
			t.Errorf("%q: got %s, want %s", query, got, want)
		}
	}
	var left time.Duration
	h := handler(t, answering(func(ctx context.Context) Answer {
		end, _ := ctx.Deadline()
		left = time.Until(end)
		return Answer{Allowed: true}
	}))
	body := string(review("CREATE", "", "v1", "Service", "services", clusterIP, ""))
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/validate?timeout=2s", strings.NewReader(body)))
	if left <= 0 || left > time.Second {
		t.Errorf("the judge has %s", left)
	}
}

type answering func(context.Context) Answer

func (a answering) Answer(ctx context.Context, _ Review) Answer { return a(ctx) }
