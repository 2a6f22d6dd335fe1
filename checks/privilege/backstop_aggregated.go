// SPDX-License-Identifier: Apache-2.0

package privilege

import (
	"slices"
	"strings"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/checks/cel"
	"github.com/gatehouse-sh/gatehouse/internal/authz/power"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// userFacing are the roles of Kubernetes that collect others by aggregateTo.
var userFacing = []string{"admin", "edit", "view"}

// aggregatedBackstop is RBAC-014 for what every cluster has: a role that is added
// to a user-facing one by its label, and an aggregated role that collects all.
func aggregatedBackstop() checks.Backstop {
	rules := []checks.BackstopRule{{Severity: checks.Critical, Faults: collectsAll()}}
	for severity := checks.Medium; severity <= checks.Critical; severity++ {
		if e := widening(severity); e != "" {
			rules = append(rules, checks.BackstopRule{Severity: severity, Added: e, Shared: roleVariables(inventory.ClusterRoleKind)})
		}
	}
	return always("aggregated roles beside admin, edit and view, what the labels of an aggregated role widen, powers that are made of several permissions, and selectors that collect some roles", rules...)
}

// byAggregator is true of the updates by which Kubernetes copies rules.
var byAggregator = `request.operation == "UPDATE" && request.userInfo.username in ` + cel.Strings(aggregators...)

// collectsAll is collected for empty selectors.
func collectsAll() string {
	empty := []string{"matchLabels", "matchExpressions"}
	for i, f := range empty {
		empty[i] = "(s.?" + f + ".orValue(null) == null || s." + f + ".size() == 0)"
	}
	return cel.When(cel.All(
		cel.Not(cel.Any(byAPI, byAggregator, "self.metadata.name in "+cel.Strings(shippedNames(inventory.ClusterRoleKind.Kind)...))),
		cel.List("self.?aggregationRule.?clusterRoleSelectors")+".exists(s, "+cel.All(empty...)+")",
	), cel.Strings("aggregation/"+granted))
}

// widening is widened for the user-facing roles and a severity; "" when no power has
// it. x are the roles that have less than the pattern gives.
func widening(severity checks.Severity) string {
	list := entries(inventory.RoleKind, severity)
	if severity == checks.Medium {
		for s := checks.High; s <= checks.Critical; s++ {
			list = append(list, slices.DeleteFunc(entries(inventory.ClusterRoleKind, s), func(e entry) bool { return e.power.Narrow != checks.SeverityUnset })...)
		}
	}
	has := map[string]map[string]checks.Severity{}
	for _, name := range userFacing {
		if s := shippedAs(inventory.Key{Kind: inventory.ClusterRoleKind, Name: name}); s != nil {
			has[name] = tenantPowers(s.rules)
		}
	}
	var texts []string
	by := namingOf(list)
	for i := range list {
		e := &list[i]
		if e.power.Combined() {
			continue
		}
		var less []string
		for _, name := range userFacing {
			if powers, shipped := has[name]; shipped && powers[e.power.ID] < severity {
				less = append(less, name)
			}
		}
		if len(less) > 0 {
			texts = append(texts, e.text(by, "x", cel.Strings(less...)))
		}
	}
	full, _ := power.Lookup(starPower)
	fullToo := full.Narrow == severity
	if len(texts) == 0 && !fullToo {
		return ""
	}
	holds := func(object, rules string) string {
		label := func(name string) string {
			return object + ".metadata.?labels[?" + cel.Quote(aggregateTo) + " + " + name + `].orValue("") == "true"`
		}
		gives := "table.exists(t, t.x.exists(x, " + label("x") + ") && " + rules + ".exists(r, !r.e && " + cel.All(meets("r", verbsOf), by.some) + "))"
		if fullToo {
			gives = cel.Any(rules+".exists(r, r.e)", gives)
		}
		return cel.All(cel.Strings(userFacing...)+".exists(x, "+label("x")+")", gives)
	}
	return cel.When(cel.Not(byAggregator), cel.Let("table", "["+strings.Join(texts, ", ")+"]", cel.When(
		cel.All(holds("dyn(object)", "variables.now"), `request.operation != "UPDATE" || `+cel.Not(holds("dyn(oldObject)", "variables.before"))), cel.Strings("labels/"+granted))))
}
