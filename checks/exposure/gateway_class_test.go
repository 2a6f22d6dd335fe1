// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"testing"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// TestTheClusterSaysWhichClassesAreOurs: the name of a class says nothing where the
// class is there.
func TestTheClusterSaysWhichClassesAreOurs(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		class, controller string   // of the class; without a controller it is not there
		named             []string // in the CheckPolicy
		ours              bool
	}{
		"a class of our controller by another name":    {class: "internal", controller: checks.GatewayController, ours: true},
		"a class of another controller":                {class: "internal", controller: "example.com/gateway"},
		"our default name, another controller":         {class: "gatehouse", controller: "example.com/gateway"},
		"our default name, which the files leave out":  {class: "gatehouse", ours: true},
		"a name of nobody's":                           {class: "internal"},
		"a name of the policy, another controller":     {class: "edge", controller: "example.com/gateway", named: []string{"edge"}, ours: true},
		"a class of our controller beside those named": {class: "internal", controller: checks.GatewayController, named: []string{"edge"}, ours: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			gw := &gatewayv1.Gateway{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "own"}, Spec: gatewayv1.GatewaySpec{GatewayClassName: gatewayv1.ObjectName(tc.class)}}
			ing := &networkingv1.Ingress{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web"}, Spec: networkingv1.IngressSpec{IngressClassName: &tc.class}}
			around := []inventory.Object{gw, ing}
			if tc.controller != "" {
				around = append(around,
					&gatewayv1.GatewayClass{ObjectMeta: metav1.ObjectMeta{Name: tc.class}, Spec: gatewayv1.GatewayClassSpec{ControllerName: gatewayv1.GatewayController(tc.controller)}},
					&networkingv1.IngressClass{ObjectMeta: metav1.ObjectMeta{Name: tc.class}, Spec: networkingv1.IngressClassSpec{Controller: tc.controller}})
			}
			p := checks.DefaultParameters()
			if tc.named != nil {
				p.Gateway.GatewayClasses, p.Gateway.IngressClasses = tc.named, tc.named
			}
			inv := inventory.New(around...)
			if got := len(judgeGateway(gw, checks.Input{Object: gw, Inventory: inv, Parameters: p})) == 0; got != tc.ours {
				t.Errorf("the Gateway is accepted: %t, want %t", got, tc.ours)
			}
			if got := ingressAttached(ing, checks.Input{Object: ing, Inventory: inv, Parameters: p}); got != tc.ours {
				t.Errorf("the Ingress is accepted: %t, want %t", got, tc.ours)
			}
		})
	}
}
