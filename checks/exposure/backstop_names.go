// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"slices"
	"strconv"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/checks/cel"
	"github.com/gatehouse-sh/gatehouse/checks/loadbalancer"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// nameBackstops are those of the checks that look at names, annotations and
// writers.
func nameBackstops() map[string]checks.Backstop {
	return map[string]checks.Backstop{
		"EXP-008": partly(one(externalNameFaults), "names of two labels that another namespace's Service may have, and ExternalNames behind an Ingress or a route"),
		"EXP-010": partly(one(managedByFaults), "whether the Service has a selector: the backstop knows the managed-by label only"),
		"EXP-011": one(statusFaults),
		"EXP-013": partly(rules(dnsRules), "Gateways, ListenerSets, Gateway API routes and Ingresses without a class of their own"),
		"EXP-014": partly(rules(publishRules), "MetalLB's pools, annotations of Ingresses that depend on a default class, and URLs with .internal inside"),
		"EXP-035": partly(rules(customRules), "unusual spellings of the JSON in cloud.google.com/neg"),
	}
}

// lastLabel is the last label of the host h.
const lastLabel = `h.split(".")[h.split(".").size() - 1]`

// externalNameFaults is leadsInside without what needs the inventory. The API
// server takes lower-case names, with a final dot at the most.
func externalNameFaults(p *checks.Parameters) string {
	domains := []string{canonicalHost(p.ClusterDomain), "cluster.local", "clusterset.local"}
	rest := `""`
	inside := make([]string, 0, len(domains))
	for _, d := range slices.Backward(domains) {
		suffix := cel.Quote("." + d)
		rest = cel.If("h == "+cel.Quote(d), `""`, cel.If("h.endsWith("+suffix+")", "h.substring(0, h.size() - size("+suffix+"))", rest))
		inside = append(inside, "h == "+cel.Quote(d), "h.endsWith("+suffix+")")
	}
	outside := cel.Not(cel.Any(inside...))
	// labels of what stands before the cluster's domain, or of the whole name
	labels := cel.Let("l", cel.If(outside, "h", rest)+`.split(".")`, cel.Let("n", "l.size()",
		`l[n - 1] in ["svc", "pod"] ? n < 2 || l[n - 2] != `+namespaceOf+" : "+cel.Not(outside)+` || h == "kubernetes.default"`))
	zones := make([]string, 0, len(addressZones))
	for _, z := range addressZones {
		zones = append(zones, "h == "+cel.Quote(z), "h.endsWith("+cel.Quote("."+z)+")")
	}
	leads := cel.Any(
		"isIP(h)",
		lastLabel+`.matches("^([0-9]+|0x[0-9a-f]*)$")`,
		"h in "+cel.Strings(slices.Concat(localNames, metadataNames)...),
		lastLabel+` == "localhost"`,
		cel.Any(zones...),
		labels,
	)
	host := cel.Let("h", `self.spec.?externalName.orValue("").lowerAscii().trim()`, `h.endsWith(".") ? h.substring(0, h.size() - 1) : h`)
	return cel.When(cel.All(typeOfService+` == "ExternalName"`, foreign(p)),
		cel.Let("h", host, `h != "" && (`+leads+`) ? ["externalName/" + h] : []`))
}

// writer is true of the users of the lists, as writesEndpoints and writesStatus read them.
func writer(lists ...[]string) string {
	return "request.userInfo.username in " + cel.Strings(slices.Concat(lists...)...)
}

func managedByFaults(p *checks.Parameters) string {
	names := `["endpointslice-controller.k8s.io", "endpointslicemirroring-controller.k8s.io", "endpoint-controller"]`
	label := cel.If(`request.resource.resource == "endpoints"`, cel.Quote(endpointsManagedBy), `"endpointslice.kubernetes.io/managed-by"`)
	return cel.When(cel.All(cel.Not(writer(endpointWriters, p.EndpointWriters)),
		cel.Let("k", label, "k in "+labelsOf+" && "+labelsOf+"[k] in "+names)), `["managed-by"]`)
}

