// SPDX-License-Identifier: Apache-2.0

package mutation

import (
	"encoding/json"
	"strings"
	"testing"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/checks/catalog"
	"github.com/gatehouse-sh/gatehouse/internal/policy"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

var (
	service    = schema.GroupVersionKind{Version: "v1", Kind: "Service"}
	ingress    = schema.GroupVersionKind{Group: "networking.k8s.io", Version: "v1", Kind: "Ingress"}
	httpRoute  = schema.GroupVersionKind{Group: inventory.GatewayGroup, Version: "v1", Kind: "HTTPRoute"}
	deployment = schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}
)

func everything(t testing.TB) *policy.Policy {
	t.Helper()
	set, err := catalog.Set()
	if err != nil {
		t.Fatal(err)
	}
	spec := &v1alpha1.CheckPolicySpec{}
	spec.Parameters.Gateway.ParentGateways = []v1alpha1.ParentGateway{{Namespace: "gatehouse-system", Name: "gatehouse"}}
	spec.Parameters.Mutation = v1alpha1.Mutation{
		InjectAnnotations: map[string]v1alpha1.AnnotationValue{"example.com/team_a": "ö"},
		InjectLabels:      map[string]v1alpha1.LabelValue{"example.com/door": "gatehouse"},
		InjectParentRefs:  v1alpha1.Enabled, DefaultAutomount: v1alpha1.Enabled, DefaultNodePorts: v1alpha1.Enabled,
	}
	p, err := policy.Compile(set, spec)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// apply mutates as the API server does: decode, plan, patch, decode.
func apply(t testing.TB, gvk schema.GroupVersionKind, doc string, inv *inventory.Inventory, p *policy.Policy) (string, []Op) {
	t.Helper()
	o, err := inventory.Decode(gvk, []byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	plan := Plan(o, inv, p, true)
	raw, err := Patch(o, plan)
	if err != nil {
		t.Fatal(err)
	}
	patch, err := jsonpatch.DecodePatch(raw)
	if err != nil {
		t.Fatalf("%v in %s", err, raw)
	}
	out, err := patch.Apply([]byte(doc))
	if err != nil {
		t.Fatalf("apply %s: %v", raw, err)
	}
	return string(out), plan
}

func TestMutationAddsWhatIsAbsentAndNothingElse(t *testing.T) {
	t.Parallel()
	exposed := inventory.New(decode(t, service, `{"metadata":{"name":"web","namespace":"shop"},"spec":{"type":"NodePort","selector":{"app":"web"}}}`))
	for name, tc := range map[string]struct {
		gvk  schema.GroupVersionKind
		doc  string
		has  []string
		lack []string
	}{
		"a bare Service": {
			service, `{"metadata":{"name":"a","namespace":"shop"},"spec":{}}`,
			[]string{`"gatehouse.sh/gateway":"gatehouse"`, `"example.com/team_a":"ö"`, `"example.com/door":"gatehouse"`},
			[]string{"gatehouse.sh/tls"},
		},
		"null maps": {
			service, `{"metadata":{"name":"a","namespace":"shop","labels":null,"annotations":null},"spec":{}}`,
			[]string{`"gatehouse.sh/gateway":"gatehouse"`},
			nil,
		},
		"a value of the user's": {
			service, `{"metadata":{"name":"a","namespace":"shop","annotations":{"gatehouse.sh/gateway":"mine"}},"spec":{}}`,
			[]string{`"gatehouse.sh/gateway":"mine"`},
			[]string{`"gatehouse.sh/gateway":"gatehouse"`},
		},
		"an empty value of the user's": {
			service, `{"metadata":{"name":"a","namespace":"shop","annotations":{"gatehouse.sh/gateway":""}},"spec":{}}`,
			[]string{`"gatehouse.sh/gateway":""`},
			nil,
		},
		"a published Service": {
			service, `{"metadata":{"name":"a","namespace":"shop","annotations":{"gatehouse.sh/expose":"a.example.com/"}},"spec":{}}`,
			[]string{`"gatehouse.sh/tls":"redirect"`},
			nil,
		},
		"the gateway's own Service": {
			service, `{"metadata":{"name":"gw","namespace":"gatehouse-system","labels":{"app.kubernetes.io/name":"gatehouse-gateway"}},"spec":{"type":"LoadBalancer"}}`,
			nil,
			[]string{"gatehouse.sh/gateway"},
		},
		"an Ingress without a class":         {ingress, `{"metadata":{"name":"a","namespace":"shop"},"spec":{}}`, []string{`"ingressClassName":"gatehouse"`}, nil},
		"an Ingress with a class":            {ingress, `{"metadata":{"name":"a","namespace":"shop"},"spec":{"ingressClassName":"other"}}`, []string{`"ingressClassName":"other"`}, nil},
		"an Ingress with a legacy class":     {ingress, `{"metadata":{"name":"a","namespace":"shop","annotations":{"kubernetes.io/ingress.class":"x"}},"spec":{}}`, nil, []string{"ingressClassName"}},
		"a route without parents":            {httpRoute, `{"metadata":{"name":"a","namespace":"shop"},"spec":{}}`, []string{`"parentRefs":[{"group":"gateway.networking.k8s.io","kind":"Gateway"`}, nil},
		"a route with a parent":              {httpRoute, `{"metadata":{"name":"a","namespace":"shop"},"spec":{"parentRefs":[{"name":"x"}]}}`, []string{`"parentRefs":[{"name":"x"}]`}, nil},
		"a load balancer":                    {service, `{"metadata":{"name":"a","namespace":"shop"},"spec":{"type":"LoadBalancer","allocateLoadBalancerNodePorts":true}}`, []string{`"allocateLoadBalancerNodePorts":false`}, nil},
		"a load balancer that wants to keep": {service, `{"metadata":{"name":"a","namespace":"shop","annotations":{"gatehouse.sh/keep-node-ports":""}},"spec":{"type":"LoadBalancer","allocateLoadBalancerNodePorts":true}}`, []string{`"allocateLoadBalancerNodePorts":true`}, nil},
		"exposed pods":                       {deployment, `{"metadata":{"name":"a","namespace":"shop"},"spec":{"template":{"metadata":{"labels":{"app":"web"}},"spec":{}}}}`, []string{`"automountServiceAccountToken":false`}, nil},
		"pods that nobody exposes":           {deployment, `{"metadata":{"name":"a","namespace":"shop"},"spec":{"template":{"metadata":{"labels":{"app":"db"}},"spec":{}}}}`, nil, []string{"automount"}},
		"exposed pods that ask for a token":  {deployment, `{"metadata":{"name":"a","namespace":"shop"},"spec":{"template":{"metadata":{"labels":{"app":"web"}},"spec":{"automountServiceAccountToken":true}}}}`, []string{`"automountServiceAccountToken":true`}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := everything(t)
			once, _ := apply(t, tc.gvk, tc.doc, exposed, p)
			for _, s := range tc.has {
				if !strings.Contains(once, s) {
					t.Errorf("lacks %s: %s", s, once)
				}
			}
			for _, s := range tc.lack {
				if strings.Contains(once, s) {
					t.Errorf("has %s: %s", s, once)
				}
			}
			if twice, plan := apply(t, tc.gvk, once, exposed, p); twice != once || len(plan) > 0 {
				t.Errorf("a second mutation changes it again: %v", plan)
			}
		})
	}
}

func decode(t testing.TB, gvk schema.GroupVersionKind, doc string) inventory.Object {
	t.Helper()
	o, err := inventory.Decode(gvk, []byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// FuzzPatch checks that every patch applies to the document it was made for,
// whatever the document's labels and annotations are, and that nothing is left
// to add afterwards.
func FuzzPatch(f *testing.F) {
	p := everything(f)
	f.Add(`{"metadata":{"name":"a","annotations":{"gatehouse.sh/expose":"x","a/b~c":"d"}},"spec":{"type":"LoadBalancer"}}`)
	f.Add(`{"metadata":{"labels":{}},"spec":{}}`)
	f.Add(`{"metadata":{"annotations":null},"spec":{"ports":null}}`)
	inv := inventory.New()
	f.Fuzz(func(t *testing.T, doc string) {
		var top map[string]json.RawMessage
		if json.Unmarshal([]byte(doc), &top) != nil || top["metadata"] == nil || top["spec"] == nil {
			t.Skip("not an object with metadata and spec, which the API server guarantees")
		}
		for key := range top {
			if key != "metadata" && key != "spec" {
				t.Skip("a key that the API server would not pass on")
			}
		}
		o, err := inventory.Decode(service, []byte(doc))
		if err != nil {
			t.Skip("not a Service: refused before a patch is made")
		}
		if string(top["metadata"]) == "null" || string(top["spec"]) == "null" {
			t.Skip("the API server sends no null metadata or spec")
		}
		raw, err := Patch(o, Plan(o, inv, p, true))
		if err != nil {
			t.Fatal(err)
		}
		patch, err := jsonpatch.DecodePatch(raw)
		if err != nil {
			t.Fatal(err)
		}
		out, err := patch.Apply([]byte(doc))
		if err != nil {
			t.Fatalf("%s does not apply to %q: %v", raw, doc, err)
		}
		again, err := inventory.Decode(service, out)
		if err != nil {
			t.Fatal(err)
		}
		if plan := Plan(again, inv, p, true); len(plan) > 0 {
			t.Fatalf("left to add: %v", plan)
		}
	})
}
