// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/checks/cel"
	"github.com/gatehouse-sh/gatehouse/checks/loadbalancer"
)

const (
	poolsRest     = "load balancers whose address comes from a MetalLB pool, or whose scheme is in the JSON of a Huawei annotation"
	portSubjectOf = `(p.?protocol.orValue("TCP") == "TCP" ? "port/" + string(p.port) : "port/" + string(p.port) + "/" + p.protocol)`
)

// serviceBackstops are those of the checks that look at a Service.
func serviceBackstops() map[string]checks.Backstop {
	out := map[string]checks.Backstop{
		"EXP-001": one(func(p *checks.Parameters) string {
			return cel.When(cel.All(typeOfService+` == "NodePort"`, foreign(p)), `["type"]`)
		}),
		"EXP-002": partly(rules(func(p *checks.Parameters) []checks.BackstopRule {
			return []checks.BackstopRule{whenScheme(p, loadbalancer.SaysOpen, `["type"]`)}
		}), poolsRest),
		"EXP-003": partly(rules(func(p *checks.Parameters) []checks.BackstopRule {
			return []checks.BackstopRule{whenScheme(p, loadbalancer.SaysInternal, `["type"]`)}
		}), poolsRest),
		"EXP-004": partly(one(externalIPFaults), "IPv6 spellings of IPv4 addresses, where networks are allowed"),
		"EXP-005": partly(one(pinFaults), "IPv6 spellings of IPv4 addresses"),
		"EXP-006": partly(rules(rangeRules), "ranges that add up to much or cannot be read, lists in tagged form; "+poolsRest),
		"EXP-007": partly(one(nodePortFaults), "controllers that are recognised by annotations"),
		"EXP-012": partly(one(trafficFaults), "Services that are exposed by an Ingress or a route"),
		"EXP-015": partly(rules(portRules), "named target ports, numbers that need a name beside them, and Services that are exposed by others or open inside the cluster"),
		"EXP-018": partly(rules(selectorRules), "what the selector matches, and Services that are exposed by an Ingress or a route"),
		"EXP-048": partly(rules(stepRules), "steps of Ingresses and routes to other Services; "+poolsRest),
		"EXP-049": partly(rules(confusionRules), "contradicting load balancer annotations"),
	}
	maps.Copy(out, nameBackstops())
	return out
}

// scheme is classify: one of the loadbalancer.Says constants, and SaysOpen for what
// is no load balancer.
func scheme(p *checks.Parameters) checks.BackstopVariable {
	says := loadbalancer.Expression(loadbalancer.ServiceObject, source("self", p), p.LoadBalancers)
	return checks.BackstopVariable{Name: "scheme", Expression: cel.If(isBalancer, says, cel.Quote(loadbalancer.SaysOpen))}
}

// readingIs is true where the reading of a rule is the text.
func readingIs(text string) string { return "reading == " + cel.Quote(text) }

// source is what the classifier reads of a Service; its pools are metalLBPools.
func source(self string, p *checks.Parameters) loadbalancer.Source {
	annotations := self + ".metadata.?annotations.orValue({})"
	pools := cel.If("has("+self+".spec.loadBalancerClass)", self+".spec.loadBalancerClass == "+cel.Quote(metalLBClass),
		annotations+`.exists(k, k.startsWith("metallb.io/") || k.startsWith("metallb.universe.tf/"))`)
	if slices.Equal(p.LoadBalancers.Providers, []string{"metallb"}) {
		pools = "!has(" + self + ".spec.loadBalancerClass) || " + self + ".spec.loadBalancerClass == " + cel.Quote(metalLBClass)
	}
	return loadbalancer.Source{
		Annotations: annotations, Class: self + `.spec.?loadBalancerClass.orValue("")`,
		HasClass: "has(" + self + ".spec.loadBalancerClass)", Address: self + `.spec.?loadBalancerIP.orValue("")`, Pools: pools,
	}
}

// whenScheme is a rule about load balancers that are not the gateway's own and of
// which the classifier says something.
func whenScheme(p *checks.Parameters, says, list string) checks.BackstopRule {
	return checks.BackstopRule{Kinds: services, Reading: scheme(p), Faults: cel.When(cel.All(isBalancer, foreign(p)), cel.When(readingIs(says), list))}
}

