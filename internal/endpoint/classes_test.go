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

// TestAClusterHasTheClassesThatCount: one that is named and does not exist serves nothing.
func TestAClusterHasTheClassesThatCount(t *testing.T) {
	t.Parallel()
	const class = `
---
kind: IngressClass
apiVersion: networking.k8s.io/v1
metadata: {name: gatehouse}
spec: {controller: gatehouse.sh/gateway}
---
kind: GatewayClass
apiVersion: gateway.networking.k8s.io/v1
metadata: {name: gatehouse}
spec: {controllerName: gatehouse.sh/gateway}
`
	ingress := strings.Replace(twoPaths, "CLASS", "gatehouse", 1) + strings.TrimPrefix(present, "\n")
	for name, tc := range map[string]struct {
		text, host string
		idle       []string // without the classes
	}{
		"of an Ingress":               {ingress, "old.example.com", []string{"Ingress shop/old: NoClass: there is no IngressClass gatehouse"}},
		"of an Ingress without ports": {strings.Replace(twoPaths, "CLASS", "gatehouse", 1), "old.example.com", []string{"Ingress shop/old: NoClass: there is no IngressClass gatehouse"}},
		"of a Service": {exposedBy("gatehouse"), "blog.example.com", []string{
			`Service blog/svc: UnsupportedAnnotation: gatehouse.sh/class: there is no IngressClass "gatehouse" of this controller`,
		}},
		"of a Gateway": {shop, "shop.example.com", []string{
			"Gateway gatehouse-system/edge: NoClass: there is no GatewayClass gatehouse",
			"HTTPRoute shop/orders: NotServed: it is attached to the gateway, and nothing of it is served",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for there, text := range map[bool]string{false: tc.text, true: tc.text + strings.TrimPrefix(class, "\n")} {
				w := worldOf(t, text, Input{AllClasses: true})
				r := w.Report()
				if got := slices.ContainsFunc(r.Endpoints, func(e Endpoint) bool { return e.Host == tc.host }); got != there {
					t.Errorf("with the class %v: an endpoint %v", there, got)
				}
				trace, err := w.Explain(&Question{Host: tc.host, Target: "/", Port: 80})
				if err != nil {
					t.Fatal(err)
				}
				if got := len(trace.Answers) > 0; got != there {
					t.Errorf("with the class %v: explained by a listener %v", there, got)
				}
				var idle []string
				for i := range r.NotServed {
					idle = append(idle, r.NotServed[i].String())
				}
				for _, want := range tc.idle {
					if slices.ContainsFunc(idle, func(got string) bool { return strings.Contains(got, want) }) == there {
						t.Errorf("with the class %v: not served %q, want %q", there, idle, want)
					}
				}
				if !there && len(idle) != len(tc.idle) {
					t.Errorf("not served %q, want %q", idle, tc.idle)
				}
				if len(r.Assumed) > 0 {
					t.Errorf("assumed %q", r.Assumed)
				}
			}
		})
	}
}
