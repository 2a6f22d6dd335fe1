// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/checks/cel"
)

const (
	waypointRest = "Gateways of the class istio-waypoint, and which classes are the gateway's other than by the names in the CheckPolicy"
	gatewayClass = `self.spec.?gatewayClassName.orValue("")`
	listenersOf  = `self.spec.?listeners.orValue([])`
	openToAll    = `l.?allowedRoutes.?namespaces.?from.orValue("") == "All"`
	anyName      = `!(l.?protocol.orValue("") in ["TCP", "UDP"]) && l.?hostname.orValue("") in ["", "*"]`
)

// gatewayBackstops are those of the checks that look at a Gateway, a ListenerSet
// or a ReferenceGrant.
func gatewayBackstops() map[string]checks.Backstop {
	return map[string]checks.Backstop{
		"EXP-031": partly(rules(gatewayRules), waypointRest),
		"EXP-032": partly(rules(grantRules), "Services that are granted by name, for the labels of the other namespace decide"),
		"EXP-033": rules(infrastructureRules),
		"EXP-034": partly(rules(listenerSetRules), "parents that are Gateways, unless the CheckPolicy names the bundled Gateways"),
	}
}

// bundled is bundledGateway.
func bundledExpression(p *checks.Parameters) string {
	return cel.Any(namespaceOf+` + "/" + self.metadata.?name.orValue("") in `+cel.Strings(parentGateways(p)...),
		cel.All(namespaceOf+" in "+cel.Strings(p.Gateway.Namespaces...), gatewayClass+" in "+cel.Strings(p.Gateway.GatewayClasses...)))
}

// parentGateways are those that the policy names, as "namespace/name".
func parentGateways(p *checks.Parameters) []string {
	out := make([]string, 0, len(p.Gateway.ParentGateways))
	for _, g := range p.Gateway.ParentGateways {
		out = append(out, g.String())
	}
	return out
}

// servedExpression is servedByGateway, by the names of the classes.
func servedExpression(p *checks.Parameters) string {
	if len(p.Gateway.ParentGateways) > 0 {
		return "false"
	}
	return gatewayClass + " in " + cel.Strings(p.Gateway.GatewayClasses...)
}

// gatewayRules are judgeGateway.
func gatewayRules(p *checks.Parameters) []checks.BackstopRule {
	judged := cel.All(cel.Not(cel.Any(bundledExpression(p), servedExpression(p))), gatewayClass+" != "+cel.Quote(waypointClass))
	astray := cel.Not(namespaceOf + " in " + cel.Strings(p.Gateway.Namespaces...))
	internal := gatewayClass + " in " + cel.Sorted(internalClasses)
	return []checks.BackstopRule{
		{Faults: cel.When(judged, cel.Concat(
			cel.When(cel.All(astray, cel.Not(internal)), `["namespace"]`),
			cel.When(gatewayClass+" in "+cel.Sorted(publicClasses), `["class/" + `+gatewayClass+"]"),
			listenersOf+".filter(l, "+openToAll+`).map(l, "listener/" + l.name + "/routes")`))},
		{Severity: checks.Medium, Faults: cel.When(judged, cel.Concat(
			cel.When(cel.All(astray, internal), `["namespace"]`),
			listenersOf+".filter(l, "+anyName+`).map(l, "listener/" + l.name + "/hostname")`))},
	}
}

// grantRules are judgeGrant without the Services that are granted by name.
func grantRules(p *checks.Parameters) []checks.BackstopRule {
	platform := "f.namespace in " + cel.Strings(p.Gateway.Namespaces...)
	every := `t.?name.orValue("") == ""`
	ofKeys := `t.?group.orValue("") == "" && t.kind == "Secret"`
	subject := `f.namespace + "/" + f.kind + "/" + t.kind + "/" + (` + every + ` ? "*" : t.name)`
	granted := func(which string) string {
		return cel.Flatten(`(self.spec.?to.orValue([]).map(t, self.spec.?from.orValue([]).filter(f, f.namespace != ` + namespaceOf + " && (" + which + ")).map(f, " + subject + ")))")
	}
	return []checks.BackstopRule{
		{Faults: granted("!(" + platform + ") && (" + every + " || (" + ofKeys + "))")},
		{Faults: granted(platform + " && " + every), Severity: checks.Medium},
	}
}

// steering are the parts of steersLoadBalancer.
var steering = []string{
	"load-balancer", "loadbalancer", "l4-rbs", "elb.", "metallb", "lbipam", "lb-ipam", "kube-vip", "purelb", "openelb", "tailscale", "external-dns", "ako.vmware",
}

// infrastructureRules are judgeInfrastructure.
func infrastructureRules(p *checks.Parameters) []checks.BackstopRule {
	judged := cel.Not(cel.Any(bundledExpression(p), namespaceOf+" in "+cel.Strings(p.Gateway.Namespaces...)))
	steers := cel.Strings(steering...) + ".exists(s, k.lowerAscii().contains(s))"
	annotations := "self.spec.?infrastructure.?annotations.orValue({})"
	return []checks.BackstopRule{
		{Faults: cel.When(judged, cel.Concat(
			annotations+".map(k, "+steers+`, "annotation/" + k)`,
			cel.When("self.spec.?infrastructure.?parametersRef.hasValue()", `["parametersRef"]`),
			`self.spec.?addresses.orValue([]).map(a, "address/" + a.?value.orValue(""))`))},
		{Severity: checks.Low, Faults: cel.When(judged, cel.Concat(
			annotations+".map(k, !("+steers+`), "annotation/" + k)`,
			`self.spec.?infrastructure.?labels.orValue({}).map(k, "label/" + k)`))},
	}
}

// listenerSetRules are judgeListenerSet for parents that need no look-up.
func listenerSetRules(p *checks.Parameters) []checks.BackstopRule {
	const (
		group = `r.?group.orValue("gateway.networking.k8s.io")`
		kind  = `r.?kind.orValue("Gateway")`
	)
	namespace := "r.?namespace.orValue(" + namespaceOf + ")"
	subject := `["parent/" + ` + kind + ` + "/" + ` + namespace + ` + "/" + r.name]`
	service := group + ` == "" && ` + kind + ` == "Service"`
	known := group + ` in ["gateway.networking.k8s.io", "gateway.networking.x-k8s.io"] && ` + kind + ` in ["Gateway", "ListenerSet", "XListenerSet"]`
	lists := []string{cel.When("!("+service+") && !("+known+")", subject)}
	if named := parentGateways(p); len(named) > 0 {
		bundled := group + ` == "gateway.networking.k8s.io" && ` + kind + ` == "Gateway" && ` + namespace + ` + "/" + r.name in ` + cel.Strings(named...)
		lists = append(lists, cel.When(bundled, cel.Concat(
			listenersOf+".filter(l, "+anyName+`).map(l, "listener/" + l.name + "/hostname")`,
			listenersOf+".filter(l, "+openToAll+`).map(l, "listener/" + l.name + "/routes")`)))
	}
	return []checks.BackstopRule{{Faults: cel.Let("r", "self.spec.parentRef", cel.Concat(lists...))}}
}
