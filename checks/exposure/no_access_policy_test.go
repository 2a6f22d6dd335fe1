// SPDX-License-Identifier: Apache-2.0

package exposure_test

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/checks/catalog"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// TestWhatIsBeingDeletedIsOpenedByNothing: a Gateway that is written does not serve it, and
// an update that takes its finalizer away opens nothing either.
func TestWhatIsBeingDeletedIsOpenedByNothing(t *testing.T) {
	t.Parallel()
	set, err := catalog.Set()
	if err != nil {
		t.Fatal(err)
	}
	all := gatewayv1.NamespacesFromAll
	gateway := &gatewayv1.Gateway{ObjectMeta: metav1.ObjectMeta{Namespace: "infra", Name: "edge"}, Spec: gatewayv1.GatewaySpec{
		GatewayClassName: "gatehouse",
		Listeners: []gatewayv1.Listener{{
			Name: "web", Port: 80, Protocol: gatewayv1.HTTPProtocolType,
			AllowedRoutes: &gatewayv1.AllowedRoutes{Namespaces: &gatewayv1.RouteNamespaces{From: &all}},
		}},
	}}
	infra := gatewayv1.Namespace("infra")
	port := gatewayv1.PortNumber(80)
	ends := &metav1.Time{Time: time.Unix(1, 0)}
	route := &gatewayv1.HTTPRoute{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "orders"}, Spec: gatewayv1.HTTPRouteSpec{
		CommonRouteSpec: gatewayv1.CommonRouteSpec{ParentRefs: []gatewayv1.ParentReference{{Namespace: &infra, Name: "edge"}}},
		Rules: []gatewayv1.HTTPRouteRule{{BackendRefs: []gatewayv1.HTTPBackendRef{{BackendRef: gatewayv1.BackendRef{
			BackendObjectReference: gatewayv1.BackendObjectReference{Name: "orders", Port: &port},
		}}}}},
	}}
	leaving := route.DeepCopy()
	leaving.DeletionTimestamp, leaving.Finalizers = ends, []string{"example.com/wait"}
	shop := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop"}}
	ending := shop.DeepCopy()
	ending.DeletionTimestamp = ends
	for name, tc := range map[string]struct {
		route     *gatewayv1.HTTPRoute
		namespace *corev1.Namespace
		want      int
	}{
		"a route":                               {route, shop, 1},
		"one that is being deleted":             {leaving, shop, 0},
		"one whose namespace is being deleted":  {route, ending, 0},
		"one whose namespace is not to be seen": {route, nil, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			around := []inventory.Object{gateway, tc.route}
			if tc.namespace != nil {
				around = append(around, tc.namespace)
			}
			for _, object := range []inventory.Object{gateway, tc.route} {
				in := checks.Input{
					Object: object, Inventory: inventory.New(around...), Parameters: checks.DefaultParameters(), Request: checks.Request{User: "ann"},
				}
				got := 0
				for _, f := range set.Evaluate(in) {
					if f.Check == "EXP-050" {
						got++
					}
				}
				if got != tc.want {
					t.Errorf("%s: %d findings of EXP-050, want %d", inventory.KeyOf(object), got, tc.want)
				}
			}
		})
	}
}
