// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gatehouse-sh/gatehouse/webhook/serve"
)

// caller posts to the webhook as the API server does.
func (c *cluster) caller(t *testing.T) *http.Client {
	t.Helper()
	var secret corev1.Secret
	if err := c.api.Get(t.Context(), client.ObjectKey{Namespace: own, Name: serve.SecretName}, &secret); err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(secret.Data["ca.crt"]) {
		t.Fatal("the Secret holds no CA")
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 30 * time.Second}
}

// TestBadInput sends what no API server should send. Each gets an answer that
// says what is wrong, and the webhook goes on.
func TestBadInput(t *testing.T) {
	c := newCluster(t)
	c.installDefinitions(t)
	p := c.startWebhook(t)
	post := c.caller(t)
	review := func(object string) string {
		return `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u-1","kind":{"group":"","version":"v1","kind":"Service"},` +
			`"resource":{"group":"","version":"v1","resource":"services"},"namespace":"somewhere","operation":"CREATE","object":` + object + `}}`
	}
	large := `{"metadata":{"name":"a","namespace":"somewhere","annotations":{"x":"` + strings.Repeat("y", 3<<20) + `"}},"spec":{"type":"NodePort","ports":[{"port":80}]}}`
	for name, tc := range map[string]struct {
		method, body string
		status       int
		says         string // in the answer
		refused      bool   // of an AdmissionReview
	}{
		"a GET":                        {http.MethodGet, "", http.StatusMethodNotAllowed, "POST", false},
		"not JSON":                     {http.MethodPost, "kind: Service", http.StatusOK, "cannot judge", true},
		"nothing":                      {http.MethodPost, "", http.StatusOK, "cannot judge", true},
		"a review of an old version":   {http.MethodPost, `{"apiVersion":"admission.k8s.io/v1beta1","kind":"AdmissionReview"}`, http.StatusOK, "v1beta1", true},
		"a review without a request":   {http.MethodPost, `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}`, http.StatusOK, "no request", true},
		"an object that is a string":   {http.MethodPost, review(`"x"`), http.StatusOK, "decode Service", true},
		"an object of 3 MB":            {http.MethodPost, review(large), http.StatusOK, "EXP-001", true},
		"more than the largest review": {http.MethodPost, review(`{"metadata":{"annotations":{"x":"` + strings.Repeat("y", 8<<20) + `"}}}`), http.StatusBadRequest, "too large", false},
		"an object nested 20,000 deep": {http.MethodPost, review(strings.Repeat(`{"a":`, 20_000) + "1" + strings.Repeat("}", 20_000)), http.StatusOK, "cannot judge", true},
		"null arrays":                  {http.MethodPost, review(`{"metadata":{"name":"a","namespace":"somewhere","labels":null},"spec":{"type":"NodePort","ports":null,"externalIPs":null,"selector":null}}`), http.StatusOK, "EXP-001", true},
	} {
		t.Run(name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), tc.method, p.url+"/validate", strings.NewReader(tc.body))
			if err != nil {
				t.Fatal(err)
			}
			resp, err := post.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode != tc.status || !bytes.Contains(body, []byte(tc.says)) {
				t.Errorf("%s: %.400s", resp.Status, body)
			}
			if !tc.refused {
				return
			}
			var answer struct {
				Response struct {
					Allowed          bool
					AuditAnnotations map[string]string
				}
			}
			if err := json.Unmarshal(body, &answer); err != nil {
				t.Fatal(err)
			}
			if answer.Response.Allowed || len(answer.Response.AuditAnnotations) == 0 {
				t.Errorf("allowed, or without audit annotation: %.400s", body)
			}
		})
	}
	c.optIn(t, "after-bad-input", "gatehouse.sh/admission: enforce", "denied")
}

// TestLargeObjects applies objects near the API server's own limits.
func TestLargeObjects(t *testing.T) {
	c := newCluster(t)
	c.installDefinitions(t)
	c.startWebhook(t)
	c.optIn(t, "large", "gatehouse.sh/admission: enforce", "denied")
	ingress := func(n int) string {
		var b strings.Builder
		b.WriteString("apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: many, namespace: large}\nspec:\n  ingressClassName: other\n  rules:\n")
		for i := range n {
			fmt.Fprintf(&b, "  - {host: h%d.example.com, http: {paths: [{path: /p, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}\n", i)
		}
		return b.String()
	}
	if out, err := c.try(t, ingress(3000), "create", "-f", "-"); err == nil || !strings.Contains(out, "too large") {
		t.Errorf("3,000 rules are beyond what is judged: %v\n%.500s", err, out)
	}
	start := time.Now()
	out, err := c.try(t, ingress(1500), "create", "-f", "-")
	if err == nil || !strings.Contains(out, "EXP-020") {
		t.Errorf("1,500 rules: %v\n%.2000s", err, out)
	}
	t.Logf("an Ingress with 1,500 rules was refused after %s, in %d bytes", time.Since(start).Round(time.Millisecond), len(out))
	if len(out) > 32<<10 {
		t.Errorf("the refusal has %d bytes", len(out))
	}
	var ports strings.Builder
	for i := range 1500 {
		fmt.Fprintf(&ports, "  - {name: p%d, port: %d}\n", i, i+1000)
	}
	out, err = c.try(t, "apiVersion: v1\nkind: Service\nmetadata: {name: many, namespace: large}\nspec:\n  type: LoadBalancer\n  selector: {app: x}\n  ports:\n"+ports.String(), "create", "-f", "-")
	if err == nil || !strings.Contains(out, "EXP-002") {
		t.Errorf("1,500 ports: %v\n%.2000s", err, out)
	}
}
