// SPDX-License-Identifier: Apache-2.0

package exposure_test

import (
	"slices"
	"testing"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/checks/exposure"
	"github.com/gatehouse-sh/gatehouse/inventory"
	"github.com/gatehouse-sh/gatehouse/webhook/registration"
)

// TestTheRegistrationSaysWhatIsGatehouse: installed under other names, the Service
// that the registration names is protected all the same.
func TestTheRegistrationSaysWhatIsGatehouse(t *testing.T) {
	t.Parallel()
	only := slices.DeleteFunc(exposure.All(), func(c checks.Check) bool { return c.ID != "SELF-005" })
	set, err := checks.NewSet(only...)
	if err != nil || len(only) != 1 {
		t.Fatalf("%d checks (%v)", len(only), err)
	}
	for name, tc := range map[string]struct {
		configuration, calls string
		want                 int
	}{
		"our registration":                   {registration.Name, "judge", 1},
		"our registration, another Service":  {registration.Name, "other", 0},
		"somebody's registration is for 017": {"quota", "judge", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			svc := &corev1.Service{
				ObjectMeta: metav1.ObjectMeta{Namespace: "platform", Name: "judge"},
				Spec:       corev1.ServiceSpec{Type: corev1.ServiceTypeNodePort, Selector: map[string]string{"app": "judge"}, Ports: []corev1.ServicePort{{Port: 443}}},
			}
			hook := &admissionregistrationv1.ValidatingWebhookConfiguration{
				ObjectMeta: metav1.ObjectMeta{Name: tc.configuration},
				Webhooks: []admissionregistrationv1.ValidatingWebhook{{
					Name: "w", ClientConfig: admissionregistrationv1.WebhookClientConfig{Service: &admissionregistrationv1.ServiceReference{Namespace: "platform", Name: tc.calls}},
				}},
			}
			in := checks.Input{Object: svc, Inventory: inventory.New(svc, hook), Parameters: checks.DefaultParameters()}
			if got := set.Evaluate(in); len(got) != tc.want {
				t.Errorf("got %v, want %d findings", got, tc.want)
			}
		})
	}
}
