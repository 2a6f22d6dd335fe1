// SPDX-License-Identifier: Apache-2.0

package privilege

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/authz"
	"github.com/gatehouse-sh/gatehouse/internal/authz/power"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// aggregateTo begins the labels by which the user-facing roles of Kubernetes
// collect others. https://kubernetes.io/docs/reference/access-authn-authz/rbac/#aggregated-clusterroles
const aggregateTo = "rbac.authorization.k8s.io/aggregate-to-"

// aggregatedPower flags ClusterRoles that widen another one by their labels, and
// aggregated ones that collect too much (RBAC-014).
func aggregatedPower() checks.Check {
	return checks.Check{
		ID: "RBAC-014", Name: "aggregated-power", Severity: checks.High, Actions: stricter, Softens: checks.StepPerGrade, Kinds: clusterRoles,
		Doc: checks.Doc{
			Title: "Aggregation adds nothing dangerous to the roles of others",
			Why: "Kubernetes copies the rules of a ClusterRole into every aggregated ClusterRole whose selectors match its labels: with aggregate-to-view it widens view in every namespace, for everybody who holds it, and no binding is written. " +
				"Judged is the role that carries the label, never the copy that the controller writes. Reported is what the collecting role does not have without it: what is critical or high within a namespace, and, as medium, what is medium there or only holds in the whole cluster. " +
				"An aggregated role whose selector is empty collects every role; one whose selectors match a role with such powers is reported as well.",
			Attack:  "everybody who holds view, edit or admin in any namespace gets the permission",
			Fix:     "remove the label, and bind the role to those who need it",
			Exempt:  "Platform operators that add their custom resources to admin and edit.",
			Sources: []string{rbacDocs + "#aggregated-clusterroles", rbacDocs + "#user-facing-roles"},
		},
		Run: checks.On(judgeAggregation),
	}
}

func judgeAggregation(o *rbacv1.ClusterRole, in checks.Input) []checks.Finding {
	if byAPIServer(in) || in.Request.Operation == checks.Update && slices.Contains(aggregators, in.Request.User) {
		return nil
	}
	var out []checks.Finding
	for _, find := range []func(*rbacv1.ClusterRole, checks.Input) []atom{widened, collected} {
		now := find(o, in)
		if len(now) == 0 {
			continue
		}
		var before []atom
		if old, ok := checks.Old[*rbacv1.ClusterRole](in); ok {
			before = find(old, in)
		}
		for _, f := range keptAndAdded(before, now, func(list []atom) string { return strings.Join(fewOf(keys(list), "grant"), "; ") }) {
			f.Subject = subjectOf(now) + f.Subject
			out = append(out, f)
		}
	}
	return out
}

// subjectOf keeps the two halves of the check apart.
func subjectOf(list []atom) string {
	if strings.HasPrefix(list[0].field, "metadata") {
		return "labels/"
	}
	return "aggregation/"
}

// widened returns what a role adds to those that collect it by its labels.
func widened(o *rbacv1.ClusterRole, in checks.Input) []atom {
	rules := o.Rules
	if s := shippedAs(inventory.KeyOf(o)); s != nil {
		if !slices.ContainsFunc(slices.Collect(maps.Keys(o.Labels)), func(k string) bool { return strings.HasPrefix(k, aggregateTo) && !slices.Contains(s.labels, k) }) {
			rules = without(in, rules, s.rules)
		}
	}
	worth := tenantPowers(rules)
	if len(worth) == 0 {
		return nil
	}
	var out []atom
	for _, to := range collectors(o, in) {
		has := tenantPowers(to.rules)
		for _, id := range slices.Sorted(maps.Keys(worth)) {
			if worth[id] <= has[id] {
				continue
			}
			p, _ := power.Lookup(id)
			out = append(out, atom{"lets holders of " + to.name + " " + p.Can, "metadata.labels" + to.label, worth[id]})
		}
	}
	return out
}

// collector is an aggregated role that collects the one under judgement.
type collector struct {
	name  string
	label string // "[key]", where it is known which one
	rules []rbacv1.PolicyRule
}

// collectors returns the roles that collect o: those of the inventory, and those
// that every cluster has. Their rules are those that they have without o.
func collectors(o *rbacv1.ClusterRole, in checks.Input) []collector {
	var out []collector
	v := authz.Over(in.Inventory)
	for _, to := range v.Aggregators(o.Name, o.Labels) {
		c := collector{name: to.Name}
		if s := shippedAs(inventory.KeyOf(to)); s != nil {
			c.rules = s.rules
		} else {
			for _, source := range v.Sources(to) {
				if source.Name != o.Name {
					c.rules = append(c.rules, source.Rules...)
				}
			}
		}
		out = append(out, c)
	}
	for _, key := range slices.Sorted(maps.Keys(o.Labels)) {
		name, well := strings.CutPrefix(key, aggregateTo)
		if !well || o.Labels[key] != "true" {
			continue
		}
		if i := slices.IndexFunc(out, func(c collector) bool { return c.name == name }); i >= 0 {
			out[i].label = "[" + key + "]"
			continue
		}
		if s := shippedAs(inventory.Key{Kind: inventory.ClusterRoleKind, Name: name}); s != nil {
			out = append(out, collector{name, "[" + key + "]", s.rules})
		}
	}
	return out
}

// tenantPowers returns the powers of rules by id, as severe as they are for
// somebody who holds a role in one namespace; what only holds in the whole cluster
// is medium.
func tenantPowers(rules []rbacv1.PolicyRule) map[string]checks.Severity {
	out := map[string]checks.Severity{}
	for _, h := range power.Of(rules, power.Scope{}) {
		if h.Severity >= checks.High && h.Power.Narrow == checks.SeverityUnset {
			out[h.Power.ID] = checks.Medium
		}
	}
	// Any namespace that is none of Kubernetes' own stands for those of tenants.
	for _, h := range power.Of(rules, power.Scope{Namespace: "tenant"}) {
		if h.Severity >= checks.Medium {
			out[h.Power.ID] = max(out[h.Power.ID], h.Severity)
		}
	}
	return out
}

// collected returns what an aggregated role collects that it should not.
func collected(o *rbacv1.ClusterRole, in checks.Input) []atom {
	if o.AggregationRule == nil {
		return nil
	}
	if s := shippedAs(inventory.KeyOf(o)); s != nil && !s.collectsMore(o.AggregationRule) {
		return nil
	}
	var out []atom
	for i := range o.AggregationRule.ClusterRoleSelectors {
		selector, err := metav1.LabelSelectorAsSelector(&o.AggregationRule.ClusterRoleSelectors[i])
		if err != nil {
			continue // Kubernetes collects nothing by it
		}
		field := fmt.Sprintf("aggregationRule.clusterRoleSelectors[%d]", i)
		if selector.Empty() {
			out = append(out, atom{"collects every ClusterRole", field, checks.Critical})
			continue
		}
		for source := range inventory.List[*rbacv1.ClusterRole](in.Inventory, inventory.ClusterRoleKind, "") {
			if source.Name == o.Name || !selector.Matches(labels.Set(source.Labels)) {
				continue
			}
			if worst := worstOf(tenantPowers(source.Rules)); worst != checks.SeverityUnset {
				out = append(out, atom{"collects " + source.Name + ", which is worth " + worst.String(), field, worst})
			}
		}
	}
	return out
}

func worstOf(powers map[string]checks.Severity) checks.Severity {
	worst := checks.SeverityUnset
	for _, s := range powers {
		worst = max(worst, s)
	}
	return worst
}
