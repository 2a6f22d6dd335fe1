// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

var istioVirtualService = schema.GroupKind{Group: "networking.istio.io", Kind: "VirtualService"}

// crossNamespaceBackend flags routes to Services of other namespaces that did
// not agree (EXP-047).
func crossNamespaceBackend() checks.Check {
	return checks.Check{
		ID: "EXP-047", Name: "cross-namespace-backend",
		Severity: checks.Medium,
		Actions:  checks.Actions{Baseline: checks.Deny, Strict: checks.Deny},
		Kinds:    append(slices.Clone(gatewayRoutes), istioVirtualService),
		Doc: checks.Doc{
			Title: "Routes reach Services of other namespaces only with their consent",
			Why: "A route that sends traffic to a Service of another namespace publishes something that its author does not own. " +
				"The Gateway API asks for a ReferenceGrant in the other namespace; conformant gateways refuse the backend without one, but they do so silently, some implementations do not, and a grant made later activates the route. " +
				"Istio's VirtualService asks for no consent at all, so every destination in another namespace is reported. " +
				"When neither the other namespace nor the Service is known to Gatehouse, a grant may exist that it has not seen, and the verdict is undetermined. " +
				"Backends of other kinds than Service are not followed.",
			Attack: "publishes a Service of a namespace that the attacker does not own",
			Fix:    "move the route to the namespace of the Service, or let that namespace grant it with a ReferenceGrant that names the Service",
			Exempt: "A platform namespace whose VirtualServices route for everybody.",
			Sources: []string{
				"https://gateway-api.sigs.k8s.io/api-types/referencegrant/",
				"https://istio.io/latest/docs/reference/config/networking/virtual-service/#Destination",
				"https://istio.io/latest/docs/ops/best-practices/traffic-management/#cross-namespace-configuration",
			},
		},
		Run: judgeBackends,
	}
}

func judgeBackends(in checks.Input) []checks.Finding {
	own, isVirtualService := in.Object.GetNamespace(), false
	if u, ok := in.Object.(*unstructured.Unstructured); ok {
		isVirtualService = u.GroupVersionKind().GroupKind() == istioVirtualService
	}
	var out []checks.Finding
	for _, ref := range inventory.Backends(in.Object) {
		if ref.Namespace == own || !isVirtualService && in.Inventory.GrantFor(in.Object, ref) != nil {
			continue
		}
		known := in.Inventory.Namespace(ref.Namespace) != nil || in.Inventory.Service(ref.Namespace, ref.Name) != nil
		f := checks.Finding{
			Subject: "backend/" + ref.Namespace + "/" + ref.Name, Field: ref.Field,
			Path: []string{inputName(in), "Service " + ref.Namespace + "/" + ref.Name},
		}
		switch {
		case isVirtualService && !known && !serviceDomain(in.Object, ref.Field):
			continue // "api.example" is a host outside the cluster, not a Service
		case isVirtualService:
			f.Message = "sends traffic to Service " + ref.Name + " of namespace " + ref.Namespace + ", which is not asked for its consent"
		case known:
			f.Message = "sends traffic to Service " + ref.Name + " of namespace " + ref.Namespace + ", which has no ReferenceGrant for it"
		default:
			f.Certainty = checks.Undetermined
			f.Message = "sends traffic to Service " + ref.Name + " of namespace " + ref.Namespace + ", and neither that namespace nor a ReferenceGrant is known here"
		}
		out = append(out, f)
	}
	return out
}

// serviceDomain reports whether the host name at a field is written as the
// cluster-internal name of a Service.
func serviceDomain(o inventory.Object, field string) bool {
	u, ok := o.(*unstructured.Unstructured)
	if !ok {
		return false
	}
	kind, _ := inventory.KindOf(istioVirtualService)
	for _, path := range kind.Backends {
		for _, v := range inventory.Walk(u.Object, path) {
			if host, ok := v.Value.(string); ok && v.Field == field {
				parts := strings.SplitN(host, ".", 4)
				return len(parts) > 2 && parts[2] == "svc"
			}
		}
	}
	return false
}
