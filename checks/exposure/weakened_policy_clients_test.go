// SPDX-License-Identifier: Apache-2.0

package exposure_test

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/checks/catalog"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// clientsOf is a ClientPolicy for Gateways or listeners ("edge", "edge/web"), as old as it
// says; 0 is no time.
func clientsOf(name string, created int64, redirect bool, targets ...string) *unstructured.Unstructured {
	refs := make([]any, 0, len(targets))
	for _, t := range targets {
		ref := map[string]any{"group": inventory.GatewayGroup, "kind": "Gateway", "name": "edge"}
		switch t {
		case "edge/web", "edge/also", "edge/apart":
			ref["sectionName"] = t[len("edge/"):]
		default:
			ref["name"] = t
		}
		refs = append(refs, ref)
	}
	spec := map[string]any{"targetRefs": refs}
	if redirect {
		spec["redirectToHTTPS"] = int64(443)
	}
	out := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "gatehouse.sh/v1alpha1", "kind": "ClientPolicy", "metadata": map[string]any{"namespace": "infra", "name": name}, "spec": spec,
	}}
	if created > 0 {
		out.SetCreationTimestamp(metav1.Unix(created, 0))
	}
	return out
}

// TestAClientPolicyIsComparedWhereItTakesAPlace, and nowhere else.
func TestAClientPolicyIsComparedWhereItTakesAPlace(t *testing.T) {
	t.Parallel()
	set, err := catalog.Set()
	if err != nil {
		t.Fatal(err)
	}
	edge := &gatewayv1.Gateway{ObjectMeta: metav1.ObjectMeta{Namespace: "infra", Name: "edge"}, Spec: gatewayv1.GatewaySpec{Listeners: []gatewayv1.Listener{
		{Name: "web", Port: 80}, {Name: "also", Port: 80}, {Name: "apart", Port: 81},
	}}}
	scan, file := checks.Request{User: "ann", Stored: true}, checks.Request{}
	for name, tc := range map[string]struct {
		old, now *unstructured.Unstructured
		around   *unstructured.Unstructured
		request  *checks.Request
		want     int
	}{
		"an older one gets the Gateway":            {clientsOf("a", 1, false, "b"), clientsOf("a", 1, false, "b", "edge"), clientsOf("z", 2, true, "edge"), nil, 1},
		"an older one that asks for as much":       {clientsOf("a", 1, true, "b"), clientsOf("a", 1, true, "b", "edge"), clientsOf("z", 2, true, "edge"), nil, 0},
		"a younger one gets the Gateway":           {clientsOf("a", 3, false, "b"), clientsOf("a", 3, false, "b", "edge"), clientsOf("z", 2, true, "edge"), nil, 0},
		"one of the same age and an earlier name":  {clientsOf("a", 2, false, "b"), clientsOf("a", 2, false, "b", "edge"), clientsOf("z", 2, true, "edge"), nil, 1},
		"one of the same age and a later name":     {clientsOf("zz", 2, false, "b"), clientsOf("zz", 2, false, "b", "edge"), clientsOf("z", 2, true, "edge"), nil, 0},
		"a younger one gets a listener":            {clientsOf("a", 3, false, "b"), clientsOf("a", 3, false, "b", "edge/web"), clientsOf("z", 2, true, "edge"), nil, 1},
		"a younger one, and the listener has one":  {clientsOf("a", 3, false, "b"), clientsOf("a", 3, false, "b", "edge/web"), clientsOf("z", 2, true, "edge/web"), nil, 0},
		"a younger one, and its port has one":      {clientsOf("a", 3, false, "b"), clientsOf("a", 3, false, "b", "edge/also"), clientsOf("z", 2, true, "edge/web"), nil, 0},
		"an older one gets a listener of the port": {clientsOf("a", 1, false, "b"), clientsOf("a", 1, false, "b", "edge/also"), clientsOf("z", 2, true, "edge/web"), nil, 1},
		"an older one, of another port":            {clientsOf("a", 1, false, "b"), clientsOf("a", 1, false, "b", "edge/apart"), clientsOf("z", 2, true, "edge/web"), nil, 0},
		"a new one for a listener":                 {nil, clientsOf("a", 0, false, "edge/web"), clientsOf("z", 2, true, "edge"), nil, 1},
		"a new one for the Gateway":                {nil, clientsOf("a", 0, false, "edge"), clientsOf("z", 2, true, "edge"), nil, 0},
		"a new one for another Gateway":            {nil, clientsOf("a", 0, false, "b"), clientsOf("z", 2, true, "edge"), nil, 0},
		"one that stays as it was":                 {clientsOf("a", 3, false, "edge/web"), clientsOf("a", 3, false, "edge/web"), clientsOf("z", 2, true, "edge"), nil, 0},
		"its own place":                            {clientsOf("a", 1, false, "edge"), clientsOf("a", 1, false, "edge", "edge/web"), clientsOf("z", 2, true, "edge"), nil, 0},
		"one that is in the cluster":               {nil, clientsOf("a", 3, false, "edge/web"), clientsOf("z", 2, true, "edge"), &scan, 0},
		"one of a file":                            {nil, clientsOf("a", 0, false, "edge/web"), clientsOf("z", 0, true, "edge"), &file, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := checks.Input{Object: tc.now, Inventory: inventory.New(edge, tc.around, tc.now), Parameters: checks.DefaultParameters(), Request: checks.Request{User: "ann"}}
			if tc.old != nil {
				in.Old, in.Request.Operation = tc.old, checks.Update
			}
			if tc.request != nil {
				in.Request = *tc.request
			}
			got := 0
			for _, f := range set.Evaluate(in) {
				if f.Check == "EXP-051" {
					got++
				}
			}
			if got != tc.want {
				t.Errorf("%d findings, want %d", got, tc.want)
			}
		})
	}
}
