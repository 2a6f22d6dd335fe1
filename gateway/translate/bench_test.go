// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"fmt"
	"testing"
)

// BenchmarkTranslate is what one change of a cluster costs: all of it is translated.
func BenchmarkTranslate(b *testing.B) {
	for _, routes := range []int{1000, 5000} {
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
		objects := read(b, text)
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
