// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// A customKind row describes a kind that comes with a CRD and that Gatehouse
// reads without a Go type.
func customKind(group, version, kind, resource string, more ...func(*Kind)) Kind {
	k := Kind{
		GroupKind: schema.GroupKind{Group: group, Kind: kind}, Version: version, Resource: resource,
		Namespaced: true, Kept: true,
	}
	for _, m := range more {
		m(&k)
	}
	return k
}

func atCluster(k *Kind)  { k.Namespaced = false }
func onlyJudged(k *Kind) { k.Kept = false }

func hosts(paths ...string) func(*Kind)    { return func(k *Kind) { k.Hosts = paths } }
func backends(paths ...string) func(*Kind) { return func(k *Kind) { k.Backends = paths } }
func podTemplate(path ...string) func(*Kind) {
	return func(k *Kind) { k.PodTemplate = path }
}

const ciliumGroup = "cilium.io"

// customKinds are the vendors' routes (EXP-035) and what they go through, publishing kinds (EXP-013,
// EXP-014), pod-spawning kinds with a pod template (EXP-040, EXP-041), allow-lists
// (EXP-026), address pools (EXP-002), policies besides NetworkPolicy (EXP-046) and those of the bundled gateway (EXP-050). A kind that is not installed costs nothing.
var customKinds = slices.Concat(vendorRoutes, publishers, templated, pools, allowLists, policies, gatewayPolicies)

// spreads are the Services and TraefikServices of a TraefikService.
func spreads(k *Kind) {
	k.Backends = []string{
		"spec.weighted.services[].name", "spec.highestRandomWeight.services[].name",
		"spec.mirroring.name", "spec.mirroring.mirrors[].name", "spec.failover.service.name", "spec.failover.fallback.name",
	}
}

