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
