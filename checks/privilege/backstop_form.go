// SPDX-License-Identifier: Apache-2.0

package privilege

import (
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/checks/cel"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// form is a check of judgeRules in CEL.
type form struct {
	fires string // true of a rule r of the check
	fresh string // true of such a rule that says something which the rules before an update, o, did not
	size  string // how many of them fresh asks about
	had   string // true of a rule o that the check reported before
	wide  checks.Severity
	role  checks.Severity
}

// maxAsked bounds what an update of a role is compared by: words of the new rules
// times rules before.
const maxAsked = "20000"

// formBackstops are those of formChecks that look at rules one by one.
func formBackstops() map[string]checks.Backstop {
	out := map[string]checks.Backstop{"RBAC-006": always(leftOfRoles, deadRules()...), "RBAC-014": aggregatedBackstop()}
	for id, list := range map[string][]form{"RBAC-002": starVerbForms(), "RBAC-003": starResourceForms(), "RBAC-004": starGroupForms(), "RBAC-007": starSubresourceForms()} {
		var rules []checks.BackstopRule
		for _, f := range list {
			rules = append(rules, f.rule(inventory.RoleKind, f.role), f.rule(inventory.ClusterRoleKind, f.wide))
		}
		out[id] = always(leftOfRoles, rules...)
	}
	return out
}

func (f form) rule(kind schema.GroupKind, severity checks.Severity) checks.BackstopRule {
	had := "variables.before.exists(o, " + cel.All("!o.e", f.had) + ")"
	faults := cel.Let("f", "variables.fresh.filter(r, "+f.fires+")",
		cel.If("f.map(r, "+f.size+").sum() * variables.before.size() > "+maxAsked, "[]", "f.filter(r, "+f.fresh+")")+`.map(r, r.w.join(", ") + " on " + (r.r + r.u).join(", "))`)
	return checks.BackstopRule{Kinds: []schema.GroupKind{kind}, Severity: severity, Shared: roleVariables(kind), Added: addedFaults(faults, had)}
}

// unless is true when no rule before the update is so.
func unless(condition string) string { return "!variables.before.exists(o, " + condition + ")" }

// ofKubernetes is isBuiltIn for a group of a rule r.
const ofKubernetes = `r.g.exists(g, g == "*" || !g.contains(".") || g.endsWith(".k8s.io"))`

func starVerbForms() []form {
	f := form{
		fires: "r.V && (r.u != [] || r.g != [] && r.r != [])",
		fresh: cel.Any("r.u != [] && "+unless("o.V && o.u != []"),
			"r.g.exists(g, r.r.exists(x, "+unless(cel.All("o.V", hasGroup("o"), hasResource("o")))+"))"),
		size: "r.g.size() * r.r.size()",
		had:  "o.V",
	}
	return byGroup(f)
}

func starResourceForms() []form {
	f := form{
		fires: "r.R && r.v != [] && r.g != []",
		fresh: "r.v.exists(v, r.g.exists(g, " + unless(cel.All("o.R", hasVerb("o"), hasGroup("o"))) + "))",
		size:  "r.v.size() * r.g.size()",
		had:   "o.R",
	}
	return byGroup(f)
}

// byGroup is role.formed.
func byGroup(f form) []form {
	others := f
	others.wide, others.role = checks.Low, checks.Low
	others.fires = cel.All(f.fires, cel.Not(ofKubernetes))
	f.wide, f.role = checks.High, checks.Medium
	f.fires = cel.All(f.fires, ofKubernetes)
	return []form{f, others}
}

func starGroupForms() []form {
	return []form{{
		fires: "r.G && !r.R && r.r != []",
		fresh: "r.r.exists(x, " + unless(cel.All("o.G", hasResource("o"))) + ")",
		size:  "r.r.size()",
		had:   "o.G && !o.R",
		wide:  checks.Medium, role: checks.Low,
	}}
}

func starSubresourceForms() []form {
	of := func(mild string) form {
		return form{
			fires: cel.All(`r.b != []`, `r.r.exists(x, x.startsWith("*/") && r.v.exists(v, `+mild+"))"),
			fresh: `r.r.exists(x, x.startsWith("*/") && r.v.exists(v, ` + cel.All(mild, unless(cel.All(hasVerb("o"), "o.R || x in o.r"))) + "))",
			size:  "r.r.size() * r.v.size()",
			had:   "o.b != []",
		}
	}
	reading := `v in ["get", "list", "watch"] && !(x.substring(2) in ` + cel.Strings(wideSubresources...) + ")"
	severe, mild := of(cel.Not(reading)), of(reading)
	severe.wide, severe.role, mild.wide, mild.role = checks.High, checks.Medium, checks.Low, checks.Low
	return []form{severe, mild}
}

// deadRules are RBAC-006. What has no API group, no verb or, in a Role, URLs the
// API server refuses by itself.
func deadRules() []checks.BackstopRule {
	faults := func(within bool) string {
		custom := `r.g.exists(g, g != "*" && g.contains(".") && !g.endsWith(".k8s.io"))`
		verbs := "r.w.filter(v, " + cel.Any("v != v.lowerAscii()",
			cel.All("!(v in "+cel.Strings(knownVerbs...)+")", `!v.contains(":")`, "r.g != []", "!r.g.exists(g, g == \"*\") && !"+custom)) + `).map(v, "verb/" + v)`
		dead := []string{"x != x.lowerAscii()", `x.endsWith("/*") && x.indexOf("/") == x.size() - 2`}
		if within {
			name := `x.split("/")[0]`
			dead = append(dead,
				name+" in "+cel.Strings(impersonated...)+` && r.w.all(v, v.startsWith("impersonate"))`,
				"r.g != [] && r.g.all(g, g + \"/\" + "+name+" in "+cel.Strings(clusterScoped...)+")")
		}
		resources := "r.s.filter(x, " + cel.Any(dead...) + `).map(x, "resource/" + x)`
		names := cel.When("r.n != []", cel.Concat(
			cel.When(`"*" in r.n`, `["name/*"]`),
			cel.When(`"create" in r.w && r.s.exists(x, !x.contains("/"))`, `["names/create"]`),
			`["list", "watch", "deletecollection"].filter(v, v in r.w).map(v, "names/" + v)`))
		// A line break in a word must not make two faults of it.
		all := cel.Concat(verbs, resources, names) + `.map(f, f.replace("\n", " "))`
		return cel.Let("v", "[variables.now, variables.before].map(l, "+cel.Flatten("l.map(r, "+all+")")+")", "v[0].filter(f, !(f in v[1]))")
	}
	return []checks.BackstopRule{
		{Kinds: []schema.GroupKind{inventory.RoleKind}, Shared: roleVariables(inventory.RoleKind), Added: faults(true)},
		{Kinds: clusterRoles, Shared: roleVariables(inventory.ClusterRoleKind), Added: faults(false)},
	}
}
