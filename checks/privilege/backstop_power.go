// SPDX-License-Identifier: Apache-2.0

package privilege

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/checks/cel"
	"github.com/gatehouse-sh/gatehouse/internal/authz/power"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// powerBackstops are those of rolePower and combinedPower. The patterns of all
// powers that are worth the same stand in a few shared variables, each of which
// says who of them the role is given: that is shorter, and quicker, than an
// expression for each power.
func powerBackstops() map[string]checks.Backstop {
	out := map[string]checks.Backstop{}
	rules := map[string][]checks.BackstopRule{}
	for _, kind := range []schema.GroupKind{inventory.RoleKind, inventory.ClusterRoleKind} {
		base := roleVariables(kind)
		for severity := checks.Low; severity <= checks.Critical; severity++ {
			list := entries(kind, severity)
			for at, chunk := range slices.Collect(slices.Chunk(list, perChunk)) {
				v := checks.BackstopVariable{Name: fmt.Sprintf("%s%s%d", strings.ToLower(kind.Kind), severity, at+1), Expression: chunkExpression(chunk)}
				for _, e := range chunk {
					collect(rules, e.power, checks.BackstopRule{Kinds: []schema.GroupKind{kind}, Severity: severity, Shared: slices.Concat(base, []checks.BackstopVariable{v})}, v.Name)
				}
			}
		}
	}
	all := power.All()
	for i := range all {
		p := &all[i]
		switch {
		case p.ID == starPower:
			out[p.ID] = always(leftOfRoles, fullControlRules(p)...)
		case len(rules[p.ID]) > 0 && p.Combined():
			out[p.ID] = always("permissions that come from several roles, or of which a part is limited by resourceNames; "+leftOfRoles, gated(p, rules[p.ID])...)
		default:
			if list := finished(p, rules[p.ID]); len(list) > 0 {
				out[p.ID] = always(leftOf(p), list...)
			}
		}
	}
	return out
}

// leftOf is what the backstop of a power leaves to the webhook.
func leftOf(p *power.Power) string {
	if slices.ContainsFunc(p.Any, func(t power.Pattern) bool { return len(t.Paths) > 0 }) {
		return "a URL that an update adds to another of the same power; " + leftOfRoles
	}
	return leftOfRoles
}

// fullControlRules are RBAC-001.
func fullControlRules(p *power.Power) []checks.BackstopRule {
	faults := addedFaults(cel.When("!variables.before.exists(o, o.e)", `variables.full.map(r, "*")`), "false")
	return []checks.BackstopRule{
		{Kinds: []schema.GroupKind{inventory.RoleKind}, Severity: p.Narrow, Added: faults, Shared: roleVariables(inventory.RoleKind)},
		{Kinds: clusterRoles, Severity: p.Wide, Added: faults, Shared: roleVariables(inventory.ClusterRoleKind)},
	}
}

// meets is true of a rule that gives something of a pattern t, by the names of
// their variables. verbs says which of the pattern's count.
func meets(rule, verbs string) string {
	return cel.All("t.g.exists(g, "+hasGroup(rule)+")", "t.r.exists(x, "+hasResource(rule)+")", verbs+".exists(v, "+hasVerb(rule)+")")
}

// naming is how the patterns of a table look at the names of a rule r.
type naming struct {
	fields bool   // the patterns say in n, p and but which names count
	of     string // the names that a pattern t counts; [""] of a rule without
	some   string // is true when there is one; empty: there always is
}

// namingOf is the naming of a table. Most are of patterns that count every name,
// and half as long without the choice.
func namingOf(list []entry) naming {
	if !slices.ContainsFunc(list, func(e entry) bool {
		names, prefixes := e.names()
		return len(names)+len(prefixes)+len(e.pattern.Except) > 0
	}) {
		return naming{of: `(r.n == [] ? [""] : r.n)`}
	}
	const named = `(r.n == [] ? [""] : t.n == [] && t.p == [] && t.but == [] ? r.n : ` +
		`r.n.filter(n, !(n in t.but) && (t.n == [] && t.p == [] || n in t.n || t.p.exists(p, n.startsWith(p)))))`
	return naming{fields: true, of: named, some: named + " != []"}
}

// verbsOf are those of a pattern t that count for a rule r.
const verbsOf = "(r.n == [] ? t.v : t.l)"

// chunkExpression is a list of texts: the key of a power, and one of its faults as
// rolePower names them.
func chunkExpression(list []entry) string {
	by := namingOf(list)
	texts := make([]string, 0, len(list))
	for i := range list {
		texts = append(texts, list[i].text(by))
	}
	giving := "near.filter(r, " + cel.All(meets("r", verbsOf), by.some) + ")"
	covered := cel.All(hasVerb("o"), hasGroup("o"), hasResource("o"), "o.n == [] || n in o.n")
	more := `(t.v + t.l.filter(v, !(v in t.v))).map(v, t.r.filter(x, c.exists(r, ` +
		cel.All("v in "+verbsOf, hasVerb("r"), hasResource("r"), "t.g.exists(g, "+hasGroup("r")+" && "+by.of+".exists(n, !h.exists(o, "+covered+")))") +
		`)).map(x, v + " on " + x).join(", ")).filter(s, s != "").join(", ")`
	// Where nothing was given before all that is given now is new.
	faults := `c == [] ? "" : ` + cel.Let("h", "variables.before.filter(o, "+meets("o", "(t.v + t.l)")+")",
		`h == [] ? t.i[0] + `+cel.Quote(granted)+` : h.size() * c.map(r, 1 + r.n.size()).sum() > `+strconv.Itoa(maxCovering)+` ? "" : `+
			cel.Let("a", more, `a == "" ? "" : t.i[0] + `+cel.Quote(added)+` + a`))
	said := "[" + strings.Join(texts, ", ") + "].map(t, " + cel.Let("c", giving, faults) + `).filter(s, s != "")`
	groups, resources := map[string]bool{}, map[string]bool{}
	for i := range list {
		add(groups, list[i].pattern.Groups)
		add(resources, list[i].resource)
	}
	return cel.Let("near", "variables.near.filter(r, (r.G || r.g.exists(g, g in "+words(groups)+")) && (r.R || r.b != [] || r.r.exists(x, x in "+words(resources)+")))", "near == [] ? [] : "+said)
}

