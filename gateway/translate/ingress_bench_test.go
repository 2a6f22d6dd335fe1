// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"fmt"
	"strings"
	"testing"

	networkingv1 "k8s.io/api/networking/v1"
)

// BenchmarkIngresses translates so many Ingresses, each of a host of its own with limits
// and TLS.
func BenchmarkIngresses(b *testing.B) {
	for _, n := range []int{1000, 5000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			t := &testing.T{}
			objects := read(t, []byte(ourClass+"---\napiVersion: v1\nkind: Secret\nmetadata: {name: cert, namespace: shop}\ntype: kubernetes.io/tls\nstringData: {made: \"*.example.com\"}\n---\napiVersion: v1\nkind: Service\nmetadata: {name: a, namespace: shop}\nspec: {ports: [{port: 80}]}\n"+annotated("a", "/", map[string]string{"limit-rps": "10"})))
			first := objects.Ingresses[0]
			for i := range n {
				own := first.DeepCopy()
				own.Name = fmt.Sprintf("a-%d", i)
				own.Spec.Rules[0].Host = fmt.Sprintf("h%d.example.com", i)
				own.Spec.TLS = append(own.Spec.TLS, tlsFor(own.Spec.Rules[0].Host))
				objects.Ingresses = append(objects.Ingresses, own)
			}
			for b.Loop() {
				r := Translate(objects, options)
				if s := r.Snapshots[Builtin("gatehouse")]; len(s.Routes) < 2*n || len(r.Events) > 0 || !strings.HasPrefix(s.Routes[0].Name, "ingress/") {
					b.Fatal(len(s.Routes), r.Events)
				}
			}
		})
	}
}

func tlsFor(host string) networkingv1.IngressTLS {
	return networkingv1.IngressTLS{Hosts: []string{host}, SecretName: "cert"}
}
