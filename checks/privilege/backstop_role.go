// SPDX-License-Identifier: Apache-2.0

package privilege

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/checks/cel"
	"github.com/gatehouse-sh/gatehouse/internal/authz/power"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// leftOfRoles is what the backstops of roles leave to the webhook, all of them,
// besides roles of more than maxWords.
const leftOfRoles = "aggregated ClusterRoles, what is added to roles of Kubernetes itself, and what an update leaves of a wider rule"

// Bounds of what is judged: a variable may cost 1,000,000 units, all of a policy
// 10,000,000 (k8s.io/apiserver/pkg/apis/cel/config.go, PerCallLimit and
// RuntimeCELCostBudget).
const (
	// maxWords are the groups, resources, verbs, names and URLs of all rules together.
	// Every pattern of a chunk looks at each of them about once.
	maxWords = 10_000

	// maxCompared rules before an update times rules after it: two units for each pair.
	maxComparedRules = 400_000

	// maxCovering rules that say the same thing in other words, before an update times
	// after it, and names: each is asked about every permission of a pattern.
	maxCovering = 100
)

// A rule of a role is read into a map. k is all of its text, w are its verbs, v the same as asGranted
// counts them, g its groups, s its resources, r the
// same with one change, n its names, u its URLs and b what follows the star
// of resources such as "*/exec". V, G and R say that there is a star among v, g
// and r, and e that the rule is power.Everything.
//
// "userextras/*" stands in r for every subresource that the rule has of it; as
// a word of the rule it means nothing.
func readRule() string {
	every := make([]string, 0, len(everyVerb)+1)
	for _, v := range everyVerb {
		every = append(every, cel.Quote(v)+" in w")
	}
	list := func(field string) string { return "r.?" + field + ".orValue([])" }
	granted := `w.exists(x, x.startsWith("impersonate-on:")) ? w + w.filter(x, x.startsWith("impersonate-on:")).map(x, x.substring(15)).filter(x, x.contains(":")).map(x, x.substring(x.indexOf(":") + 1)).filter(x, x != "" && x != "*") : w`
	resources := `s.exists(x, x.startsWith("userextras/") || x.startsWith("*/")) ? s.filter(x, x != "userextras/*") + (s.exists(x, (x.startsWith("userextras/") || x.startsWith("*/")) && !x.endsWith("/*")) ? ["userextras/*"] : []) : s`
	everything := cel.All(list("resourceNames")+" == []", `"*" in s`, cel.Any(`"*" in g`, `"" in g`), cel.Any(`"*" in w`, cel.All(every...)))
	// A rule with a line break in a word has no text, for it might be that of another.
	text := cel.Let("a", "w + g + s + "+list("resourceNames")+" + "+list("nonResourceURLs"), cel.Let("j", `a.join("\n")`,
		`j.split("\n").size() != a.size() ? "" : [w, g, s, `+list("resourceNames")+`].map(l, string(l.size())).join(" ") + "\n" + j`))
	return cel.Let("w", list("verbs"), cel.Let("g", list("apiGroups"), cel.Let("s", list("resources"),
		`{"k": dyn(`+text+`), "w": dyn(w), "v": dyn(`+granted+`), "g": dyn(g), "r": dyn(`+resources+`), "n": dyn(`+list("resourceNames")+`), "u": dyn(`+list("nonResourceURLs")+`), `+
			`"s": dyn(s), "b": dyn(s.filter(x, x.startsWith("*/")).map(x, x.substring(1))), "V": dyn("*" in w), "G": dyn("*" in g), "R": dyn("*" in s), "e": dyn(`+everything+`)}`)))
}

// everyVerb are the verbs that together are worth a star (power.Everything; a test
// compares).
var everyVerb = []string{"get", "list", "watch", "create", "update", "patch", "delete"}

// sizeOfRule counts the words of a rule.
const sizeOfRule = `r.?verbs.orValue([]).size() + r.?apiGroups.orValue([]).size() + r.?resources.orValue([]).size() + r.?resourceNames.orValue([]).size() + r.?nonResourceURLs.orValue([]).size() + 1`

