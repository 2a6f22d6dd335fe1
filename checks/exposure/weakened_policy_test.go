// SPDX-License-Identifier: Apache-2.0

package exposure_test

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/checks/catalog"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// TestOnlyTheDeletionOfAFloorIsReported: no other check sees deletions.
func TestOnlyTheDeletionOfAFloorIsReported(t *testing.T) {
	t.Parallel()
	set, err := catalog.Set()
	if err != nil {
		t.Fatal(err)
	}
	policy := func(kind, mode string) inventory.Object {
		spec := map[string]any{"targetRefs": []any{map[string]any{"group": inventory.GatewayGroup, "kind": "Gateway", "name": "edge"}}}
		if mode != "" {
			spec["mode"] = mode
		}
		return &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "gatehouse.sh/v1alpha1", "kind": kind, "metadata": map[string]any{"namespace": "infra", "name": "floor"}, "spec": spec,
		}}
	}
	clients := func(field string) inventory.Object {
		out := policy("ClientPolicy", "")
		spec, _, _ := unstructured.NestedMap(out.(*unstructured.Unstructured).Object, "spec")
		spec[field] = map[string]any{"limits": map[string]any{"bodyBytes": int64(1)}, "redirectToHTTPS": int64(443)}[field]
		out.(*unstructured.Unstructured).Object["spec"] = spec
		return out
	}
	ending := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "infra", DeletionTimestamp: &metav1.Time{Time: time.Unix(1, 0)}}}
	infra, edge := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "infra"}}, &gatewayv1.Gateway{ObjectMeta: metav1.ObjectMeta{Namespace: "infra", Name: "edge"}}
	leaving := edge.DeepCopy()
	leaving.DeletionTimestamp, leaving.Finalizers = &metav1.Time{Time: time.Unix(1, 0)}, []string{"example.com/wait"}
	elsewhere := edge.DeepCopy()
	elsewhere.Namespace = "other"
	second := policy("AccessPolicy", "Enforced")
	second.(*unstructured.Unstructured).Object["spec"] = map[string]any{"targetRefs": []any{
		map[string]any{"group": inventory.GatewayGroup, "kind": "Gateway", "name": "gone"}, map[string]any{"group": inventory.GatewayGroup, "kind": "Gateway", "name": "edge", "sectionName": "web"},
	}}
	route := &gatewayv1.HTTPRoute{ObjectMeta: metav1.ObjectMeta{Namespace: "infra", Name: "shop"}}
	endingRoute := route.DeepCopy()
	endingRoute.DeletionTimestamp, endingRoute.Finalizers = &metav1.Time{Time: time.Unix(1, 0)}, []string{metav1.FinalizerDeleteDependents}
	routed := policy("AccessPolicy", "Enforced")
	routed.(*unstructured.Unstructured).Object["spec"] = map[string]any{"targetRefs": []any{map[string]any{"group": inventory.GatewayGroup, "kind": "HTTPRoute", "name": "shop"}}}
	served := policy("AccessPolicy", "Enforced")
	served.(*unstructured.Unstructured).Object["spec"] = map[string]any{"targetRefs": []any{map[string]any{"group": "", "kind": "Service", "name": "web"}}}
	naming := route.DeepCopy()
	naming.Spec.Rules = []gatewayv1.HTTPRouteRule{{BackendRefs: []gatewayv1.HTTPBackendRef{{BackendRef: gatewayv1.BackendRef{BackendObjectReference: gatewayv1.BackendObjectReference{
		Name: "web", Namespace: new(gatewayv1.Namespace("infra")), Port: new(gatewayv1.PortNumber(80)),
	}}}}}}
	namingElse, namingFrom, namingLeaves := naming.DeepCopy(), naming.DeepCopy(), naming.DeepCopy()
	namingElse.Spec.Rules[0].BackendRefs[0].Name = "api"
	namingFrom.Namespace = "other"
	namingLeaves.DeletionTimestamp, namingLeaves.Finalizers = endingRoute.DeletionTimestamp, endingRoute.Finalizers
	grant := &gatewayv1.ReferenceGrant{ObjectMeta: metav1.ObjectMeta{Namespace: "infra", Name: "other"}, Spec: gatewayv1.ReferenceGrantSpec{
		From: []gatewayv1.ReferenceGrantFrom{{Group: gatewayv1.GroupName, Kind: "HTTPRoute", Namespace: "other"}},
		To:   []gatewayv1.ReferenceGrantTo{{Kind: "Service"}},
	}}
	endingOther := ending.DeepCopy()
	endingOther.Name = "other"
	ingress := &networkingv1.Ingress{ObjectMeta: route.ObjectMeta, Spec: networkingv1.IngressSpec{DefaultBackend: &networkingv1.IngressBackend{
		Service: &networkingv1.IngressServiceBackend{Name: "web", Port: networkingv1.ServiceBackendPort{Number: 80}},
	}}}
	unknown := policy("AccessPolicy", "Enforced")
	unknown.(*unstructured.Unstructured).Object["spec"] = map[string]any{"targetRefs": []any{map[string]any{"group": "example.com", "kind": "Door", "name": "edge"}}}
	for name, tc := range map[string]struct {
		object inventory.Object
		around []inventory.Object
		want   int
	}{
		"an enforced AccessPolicy":          {policy("AccessPolicy", "Enforced"), nil, 1},
		"one that names no mode":            {policy("AccessPolicy", ""), nil, 1},
		"a Default":                         {policy("AccessPolicy", "Default"), nil, 0},
		"an enforced TrafficPolicy":         {policy("TrafficPolicy", "Enforced"), nil, 1},
		"what its namespace takes along":    {policy("AccessPolicy", "Enforced"), []inventory.Object{ending}, 0},
		"one whose target is there":         {policy("AccessPolicy", "Enforced"), []inventory.Object{infra, edge}, 1},
		"one whose target is gone":          {policy("AccessPolicy", "Enforced"), []inventory.Object{infra, elsewhere}, 0},
		"of requests, and it is gone":       {policy("TrafficPolicy", "Enforced"), []inventory.Object{infra}, 0},
		"one whose route is going":          {routed, []inventory.Object{infra, endingRoute}, 0},
		"one whose route is there":          {routed, []inventory.Object{infra, route}, 1},
		"one whose target is going":         {policy("AccessPolicy", "Enforced"), []inventory.Object{infra, leaving}, 1},
		"one of whose targets is gone":      {second, []inventory.Object{infra, edge}, 1},
		"one whose targets are all gone":    {second, []inventory.Object{infra}, 0},
		"a Service gone that nobody names":  {served, []inventory.Object{infra, namingElse}, 0},
		"a Service gone that a route names": {served, []inventory.Object{infra, naming}, 1},
		"one that an Ingress names":         {served, []inventory.Object{infra, ingress}, 1},
		"one that a leaving route names":    {served, []inventory.Object{infra, namingLeaves}, 0},
		"a route that is granted nothing":   {served, []inventory.Object{infra, namingFrom}, 0},
		"a route that was granted it":       {served, []inventory.Object{infra, namingFrom, grant}, 1},
		"one whose namespace is leaving":    {served, []inventory.Object{infra, namingFrom, grant, endingOther}, 0},
		"one whose target nobody knows":     {unknown, []inventory.Object{infra}, 1},
		"a node port, which merely goes":    {&corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "infra", Name: "web"}, Spec: corev1.ServiceSpec{Type: corev1.ServiceTypeNodePort}}, nil, 0},
		"a ClientPolicy of limits alone":    {clients("limits"), nil, 0},
		"a ClientPolicy that sends to TLS":  {clients("redirectToHTTPS"), nil, 1},
		"one of these whose target is gone": {clients("redirectToHTTPS"), []inventory.Object{infra}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := checks.Input{
				Object: tc.object, Inventory: inventory.New(append(tc.around, tc.object)...), Parameters: checks.DefaultParameters(),
				Request: checks.Request{Operation: checks.Delete},
			}
			if got := set.Evaluate(in); len(got) != tc.want {
				t.Errorf("got %v, want %d findings", got, tc.want)
			}
		})
	}
}