var vendorRoutes = []Kind{
	// https://istio.io/latest/docs/reference/config/networking/
	customKind("networking.istio.io", "v1", "Gateway", "gateways", hosts("spec.servers[].hosts[]")),
	customKind("networking.istio.io", "v1", "VirtualService", "virtualservices", hosts("spec.hosts[]"),
		backends("spec.http[].route[].destination.host", "spec.tcp[].route[].destination.host", "spec.tls[].route[].destination.host", "spec.http[].mirror.host",
			"spec.http[].mirrors[].destination.host")),
	// https://docs.openshift.com/container-platform/latest/rest_api/network_apis/route-route-openshift-io-v1.html
	customKind("route.openshift.io", "v1", "Route", "routes", hosts("spec.host"), backends("spec.to.name", "spec.alternateBackends[].name")),
	// https://doc.traefik.io/traefik/reference/routing-configuration/kubernetes/crd/
	customKind("traefik.io", "v1alpha1", "IngressRoute", "ingressroutes", backends("spec.routes[].services[].name")),
	customKind("traefik.io", "v1alpha1", "IngressRouteTCP", "ingressroutetcps", backends("spec.routes[].services[].name")),
	customKind("traefik.io", "v1alpha1", "IngressRouteUDP", "ingressrouteudps", backends("spec.routes[].services[].name")),
	customKind("traefik.containo.us", "v1alpha1", "IngressRoute", "ingressroutes", backends("spec.routes[].services[].name")),
	customKind("traefik.containo.us", "v1alpha1", "IngressRouteTCP", "ingressroutetcps", backends("spec.routes[].services[].name")),
	customKind("traefik.containo.us", "v1alpha1", "IngressRouteUDP", "ingressrouteudps", backends("spec.routes[].services[].name")),
	// https://doc.traefik.io/traefik/reference/routing-configuration/kubernetes/crd/http/traefikservice/
	customKind("traefik.io", "v1alpha1", traefikService, "traefikservices", spreads),
	customKind("traefik.containo.us", "v1alpha1", traefikService, "traefikservices", spreads),
	// https://projectcontour.io/docs/main/config/fundamentals/
	customKind("projectcontour.io", "v1", "HTTPProxy", "httpproxies", hosts("spec.virtualhost.fqdn"), backends("spec.routes[].services[].name", "spec.tcpproxy.services[].name")),
	// https://developer.konghq.com/kubernetes-ingress-controller/reference/custom-resources/
	customKind("configuration.konghq.com", "v1", "KongIngress", "kongingresses"),
	customKind("configuration.konghq.com", "v1beta1", "TCPIngress", "tcpingresses", hosts("spec.rules[].host"), backends("spec.rules[].backend.serviceName")),
	customKind("configuration.konghq.com", "v1beta1", "UDPIngress", "udpingresses", backends("spec.rules[].backend.serviceName")),
	// https://apisix.apache.org/docs/ingress-controller/
	customKind("apisix.apache.org", "v2", "ApisixRoute", "apisixroutes", hosts("spec.http[].match.hosts[]"),
		backends("spec.http[].backends[].serviceName", "spec.stream[].backend.serviceName")),
	// https://www.getambassador.io/docs/emissary/latest/topics/using/intro-mappings
	customKind("getambassador.io", "v3alpha1", "Mapping", "mappings", hosts("spec.hostname", "spec.host"), backends("spec.service")),
	customKind("getambassador.io", "v3alpha1", "TCPMapping", "tcpmappings", hosts("spec.host"), backends("spec.service")),
	customKind("getambassador.io", "v3alpha1", "Host", "hosts", hosts("spec.hostname")),
	// https://docs.solo.io/gloo-edge/latest/reference/api/github.com/solo-io/gloo/projects/gateway/api/v1/virtual_service.proto.sk/
	customKind("gateway.solo.io", "v1", "VirtualService", "virtualservices", hosts("spec.virtualHost.domains[]"),
		backends("spec.virtualHost.routes[].routeAction.single.kube.ref.name", "spec.virtualHost.routes[].routeAction.multi.destinations[].destination.kube.ref.name")),
	customKind("gateway.solo.io", "v1", "RouteTable", "routetables",
		backends("spec.routes[].routeAction.single.kube.ref.name", "spec.routes[].routeAction.multi.destinations[].destination.kube.ref.name")),
	customKind("gateway.solo.io", "v1", "Gateway", "gateways"),
	// https://docs.nginx.com/nginx-ingress-controller/configuration/virtualserver-and-virtualserverroute-resources/
	customKind("k8s.nginx.org", "v1", "VirtualServer", "virtualservers", hosts("spec.host"), backends("spec.upstreams[].service")),
	customKind("k8s.nginx.org", "v1", "VirtualServerRoute", "virtualserverroutes", hosts("spec.host"), backends("spec.upstreams[].service")),
	customKind("k8s.nginx.org", "v1", "TransportServer", "transportservers", hosts("spec.host"), backends("spec.upstreams[].service")),
	// https://www.haproxy.com/documentation/kubernetes-ingress/community/configuration-reference/custom-resources/tcp/
	customKind("ingress.v3.haproxy.org", "v3", "TCP", "tcps", backends("spec[].service.name")),
	customKind("ingress.v1.haproxy.org", "v1", "TCP", "tcps", backends("spec[].service.name")),
	// https://knative.dev/docs/serving/
	customKind("serving.knative.dev", "v1", "Service", "services", podTemplate("spec", "template")),
	customKind("serving.knative.dev", "v1", "Route", "routes"),
	customKind("serving.knative.dev", "v1beta1", "DomainMapping", "domainmappings", backends("spec.ref.name")),
	// https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/targetgroupbinding/targetgroupbinding/
	customKind("elbv2.k8s.aws", "v1beta1", "TargetGroupBinding", "targetgroupbindings", backends("spec.serviceRef.name")),
	// https://cloud.google.com/kubernetes-engine/docs/how-to/internal-load-balancing-across-vpc-net
	customKind("networking.gke.io", "v1", "ServiceAttachment", "serviceattachments", backends("spec.resourceRef.name")),
	// https://docs.cilium.io/en/stable/network/servicemesh/envoy-custom-resource/
	customKind(ciliumGroup, "v2", "CiliumEnvoyConfig", "ciliumenvoyconfigs", backends("spec.services[].name", "spec.backendServices[].name")),
	customKind(ciliumGroup, "v2", "CiliumClusterwideEnvoyConfig", "ciliumclusterwideenvoyconfigs", atCluster, backends("spec.services[].name", "spec.backendServices[].name")),
	customKind(ciliumGroup, "v2", "CiliumLocalRedirectPolicy", "ciliumlocalredirectpolicies", backends("spec.redirectFrontend.serviceMatcher.serviceName")),
	// https://gateway-api.sigs.k8s.io/geps/gep-1713/
	customKind("gateway.networking.x-k8s.io", "v1alpha1", "XListenerSet", "xlistenersets"),
}

