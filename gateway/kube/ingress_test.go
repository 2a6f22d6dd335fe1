// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	ctrlclient "sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gatehouse-sh/gatehouse/test/controlplane"
)

const ingress = `
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: gatehouse}
spec: {controller: gatehouse.sh/gateway}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: shop}
spec:
  ingressClassName: gatehouse
  rules:
  - host: shop.example.com
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {name: http}}}}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: odd, namespace: shop}
spec:
  ingressClassName: gatehouse
  rules:
  - host: odd.example.com
    http: {paths: [{path: /, pathType: Prefix, backend: {resource: {apiGroup: example.com, kind: Bucket, name: b}}}]}
---
`

// TestAnIngressIsServed at an address that its status says; what is refused is said by an
// Event. The Gateway API is not installed.
func TestAnIngressIsServed(t *testing.T) {
	t.Parallel()
	c := start(t, controlplane.Options{})
	c.serve(t, "127.0.26.1")
	c.apply(t, ingress+service(t))
	answers(t, http.DefaultClient, "http://127.0.26.1:20080/", "shop.example.com", 200, "web")
	controlplane.Eventually(t, 20*time.Second, "the Ingress says its address, and an Event what is refused", func() error {
		u := &unstructured.Unstructured{}
		u.SetAPIVersion("networking.k8s.io/v1")
		u.SetKind("Ingress")
		if err := c.api.Get(t.Context(), ctrlclient.ObjectKey{Namespace: "shop", Name: "web"}, u); err != nil {
			return err
		}
		if got := fmt.Sprint(u.Object["status"]); !strings.Contains(got, "127.0.26.1") {
			return fmt.Errorf("the status is %s", got)
		}
		events := &unstructured.UnstructuredList{}
		events.SetAPIVersion("events.k8s.io/v1")
		events.SetKind("EventList")
		if err := c.api.List(t.Context(), events, ctrlclient.InNamespace("shop")); err != nil {
			return err
		}
		if len(events.Items) == 0 || !strings.Contains(fmt.Sprint(events.Items[0].Object["regarding"]), "name:odd") {
			return fmt.Errorf("%d Events: %v", len(events.Items), events.Items)
		}
		return nil
	})
}
