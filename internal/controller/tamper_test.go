// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"strings"
	"testing"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/checks/catalog"
	"github.com/gatehouse-sh/gatehouse/webhook/registration"
)

func registered(t *testing.T) (*admissionregistrationv1.ValidatingWebhookConfiguration, *admissionregistrationv1.MutatingWebhookConfiguration) {
	t.Helper()
	set, err := catalog.Set()
	if err != nil {
		t.Fatal(err)
	}
	v, m := registration.Build(set, registration.Options{Namespace: "gatehouse-system", Service: "gatehouse-webhook"})
	return v, m
}

func TestWhatIsTampering(t *testing.T) {
	t.Parallel()
	type configuration = admissionregistrationv1.ValidatingWebhookConfiguration
	for name, tc := range map[string]struct {
		alter func(*configuration)
		want  string // empty: nothing
	}{
		"what was registered":        {func(*configuration) {}, ""},
		"another timeout":            {func(c *configuration) { c.Webhooks[0].TimeoutSeconds = new(int32(10)) }, ""},
		"an empty selector for none": {func(c *configuration) { c.Webhooks[0].ObjectSelector = &metav1.LabelSelector{} }, ""},
		"failing open":               {func(c *configuration) { c.Webhooks[0].FailurePolicy = new(admissionregistrationv1.Ignore) }, "has failurePolicy Ignore, not Fail"},
		"other objects": {func(c *configuration) {
			c.Webhooks[0].ObjectSelector = &metav1.LabelSelector{MatchLabels: map[string]string{"a": "b"}}
		}, "has an objectSelector"},
		"other namespaces":                  {func(c *configuration) { c.Webhooks[0].NamespaceSelector.MatchExpressions[0].Values[0] = "shop" }, "has another namespaceSelector"},
		"every namespace":                   {func(c *configuration) { c.Webhooks[0].NamespaceSelector = nil }, "has another namespaceSelector"},
		"a resource less":                   {func(c *configuration) { c.Webhooks[0].Rules[0].Resources = c.Webhooks[0].Rules[0].Resources[1:] }, "has other rules"},
		"no rules":                          {func(c *configuration) { c.Webhooks[0].Rules = nil }, "has other rules"},
		"a condition that is never true":    {func(c *configuration) { c.Webhooks[0].MatchConditions[0].Expression = "false" }, "has other matchConditions"},
		"another Service":                   {func(c *configuration) { c.Webhooks[0].ClientConfig.Service.Name = "other" }, "calls another Service"},
		"a URL":                             {func(c *configuration) { c.Webhooks[0].ClientConfig.URL = new("https://example.com") }, "calls another URL"},
		"exact versions only":               {func(c *configuration) { c.Webhooks[0].MatchPolicy = new(admissionregistrationv1.Exact) }, "has another matchPolicy"},
		"an authority less":                 {func(c *configuration) { c.Webhooks[0].ClientConfig.CABundle = nil }, "has no caBundle"},
		"a webhook less":                    {func(c *configuration) { c.Webhooks = c.Webhooks[1:] }, "is missing"},
		"a webhook more":                    {func(c *configuration) { c.Webhooks[0].Name = "other.gatehouse.sh" }, "is not ours"},
		"a port that the API would fill in": {func(c *configuration) { c.Webhooks[0].ClientConfig.Service.Port = nil }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want, _ := registered(t)
			got := want.DeepCopy()
			for i := range got.Webhooks {
				got.Webhooks[i].ClientConfig.CABundle = []byte("authority")
			}
			tc.alter(got)
			faults := strings.Join(compareHooks(validatingHooks(want), validatingHooks(got), true), "; ")
			if tc.want == "" && faults != "" || !strings.Contains(faults, tc.want) {
				t.Errorf("got %q, want %q", faults, tc.want)
			}
		})
	}
}

func TestMutationIsComparedToo(t *testing.T) {
	t.Parallel()
	_, want := registered(t)
	got := want.DeepCopy()
	if faults := compareHooks(mutatingHooks(want), mutatingHooks(got), false); len(faults) > 0 {
		t.Errorf("%v in what was registered", faults)
	}
	got.Webhooks[0].ReinvocationPolicy = new(admissionregistrationv1.NeverReinvocationPolicy)
	if faults := compareHooks(mutatingHooks(want), mutatingHooks(got), false); len(faults) != 1 {
		t.Errorf("faults %v, want one", faults)
	}
}
