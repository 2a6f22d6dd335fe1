// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admission/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/checks/catalog"
	"github.com/gatehouse-sh/gatehouse/internal/policy"
)

// fullRequest is a request with everything that Kubernetes says of one.
func fullRequest() *admissionv1.AdmissionRequest {
	return &admissionv1.AdmissionRequest{
		Kind: metav1.GroupVersionKind{Version: "v1", Kind: "Service"}, Resource: metav1.GroupVersionResource{Version: "v1", Resource: "services"},
		RequestKind: &metav1.GroupVersionKind{Version: "v1", Kind: "Service"}, RequestResource: &metav1.GroupVersionResource{Version: "v1", Resource: "services"},
		Name: "web", Namespace: "shop", Operation: admissionv1.Create, DryRun: new(true),
		UserInfo: authenticationv1.UserInfo{Username: "ann", UID: "7", Groups: []string{"dev"}, Extra: map[string]authenticationv1.ExtraValue{"example.com/team": {"blue"}}},
		Options:  runtime.RawExtension{Raw: []byte(`{"kind":"CreateOptions","apiVersion":"meta.k8s.io/v1","fieldManager":"kubectl"}`)},
	}
}

// reviewOf wraps a request and an object as the API server does.
func reviewOf(t *testing.T, r *admissionv1.AdmissionRequest, object string) []byte {
	t.Helper()
	r = r.DeepCopy()
	r.UID, r.Object.Raw = "u-1", []byte(object)
	body, err := json.Marshal(admissionv1.AdmissionReview{TypeMeta: metav1.TypeMeta{APIVersion: "admission.k8s.io/v1", Kind: "AdmissionReview"}, Request: r})
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func TestARequestIsDescribedWhole(t *testing.T) {
	t.Parallel()
	want := fullRequest()
	asWritten := reviewOf(t, want, clusterIP)
	for name, body := range map[string][]byte{
		"as the API server writes it": asWritten,
		"in another spelling":         []byte(strings.Replace(string(asWritten), `"kind":{"group"`, `"kind": {"group"`, 1)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := DecodeReview(body)
			if err != nil {
				t.Fatal(err)
			}
			if r.request().Admission != nil {
				t.Error("it is described before a custom check asks")
			}
			if r, err = r.described(); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, r.request().Admission); diff != "" {
				t.Errorf("request (want -, got +):\n%s", diff)
			}
		})
	}
}

// TestCustomChecksSeeTheRequest shows that their expressions reach every part of
// it, and that a refusal names the check.
func TestCustomChecksSeeTheRequest(t *testing.T) {
	t.Parallel()
	set, err := catalog.Set()
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		expression string
		says       string // of the refusal; empty: it is accepted
	}{
		"every part": {`request.userInfo.uid == '7' && request.userInfo.extra['example.com/team'] == ['blue'] && request.dryRun && request.name == 'web' &&
			request.options.fieldManager == 'kubectl' && request.requestKind.kind == 'Service' && request.requestResource.resource == 'services' && request.operation == 'CREATE'`, ""},
		"another user":      {"request.userInfo.username == 'eve'", "* CUSTOM-001 ours (high) at spec.type\n    is not ours\n    Change:   make it ours\n"},
		"the whole object":  {"object.spec.sessionAffinity == 'None' && object.metadata.uid == 'u'", ""},
		"what it lacks":     {"object.metadata.labels.team == 'blue'", "* CUSTOM-001 ours (high) at spec.type\n    cannot be judged: validations[0].expression: 1:23: no such key: labels\n"},
		"no such namespace": {"namespaceObject.metadata.name == 'shop'", "cannot be judged"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := policy.Compile(set, &v1alpha1.CheckPolicySpec{CustomChecks: []v1alpha1.CustomCheck{{
				ID: "CUSTOM-001", Name: "ours", Title: "t", Fix: "make it ours", Severity: "high", Kinds: []v1alpha1.CustomKind{{Kind: "Service"}},
				Validations: []v1alpha1.CustomValidation{{Expression: v1alpha1.CustomExpression(tc.expression), Message: "is not ours", FieldPath: "spec.type"}},
			}}})
			if err != nil {
				t.Fatal(err)
			}
			e := engine(t)
			e.Policy = func() *policy.Policy { return p }
			object := strings.NewReplacer(`"type":`, `"sessionAffinity":"None","type":`, `"name":"web",`, `"name":"web","uid":"u",`).Replace(clusterIP)
			r, err := DecodeReview(reviewOf(t, fullRequest(), object))
			if err != nil {
				t.Fatal(err)
			}
			a := Validator{e}.Answer(t.Context(), r)
			if a.Allowed != (tc.says == "") || !strings.Contains(a.Message, tc.says) {
				t.Errorf("allowed = %v: %s", a.Allowed, a.Message)
			}
		})
	}
}
