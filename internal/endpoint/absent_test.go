// SPDX-License-Identifier: Apache-2.0

package endpoint

import (
	"slices"
	"strings"
	"testing"
)

// leads are the endpoints of a report, each with where it leads.
func leads(r *Report) []string {
	out := make([]string, len(r.Endpoints))
	for i := range r.Endpoints {
		e := &r.Endpoints[i]
		out[i] = e.Address() + " | " + e.Through.By + " | " + e.to()
	}
	return out
}

const twoPaths = `
kind: Ingress
apiVersion: networking.k8s.io/v1
metadata: {name: old, namespace: shop}
spec:
  ingressClassName: CLASS
  rules:
  - host: old.example.com
    http:
      paths:
      - {path: /a, pathType: Prefix, backend: {service: {name: a, port: {number: 80}}}}
      - {path: /b, pathType: Prefix, backend: {service: {name: b, port: {name: http}}}}
`

const present = `
---
kind: Service
apiVersion: v1
metadata: {name: a, namespace: shop}
spec: {ports: [{name: http, port: 80}]}
---
kind: Service
apiVersion: v1
metadata: {name: b, namespace: shop}
spec: {ports: [{name: http, port: 80}]}
`

func TestAnIngressOfOthersIsAnEndpointWithoutItsServices(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		text string
		past int
		want []string
	}{
		"without its Services": {strings.Replace(twoPaths, "CLASS", "nginx", 1), 2, []string{
			"http://old.example.com | Ingress shop/old | shop/a:80 -> no workload that is known",
			"http://old.example.com | Ingress shop/old | shop/b -> no workload that is known",
		}},
		"with them": {strings.Replace(twoPaths, "CLASS", "nginx", 1) + strings.TrimPrefix(present, "\n"), 2, []string{
			"http://old.example.com | Ingress shop/old | shop/a:80 -> no workload that is known",
			"http://old.example.com | Ingress shop/old | shop/b:80 -> no workload that is known",
		}},
		"the gateway's own is not past it": {strings.Replace(twoPaths, "CLASS", "gatehouse", 1), 0, []string{
			"http://old.example.com/a/** | IngressClass gatehouse | refused answered 503",
			"http://old.example.com/b/** | IngressClass gatehouse | refused answered 503",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := world(t, tc.text).Report()
			if got := leads(r); !slices.Equal(got, tc.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tc.want, "\n"))
			}
			if got := len(r.Fails([]string{"past-gateway"})); got != tc.past || r.Summary.PastTheGateway != tc.past {
				t.Errorf("past-gateway fails for %d, and %d are counted, want %d", got, r.Summary.PastTheGateway, tc.past)
			}
		})
	}
}
