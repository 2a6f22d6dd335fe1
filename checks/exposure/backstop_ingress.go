// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"slices"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/checks/cel"
	"github.com/gatehouse-sh/gatehouse/checks/loadbalancer"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

const defaultClassRest = "Ingresses that get their class from the default IngressClass alone"

// ingressClasses are tried one by one by rules about the controller of a class.
var ingressClasses = networkingv1.SchemeGroupVersion.WithKind("IngressClass")

// ingressBackstops are those of the checks that look at an Ingress.
func ingressBackstops() map[string]checks.Backstop {
	return map[string]checks.Backstop{
		"EXP-020": partly(rules(classRules), "an update that takes the class away, and which classes are the gateway's other than by the names in the CheckPolicy"),
		"EXP-021": partly(rules(hostRules), "routes, for their listeners belong to Gateways"),
		"EXP-022": one(func(*checks.Parameters) string {
			return cel.When("has(self.spec.defaultBackend)", `["defaultBackend"]`)
		}),
		"EXP-023": partly(rules(tlsRules), "routes and ListenerSets, and Ingresses with very many hosts"),
		"EXP-024": partly(rules(snippetRules), "Ingresses whose IngressClass does not exist"),
		"EXP-025": partly(rules(riskyRules), "Ingresses whose IngressClass does not exist"),
		"EXP-026": partly(rules(allowListRules), "ranges that add up to much and entries that cannot be read; "+defaultClassRest),
		"EXP-027": partly(rules(nginxRules), "Ingresses whose IngressClass does not exist"),
		"EXP-029": partly(rules(resourceRules), "backends that are Services"),
	}
}

var legacyOf = "self.metadata.?annotations[?" + cel.Quote(legacyClass) + "]"

// classNamed is classOf without the default IngressClass.
var classNamed = cel.If("has(self.spec.ingressClassName)", "self.spec.ingressClassName", cel.Text(legacyOf))

// outsideClass is true of an Ingress that names a class and is not attached to
// the bundled gateway, whatever the default class is.
func outsideClass(p *checks.Parameters) string {
	own := cel.Strings(p.Gateway.IngressClasses...)
	return cel.Any(
		cel.All("has(self.spec.ingressClassName)", "!(self.spec.ingressClassName in "+own+")"),
		cel.All(legacyOf+".hasValue()", "!("+cel.Text(legacyOf)+" in "+own+")"))
}

// ingressScheme is loadbalancer.ClassifyIngress of an Ingress of an outside class,
// and SaysNothing of others.
func ingressScheme(p *checks.Parameters) checks.BackstopVariable {
	says := loadbalancer.Expression(loadbalancer.IngressObject, loadbalancer.Source{
		Annotations: annotationsOf, Class: classNamed, HasClass: classNamed + ` != ""`, Address: `""`, Pools: "false",
	}, p.LoadBalancers)
	return checks.BackstopVariable{Name: "ingressScheme", Expression: cel.If(outsideClass(p), says, cel.Quote(loadbalancer.SaysNothing))}
}

// classRules are outsideIngress.
func classRules(p *checks.Parameters) []checks.BackstopRule {
	own := cel.Strings(p.Gateway.IngressClasses...)
	subject := cel.Let("c", classNamed, `["class/" + (c in `+own+" ? "+cel.Text(legacyOf)+" : c)]")
	internal := cel.All(classNamed+` != ""`, readingIs(loadbalancer.SaysInternal))
	// On creation the API server has filled the default class in, if there is one.
	none := cel.All(`request.operation == "CREATE"`, "!has(self.spec.ingressClassName)", "!"+legacyOf+".hasValue()")
	return []checks.BackstopRule{
		{Reading: ingressScheme(p), Faults: cel.Concat(cel.When(outsideClass(p), cel.When(cel.Not(internal), subject)), cel.When(none, `["class"]`))},
		{Reading: ingressScheme(p), Faults: cel.When(outsideClass(p), cel.When(internal, subject)), Severity: checks.Medium},
	}
}

const (
	ruleList     = "self.spec.?rules.orValue([])"
	hostTexts    = ruleList + `.map(r, r.?host.orValue(""))`
	hostSubjects = `.map(h, "host/" + (h == "" ? "*" : h))`
)

