// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"encoding/json"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/internal/policy"
)

// TestABindingIsAnUpdateOfItsPod: a label that a Binding puts on a pod is judged as
// one that somebody writes into it.
func TestABindingIsAnUpdateOfItsPod(t *testing.T) {
	t.Parallel()
	shop := metav1.ObjectMeta{Namespace: "shop"}
	named := func(name string) metav1.ObjectMeta { m := shop; m.Name = name; return m }
	pod := &corev1.Pod{ObjectMeta: named("job"), Spec: corev1.PodSpec{ServiceAccountName: "boss", Containers: []corev1.Container{{Name: "c", Image: "i"}}}}
	svc := &corev1.Service{ObjectMeta: named("web"), Spec: corev1.ServiceSpec{
		Type: corev1.ServiceTypeLoadBalancer, Selector: map[string]string{"app": "web"}, Ports: []corev1.ServicePort{{Port: 80, NodePort: 30080}},
	}}
	boss := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "boss"}, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "cluster-admin"},
		Subjects: []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: "shop", Name: "boss"}},
	}
	admin := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "cluster-admin"}, Rules: []rbacv1.PolicyRule{{Verbs: []string{"*"}, APIGroups: []string{"*"}, Resources: []string{"*"}}}}
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop", Labels: map[string]string{policy.AdmissionLabel: "enforce"}}}
	for name, tc := range map[string]struct {
		binding corev1.Binding
		says    string // in the refusal; empty: it is let through
	}{
		"a label that a Service selects": {corev1.Binding{ObjectMeta: metav1.ObjectMeta{Name: "job", Labels: map[string]string{"app": "web"}}}, "XR-00"},
		"a label that nothing selects":   {corev1.Binding{ObjectMeta: metav1.ObjectMeta{Name: "job", Labels: map[string]string{"app": "job"}}}, ""},
		"an annotation":                  {corev1.Binding{ObjectMeta: metav1.ObjectMeta{Name: "job", Annotations: map[string]string{"x": "y"}}}, ""},
		"a pod that is not known":        {corev1.Binding{ObjectMeta: metav1.ObjectMeta{Name: "new", Labels: map[string]string{"app": "web"}}}, "pod shop/new, which it puts on a node with labels or annotations, is not known yet"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := engine(t, ns, pod, svc, boss, admin, &corev1.ServiceAccount{ObjectMeta: named("boss")})
			raw, err := json.Marshal(tc.binding)
			if err != nil {
				t.Fatal(err)
			}
			for _, resource := range []string{"pods", "bindings"} {
				body := review("CREATE", "", "v1", "Binding", resource, string(raw), "")
				_, got := handler(t, Validator{e}).answer(t.Context(), body)
				if got.Allowed != (tc.says == "") || !strings.Contains(got.Message, tc.says) {
					t.Errorf("%s: allowed %v, %v: %.600s", resource, got.Allowed, got.Annotations, got.Message)
				}
			}
		})
	}
}