var publishers = []Kind{
	// https://kubernetes-sigs.github.io/external-dns/latest/docs/sources/crd/
	customKind("externaldns.k8s.io", "v1alpha1", "DNSEndpoint", "dnsendpoints", hosts("spec.endpoints[].dnsName")),
	// https://ngrok.com/docs/k8s/
	customKind("ngrok.k8s.ngrok.com", "v1alpha1", "AgentEndpoint", "agentendpoints"),
	customKind("ngrok.k8s.ngrok.com", "v1alpha1", "CloudEndpoint", "cloudendpoints"),
	// https://github.com/adyanth/cloudflare-operator
	customKind("networking.cfargotunnel.com", "v1alpha1", "TunnelBinding", "tunnelbindings"),
	customKind("networking.cfargotunnel.com", "v1alpha2", "ClusterTunnel", "clustertunnels", atCluster),
	// https://docs.inlets.dev/tutorial/kubernetes-ingress/
	customKind("operator.inlets.dev", "v1alpha1", "Tunnel", "tunnels"),
}

var templated = []Kind{
	// https://argo-rollouts.readthedocs.io/en/stable/features/specification/
	customKind("argoproj.io", "v1alpha1", "Rollout", "rollouts", podTemplate("spec", "template")),
	// https://openkruise.io/docs/user-manuals/cloneset
	customKind("apps.kruise.io", "v1alpha1", "CloneSet", "clonesets", podTemplate("spec", "template")),
	customKind("apps.kruise.io", "v1beta1", "StatefulSet", "statefulsets", podTemplate("spec", "template")),
	customKind("apps.kruise.io", "v1alpha1", "DaemonSet", "daemonsets", podTemplate("spec", "template")),
}

// allowLists are objects that hold source ranges (EXP-026). They are judged when
// they are written; no other verdict depends on them, so they are not kept.
var allowLists = []Kind{
	// https://doc.traefik.io/traefik/reference/routing-configuration/http/middlewares/ipallowlist/
	customKind("traefik.io", "v1alpha1", "Middleware", "middlewares", onlyJudged),
	customKind("traefik.io", "v1alpha1", "MiddlewareTCP", "middlewaretcps", onlyJudged),
	customKind("traefik.containo.us", "v1alpha1", "Middleware", "middlewares", onlyJudged),
	customKind("traefik.containo.us", "v1alpha1", "MiddlewareTCP", "middlewaretcps", onlyJudged),
}

var pools = []Kind{
	// https://metallb.io/configuration/
	customKind("metallb.io", "v1beta1", "IPAddressPool", "ipaddresspools"),
}

// policies restrict who may connect to pods, as NetworkPolicies do.
var policies = []Kind{
	// https://docs.cilium.io/en/stable/security/policy/
	customKind(ciliumGroup, "v2", "CiliumNetworkPolicy", "ciliumnetworkpolicies"),
	customKind(ciliumGroup, "v2", "CiliumClusterwideNetworkPolicy", "ciliumclusterwidenetworkpolicies", atCluster),
	// https://network-policy-api.sigs.k8s.io/reference/spec/
	customKind("policy.networking.k8s.io", "v1alpha2", "ClusterNetworkPolicy", "clusternetworkpolicies", atCluster),
}

const ownGroup = "gatehouse.sh"

// gatewayPolicies say who may come through the bundled gateway, and how often
// (docs/gateway-policies.md). Whether a route is guarded depends on AccessPolicies alone, and
// what a ClientPolicy takes the place of on the others (EXP-051).
var gatewayPolicies = []Kind{
	customKind(ownGroup, "v1alpha1", "AccessPolicy", "accesspolicies"),
	customKind(ownGroup, "v1alpha1", "TrafficPolicy", "trafficpolicies", onlyJudged),
	customKind(ownGroup, "v1alpha1", "ClientPolicy", "clientpolicies"),
}
