// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// TestAnAnnotatedServiceIsReachedThroughTheGateway: it is, and nothing else is, as the
// gateway reads the annotations.
func TestAnAnnotatedServiceIsReachedThroughTheGateway(t *testing.T) {
	t.Parallel()
	class := func(name, controller, standard string) *networkingv1.IngressClass {
		return &networkingv1.IngressClass{
			ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: map[string]string{defaultClass: standard}},
			Spec:       networkingv1.IngressClassSpec{Controller: controller},
		}
	}
	ours, theirs := class("front", checks.GatewayController, "true"), class("nginx", "k8s.io/ingress-nginx", "true")
	both := map[string]string{exposeAnnotation: "shop.example.com", authAnnotation: "none"}
	of := func(name string) map[string]string {
		return map[string]string{exposeAnnotation: "shop.example.com", authAnnotation: "none", classAnnotation: name}
	}
	for name, tc := range map[string]struct {
		annotations map[string]string
		classes     []inventory.Object
		want        int
	}{
		"it is published by the default class":     {both, []inventory.Object{ours}, 1},
		"it is published by a class that it names": {of("front"), []inventory.Object{class("front", checks.GatewayController, ""), theirs}, 1},
		"the default class is another's":           {both, []inventory.Object{theirs}, 0},
		"there is no default class":                {both, []inventory.Object{class("front", checks.GatewayController, "")}, 0},
		"it names a class of another's":            {of("nginx"), []inventory.Object{ours, class("nginx", "k8s.io/ingress-nginx", "")}, 0},
		"the files know no class":                  {both, nil, 1},
		"it does not say who is let in":            {map[string]string{exposeAnnotation: "shop.example.com"}, []inventory.Object{ours}, 0},
		"it says who, and not where":               {map[string]string{authAnnotation: "none"}, []inventory.Object{ours}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			svc := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web", Annotations: tc.annotations}}
			ways := Ways(svc, checks.Input{Object: svc, Inventory: inventory.New(append(tc.classes, svc)...), Parameters: checks.DefaultParameters()})
			if len(ways) != tc.want || tc.want > 0 && !ways[0].Gateway {
				t.Errorf("got %+v, want %d ways", ways, tc.want)
			}
		})
	}
}