func hostRules(*checks.Parameters) []checks.BackstopRule {
	return []checks.BackstopRule{{Kinds: ingresses, Faults: hostTexts + `.filter(h, h == "" || h.startsWith("*"))` + hostSubjects}}
}

// under is the function under: n lies below the wildcard w.
const underWildcard = `w.startsWith("*") && w.size() > 2 && (n.startsWith("*") ? n.substring(1) : n).size() >= w.size() && n.endsWith(w.substring(1))`

// tlsRules are plainIngress and plainGateway.
func tlsRules(p *checks.Parameters) []checks.BackstopRule {
	marks := make([]string, 0, len(tlsMarks))
	for _, key := range sortedKeys(tlsMarks) {
		value := `a[` + cel.Quote(key) + `] == ` + cel.Quote(tlsMarks[key])
		if tlsMarks[key] == "" {
			value = "a[" + cel.Quote(key) + `] != ""`
		}
		marks = append(marks, cel.All(cel.Quote(key)+" in a", value))
	}
	ports := "a[?" + cel.Quote(albPorts) + `].orValue("")`
	elsewhere := cel.Let("a", annotationsOf, cel.If(ports+` != ""`,
		cel.All(ports+`.contains('"HTTPS"')`, cel.Any("!"+ports+`.contains('"HTTP"')`, "a[?"+cel.Quote(albRedirect)+`].orValue("") != ""`)),
		cel.Any(marks...)))
	covered := cel.Let("n", "h.lowerAscii()", `n in names || !n.startsWith("*") && n.contains(".") && ("*" + n.substring(n.indexOf("."))) in names`)
	plain := cel.Let("hosts", hostTexts, cel.Let("names", "tls.map(t, t.?hosts.orValue([])).map(l, l.map(n, n.lowerAscii()))",
		"tls.exists(t, t.?hosts.orValue([]).size() == 0) ? [] : "+cel.Let("names", cel.Flatten("names"),
			"hosts.size() * names.size() > "+bound+" ? [] : hosts.filter(h, h == \"\" || !("+covered+"))"+hostSubjects)))
	alone := cel.When(cel.All(ruleList+".size() == 0", "has(self.spec.defaultBackend)", "tls.size() == 0"), `["host/*"]`)
	off := cel.Strings(redirects...) + `.exists(k, k in a && a[k] in ["0", "f", "F", "FALSE", "false", "False"])`
	redirect := cel.When(cel.All(outsideClass(p), "tls.size() > 0",
		cel.Let("a", annotationsOf, off+" && !(a[?"+cel.Quote(forceRedirect)+`].orValue("") in `+trueTexts+")")), `["redirect"]`)
	ingress := cel.When(cel.Not(elsewhere), cel.Let("tls", "self.spec.?tls.orValue([])", cel.Concat(plain, alone, redirect)))
	return []checks.BackstopRule{
		{Kinds: ingresses, Faults: ingress},
		{Kinds: gateways, Faults: plainListenerFaults()},
	}
}

// bound is how many pairs of two lists are compared; beyond it the API server's
// cost limit would refuse the request (celconfig.PerCallLimit is 1,000,000, and a
// comparison of two names costs about ten).
const bound = "20000"

func plainListenerFaults() string {
	secure := `l.exists(o, o.protocol in ["HTTPS", "TLS"] && [o.?hostname.orValue("").lowerAscii()].exists(w, [p.?hostname.orValue("").lowerAscii()].exists(n, ` +
		`n == "" || w == "" || n == w || ` + underWildcard + ")))"
	return cel.When(`self.spec.?gatewayClassName.orValue("") != `+cel.Quote(waypointClass),
		cel.Let("l", cel.List("self.spec.?listeners"), `l.filter(p, p.protocol == "HTTP" && !`+secure+`).map(p, "listener/" + p.name)`))
}

// nameOfKey is annotationName of k.
const nameOfKey = `(k.contains("/") ? k.substring(k.lastIndexOf("/") + 1) : k)`

// reachesNginx is mayReachNginx for the IngressClass that is tried.
func reachesNginx(p *checks.Parameters) string {
	others := make([]string, 0, len(otherControllers))
	for _, prefix := range otherControllers {
		others = append(others, "params.spec.controller.startsWith("+cel.Quote(prefix)+")")
	}
	return cel.All(outsideClass(p), "params.metadata.name == "+classNamed, cel.Not(cel.Any(others...)))
}

