// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"testing"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

func testGateway(namespace, name, class string, scope gatewayv1.GatewayDefaultScope) *gatewayv1.Gateway {
	gw := &gatewayv1.Gateway{}
	gw.Namespace, gw.Name = namespace, name
	gw.Spec.GatewayClassName, gw.Spec.DefaultScope = gatewayv1.ObjectName(class), scope
	return gw
}

func testListenerSet(name, parentKind, parent string) *gatewayv1.ListenerSet {
	ls := &gatewayv1.ListenerSet{}
	ls.Namespace, ls.Name = "shop", name
	kind := gatewayv1.Kind(parentKind)
	ls.Spec.ParentRef = gatewayv1.ParentGatewayReference{Kind: &kind, Name: gatewayv1.ObjectName(parent)}
	return ls
}

func testRoute(scope gatewayv1.GatewayDefaultScope, refs ...gatewayv1.ParentReference) *gatewayv1.HTTPRoute {
	r := &gatewayv1.HTTPRoute{}
	r.Namespace, r.Name = "shop", "web"
	r.Spec.ParentRefs, r.Spec.UseDefaultGateways = refs, scope
	return r
}

func ref(group, kind, name string) gatewayv1.ParentReference {
	g, k := gatewayv1.Group(group), gatewayv1.Kind(kind)
	return gatewayv1.ParentReference{Group: &g, Kind: &k, Name: gatewayv1.ObjectName(name)}
}

func TestAParentLeadsWhereItsGatewayStands(t *testing.T) {
	t.Parallel()
	const group = inventory.GatewayGroup
	cases := map[string]struct {
		route   *gatewayv1.HTTPRoute
		known   []inventory.Object
		named   []checks.GatewayName
		want    standing
		attach  bool
		finding int
	}{
		"a Gateway of the bundled class is the gateway": {
			route: testRoute("", ref(group, "Gateway", "own")), known: []inventory.Object{testGateway("shop", "own", "gatehouse", "")}, want: bundled, attach: true,
		},
		"a Gateway of the bundled class that is not the named one is not": {
			route: testRoute("", ref(group, "Gateway", "own")), known: []inventory.Object{testGateway("shop", "own", "gatehouse", "")},
			named: []checks.GatewayName{{Namespace: "gatehouse-system", Name: "gatehouse"}}, want: elsewhere, finding: 1,
		},
		"a named Gateway counts though it is not known": {
			route: testRoute("", ref(group, "Gateway", "own")), named: []checks.GatewayName{{Namespace: "shop", Name: "own"}}, want: bundled, attach: true,
		},
		"a Gateway that is not known is undetermined": {route: testRoute("", ref(group, "Gateway", "own")), want: unknown, finding: 1},
		"a kind that is not known leads elsewhere":    {route: testRoute("", ref("example.com", "Door", "own")), want: elsewhere, finding: 1},
		"a Service of another group is no mesh parent": {
			route: testRoute("", ref(group, "Service", "own")), want: elsewhere, finding: 1,
		},
		"a ListenerSet that is its own parent ends the search": {
			route: testRoute("", ref(group, "ListenerSet", "loop")), known: []inventory.Object{testListenerSet("loop", "ListenerSet", "loop")}, want: elsewhere, finding: 1,
		},
		"a ListenerSet of the bundled gateway is the gateway": {
			route: testRoute("", ref(group, "ListenerSet", "more")), want: bundled, attach: true,
			known: []inventory.Object{testListenerSet("more", "Gateway", "own"), testGateway("shop", "own", "gatehouse", "")},
		},
		"a default Gateway of another class leads elsewhere": {
			route: testRoute(gatewayv1.GatewayDefaultScopeAll), known: []inventory.Object{testGateway("edge", "public", "istio", gatewayv1.GatewayDefaultScopeAll)}, want: elsewhere, finding: 1,
		},
		"the bundled gateway as the only default is the gateway": {
			route: testRoute(gatewayv1.GatewayDefaultScopeAll), known: []inventory.Object{testGateway("edge", "own", "gatehouse", gatewayv1.GatewayDefaultScopeAll)}, want: bundled, attach: true,
		},
		"default Gateways that are not known are undetermined": {
			route: testRoute(gatewayv1.GatewayDefaultScopeAll), known: []inventory.Object{testGateway("edge", "public", "istio", "")}, want: unknown, finding: 1,
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := checks.DefaultParameters()
			p.Gateway.ParentGateways = tc.named
			in := checks.Input{Object: tc.route, Inventory: inventory.New(tc.known...).With(tc.route), Parameters: p}
			parents, isRoute := parentsOf(tc.route)
			if !isRoute || len(parents) != 1 {
				t.Fatalf("parentsOf = %v, %v; want one parent", parents, isRoute)
			}
			if got, _ := parentIs(parents[0], in); got != tc.want {
				t.Errorf("parentIs = %d, want %d", got, tc.want)
			}
			if got := routeAttached(tc.route, in); got != tc.attach {
				t.Errorf("routeAttached = %v, want %v", got, tc.attach)
			}
			if got := judgeParents(in); len(got) != tc.finding {
				t.Errorf("findings = %v, want %d", got, tc.finding)
			}
		})
	}
}