func externalIPFaults(p *checks.Parameters) string {
	bad := "true"
	if len(p.AllowedExternalIPs) > 0 {
		bad = cel.If("isIP(t)", cel.Not(cel.InNetworks("t", p.AllowedExternalIPs)), `!t.contains(":")`)
	}
	return cel.When(foreign(p), cel.List("self.spec.?externalIPs")+".filter(t, "+bad+`).map(t, "externalIP/" + (isIP(t) ? string(ip(t)) : t))`)
}

func pinFaults(p *checks.Parameters) string {
	pins := loadbalancer.Pins(loadbalancer.ServiceObject, source("self", p), p.LoadBalancers)
	return cel.When(cel.All(isBalancer, foreign(p)),
		pins+".map(t, t.trim()).filter(t, isIP(t) && !"+"("+loadbalancer.Private("t", p.LoadBalancers.TrustedPools)+`)).map(t, "address/" + string(ip(t)))`)
}

// rangeRules are openRanges; on an internal load balancer it is one step milder.
func rangeRules(p *checks.Parameters) []checks.BackstopRule {
	read := loadbalancer.Ranges(annotationsOf, cel.List("self.spec.?loadBalancerSourceRanges"))
	broad := `r.filter(t, isCIDR(t)).filter(t, cidr(t).ip().family() == 4 ? cidr(t).prefixLength() < 8 : cidr(t).prefixLength() < 32).map(t, "range/" + string(cidr(t).masked()))`
	families := cel.If(`self.spec.?ipFamilyPolicy.orValue("") == "RequireDualStack"`, `["IPv4", "IPv6"]`, cel.List("self.spec.?ipFamilies"))
	open := "r.all(t, isCIDR(t)) ? " + families + `.filter(f, !r.exists(t, cidr(t).ip().family() == (f == "IPv6" ? 6 : 4))).map(f, "family/" + f) : []`
	tag := cel.When(`self.metadata.?annotations[?`+cel.Quote(azureServiceTags)+`].orValue("").split(",").exists(t, t.trim().lowerAscii() == "internet")`, `["tag/Internet"]`)
	faults := cel.Concat(cel.Let("r", read, `r.size() == 0 ? ["ranges"] : `+broad+" + ("+open+")"), tag)
	public, internal := whenScheme(p, loadbalancer.SaysOpen, faults), whenScheme(p, loadbalancer.SaysInternal, faults)
	internal.Severity = checks.Medium
	return []checks.BackstopRule{public, internal}
}

// directClasses name controllers that deliver to the pods themselves; see
// deliversDirectly.
var directClasses = []string{"metallb.io/metallb", "io.cilium/bgp-control-plane", "io.cilium/l2-announcer", "kube-vip.io/kube-vip-class", "purelb.io/purelb"}

func nodePortFaults(p *checks.Parameters) string {
	stray := "self.spec.?ports.orValue([]).filter(p, p.?nodePort.orValue(0) != 0).map(p, " + portSubjectOf + ")"
	direct := cel.Any(`self.spec.?loadBalancerClass.orValue("") in `+cel.Strings(directClasses...),
		cel.All(`self.spec.?loadBalancerClass.orValue("") in ["service.k8s.aws/nlb", "eks.amazonaws.com/nlb"]`,
			cel.Any("self.metadata.?annotations[?"+cel.Quote(awsTargetType)+`].orValue("") == "ip"`, "self.metadata.?annotations[?"+cel.Quote(awsType)+`].orValue("") == "nlb-ip"`)))
	return cel.When(cel.All(isBalancer, foreign(p)),
		cel.If("self.spec.?allocateLoadBalancerNodePorts.orValue(true)", cel.When(direct, `["allocateLoadBalancerNodePorts"]`), stray))
}

// ownWay is true of a Service that opens a way by itself.
var ownWay = cel.Any(typeOfService+` in ["NodePort", "LoadBalancer"]`, cel.List("self.spec.?externalIPs")+".size() > 0")

func trafficFaults(p *checks.Parameters) string {
	ranges := loadbalancer.Ranges(annotationsOf, cel.List("self.spec.?loadBalancerSourceRanges"))
	policy := cel.When(cel.All(isBalancer, `self.spec.?externalTrafficPolicy.orValue("") != "Local"`, ranges+".size() > 0"), `["externalTrafficPolicy"]`)
	early := cel.When(cel.All(cel.Bool("self.spec.?publishNotReadyAddresses"), ownWay), `["publishNotReadyAddresses"]`)
	return cel.When(foreign(p), cel.Concat(policy, early))
}