func statusFaults(p *checks.Parameters) string {
	accounts := make([]string, 0, len(p.Gateway.Namespaces))
	for _, ns := range p.Gateway.Namespaces {
		accounts = append(accounts, "request.userInfo.username.startsWith("+cel.Quote("system:serviceaccount:"+ns+":")+")")
	}
	entries := "self.?status.?loadBalancer.?ingress.orValue([])"
	texts := cel.Concat(entries+`.map(i, i.?ip.orValue(""))`, entries+`.map(i, i.?hostname.orValue(""))`)
	return cel.When(cel.Not(cel.Any(writer(statusWriters, p.StatusWriters), cel.Any(accounts...))),
		texts+`.filter(t, t != "").map(t, "loadBalancer/" + t)`)
}

// canonical is canonicalHost of what ExternalDNS takes.
const canonical = `(t.endsWith(".") ? t.substring(0, t.size() - 1) : t).lowerAscii()`

// dnsRules are publicDNS for what is not attached to anything by other objects.
func dnsRules(p *checks.Parameters) []checks.BackstopRule {
	lists := make([]string, 0, len(dnsKeys))
	for _, k := range dnsKeys {
		names := "a[" + cel.Quote(k.key) + `].replace(" ", "").split(",").map(t, t.trim()).filter(t, t != "").map(t, ` + cel.Quote(k.subject) + " + " + canonical + ")"
		lists = append(lists, cel.When(cel.All(cel.Quote(k.key)+" in a", "!("+cel.Quote(k.controller)+" in a) || a["+cel.Quote(k.controller)+"] == "+cel.Quote(dnsController)), names))
	}
	names := cel.Let("a", annotationsOf, cel.Concat(lists...))
	var custom []schema.GroupKind
	for _, k := range dnsKinds {
		if k.Group != inventory.GatewayGroup && k != inventory.IngressKind && k != dnsEndpointKind {
			custom = append(custom, k)
		}
	}
	records := cel.List("self.?spec.?endpoints") + `.filter(e, type(e) == map && !(e.?recordType.orValue("") in ["TXT", "CAA"])).map(e, string(e.?dnsName.orValue(""))).map(t, "dns/" + ` + canonical + ")"
	return []checks.BackstopRule{
		{Kinds: custom, Faults: cel.When(foreign(p), names)},
		{Kinds: ingresses, Faults: cel.When(cel.All(outsideClass(p), foreign(p)), names)},
		{Kinds: []schema.GroupKind{dnsEndpointKind}, Faults: cel.When(foreign(p), records)},
	}
}

// publishRules are publishFindings and tunnelFindings.
func publishRules(p *checks.Parameters) []checks.BackstopRule {
	workloads := []schema.GroupKind{{Group: "apps", Kind: "Deployment"}, {Group: "apps", Kind: "StatefulSet"}, {Group: "apps", Kind: "DaemonSet"}}
	var out []checks.BackstopRule
	for _, on := range []struct {
		kinds []schema.GroupKind
		on    bearer
		where string
	}{
		{services, onService, foreign(p)},
		{services, onLoadBalancer, cel.All(isBalancer, foreign(p))},
		{ingresses, onIngress, foreign(p)},
		{workloads, onWorkload, foreign(p)},
	} {
		var keys []publishKey
		for _, k := range publishKeys {
			if k.on&on.on != 0 && (on.on != onIngress || !k.byClass) {
				keys = append(keys, k)
			}
		}
		out = append(out, graded(keys, func(k publishKey) checks.Severity { return k.severity }, func(part []publishKey) checks.BackstopRule {
			return checks.BackstopRule{Kinds: on.kinds, Faults: cel.When(on.where, publishedBy(part))}
		})...)
	}
	pools := cel.Let("a", annotationsOf, cel.Strings(poolKeys...)+`.filter(k, k in a && a[k] != "").map(k, "annotation/" + k)`)
	shared := whenScheme(p, loadbalancer.SaysOpen, pools)
	shared.Severity = checks.Medium
	out = append(out, shared)
	out = append(out, checks.BackstopRule{Kinds: templateKinds(), Faults: podKeyFaults()})
	return append(out, tunnelRules(p)...)
}

func publishedBy(keys []publishKey) string {
	var lists []string
	for _, k := range keys {
		if k.prefix {
			lists = append(lists, "a.map(k, k.startsWith("+cel.Quote(k.key)+") && k.size() > "+strconv.Itoa(len(k.key))+`, "annotation/" + k)`)
			continue
		}
		test := cel.Let("v", "a["+cel.Quote(k.key)+"]", k.set.cel)
		lists = append(lists, cel.When(cel.All(cel.Quote(k.key)+" in a", test), "["+cel.Quote("annotation/"+k.key)+"]"))
	}
	return cel.Let("a", annotationsOf, cel.Concat(lists...))
}

