// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

func TestWebhookOnLoopbackIsCalled(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(refuse))
	defer server.Close()
	clients := kubernetes.NewForConfigOrDie(Get(t).RESTConfig())
	namespace := newNamespace(t, clients)
	register(t, clients, namespace, server)

	maps := clients.CoreV1().ConfigMaps(namespace)
	object := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{GenerateName: "c-"}}
	dry := metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}}
	Eventually(t, 20*time.Second, "the new webhook is called", func() error {
		_, err := maps.Create(t.Context(), object, dry)
		if err == nil {
			return errors.New("the object is accepted")
		}
		if !strings.Contains(err.Error(), "refused by the test") {
			return err
		}
		return nil
	})
	other := clients.CoreV1().ConfigMaps(newNamespace(t, clients))
	if _, err := other.Create(t.Context(), object, dry); err != nil {
		t.Errorf("a namespace that the webhook does not select: %v", err)
	}
}

func refuse(w http.ResponseWriter, r *http.Request) {
	var review admissionv1.AdmissionReview
	if err := json.NewDecoder(r.Body).Decode(&review); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	review.Response = &admissionv1.AdmissionResponse{
		UID: review.Request.UID, Result: &metav1.Status{Message: "refused by the test"},
	}
	_ = json.NewEncoder(w).Encode(review) // the API server reports a broken answer
}

func register(t *testing.T, clients kubernetes.Interface, namespace string, server *httptest.Server) {
	t.Helper()
	url, effects, fail := server.URL+"/validate", admissionregistrationv1.SideEffectClassNone, admissionregistrationv1.Fail
	configurations := clients.AdmissionregistrationV1().ValidatingWebhookConfigurations()
	made, err := configurations.Create(t.Context(), &admissionregistrationv1.ValidatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "controlplane-"},
		Webhooks: []admissionregistrationv1.ValidatingWebhook{{
			Name: "refuse.gatehouse.sh",
			ClientConfig: admissionregistrationv1.WebhookClientConfig{
				URL:      &url,
				CABundle: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}),
			},
			Rules: []admissionregistrationv1.RuleWithOperations{{
				Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.Create},
				Rule:       admissionregistrationv1.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"configmaps"}},
			}},
			NamespaceSelector:       &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: namespace}},
			FailurePolicy:           &fail,
			SideEffects:             &effects,
			AdmissionReviewVersions: []string{"v1"},
		}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// The context of the test has ended when this runs.
		if err := configurations.Delete(context.WithoutCancel(t.Context()), made.Name, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	})
}
