// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// otherRouteKind flags what publishes Services by other means than the
// bundled gateway, Ingress and the Gateway API (EXP-035).
func otherRouteKind() checks.Check {
	return checks.Check{
		ID: "EXP-035", Name: "other-route-kind",
		Severity: checks.High,
		Actions:  checks.Actions{Baseline: checks.Deny, Strict: checks.Deny},
		Kinds:    customRouteKinds(),
		Doc: checks.Doc{
			Title: "Services are not published by the routes of other products",
			Why: "Ingress controllers, meshes and clouds bring their own kinds for publishing a Service, and each is a door beside the bundled gateway. " +
				"The check knows the kinds of Istio, OpenShift, Traefik, Contour, Kong, APISIX, Emissary, Gloo, the NGINX and HAProxy ingress controllers, Knative, AWS, Google Cloud and Cilium; kinds that are not on the list are not seen. " +
				"An Istio VirtualService is reported only when its gateways name something else than mesh, a Knative Service or Route unless it is labelled cluster-local, " +
				"and a Service with the annotation cloud.google.com/neg only when it exposes ports, which a load balancer made outside the cluster can then use. " +
				"Which instance of a controller serves an object, and whether that one faces the internet, cannot be seen from it.",
			Attack: "reaches the Services through a door that the gateway's TLS, authentication and limits do not cover",
			Fix:    "publish the Service with an HTTPRoute or an Ingress of the bundled gateway and delete this object",
			Exempt: "An egress gateway of the mesh, or a product that is being migrated from, until a date.",
			Sources: []string{
				"https://istio.io/latest/docs/reference/config/networking/virtual-service/",
				"https://docs.redhat.com/en/documentation/openshift_container_platform/latest/html/network_apis/route-route-openshift-io-v1",
				"https://doc.traefik.io/traefik/reference/routing-configuration/kubernetes/crd/http/ingressroute/",
				"https://projectcontour.io/docs/main/config/fundamentals/",
				"https://knative.dev/docs/serving/services/private-services/",
				"https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/targetgroupbinding/targetgroupbinding/",
				"https://cloud.google.com/kubernetes-engine/docs/how-to/standalone-neg",
				"https://docs.cilium.io/en/stable/network/servicemesh/envoy-custom-listener/",
				"https://docs.cilium.io/en/stable/network/kubernetes/local-redirect-policy/",
			},
		},
		Run: judgeOtherRoute,
	}
}

func customRouteKinds() []schema.GroupKind {
	out := make([]schema.GroupKind, 1, 1+len(customRoutes))
	out[0] = inventory.ServiceKind
	for k := range customRoutes {
		out = append(out, k)
	}
	slices.SortFunc(out, func(a, b schema.GroupKind) int {
		return cmp.Or(cmp.Compare(a.Group, b.Group), cmp.Compare(a.Kind, b.Kind))
	})
	return out
}

func judgeOtherRoute(in checks.Input) []checks.Finding {
	switch o := in.Object.(type) {
	case *corev1.Service:
		return judgeEndpointGroup(o, in)
	case *unstructured.Unstructured:
		return judgeCustom(o, in)
	}
	return []checks.Finding{{Certainty: checks.Undetermined, Message: "is not an object that this check can read"}}
}

func judgeCustom(u *unstructured.Unstructured, in checks.Input) []checks.Finding {
	r, listed := customRoutes[u.GroupVersionKind().GroupKind()]
	if !listed {
		return nil
	}
	parts := []opening{{subject: "route", field: r.field, message: r.says}}
	if r.when != nil {
		parts = r.when(u)
	}
	if len(parts) == 0 {
		return nil
	}
	path := []string{cmp.Or(r.from, "internet"), inputName(in) + " (" + u.GroupVersionKind().Group + ")"}
	if r.inward {
		path[0] = "cluster"
	}
	if refs := inventory.Backends(u); len(refs) > 0 {
		path = append(path, "Service "+refs[0].Namespace+"/"+refs[0].Name)
	}
	had := openedBefore(r, in)
	out := make([]checks.Finding, 0, len(parts))
	for _, p := range parts {
		f := checks.Finding{Severity: r.severity, Subject: p.subject, Field: p.field, Message: p.message, Path: path}
		if p.unreadable {
			f.Certainty = checks.Undetermined
		}
		if had != nil && !had[p.subject] {
			f.Message += "; before this update it did not"
		}
		out = append(out, f)
	}
	return out
}

// openedBefore lists what the object opened before an update; nil on creation
// and for kinds that always open something.
func openedBefore(r customRoute, in checks.Input) map[string]bool {
	old, updated := checks.Old[*unstructured.Unstructured](in)
	if !updated || r.when == nil {
		return nil
	}
	had := map[string]bool{}
	for _, p := range r.when(old) {
		had[p.subject] = true
	}
	return had
}

// endpointGroup makes GKE keep network endpoint groups of a Service's pods.
// With "ingress" they serve Ingresses, which are judged themselves; those of
// "exposed_ports" are for load balancers that are made outside the cluster.
// https://cloud.google.com/kubernetes-engine/docs/how-to/standalone-neg
const endpointGroup = "cloud.google.com/neg"

// exposedPorts reads the ports that an endpoint group exposes, in order.
func exposedPorts(svc *corev1.Service) (ports []string, readable bool) {
	value, set := svc.Annotations[endpointGroup]
	if !set || strings.TrimSpace(value) == "" {
		return nil, true
	}
	var group struct {
		ExposedPorts map[string]json.RawMessage `json:"exposed_ports"`
	}
	if err := json.Unmarshal([]byte(value), &group); err != nil {
		return nil, false
	}
	return sortedKeys(group.ExposedPorts), true
}

func judgeEndpointGroup(svc *corev1.Service, in checks.Input) []checks.Finding {
	ports, readable := exposedPorts(svc)
	if readable && len(ports) == 0 || in.Parameters.Gateway.OwnsService(svc) {
		return nil
	}
	f := checks.Finding{
		Subject: "annotation/" + endpointGroup, Field: annotationField(endpointGroup),
		Fix:  "remove exposed_ports from the annotation " + endpointGroup,
		Path: []string{"a load balancer made outside the cluster", inputName(in)},
	}
	if !readable {
		f.Certainty = checks.Undetermined
		f.Message = "has a value of " + endpointGroup + " that is not the JSON object it should be"
		return []checks.Finding{f}
	}
	f.Message = "hands its pods to load balancers made outside the cluster, on port " + strings.Join(ports, ", ")
	if old, updated := checks.Old[*corev1.Service](in); updated {
		if before, ok := exposedPorts(old); ok && len(before) == 0 {
			f.Message += "; before this update it did not"
		}
	}
	return []checks.Finding{f}
}