// waySeverity are the conditions under which a Service's own way is one to the
// outside, and one to the private network only; the reading is the scheme.
func waySeverity(p *checks.Parameters) (open, private string) {
	external := cel.List("self.spec.?externalIPs") + ".size() > 0"
	return cel.All(foreign(p), cel.Any(external, cel.All(ownWay, readingIs(loadbalancer.SaysOpen)))),
		cel.All(foreign(p), cel.Not(external), isBalancer, readingIs(loadbalancer.SaysInternal))
}

// portRules are sensitiveService for numbers that say enough by themselves.
func portRules(p *checks.Parameters) []checks.BackstopRule {
	numbers := make([]string, 0, len(p.SensitivePorts))
	for _, n := range slices.Sorted(maps.Keys(p.SensitivePorts)) {
		numbers = append(numbers, strconv.Itoa(int(n)))
	}
	table := "[" + strings.Join(numbers, ", ") + "]"
	// checks.SensitiveProtocol: the first word counts, or the second behind a carrier.
	words := cel.Let("w", `(n.contains("/") ? n.substring(n.lastIndexOf("/") + 1) : n).split("-")`,
		"w[0] in "+cel.Strings(checks.SensitiveProtocols()...)+` || w[0] in ["tcp", "tls", "udp"] && w.size() > 1 && w[1] in `+cel.Strings(checks.SensitiveProtocols()...))
	texts := `[p.?name.orValue(""), p.?appProtocol.orValue(""), dyn(string(p.?targetPort.orValue(dyn(""))))].map(n, n.lowerAscii())`
	ports := "self.spec.?ports.orValue([]).filter(p, p.port in " + table + " || [p.?targetPort.orValue(0)].exists(n, type(n) == int && n in " + table + ") || " +
		texts + ".exists(n, " + words + ")).map(p, " + portSubjectOf + ")"
	open, private := waySeverity(p)
	return []checks.BackstopRule{
		{Kinds: services, Reading: scheme(p), Faults: cel.When(open, ports)},
		{Kinds: services, Reading: scheme(p), Faults: cel.When(private, ports), Severity: checks.Medium},
	}
}

// selectorRules are broadSelector for a Service without selector.
func selectorRules(p *checks.Parameters) []checks.BackstopRule {
	open, private := waySeverity(p)
	none := cel.All(typeOfService+` != "ExternalName"`, "self.spec.?selector.orValue({}).size() == 0")
	return []checks.BackstopRule{
		{Reading: scheme(p), Faults: cel.When(none, cel.When(open, `["selector"]`))},
		{Reading: scheme(p), Faults: cel.When(none, cel.When(private, `["selector"]`)), Severity: checks.Low},
	}
}

// confusionRules are typeConfusion without the conflicts.
func confusionRules(p *checks.Parameters) []checks.BackstopRule {
	known := map[string]bool{}
	for _, row := range loadbalancer.Providers() {
		for _, c := range row.Classes {
			if row.Object == loadbalancer.ServiceObject {
				known[c.Name] = true
			}
		}
	}
	for c := range p.LoadBalancers.Classes {
		known[c] = true
	}
	headless := `self.spec.?clusterIP.orValue("") == "None"`
	class := cel.When(cel.All(isBalancer, "has(self.spec.loadBalancerClass)", cel.Not("self.spec.loadBalancerClass in "+cel.Sorted(known))),
		`["loadBalancerClass/" + self.spec.loadBalancerClass]`)
	name := cel.When(cel.All(typeOfService+` != "ExternalName"`, typeOfService+` != "NodePort"`, cel.Not(isBalancer), `self.spec.?externalName.orValue("") != ""`), `["externalName"]`)
	stray := cel.When(typeOfService+` in ["ClusterIP", "ExternalName", "NodePort"]`, cel.Concat(
		cel.When(`self.spec.?loadBalancerIP.orValue("") != ""`, `["loadBalancerIP"]`),
		cel.When("has(self.spec.loadBalancerClass)", `["loadBalancerClass"]`),
		cel.When(cel.List("self.spec.?loadBalancerSourceRanges")+".size() > 0", `["loadBalancerSourceRanges"]`),
		cel.When("has(self.spec.allocateLoadBalancerNodePorts)", `["allocateLoadBalancerNodePorts"]`),
		cel.When(typeOfService+` != "NodePort"`, `self.spec.?ports.orValue([]).filter(p, p.?nodePort.orValue(0) != 0).map(p, "nodePort/" + `+portSubjectOf+")"),
	))
	return []checks.BackstopRule{
		{Faults: cel.When(foreign(p), cel.Concat(class, name, cel.When(headless, stray)))},
		{Faults: cel.When(cel.All(foreign(p), cel.Not(headless)), stray), Severity: checks.Low},
	}
}