// TestOnlyTheCollectorTakesAFloorWithItsOwner, and only one that has an owner.
func TestOnlyTheCollectorTakesAFloorWithItsOwner(t *testing.T) {
	t.Parallel()
	set, err := catalog.Set()
	if err != nil {
		t.Fatal(err)
	}
	const collector = "system:serviceaccount:kube-system:generic-garbage-collector"
	owned := []metav1.OwnerReference{{APIVersion: "example.com/v1", Kind: "App", Name: "shop", UID: "1"}}
	for name, tc := range map[string]struct {
		user   string
		owners []metav1.OwnerReference
		want   int
	}{
		"the collector, with an owner":    {collector, owned, 0},
		"the collector, without an owner": {collector, nil, 1},
		"a person, with an owner":         {"ann", owned, 1},
	} {
		floor := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "gatehouse.sh/v1alpha1", "kind": "AccessPolicy", "metadata": map[string]any{"namespace": "infra", "name": "floor"}, "spec": map[string]any{}}}
		floor.SetOwnerReferences(tc.owners)
		in := checks.Input{
			Object: floor, Inventory: inventory.New(floor), Parameters: checks.DefaultParameters(),
			Request: checks.Request{Operation: checks.Delete, User: tc.user},
		}
		if got := set.Evaluate(in); len(got) != tc.want {
			t.Errorf("%s: got %v, want %d findings", name, got, tc.want)
		}
	}
}
