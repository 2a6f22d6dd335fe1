// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// nginxGuards are the annotations of ingress-nginx by which the bundled gateway asks who
// somebody is or where he comes from. One that it cannot keep closes the Ingress.
// docs/ingress.md
var nginxGuards = []string{"auth-type", "auth-secret", "auth-url", "whitelist-source-range", "allowlist-source-range", "denylist-source-range"}

const nginxPrefix = "nginx.ingress.kubernetes.io/"

// unguardedIngress reports the paths of an Ingress of ours that no AccessPolicy is in
// force for. A canary is part of another Ingress, whose policies hold.
func unguardedIngress(ing *networkingv1.Ingress, in checks.Input, g *guards) []checks.Finding {
	if !ingressAttached(ing, in) || ing.Annotations[nginxPrefix+"canary"] == "true" ||
		slices.ContainsFunc(nginxGuards, func(key string) bool { return strings.TrimSpace(ing.Annotations[nginxPrefix+key]) != "" }) {
		return nil
	}
	gateway, listeners := ingressDoors(ing, in)
	if gateway.Namespace != "" && g.has(gateway, "") {
		return nil
	}
	var at []string
	for i := range listeners {
		if l := &listeners[i]; l.name == "" {
			at = append(at, l.owner)
		} else if !g.has(gateway, l.name) {
			at = append(at, l.String())
		}
	}
	if len(at) == 0 {
		return nil
	}
	paths := inventory.Backends(ing)
	var open []*unguarded
	for _, ref := range paths {
		service := serviceOf(ref)
		if g.has(service, "") {
			continue
		}
		i := slices.IndexFunc(open, func(o *unguarded) bool { return o.service == service })
		if i < 0 {
			i, open = len(open), append(open, &unguarded{gateway: gateway, service: service, field: "spec.ingressClassName", listeners: at})
		}
		open[i].rules = append(open[i].rules, ref.Field)
	}
	findings := make([]checks.Finding, 0, len(open))
	for _, o := range open {
		findings = append(findings, o.finding(in, len(paths), false))
	}
	return findings
}

// ingressDoors returns the Gateway that serves an Ingress of ours, and its listeners that
// take it: that of the parameters of its class, or else one for every host that is no
// object and has no namespace.
func ingressDoors(ing *networkingv1.Ingress, in checks.Input) (inventory.Key, []listenerOf) {
	name, _ := classOf(ing, in.Inventory)
	class, known := inventory.Get[*networkingv1.IngressClass](in.Inventory, inventory.IngressClassKind, "", name)
	if !known || class.Spec.Parameters == nil {
		key := inventory.Key{Kind: inventory.IngressClassKind, Name: name}
		return key, []listenerOf{{owner: "the listeners of " + key.String()}}
	}
	p := class.Spec.Parameters
	if p.APIGroup == nil || p.Namespace == nil || (schema.GroupKind{Group: *p.APIGroup, Kind: p.Kind}) != inventory.GatewayKind {
		return inventory.Key{}, nil // which is not served
	}
	gw, there := inventory.Get[*gatewayv1.Gateway](in.Inventory, inventory.GatewayKind, *p.Namespace, p.Name)
	if !there || !ownGatewayClass(string(gw.Spec.GatewayClassName), in) {
		return inventory.Key{}, nil
	}
	hosts := claimedHosts(ing)
	if ing.Spec.DefaultBackend != nil {
		hosts = append(hosts, "")
	}
	list := slices.DeleteFunc(gatewayListeners(gw), func(l listenerOf) bool {
		return l.protocol != gatewayv1.HTTPProtocolType && l.protocol != gatewayv1.HTTPSProtocolType || !l.admitsFrom(ing.Namespace) || !l.sharesHost(hosts)
	})
	return inventory.KeyOf(gw), list
}