// stepRules are serviceSteps for the ways that a Service opens itself. How far a
// Service is open: 0 inside the cluster, 1 the private network, 2 the nodes,
// 3 the internet, -1 not known here.
func stepRules(p *checks.Parameters) []checks.BackstopRule {
	says := scheme(p)
	far := cel.Let("kind", `[object, oldObject][i].spec.?type.orValue("ClusterIP")`, cel.If(`kind == "NodePort"`, "2", cel.If(`kind == "LoadBalancer"`,
		cel.Let("says", "variables."+says.Name+"[i]", `says == "open" ? 3 : says == "internal" ? 1 : -1`), "0")))
	kinds := `object.spec.?type.orValue("ClusterIP") != oldObject.spec.?type.orValue("ClusterIP")`
	opens := `is > was ? ` + cel.If(kinds, `["type/" + object.spec.?type.orValue("ClusterIP")]`, `["scheme"]`) + ` : []`
	const portList = `.spec.?ports.orValue([])`
	few := "object" + portList + ".size() * oldObject" + portList + ".size() <= " + bound
	ports := "was > 0 && " + few + " ? object" + portList + ".filter(p, !oldObject" + portList + ".exists(o, o.port == p.port && o.protocol == p.protocol)).map(p, " + portSubjectOf + ") : []"
	target := `string(o.?targetPort.orValue(o.port)) != string(p.?targetPort.orValue(p.port))`
	moved := "was > 0 && " + few + " ? object" + portList + ".filter(p, oldObject" + portList + ".exists(o, o.port == p.port && o.protocol == p.protocol && " + target + ")).map(p, " + portSubjectOf + ` + "/target") : []`
	familiesOf := func(o string) string {
		return cel.If(o+`.spec.?ipFamilyPolicy.orValue("") == "RequireDualStack"`, `["IPv4", "IPv6"]`, cel.List(o+".spec.?ipFamilies"))
	}
	families := cel.When(`oldObject.spec.?type.orValue("ClusterIP") != "ExternalName"`, cel.Let("had", familiesOf("oldObject"),
		"had.size() == 0 ? [] : "+familiesOf("object")+`.filter(f, !(f in had)).map(f, "family/" + f)`))
	selector := `(is <= was || was > 0) && object.spec.?selector.orValue({}) != oldObject.spec.?selector.orValue({}) ? ["selector"] : []`
	rule := func(s checks.Severity, at string, lists ...string) checks.BackstopRule {
		for i := range lists {
			lists[i] = "(" + lists[i] + ")"
		}
		steps := cel.Let("d", "[0, 1].map(i, "+far+")", cel.Let("is", "d[0]", cel.Let("was", "d[1]", cel.When("was >= 0 && "+at, cel.Concat(lists...)))))
		own := replaceSelf(foreign(p), "object")
		return checks.BackstopRule{Kinds: services, Severity: s, Reading: says, Step: cel.When(own, steps)}
	}
	named := func(o string) string { return replaceSelf(classNamed, o) }
	legacy := func(o string) string { return replaceSelf(cel.Text(legacyOf), o) }
	class := cel.When(cel.All(replaceSelf(outsideClass(p), "object"), named("oldObject")+` != ""`,
		cel.Any(named("object")+" != "+named("oldObject"), legacy("object")+" != "+legacy("oldObject"))), `["class/" + `+named("object")+"]")
	return []checks.BackstopRule{
		{Kinds: ingresses, Step: class},
		rule(checks.Critical, "is == 3", opens, ports, families, selector),
		rule(checks.High, "is == 2", opens, ports, families, selector),
		rule(checks.Medium, "is > 0", cel.When("is == 1", cel.Concat("("+opens+")", "("+ports+")", families, "("+selector+")")), moved),
	}
}