// collect notes that a variable says something of a power. Rules of one kind and
// severity become one, with all variables.
func collect(rules map[string][]checks.BackstopRule, p *power.Power, r checks.BackstopRule, variable string) {
	said := "variables." + variable
	list := rules[p.ID]
	at := slices.IndexFunc(list, func(o checks.BackstopRule) bool { return o.Severity == r.Severity && o.Kinds[0] == r.Kinds[0] })
	switch {
	case at < 0:
		r.Added = said
		rules[p.ID] = append(list, r)
	case !strings.Contains(list[at].Added+" ", said+" "):
		list[at].Added += " + " + said
		list[at].Shared = slices.Concat(list[at].Shared, r.Shared[len(r.Shared)-1:])
	}
}

// finished makes expressions of the gathered rules.
func finished(p *power.Power, list []checks.BackstopRule) []checks.BackstopRule {
	out := slices.Clone(list)
	for i := range out {
		k := cel.Quote(key(p))
		faults := "(" + out[i].Added + ").filter(s, s.startsWith(" + k + ")).map(s, s.substring(" + strconv.Itoa(len(key(p))) + "))"
		out[i].Added = cel.Let("f", faults, cel.Quote(granted)+" in f ? ["+cel.Quote(granted)+"] : f")
	}
	if i := slices.IndexFunc(p.Any, func(t power.Pattern) bool { return len(t.Paths) > 0 }); i >= 0 {
		out = append(out, pathRules(p)...)
	}
	return out
}

// gated is finished for a combined power: all of its parts must be there, none of
// them by resourceNames alone.
func gated(p *power.Power, list []checks.BackstopRule) []checks.BackstopRule {
	out := finished(p, list)
	for i := range out {
		worth := p.Narrow
		if out[i].Kinds[0] == inventory.ClusterRoleKind {
			worth = p.Wide
		}
		parts := make([]string, 0, len(p.All))
		for _, part := range p.All {
			var list []entry
			for j := range part {
				t := &part[j]
				if t.Inside || out[i].Kinds[0] == inventory.RoleKind && (t.ClusterOnly || t.Namespace != "") {
					continue
				}
				for _, resource := range homogeneous(t) {
					e := entry{power: p, pattern: t, resource: resource}
					e.grade(worth, worth)
					if len(t.Names) == 0 {
						e.limited = nil
					}
					list = append(list, e)
				}
			}
			by := namingOf(list)
			texts := make([]string, 0, len(list))
			for j := range list {
				texts = append(texts, list[j].text(by))
			}
			parts = append(parts, "["+strings.Join(texts, ", ")+"].exists(t, variables.rules.exists(r, "+cel.All(meets("r", verbsOf), by.some)+"))")
		}
		out[i].Added = cel.When(cel.All(parts...), out[i].Added)
	}
	return out
}

// pathRules are the patterns of a power that are URLs, by severity. Any rule for
// one of them before an update covers them all.
func pathRules(p *power.Power) []checks.BackstopRule {
	var out []checks.BackstopRule
	for i := range p.Any {
		t := &p.Any[i]
		if len(t.Paths) == 0 {
			continue
		}
		severity := p.Wide
		if t.Most != checks.SeverityUnset {
			severity = min(severity, t.Most)
		}
		given := func(rule string) string {
			paths := make([]string, 0, len(t.Paths))
			for _, path := range t.Paths {
				prefix, open := strings.CutSuffix(path, rbacv1.NonResourceAll)
				u := cel.Any("u == "+cel.Quote(path), `u.matches("^[^*]*[*]+$") && `+cel.Quote(prefix)+`.startsWith(u.replace("*", ""))`)
				if open {
					u = cel.Any(u, "u.startsWith("+cel.Quote(prefix)+")")
				}
				paths = append(paths, rule+".u.exists(u, "+u+")")
			}
			// No verb on behalf of others counts for URLs.
			return cel.All(cel.Strings(t.Verbs...)+".exists(v, "+rule+".V || v in "+rule+".w)", cel.Any(paths...))
		}
		faults := "variables.now.filter(r, !r.e && " + given("r") + ").map(r, r.u.join(\", \"))"
		out = append(out, checks.BackstopRule{
			Kinds: clusterRoles, Severity: severity, Shared: roleVariables(inventory.ClusterRoleKind),
			Added: addedFaults(cel.When("!variables.before.exists(o, "+given("o")+")", faults), "false"),
		})
	}
	return out
}
