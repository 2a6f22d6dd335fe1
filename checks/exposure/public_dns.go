// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"fmt"
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// dnsPrefixes are the annotation prefixes of ExternalDNS: the one since 0.22,
// and the one before it.
// https://kubernetes-sigs.github.io/external-dns/v0.23.0/docs/annotations/annotations/
var dnsPrefixes = [...]string{"external-dns.alpha.kubernetes.io/", "external-dns.kubernetes.io/"}

// A dnsKey is an annotation by which ExternalDNS publishes a name.
type dnsKey struct {
	key, controller string
	subject, says   string
}

var dnsKeys = newDNSKeys()

func newDNSKeys() []dnsKey {
	out := make([]dnsKey, 0, 3*len(dnsPrefixes))
	for _, prefix := range dnsPrefixes {
		out = append(out,
			dnsKey{prefix + "hostname", prefix + "controller", "dns/", "publishes the DNS name %s"},
			dnsKey{prefix + "internal-hostname", prefix + "controller", "internal-dns/", "publishes its cluster-internal address under the DNS name %s"},
			dnsKey{prefix + "target", prefix + "controller", "target/", "points its DNS names at %s"},
		)
	}
	return out
}

// dnsController is the only value of the controller annotation with which
// ExternalDNS handles an object that carries one.
const dnsController = "dns-controller"

// maxNames bounds the findings for one annotation or object: names beyond it
// are counted in one more.
const maxNames = 32

var dnsEndpointKind = schema.GroupKind{Group: "externaldns.k8s.io", Kind: "DNSEndpoint"}

// dnsKinds are the kinds that ExternalDNS reads and Gatehouse knows.
// https://kubernetes-sigs.github.io/external-dns/latest/docs/sources/about/
var dnsKinds = slices.Concat(services, []schema.GroupKind{
	inventory.IngressKind, inventory.GatewayKind, dnsEndpointKind,
	{Group: inventory.GatewayGroup, Kind: "HTTPRoute"},
	{Group: inventory.GatewayGroup, Kind: "GRPCRoute"},
	{Group: inventory.GatewayGroup, Kind: "TLSRoute"},
	{Group: inventory.GatewayGroup, Kind: "TCPRoute"},
	{Group: inventory.GatewayGroup, Kind: "UDPRoute"},
	{Group: inventory.GatewayGroup, Kind: "ListenerSet"},
	{Group: "networking.istio.io", Kind: "Gateway"},
	{Group: "networking.istio.io", Kind: "VirtualService"},
	{Group: "route.openshift.io", Kind: "Route"},
	{Group: "projectcontour.io", Kind: "HTTPProxy"},
	{Group: "traefik.io", Kind: "IngressRoute"},
	{Group: "traefik.io", Kind: "IngressRouteTCP"},
	{Group: "traefik.io", Kind: "IngressRouteUDP"},
	{Group: "traefik.containo.us", Kind: "IngressRoute"},
	{Group: "traefik.containo.us", Kind: "IngressRouteTCP"},
	{Group: "traefik.containo.us", Kind: "IngressRouteUDP"},
	{Group: "getambassador.io", Kind: "Host"},
	{Group: "configuration.konghq.com", Kind: "TCPIngress"},
})

