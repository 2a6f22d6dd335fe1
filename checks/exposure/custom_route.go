// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// customRoute says what a vendor's kind does (EXP-035).
type customRoute struct {
	says  string // what an object of the kind does; the finding's message
	field string // where it says so

	from string // where callers stand; empty: the internet

	// inward kinds change where traffic goes inside the cluster; they are no way
	// in from outside.
	inward bool

	// severity is lower than the check's own for kinds that only adjust a route.
	severity checks.Severity

	// when reports the parts of the object that open something; nil: the object
	// always does.
	when func(*unstructured.Unstructured) []opening
}

// opening is one part of a custom resource that opens something.
type opening struct {
	subject, field, message string
	unreadable              bool
}

// customRoutes are the kinds of other ingress controllers, meshes and clouds
// that publish Services. Groups, plurals and paths are in inventory.
var customRoutes = map[schema.GroupKind]customRoute{
	gk("networking.istio.io", "Gateway"):            {says: "opens listeners on an Istio gateway", field: "spec.servers"},
	istioVirtualService:                             {says: "routes from an Istio gateway", field: "spec.gateways", when: virtualServiceGateways},
	gk("route.openshift.io", "Route"):               {says: "publishes a Service through the OpenShift router", field: "spec.to"},
	gk("traefik.io", "IngressRoute"):                {says: "publishes Services through Traefik", field: "spec.routes"},
	gk("traefik.io", "IngressRouteTCP"):             {says: "publishes Services through Traefik without HTTP rules", field: "spec.routes"},
	gk("traefik.io", "IngressRouteUDP"):             {says: "publishes Services through Traefik without HTTP rules", field: "spec.routes"},
	gk("traefik.containo.us", "IngressRoute"):       {says: "publishes Services through Traefik", field: "spec.routes"},
	gk("traefik.containo.us", "IngressRouteTCP"):    {says: "publishes Services through Traefik without HTTP rules", field: "spec.routes"},
	gk("traefik.containo.us", "IngressRouteUDP"):    {says: "publishes Services through Traefik without HTTP rules", field: "spec.routes"},
	gk("projectcontour.io", "HTTPProxy"):            {says: "publishes Services through Contour", field: "spec"},
	gk("configuration.konghq.com", "KongIngress"):   {says: "overrides how Kong serves the routes that use it", field: "", severity: checks.Medium, inward: true},
	gk("configuration.konghq.com", "TCPIngress"):    {says: "publishes Services on TCP ports of Kong", field: "spec.rules"},
	gk("configuration.konghq.com", "UDPIngress"):    {says: "publishes Services on UDP ports of Kong", field: "spec.rules"},
	gk("apisix.apache.org", "ApisixRoute"):          {says: "publishes Services through APISIX", field: "spec"},
	gk("getambassador.io", "Mapping"):               {says: "publishes a Service through Emissary", field: "spec.service"},
	gk("getambassador.io", "TCPMapping"):            {says: "publishes a Service on a TCP port of Emissary", field: "spec.service"},
	gk("getambassador.io", "Host"):                  {says: "makes Emissary serve a host name", field: "spec.hostname"},
	gk("gateway.solo.io", "VirtualService"):         {says: "publishes Services through Gloo", field: "spec.virtualHost"},
	gk("gateway.solo.io", "RouteTable"):             {says: "adds routes to a Gloo virtual service", field: "spec.routes"},
	gk("gateway.solo.io", "Gateway"):                {says: "opens a listener on the Gloo proxy", field: "spec"},
	gk("k8s.nginx.org", "VirtualServer"):            {says: "publishes Services through the NGINX ingress controller", field: "spec"},
	gk("k8s.nginx.org", "VirtualServerRoute"):       {says: "adds routes to a VirtualServer of the NGINX ingress controller", field: "spec"},
	gk("k8s.nginx.org", "TransportServer"):          {says: "publishes a Service on a TCP, UDP or TLS listener of the NGINX ingress controller", field: "spec"},
	gk("ingress.v3.haproxy.org", "TCP"):             {says: "publishes Services on TCP ports of HAProxy", field: "spec"},
	gk("ingress.v1.haproxy.org", "TCP"):             {says: "publishes Services on TCP ports of HAProxy", field: "spec"},
	gk("serving.knative.dev", "Service"):            {says: "is published by Knative", field: "metadata.labels[" + knativeVisibility + "]", when: knativePublished},
	gk("serving.knative.dev", "Route"):              {says: "is published by Knative", field: "metadata.labels[" + knativeVisibility + "]", when: knativePublished},
	gk("serving.knative.dev", "DomainMapping"):      {says: "publishes a Knative Service under a host name of its own", field: "metadata.name"},
	gk("elbv2.k8s.aws", "TargetGroupBinding"):       {says: "registers pods with an AWS load balancer that is managed elsewhere", field: "spec"},
	gk("networking.gke.io", "ServiceAttachment"):    {says: "publishes a Service to other networks by Private Service Connect", field: "spec.resourceRef", from: "other networks"},
	gk("cilium.io", "CiliumEnvoyConfig"):            {says: "configures listeners and routes of Cilium's Envoy directly", field: "spec.resources"},
	gk("cilium.io", "CiliumClusterwideEnvoyConfig"): {says: "configures listeners and routes of Cilium's Envoy directly, for the whole cluster", field: "spec.resources"},
	gk("cilium.io", "CiliumLocalRedirectPolicy"):    {says: "redirects traffic that is meant for an address or Service to pods on the same node", field: "spec.redirectFrontend", inward: true},
}

