// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"strings"
	"testing"
)

// TestLabelsAndAnnotationsCountWhicheverWayTheyAreWritten: the status
// subresources of Services, Ingresses and Pods store changes of both.
func TestLabelsAndAnnotationsCountWhicheverWayTheyAreWritten(t *testing.T) {
	t.Parallel()
	ingress := func(annotations string) string {
		return `{"metadata":{"name":"web","namespace":"shop","annotations":{` + annotations + `}},"spec":{"ingressClassName":"gatehouse",` +
			`"tls":[{"hosts":["a.example.com"]}],"rules":[{"host":"a.example.com"}]}}`
	}
	const nginx = `"kubernetes.io/ingress.class":"nginx"`
	for name, tc := range map[string]struct {
		object, old string
		says        string // empty: allowed
	}{
		"an annotation that opens another door": {ingress(nginx), ingress(""), "EXP-020"},
		"one that was there before":             {ingress(nginx), ingress(nginx), ""},
		"one that opens nothing":                {ingress(`"note":"1"`), ingress(""), ""},
		"a status without an older object":      {ingress(nginx), "", "EXP-020"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := review("UPDATE", "networking.k8s.io", "v1", "Ingress", "ingresses", tc.object, tc.old)
			body = []byte(strings.Replace(string(body), `"operation"`, `"subResource":"status","operation"`, 1))
			_, got := handler(t, Validator{engine(t)}).answer(t.Context(), body)
			if got.Allowed != (tc.says == "") || !strings.Contains(got.Message, tc.says) {
				t.Errorf("allowed %v: %s", got.Allowed, got.Message)
			}
		})
	}
}
