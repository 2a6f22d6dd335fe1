// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/inventory"
)

// otherwiseJudged are custom kinds with backends that are not routes of EXP-035.
var otherwiseJudged = map[string]string{
	"apiregistration.k8s.io":      "the API server calls the Service",
	"externaldns.k8s.io":          "EXP-013",
	"ngrok.k8s.ngrok.com":         "EXP-014",
	"networking.cfargotunnel.com": "EXP-014",
	"operator.inlets.dev":         "EXP-014",
	"gateway.networking.x-k8s.io": "EXP-034",
}

func TestEveryCustomRouteIsAKnownKind(t *testing.T) {
	t.Parallel()
	if len(customRoutes) == 0 {
		t.Fatal("no custom routes")
	}
	for gk, r := range customRoutes {
		k, known := inventory.KindOf(gk)
		if !known || k.New != nil {
			t.Errorf("%v is judged but not a custom kind of the inventory", gk)
		}
		if r.says == "" {
			t.Errorf("%v has no message", gk)
		}
	}
}

func TestEveryCustomKindWithBackendsIsJudged(t *testing.T) {
	t.Parallel()
	seen := 0
	for _, k := range inventory.Kinds() {
		if k.New != nil || len(k.Backends) == 0 {
			continue
		}
		seen++
		if _, judged := customRoutes[k.GroupKind]; !judged && otherwiseJudged[k.Group] == "" && !slices.Contains(inventory.TraefikServiceKinds, k.GroupKind) {
			t.Errorf("%v names Services, but no check judges it", k.GroupKind)
		}
	}
	if seen == 0 {
		t.Fatal("no custom kind has backends")
	}
}

func TestWhatOpensFromOutside(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		kind   schema.GroupKind
		object map[string]any
		want   bool
	}{
		"a VirtualService of the mesh does not":        {istioVirtualService, map[string]any{"spec": map[string]any{"gateways": []any{"mesh"}}}, false},
		"a VirtualService of a gateway does":           {istioVirtualService, map[string]any{"spec": map[string]any{"gateways": []any{"edge"}}}, true},
		"a VirtualService with null gateways does not": {istioVirtualService, map[string]any{"spec": map[string]any{"gateways": nil}}, false},
		"a VirtualService with a gateways string does": {istioVirtualService, map[string]any{"spec": map[string]any{"gateways": "edge"}}, true},
		"a VirtualService without a spec does not":     {istioVirtualService, map[string]any{"spec": "none"}, false},
		"a local redirect does not":                    {gk("cilium.io", "CiliumLocalRedirectPolicy"), map[string]any{}, false},
		"a kind that is not listed does":               {gk("example.com", "Door"), map[string]any{}, true},
		"an APIService does not":                       {gk("apiregistration.k8s.io", "APIService"), map[string]any{}, false},
		"a Knative Service with labels of no map does": {gk("serving.knative.dev", "Service"), map[string]any{"metadata": map[string]any{"labels": "x"}}, true},
		"a private Knative Service does not":           {gk("serving.knative.dev", "Service"), map[string]any{"metadata": map[string]any{"labels": map[string]any{knativeVisibility: "cluster-local"}}}, false},
		"a Knative Service with a numeric label does":  {gk("serving.knative.dev", "Service"), map[string]any{"metadata": map[string]any{"labels": map[string]any{knativeVisibility: int64(1)}}}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := &inventory.Entry{Key: inventory.Key{Kind: tc.kind, Namespace: "shop", Name: "web"}, Object: &unstructured.Unstructured{Object: tc.object}}
			if got := opensCustom(e); got != tc.want {
				t.Errorf("opensCustom = %v, want %v", got, tc.want)
			}
		})
	}
}