// tunnelRules are tunnelFindings.
func tunnelRules(p *checks.Parameters) []checks.BackstopRule {
	kind := func(name string) []schema.GroupKind {
		return slices.DeleteFunc(slices.Clone(tunnelKinds), func(k schema.GroupKind) bool { return k.Kind != name })
	}
	ngrok := slices.Concat(kind("AgentEndpoint"), kind("CloudEndpoint"))
	url := `self.?spec.?url.orValue("")`
	bindings := cel.List("self.?spec.?bindings")
	subject := `["endpoint/" + ` + url + "]"
	bound := cel.Let("b", bindings, `b.size() > 0 && !("public" in b)`)
	free := cel.Let("b", bindings, `"public" in b || b.size() == 0 && !`+url+`.lowerAscii().contains(".internal")`)
	service := `self.?spec.?serviceRef.?name.orValue("")`
	subjects := cel.List("self.?subjects")
	name := `"service/" + ` + namespaceOf + ` + "/" + s.?name.orValue("")`
	return []checks.BackstopRule{
		{Kinds: ngrok, Faults: cel.When(foreign(p), cel.When(free, subject))},
		{Kinds: ngrok, Faults: cel.When(foreign(p), cel.When(bound, subject)), Severity: checks.Medium},
		{Kinds: kind("ClusterTunnel"), Faults: cel.When(foreign(p), `["tunnel"]`)},
		{Kinds: kind("TunnelBinding"), Faults: cel.When(foreign(p), subjects+".filter(s, type(s) == map).map(s, "+name+")")},
		{Kinds: kind("Tunnel"), Faults: cel.When(cel.All(foreign(p), service+` != ""`),
			`["service/" + `+cel.If(`self.?spec.?serviceRef.?namespace.orValue("") == ""`, namespaceOf, "self.spec.serviceRef.namespace")+` + "/" + `+service+"]")},
	}
}

// endpointGroups matches cloud.google.com/neg as it is usually written, with at
// least one port. Other spellings of the same JSON are left to the webhook.
var endpointGroups = func() string {
	const blank, text = `\s*`, `"[^"\\]*"`
	flag := `"ingress"` + blank + ":" + blank + "(true|false)"
	port := text + blank + ":" + blank + `\{` + blank + `("name"` + blank + ":" + blank + text + blank + `)?\}`
	return "^" + blank + `\{` + blank + "(" + flag + blank + "," + blank + ")?" + `"exposed_ports"` + blank + ":" + blank + `\{` + blank +
		port + "(" + blank + "," + blank + port + ")*" + blank + `\}` + blank + "(," + blank + flag + blank + ")?" + `\}` + blank + "$"
}()

// customRules are judgeOtherRoute.
func customRules(p *checks.Parameters) []checks.BackstopRule {
	group := "self.metadata.?annotations[?" + cel.Quote(endpointGroup) + `].orValue("").matches(` + cel.Quote(endpointGroups) + ")"
	out := []checks.BackstopRule{{Kinds: services, Faults: cel.When(cel.All(foreign(p), group), "["+cel.Quote("annotation/"+endpointGroup)+"]")}}
	gateways := cel.List("self.?spec.?gateways") + `.filter(g, type(g) == string && g != "mesh").map(g, "gateway/" + g)`
	published := cel.When(labelsOf+"[?"+cel.Quote(knativeVisibility)+`].orValue("") != "cluster-local"`, `["visibility"]`)
	var always, knative []schema.GroupKind
	for _, k := range customRouteKinds() {
		r, listed := customRoutes[k]
		switch {
		case !listed, k == istioVirtualService:
		case k.Group == "serving.knative.dev" && r.when != nil:
			knative = append(knative, k)
		case r.when == nil:
			always = append(always, k)
		}
	}
	out = append(out,
		checks.BackstopRule{Kinds: []schema.GroupKind{istioVirtualService}, Faults: gateways},
		checks.BackstopRule{Kinds: knative, Faults: published})
	return append(out, graded(always, func(k schema.GroupKind) checks.Severity { return customRoutes[k].severity }, func(kinds []schema.GroupKind) checks.BackstopRule {
		return checks.BackstopRule{Kinds: kinds, Faults: `["route"]`}
	})...)
}
