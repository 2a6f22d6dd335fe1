// SPDX-License-Identifier: Apache-2.0

package endpoint

import (
	"slices"
	"strings"
	"testing"
)

// exposedBy is a Service that is exposed by annotations, of a class.
func exposedBy(class string) string {
	return `
kind: Service
apiVersion: v1
metadata: {name: svc, namespace: blog, annotations: {gatehouse.sh/expose: blog.example.com, gatehouse.sh/auth: none, gatehouse.sh/tls: none, gatehouse.sh/class: ` + class + `}}
spec: {ports: [{name: http, port: 80}]}
`
}

// legacy is an Ingress that names its class as it was before spec.ingressClassName.
func legacy(class string) string {
	return strings.NewReplacer("  ingressClassName: CLASS\n", "", "namespace: shop}", "namespace: shop, annotations: {kubernetes.io/ingress.class: "+class+"}}").Replace(twoPaths)
}

func TestFilesLeaveOutTheClassOfTheGateway(t *testing.T) {
	t.Parallel()
	const assumed = "IngressClass gatehouse is not among the objects: it is taken for the gateway's, without parameters"
	for name, tc := range map[string]struct {
		text string
		want []string // where endpoints are asked, and what they come through
		idle string   // is not served
		told []string
	}{
		"which a Service names": {exposedBy("gatehouse"), []string{"http://blog.example.com IngressClass gatehouse"}, "", []string{assumed}},
		"another one is not assumed for a Service": {
			exposedBy("nginx"), nil, `Service blog/svc: UnsupportedAnnotation: gatehouse.sh/class: there is no IngressClass "nginx" of this controller`, nil,
		},
		"which an Ingress names by its annotation": {
			legacy("gatehouse"), []string{"http://old.example.com/a/** IngressClass gatehouse", "http://old.example.com/b/** IngressClass gatehouse"}, "", []string{assumed},
		},
		"another one is not assumed for an annotation": {
			legacy("nginx"), []string{"http://old.example.com Ingress shop/old", "http://old.example.com Ingress shop/old"}, "", nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := world(t, tc.text).Report()
			var got []string
			for i := range r.Endpoints {
				got = append(got, r.Endpoints[i].Address()+" "+r.Endpoints[i].Through.By)
			}
			if !slices.Equal(got, tc.want) {
				t.Errorf("got %q, want %q", got, tc.want)
			}
			if tc.idle != "" && (len(r.NotServed) != 1 || !strings.Contains(r.NotServed[0].String(), tc.idle)) {
				t.Errorf("not served: %v, want %s", r.NotServed, tc.idle)
			}
			if !slices.Equal(r.Assumed, tc.told) {
				t.Errorf("assumed %q, want %q", r.Assumed, tc.told)
			}
		})
	}
}