// publicDNS flags objects that publish DNS names past the gateway (EXP-013).
func publicDNS() checks.Check {
	return checks.Check{
		ID: "EXP-013", Name: "public-dns",
		Severity: checks.Medium,
		Actions:  checks.Actions{Baseline: checks.Warn, Strict: checks.Deny},
		Kinds:    dnsKinds,
		Doc: checks.Doc{
			Title: "DNS names are published by the gateway only",
			Why: "ExternalDNS writes records into the zones it holds keys for, at the word of an annotation or a DNSEndpoint. " +
				"A tenant can so take any free name of the zone, point it at any address, or tell the world which internal services exist. " +
				"Names that ExternalDNS takes from hosts and templates without an annotation are not covered, nor is a prefix other than its own two; " +
				"whether ExternalDNS runs, and on which zones, cannot be seen. Objects attached to the gateway, records that only verify ownership (TXT, CAA), " +
				"and objects whose controller annotation tells ExternalDNS to leave them alone are accepted.",
			Attack: "outsiders find the service by name, or visitors of a trusted name are led to an address of the author's choice",
			Fix:    "remove the annotation or the record, and let the gateway publish the name of a route",
			Exempt: "A zone that only resolves inside the private network.",
			Sources: []string{
				"https://kubernetes-sigs.github.io/external-dns/latest/docs/annotations/annotations/",
				"https://kubernetes-sigs.github.io/external-dns/latest/docs/sources/crd/",
			},
		},
		Run: func(in checks.Input) []checks.Finding {
			if u, isCustom := in.Object.(*unstructured.Unstructured); isCustom && inventory.GroupKindOf(u) == dnsEndpointKind {
				return recordFindings(u, in)
			}
			annotations := in.Object.GetAnnotations()
			if len(annotations) == 0 {
				return nil
			}
			var out []checks.Finding
			for _, k := range dnsKeys {
				if value, set := annotations[k.key]; set {
					if c, other := annotations[k.controller]; other && c != dnsController {
						continue
					}
					out = append(out, nameFindings(k, value)...)
				}
			}
			if len(out) == 0 || throughGateway(in) {
				return nil
			}
			return out
		},
	}
}

// throughGateway reports whether the object under judgement is the bundled
// gateway itself or attached to it.
func throughGateway(in checks.Input) bool {
	if in.Parameters.Gateway.OwnsService(in.Object) {
		return true
	}
	if ing, isIngress := in.Object.(*networkingv1.Ingress); isIngress {
		return ingressAttached(ing, in)
	}
	key := inventory.KeyOf(in.Object)
	if key.Kind.Group == inventory.GatewayGroup && (key.Kind.Kind == "Gateway" || key.Kind.Kind == "ListenerSet") {
		return parentAttached(parentOf{group: key.Kind.Group, kind: key.Kind.Kind, namespace: key.Namespace, name: key.Name}, in)
	}
	return routeAttached(in.Object, in)
}

// nameFindings reads an annotation as ExternalDNS does: spaces do not count,
// commas separate.
func nameFindings(k dnsKey, value string) []checks.Finding {
	var out []checks.Finding
	more := 0
	for name := range strings.SplitSeq(strings.ReplaceAll(value, " ", ""), ",") {
		if name = strings.TrimSpace(name); name == "" {
			continue
		}
		if len(out) == maxNames {
			more++
			continue
		}
		out = append(out, checks.Finding{
			Subject: k.subject + canonicalHost(name), Field: annotationField(k.key),
			Message: fmt.Sprintf(k.says, name),
		})
	}
	if more > 0 {
		out = append(out, checks.Finding{
			Subject: k.subject, Field: annotationField(k.key),
			Message: fmt.Sprintf(k.says, fmt.Sprintf("of %d more hosts", more)),
		})
	}
	return out
}

// recordFindings reads the records of a DNSEndpoint.
func recordFindings(u *unstructured.Unstructured, in checks.Input) []checks.Finding {
	if in.Parameters.Gateway.OwnsService(u) {
		return nil
	}
	var out []checks.Finding
	more := 0
	for _, f := range inventory.Walk(u.Object, "spec.endpoints[]") {
		record, ok := f.Value.(map[string]any)
		if !ok {
			continue
		}
		name, _ := record["dnsName"].(string)
		kind, _ := record["recordType"].(string)
		if kind == "TXT" || kind == "CAA" {
			continue
		}
		if len(out) == maxNames {
			more++
			continue
		}
		at := ""
		if targets, _ := record["targets"].([]any); len(targets) > 0 {
			at = fmt.Sprintf(" at %v", targets[0])
			if len(targets) > 1 {
				at += fmt.Sprintf(" and %d more", len(targets)-1)
			}
		}
		out = append(out, checks.Finding{
			Subject: "dns/" + canonicalHost(name), Field: f.Field + ".dnsName",
			Message: fmt.Sprintf("publishes the DNS name %s%s", name, at),
		})
	}
	if more > 0 {
		out = append(out, checks.Finding{Subject: "dns/", Field: "spec.endpoints", Message: fmt.Sprintf("publishes %d more DNS names", more)})
	}
	return out
}