// roleVariables read the role under judgement: "rules" are those that are judged,
// "before" those that it had, "fresh" the judged ones that it had not in the same
// words, and "near" those of them that name a group of the table of powers. Rules that allow everything are in "full" and "before", not in the others.
//
// Nothing is judged in what the API server writes, in roles that Kubernetes ships,
// and in aggregated ClusterRoles.
func roleVariables(kind schema.GroupKind) []checks.BackstopVariable {
	both := `(request.operation == "UPDATE" ? [dyn(object), dyn(oldObject)] : [dyn(object)])`
	list := cel.List("self.?rules")
	own := "" // none in a namespace that is judged
	if kind == inventory.ClusterRoleKind {
		own = `dyn(object).metadata.?name.orValue("") in ` + cel.Strings(shippedNames(kind.Kind)...)
	}
	skip := cel.Any(byAPI,
		own,
		both+".exists(self, "+cel.Any("self.?aggregationRule.orValue(null) != null", list+".map(r, "+sizeOfRule+").sum() > "+strconv.Itoa(maxWords))+")")
	read := func(of string) string {
		return cel.If("variables.skip", "[]", cel.List("dyn("+of+").?rules")+".map(r, "+readRule()+")")
	}
	return []checks.BackstopVariable{
		{Name: "skip", Expression: skip},
		{Name: "now", Expression: read("object")},
		{Name: "before", Expression: cel.When(`request.operation == "UPDATE"`, read("oldObject"))},
		{Name: "full", Expression: "variables.now.filter(r, r.e)"},
		{Name: "rules", Expression: "variables.now.filter(r, !r.e)"},
		{Name: "fresh", Expression: `request.operation != "UPDATE" ? variables.rules : variables.rules.size() * variables.before.size() > ` + strconv.Itoa(maxComparedRules) + ` ? [] : ` +
			cel.Let("k", "variables.before.map(o, o.k)", `variables.rules.filter(r, r.k == "" || !(r.k in k))`)},
		{Name: "near", Expression: "variables.fresh.filter(r, r.G || r.g.exists(g, g in " + words(tableGroups()) + "))"},
	}
}

// tableGroups are the groups of the table of powers.
func tableGroups() map[string]bool {
	out := map[string]bool{}
	all := power.All()
	for i := range all {
		for _, t := range slices.Concat(all[i].Any, slices.Concat(all[i].All...)) {
			add(out, t.Groups)
		}
	}
	return out
}

func add(to map[string]bool, words []string) {
	for _, w := range words {
		to[w] = true
	}
}

// words writes a set as a map, in which CEL finds a word at once.
func words(set map[string]bool) string {
	out := make([]string, 0, len(set))
	for _, w := range slices.Sorted(maps.Keys(set)) {
		out = append(out, cel.Quote(w)+": 0")
	}
	return "{" + strings.Join(out, ", ") + "}"
}

// Conditions on a rule, by the name of its variable.

// hasGroup is true of a rule for the group g, hasResource for the resource x and
// hasVerb for the verb v, variables all three.
func hasGroup(rule string) string { return "(" + rule + ".G || g in " + rule + ".g)" }

func hasResource(rule string) string {
	return "(" + rule + ".R || x in " + rule + ".r || " + rule + ".b.exists(y, x.endsWith(y)))"
}

func hasVerb(rule string) string { return "(" + rule + ".V || v in " + rule + ".v)" }

// added makes the subjects of a fault of the role as the checks do: all of it is
// one, and what an update adds to it is another. faults is a list of texts that say
// what is added; before says that there was something.
func addedFaults(faults, before string) string {
	return cel.Let("f", faults, `f == [] ? [] : request.operation == "UPDATE" && `+before+` ? f.map(x, `+cel.Quote(added)+` + x) : [`+cel.Quote(granted)+`]`)
}