// snippetRules are nginxSnippets.
func snippetRules(p *checks.Parameters) []checks.BackstopRule {
	names := []string{"configuration-snippet", "server-snippet", "stream-snippet", "auth-snippet", "modsecurity-snippet", "server-snippets", "location-snippets"}
	annotations := cel.Let("a", annotationsOf, "a.map(k, "+nameOfKey+" in "+cel.Strings(names...)+` && a[k].trim() != "", "annotation/" + k)`)
	key := func(name, test string) string {
		return cel.When("self.?data[?"+cel.Quote(name)+`].orValue("").trim()`+test, "["+cel.Quote("key/"+name)+"]")
	}
	field := func(name string) string { // of s
		return cel.When("type(s[?"+cel.Quote(name)+"].orValue(null)) == string && s["+cel.Quote(name)+`].trim() != ""`, "["+cel.Quote("snippet/"+name)+"]")
	}
	nested := func(list string) string {
		return cel.List("self.?spec.?"+list) + `.filter(r, type(r) == map && type(r[?"location-snippets"].orValue(null)) == string && r["location-snippets"].trim() != "")` +
			`.map(r, "snippet/location-snippets" + (type(r.?path.orValue(null)) == string ? "/" + r.path : ""))`
	}
	spec := cel.Map("self.?spec")
	f5 := cel.Let("s", spec, cel.Concat(field("http-snippets"), field("server-snippets"), field("serverSnippets"), field("streamSnippets"))) +
		" + " + nested("routes") + " + " + nested("subroutes")
	return []checks.BackstopRule{
		{Kinds: ingresses, Each: ingressClasses, Faults: cel.When(reachesNginx(p), annotations)},
		{Kinds: []schema.GroupKind{{Kind: "ConfigMap"}}, Faults: cel.Concat(key(allowSnippets, " in "+trueTexts), key(riskLevel, `.lowerAscii() == "critical"`))},
		{Kinds: []schema.GroupKind{{Group: f5Group, Kind: "VirtualServer"}, {Group: f5Group, Kind: "VirtualServerRoute"}, {Group: f5Group, Kind: "TransportServer"}}, Faults: f5},
	}
}

// guardedFolders matches paths into protectedFiles, with repeated slashes and "."
// segments as intoFolder takes them.
const guardedFolders = `/(\.?/)*(var/(\.?/)*run/(\.?/)*secrets|run/(\.?/)*secrets|(secrets/(\.?/)*)?kubernetes\.io/(\.?/)*serviceaccount|etc)($|[^0-9A-Za-z_.-])`

// riskyRules are riskyAnnotationValues.
func riskyRules(p *checks.Parameters) []checks.BackstopRule {
	plain := []string{
		"auth-url", "auth-tls-match-cn", "auth-tls-error-page", "mirror-target", "mirror-host", "server-alias",
		"proxy-ssl-name", "upstream-hash-by", "modsecurity-transaction-id", "auth-proxy-set-headers", "rewrite-target", "auth-method",
	}
	urls := []string{"auth-signin", "permanent-redirect", "temporal-redirect", "app-root"}
	braces := `p != "" && !p.matches(` + cel.Quote(`^([^{}]|\$\{[0-9A-Za-z_]+\})([^{}]|\$\{[0-9A-Za-z_]+\}|\{[0-9][0-9,]*\})*$`) + ")"
	value := func(names []string, signs string) string {
		return "a.map(k, " + nameOfKey + " in " + cel.Strings(names...) + " && [a[k]].exists(p, p.matches(" + cel.Quote(signs) + ") || (" + braces + `)), "annotation/" + k)`
	}
	// The line breaks at the end of a YAML block scalar are no injection.
	ended := func(signs string) string {
		return "(?s)(" + signs + `|[\r\n]+[^\r\n]|(?i:_by_lua|(^|[ \t])(lua_|(root|alias|include|load_module|ssl_engine|proxy_pass|error_log|access_log)[ \t])))`
	}
	const control = "[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f]"
	paths := "(" + ruleList + `.map(r, r.?http.?paths.orValue([]).map(p, p.?path.orValue("")).filter(p, p.matches(` +
		cel.Quote(`[;#"\r\n]|`+control+`|(?i:_by_lua)|(?i:`+guardedFolders+`)`) + ") || (" + braces + `)).map(p, "path/" + (r.?host.orValue("") == "" ? "*" : r.host) + p)))`
	faults := cel.Let("a", annotationsOf, cel.Concat(value(plain, ended(`[;#"'`+"`]|"+control)), value(urls, ended(`[;"'`+"`]|^#|[ \t]#|#.*#|^[^/#]*#|"+control)), cel.Flatten(paths)))
	return []checks.BackstopRule{{Each: ingressClasses, Faults: cel.When(reachesNginx(p), faults)}}
}