func gk(group, kind string) schema.GroupKind { return schema.GroupKind{Group: group, Kind: kind} }

// opensCustom reports whether a custom resource that names a Service is a way
// in from outside. A kind that is not in the table counts as one, except those
// by which the API server itself calls a Service.
func opensCustom(e *inventory.Entry) bool {
	switch e.Key.Kind.Group {
	case "apiregistration.k8s.io", "admissionregistration.k8s.io", "apiextensions.k8s.io":
		return false
	}
	r, listed := customRoutes[e.Key.Kind]
	switch {
	case !listed:
		return true
	case r.inward:
		return false
	case r.when == nil:
		return true
	}
	u, ok := e.Object.(*unstructured.Unstructured)
	return !ok || len(r.when(u)) > 0
}

// virtualServiceGateways lists the gateways of an Istio VirtualService other
// than "mesh", which stands for the sidecars and is the default.
// https://istio.io/latest/docs/reference/config/networking/virtual-service/#VirtualService
func virtualServiceGateways(u *unstructured.Unstructured) []opening {
	spec, _ := u.Object["spec"].(map[string]any)
	raw, present := spec["gateways"]
	if !present || raw == nil {
		return nil
	}
	list, ok := raw.([]any)
	if !ok {
		return []opening{{subject: "gateways", field: "spec.gateways", message: "has a value in spec.gateways that is not a list", unreadable: true}}
	}
	var out []opening
	for _, item := range list {
		switch name, ok := item.(string); {
		case !ok:
			out = append(out, opening{subject: "gateways", field: "spec.gateways", message: "names a gateway in spec.gateways that is not a string", unreadable: true})
		case name != "mesh":
			out = append(out, opening{subject: "gateway/" + name, field: "spec.gateways", message: "routes traffic from the Istio gateway " + name})
		}
	}
	return out
}

// knativeVisibility, set to cluster-local, keeps a Knative Service or Route off
// the external gateway.
// https://knative.dev/docs/serving/services/private-services/
const knativeVisibility = "networking.knative.dev/visibility"

func knativePublished(u *unstructured.Unstructured) []opening {
	labels, _, err := unstructured.NestedMap(u.Object, "metadata", "labels")
	if err == nil && labels[knativeVisibility] == "cluster-local" {
		return nil
	}
	message := "lacks the label " + knativeVisibility + "=cluster-local, so Knative publishes it through its external gateway"
	if v, set := labels[knativeVisibility].(string); set {
		message = "has the label " + knativeVisibility + "=" + v + ", which is not cluster-local, so Knative publishes it through its external gateway"
	}
	return []opening{{subject: "visibility", field: "metadata.labels[" + knativeVisibility + "]", message: message}}
}
