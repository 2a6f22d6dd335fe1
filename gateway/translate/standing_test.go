// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"slices"
	"strings"
	"testing"
)

// TestWhatIsBeingDeletedIsNotServed: its policies may be gone already. What is beside it is
// served on.
func TestWhatIsBeingDeletedIsNotServed(t *testing.T) {
	t.Parallel()
	const objects = floorObjects + `---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: granted, namespace: other}
spec:
  parentRefs: [{name: edge, namespace: infra}]
  hostnames: [granted.example.com]
  rules: [{backendRefs: [{name: a, namespace: shop, port: 80}]}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: ReferenceGrant
metadata: {name: other, namespace: shop}
spec:
  from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: other}]
  to: [{group: "", kind: Service}]
---
apiVersion: v1
kind: Service
metadata: {name: a, namespace: shop}
spec: {ports: [{name: http, port: 80}]}
---
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: Namespace
metadata: {name: infra}
`
	const deleted = ", deletionTimestamp: 2026-01-01T00:00:00Z, finalizers: [example.com/wait]}"
	for name, tc := range map[string]struct{ of, want string }{
		"nothing":                       {"", "httproute/other/granted/0/http-80 to shop/a/80, httproute/shop/r/0/http-80 to shop/a/80"},
		"a route":                       {"{name: r, namespace: shop}", "httproute/other/granted/0/http-80 to shop/a/80"},
		"the namespace of the backends": {"{name: shop}", "httproute/other/granted/0/http-80 to "},
		"the namespace of the Gateway":  {"{name: infra}", "nothing"},
		"a Service, which answers yet":  {"{name: a, namespace: shop}", "httproute/other/granted/0/http-80 to shop/a/80, httproute/shop/r/0/http-80 to shop/a/80"},
		"a Gateway, which serves yet":   {"{name: edge, namespace: infra}", "httproute/other/granted/0/http-80 to shop/a/80, httproute/shop/r/0/http-80 to shop/a/80"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := objects
			if tc.of != "" {
				text = strings.Replace(objects, "metadata: "+tc.of, "metadata: "+strings.TrimSuffix(tc.of, "}")+deleted, 1)
				if text == objects {
					t.Fatalf("there is no %s", tc.of)
				}
			}
			got := "nothing"
			if s := Translate(read(t, []byte(text)), options).Snapshots[Name{Namespace: "infra", Name: "edge"}]; s != nil {
				var routes []string
				for _, r := range s.Routes {
					routes = append(routes, r.Name+" to "+r.Backends[0].Name)
				}
				slices.Sort(routes)
				got = strings.Join(routes, ", ")
			}
			if got != tc.want {
				t.Errorf("served are %q, want %q", got, tc.want)
			}
		})
	}
}
