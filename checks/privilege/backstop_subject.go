// SPDX-License-Identifier: Apache-2.0

package privilege

import (
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/checks/cel"
	"github.com/gatehouse-sh/gatehouse/internal/authz"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// maxSubjects bounds the comparison of the subjects before and after an update.
const maxSubjects = "300000"

// bindingVariables read the binding under judgement: "subjects" are those that it
// had not before, without those that Kubernetes ships with it. k is the kind of one,
// n its name, t what it is called in findings, and a namespace and name of the
// ServiceAccount that it means; empty for others. "ships" is the role and the
// subjects that Kubernetes gives to a binding of that name. The role of a binding never
// changes.
func bindingVariables(kind schema.GroupKind) []checks.BackstopVariable {
	const (
		namespace = `(x.?namespace.orValue("") != "" ? x.namespace : dyn(object).metadata.?namespace.orValue(""))`
		user      = `s.k == "User" && s.n.startsWith("system:serviceaccount:")`
	)
	read := func(of string) string {
		return cel.List("dyn("+of+").?subjects") + `.map(x, {"k": x.?kind.orValue(""), "n": x.?name.orValue(""), "s": x.?kind.orValue("") == "ServiceAccount" ? ` + namespace + ` : ""})` +
			`.map(s, {"k": dyn(s.k), "n": dyn(s.n), "t": dyn(s.k == "ServiceAccount" && s.s != "" ? "ServiceAccount " + s.s + "/" + s.n : s.k + " " + s.n), ` +
			`"a": dyn(s.k == "ServiceAccount" ? [dyn(s.s), dyn(s.n)] : ` + user + ` ? [s.n.split(":")].map(w, w.size() == 4 && w[2] != "" && w[3] != "" ? [dyn(w[2]), dyn(w[3])] : [])[0] : [])})`
	}
	table := make([]string, 0, 64)
	if all, err := shipped(); err == nil {
		for _, key := range slices.SortedFunc(maps.Keys(all), inventory.Key.Compare) {
			if o := all[key]; key.Kind == inventory.ClusterBindingKind {
				table = append(table, cel.Quote(key.Name)+": "+cel.Strings(slices.Concat([]string{o.role}, o.subjects)...))
			}
		}
	}
	ships := "{" + strings.Join(table, ", ") + `}[?dyn(object).metadata.?name.orValue("")].orValue([])`
	if kind == inventory.RoleBindingKind {
		ships = "[]" // none in a namespace that is judged
	}
	return []checks.BackstopVariable{
		{Name: "ships", Expression: ships},
		{Name: "subjects", Expression: cel.If(byAPI, "[]", cel.Let("now", read("object"), `request.operation != "UPDATE" ? now : `+
			cel.Let("had", cel.List("dyn(oldObject).?subjects"), "now.size() * had.size() > "+maxSubjects+" ? [] : "+
				cel.Let("names", read("oldObject")+".map(s, s.t)", "now.filter(s, !(s.t in names))")))) +
			`.filter(s, !(variables.ships.size() > 0 && variables.ships[0] == dyn(object).roleRef.kind + " " + dyn(object).roleRef.name && s.t in variables.ships))`},
	}
}

// eachNew are the faults of the new subjects s of which something is true.
func eachNew(conditions ...string) string {
	return "variables.subjects.filter(s, " + cel.All(conditions...) + `).map(s, "subject/" + s.t)`
}

// bindingRule is a rule about the new subjects of a kind of binding.
func bindingRule(kind schema.GroupKind, severity checks.Severity, conditions ...string) checks.BackstopRule {
	return checks.BackstopRule{Kinds: []schema.GroupKind{kind}, Severity: severity, Shared: bindingVariables(kind), Added: eachNew(conditions...)}
}

// spellingRules are RBAC-067, subject by subject over the object and its older self.
func spellingRules() []checks.BackstopRule {
	const text = `(x.?kind.orValue("") == "ServiceAccount" ? "ServiceAccount " + (x.?namespace.orValue("") != "" ? x.namespace : self.metadata.?namespace.orValue("")) + "/" + x.name : x.?kind.orValue("") + " " + x.?name.orValue(""))`
	list := cel.List("self.?subjects")
	plain := `x.?kind.orValue("") != "ServiceAccount"`
	// What likeSystem takes away: invisible characters, and space around the name.
	unlike := cel.Any(`x.name.matches("[\\p{Cf}\\p{Cc}]|^\\p{Z}|\\p{Z}$")`, `x.name.lowerAscii().startsWith("system:") && !x.name.startsWith("system:")`)
	asUser := `x.kind == "User" && x.name.startsWith(` + cel.Quote(authz.AccountPrefix) + ")"
	groups := cel.Any("x.name in "+cel.Strings(authz.Authenticated, authz.Unauthenticated, authz.AccountGroup, authz.Masters, "system:nodes"), "x.name.startsWith("+cel.Quote(authz.AccountGroupPrefix)+")")
	users := cel.Any("x.name == "+cel.Quote(authz.Anonymous), "x.name.startsWith("+cel.Quote(authz.AccountPrefix)+")")
	medium := cel.All(plain, cel.Any(unlike, asUser))
	low := cel.Any(`x.kind == "ServiceAccount" && x.?namespace.orValue("") == ""`,
		cel.All(plain, cel.Not(cel.Any(unlike, asUser)), cel.Any(cel.All(`x.kind == "User"`, groups), cel.All(`x.kind == "Group"`, users))))
	faults := func(condition string) string {
		return cel.When(cel.Not(byAPI), list+".filter(x, "+condition+`).map(x, "subject/" + `+text+")")
	}
	// Who is there twice, once for each time.
	names := list + `.map(x, x.kind == "User" && x.name.matches("^system:serviceaccount:[^:]+:[^:]+$") ? "ServiceAccount " + x.name.substring(22).replace(":", "/") : ` + text + ")"
	twice := cel.When(cel.Not(byAPI), cel.Let("n", names, `n.size() > `+maxTwice+` ? [] : n.filter(a, n.exists_one(b, a == b) == false).map(a, "twice/" + a)`))
	return []checks.BackstopRule{
		{Severity: checks.Medium, Faults: faults(medium)},
		{Severity: checks.Low, Faults: cel.Concat(faults(low), twice)},
	}
}

// maxTwice is how many subjects are compared with each other.
const maxTwice = "300"
