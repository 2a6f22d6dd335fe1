// SPDX-License-Identifier: Apache-2.0

package endpoint

import (
	"slices"
	"testing"
)

func TestANameThatNoCertificateCanHaveFailsNoReport(t *testing.T) {
	t.Parallel()
	for _, host := range []string{"bücher.example.com", "books.example.com"} {
		w := world(t, shop+`---
kind: IngressClass
apiVersion: networking.k8s.io/v1
metadata: {name: gatehouse}
spec: {controller: gatehouse.sh/gateway}
---
kind: Ingress
apiVersion: networking.k8s.io/v1
metadata: {name: books, namespace: shop}
spec:
  ingressClassName: gatehouse
  tls: [{hosts: ["`+host+`"], secretName: books}]
  rules:
  - host: books.example.com
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: orders, port: {number: 80}}}}]}
`)
		if r := w.Report(); !slices.ContainsFunc(r.Endpoints, func(e Endpoint) bool { return e.Host == "books.example.com" }) {
			t.Errorf("%s: the Ingress is no endpoint", host)
		}
	}
}

func TestAServiceWhoseSecretWasNotReadIsAnEndpoint(t *testing.T) {
	t.Parallel()
	for tls, want := range map[string]string{
		"cert": "https://svc.example.com/orders/** | IngressClass gatehouse | backends | none | terminated | unknown | orders: none",
		"":     "",
	} {
		r := world(t, shop+`---
kind: IngressClass
apiVersion: networking.k8s.io/v1
metadata: {name: gatehouse, annotations: {ingressclass.kubernetes.io/is-default-class: "true"}}
spec: {controller: gatehouse.sh/gateway}
---
kind: Service
apiVersion: v1
metadata: {name: svc, namespace: shop, annotations: {gatehouse.sh/expose: svc.example.com/orders, gatehouse.sh/auth: none, gatehouse.sh/tls: "`+tls+`"}}
spec: {selector: {app: orders}, ports: [{name: http, port: 80}]}
`).Report()
		got := ""
		for i := range r.Endpoints {
			if e := &r.Endpoints[i]; e.Host == "svc.example.com" && e.Listener.Port == 443 {
				got = line(e)
			}
		}
		if got != want {
			t.Errorf("with Secret %q: got %q, want %q", tls, got, want)
		}
	}
}
