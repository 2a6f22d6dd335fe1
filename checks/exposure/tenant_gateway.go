// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

var gateways = []schema.GroupKind{inventory.GatewayKind}

// tenantGateway flags Gateways that are doors of their own (EXP-031).
func tenantGateway() checks.Check {
	return checks.Check{
		ID: "EXP-031", Name: "tenant-gateway",
		Severity: checks.High,
		Actions:  checks.Actions{Baseline: checks.Deny, Strict: checks.Deny},
		Kinds:    gateways,
		Doc: checks.Doc{
			Title: "Gateways are of the bundled gateway's class",
			Why: "A Gateway is a door: its controller makes a load balancer for it, often a public one, and routes attach to it. The Gateway API leaves Gateways to cluster operators; " +
				"one of another class in an application's namespace bypasses what the operators put in front of the cluster. " +
				"A Gateway of the bundled gateway's class is accepted in every namespace: what it opens is served, and guarded, by the bundled gateway. A class is of it if its GatewayClass says so (spec.controllerName: gatehouse.sh/gateway); where that GatewayClass is not known, as in files, the name gatehouse counts. Names that somebody wrote into the CheckPolicy count for a class of another controller, too: whoever writes them says that what it opens is guarded. " +
				"A CheckPolicy that names Gateways (gateway.parentGateways) accepts these, and others in the namespaces of the bundled gateway only. " +
				"Of other Gateways the check reports those outside the namespaces of the bundled gateway, a class whose load balancer is known to face the internet wherever it stands, " +
				"and listeners that take routes from every namespace or every host name. " +
				"A class that is known to be internal is one degree less severe. Istio waypoints are not doors and are left out. " +
				"What a class of another name really makes cannot be seen from the Gateway; it counts as public.",
			Attack: "opens a load balancer of its own and publishes Services past the gateway",
			Fix:    "set spec.gatewayClassName to a class of the bundled gateway, or attach the routes to one of its Gateways",
			Exempt: "A second gateway that the platform team operates, for example one for a private network.",
			Sources: []string{
				"https://gateway-api.sigs.k8s.io/concepts/security-model/",
				"https://gateway-api.sigs.k8s.io/concepts/roles-and-personas/",
				"https://cloud.google.com/kubernetes-engine/docs/concepts/gateway-api#gatewayclass",
				"https://istio.io/latest/docs/ambient/usage/waypoint/",
			},
		},
		Run: checks.On(judgeGateway),
	}
}

// bundledGateway reports whether a Gateway is the platform's own: it stands in
// a namespace of the bundled gateway and has one of its classes, or the
// parameters name it.
func bundledGateway(gw *gatewayv1.Gateway, in checks.Input) bool {
	p := in.Parameters.Gateway
	if slices.Contains(p.ParentGateways, checks.GatewayName{Namespace: gw.Namespace, Name: gw.Name}) {
		return true
	}
	return slices.Contains(p.Namespaces, gw.Namespace) && ownGatewayClass(string(gw.Spec.GatewayClassName), in)
}

// servedByGateway reports whether the bundled gateway serves a Gateway, in whichever
// namespace, and the platform leaves it to others to make such Gateways: it names
// none that routes have to attach to.
func servedByGateway(gw *gatewayv1.Gateway, in checks.Input) bool {
	return len(in.Parameters.Gateway.ParentGateways) == 0 && ownGatewayClass(string(gw.Spec.GatewayClassName), in)
}

func judgeGateway(gw *gatewayv1.Gateway, in checks.Input) []checks.Finding {
	if bundledGateway(gw, in) || servedByGateway(gw, in) || waypoint(gw, in) {
		return nil
	}
	class := string(gw.Spec.GatewayClassName)
	var out []checks.Finding
	if !slices.Contains(in.Parameters.Gateway.Namespaces, gw.Namespace) {
		f := checks.Finding{
			Subject: "namespace", Field: "metadata.namespace",
			Message: "is a Gateway of class " + class + " in namespace " + gw.Namespace + ", outside the namespaces of the bundled gateway",
			Path:    []string{doorFrom(class), inputName(in) + " (class " + class + ")"},
		}
		if internalClasses[class] {
			f.Severity = checks.Medium
		}
		out = append(out, f)
	}
	if publicClasses[class] {
		out = append(out, checks.Finding{
			Subject: "class/" + class, Field: "spec.gatewayClassName",
			Message: "has the class " + class + ", which makes a load balancer that faces the internet" + changedClass(gw, in),
			Path:    []string{"internet", inputName(in) + " (class " + class + ")"},
		})
	}
	for i := range gw.Spec.Listeners {
		out = append(out, judgeListener(&gw.Spec.Listeners[i], i)...)
	}
	return out
}

// changedClass names the delta of an update.
func changedClass(gw *gatewayv1.Gateway, in checks.Input) string {
	old, updated := checks.Old[*gatewayv1.Gateway](in)
	if !updated || old.Spec.GatewayClassName == gw.Spec.GatewayClassName {
		return ""
	}
	return "; before this update it was " + string(old.Spec.GatewayClassName)
}

func judgeListener(l *gatewayv1.Listener, i int) []checks.Finding {
	var out []checks.Finding
	if fromAll(l.AllowedRoutes) {
		out = append(out, checks.Finding{
			Subject: "listener/" + string(l.Name) + "/routes", Field: fmt.Sprintf("spec.listeners[%d].allowedRoutes.namespaces.from", i),
			Message: "lets routes of every namespace attach to listener " + string(l.Name),
			Fix:     "set allowedRoutes.namespaces.from to Same or to a Selector",
		})
	}
	if anyHost(l.Hostname, l.Protocol) {
		out = append(out, checks.Finding{
			Severity: checks.Medium,
			Subject:  "listener/" + string(l.Name) + "/hostname", Field: fmt.Sprintf("spec.listeners[%d].hostname", i),
			Message: "takes requests for every host name on listener " + string(l.Name),
			Fix:     "give the listener the host name that it is for",
		})
	}
	return out
}

// fromAll reports whether routes of every namespace may attach.
func fromAll(a *gatewayv1.AllowedRoutes) bool {
	return a != nil && a.Namespaces != nil && a.Namespaces.From != nil && *a.Namespaces.From == gatewayv1.NamespacesFromAll
}

// anyHost reports whether a listener claims every host name. TCP and UDP know
// no host names.
func anyHost(h *gatewayv1.Hostname, p gatewayv1.ProtocolType) bool {
	if p == gatewayv1.TCPProtocolType || p == gatewayv1.UDPProtocolType {
		return false
	}
	return h == nil || *h == "" || *h == "*"
}
