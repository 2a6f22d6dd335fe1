// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"fmt"
	"slices"
	"testing"
)

// routed are objects with so many routes.
func routed(b *testing.B, routes int) *Objects {
	b.Helper()
	text := []byte(granting)
	for i := range routes {
		text = fmt.Appendf(text, `---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: r%[1]d, namespace: shop}
spec:
  parentRefs: [{name: edge}]
  hostnames: [h%[1]d.example.com]
  rules: [{matches: [{path: {type: PathPrefix, value: /p%[1]d}}], backendRefs: [{name: here, port: 80}]}]
`, i)
	}
	return read(b, text)
}

// BenchmarkTranslate is what the first state of a cluster costs.
func BenchmarkTranslate(b *testing.B) {
	for _, routes := range []int{1000, 5000} {
		objects := routed(b, routes)
		b.Run(fmt.Sprintf("routes=%d", routes), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if r := Translate(objects, options); len(r.Routes) != routes {
					b.Fatalf("%d routes", len(r.Routes))
				}
			}
		})
	}
}

// BenchmarkTranslateSince is what one change of a cluster costs: that of a route.
func BenchmarkTranslateSince(b *testing.B) {
	for _, routes := range []int{1000, 5000} {
		objects := routed(b, routes)
		b.Run(fmt.Sprintf("routes=%d", routes), func(b *testing.B) {
			b.ReportAllocs()
			after, n := &Translator{}, 0
			for b.Loop() {
				own, at := *objects, n%routes
				own.HTTPRoutes = slices.Clone(own.HTTPRoutes)
				own.HTTPRoutes[at] = own.HTTPRoutes[at].DeepCopy()
				own.HTTPRoutes[at].Spec.Rules[0].Matches[0].Path.Value = new(fmt.Sprintf("/now%d", n))
				if r := after.Translate(&own, options); len(r.Routes) != routes {
					b.Fatalf("%d routes", len(r.Routes))
				}
				n++
			}
		})
	}
}