// broadOf is the list of the entries of r that loadbalancer.Broad, with what
// stands before them in a subject.
const broadOf = `r.map(t, t.trim()).filter(t, isCIDR(t)).filter(t, cidr(t).ip().family() == 4 ? cidr(t).prefixLength() < 8 : cidr(t).prefixLength() < 32).map(t, k + "/" + string(cidr(t).masked()))`

// allowListRules are openAllowList.
func allowListRules(p *checks.Parameters) []checks.BackstopRule {
	allow := nameOfKey + ` in ["allowlist-source-range", "whitelist-source-range", "inbound-cidrs"] || ` + nameOfKey + ` in ["allow-list", "whitelist"] && ` +
		`(k.startsWith("haproxy.org/") || k.startsWith("haproxy.com/") || k.startsWith("ingress.kubernetes.io/"))`
	lists := cel.Let("a", annotationsOf, cel.Flatten(cel.Concat("a.map(k, ("+allow+`) && !a[k].startsWith("patterns/"), `+cel.Let("r", `a[k].split(",")`, broadOf)+")")))
	internal := readingIs(loadbalancer.SaysInternal)
	middleware := []schema.GroupKind{
		gk("traefik.io", "Middleware"), gk("traefik.io", "MiddlewareTCP"),
		gk("traefik.containo.us", "Middleware"), gk("traefik.containo.us", "MiddlewareTCP"),
	}
	entries := func(list string) string {
		return cel.Let("k", cel.Quote(list), cel.Let("r", cel.List("self.?spec.?"+list+".?sourceRange")+".filter(t, type(t) == string)", broadOf))
	}
	return []checks.BackstopRule{
		{Kinds: ingresses, Reading: ingressScheme(p), Faults: cel.When(outsideClass(p), cel.When(cel.Not(internal), lists))},
		{Kinds: ingresses, Reading: ingressScheme(p), Faults: cel.When(outsideClass(p), cel.When(internal, lists)), Severity: checks.Low},
		{Kinds: middleware, Faults: cel.Concat(entries("ipAllowList"), entries("ipWhiteList"))},
	}
}

// nginxRules are ingressNginx.
func nginxRules(p *checks.Parameters) []checks.BackstopRule {
	name := cel.If("self.spec.?ingressClassName.orValue(\"\") in "+cel.Strings(p.Gateway.IngressClasses...), cel.Text(legacyOf), classNamed)
	retired := "params.spec.controller == " + cel.Quote(nginxController)
	return []checks.BackstopRule{
		{Kinds: []schema.GroupKind{inventory.IngressClassKind}, Faults: cel.When(`self.spec.?controller.orValue("") == `+cel.Quote(nginxController), `["controller"]`)},
		{Kinds: ingresses, Each: ingressClasses, Faults: cel.When(cel.All(outsideClass(p), retired, "params.metadata.name == "+name), `["class/" + params.metadata.name]`)},
	}
}

// resourceRules are resourceBackends.
func resourceRules(*checks.Parameters) []checks.BackstopRule {
	resource := func(backend string) string {
		return cel.When("has("+backend+".resource)", `["backend/" + `+backend+`.resource.kind + "/" + `+backend+".resource.name]")
	}
	first := cel.When("has(self.spec.defaultBackend)", resource("self.spec.defaultBackend"))
	others := cel.Flatten("(" + ruleList + `.map(r, r.?http.?paths.orValue([]).filter(p, has(p.backend.resource)).map(p, "backend/" + p.backend.resource.kind + "/" + p.backend.resource.name)))`)
	return []checks.BackstopRule{{Kinds: slices.Clone(ingresses), Faults: cel.Concat(first, others)}}
}
