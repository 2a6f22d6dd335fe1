// SPDX-License-Identifier: Apache-2.0

package privilege

import (
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/checks/cel"
	"github.com/gatehouse-sh/gatehouse/internal/authz"
	"github.com/gatehouse-sh/gatehouse/internal/authz/power"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// toRole is true of a binding to one of the ClusterRoles.
func toRole(names []string) string {
	return `dyn(object).roleRef.kind == "ClusterRole" && dyn(object).roleRef.name in ` + cel.Strings(names...)
}

// shippedNames are the names that Kubernetes and kubeadm give to their own objects
// of a kind, without those in a namespace.
func shippedNames(kind string) []string {
	return shippedWhere(func(k inventory.Key, _ *shippedObject) bool { return k.Kind.Kind == kind })
}

// shippedWhere are the names of the shipped objects without namespace that something
// is true of, in order.
func shippedWhere(is func(inventory.Key, *shippedObject) bool) []string {
	all, err := shipped()
	if err != nil {
		return nil
	}
	var out []string
	for key, o := range all {
		if key.Namespace == "" && is(key, o) {
			out = append(out, key.Name)
		}
	}
	slices.Sort(out)
	return out
}

// anyNamespace stands for those that are none of Kubernetes' or Gatehouse's own.
var anyNamespace = power.Scope{Namespace: "tenant"}

// rolesWorth are the ClusterRoles that the API server makes and restores, by what
// they are worth in a scope.
func rolesWorth(s power.Scope, is func(worst checks.Severity, full bool, name string) bool) []string {
	return shippedWhere(func(k inventory.Key, o *shippedObject) bool {
		if o.kubeadm || k.Kind != inventory.ClusterRoleKind {
			return false
		}
		worst, full := checks.SeverityUnset, false
		for _, h := range power.Of(o.rules, s) {
			worst, full = max(worst, h.Severity), full || h.Power.ID == starPower
		}
		return is(worst, full, k.Name)
	})
}

// bindingBackstops are those of the checks that look at bindings.
func bindingBackstops() map[string]checks.Backstop {
	full := func(s power.Scope) string {
		return toRole(rolesWorth(s, func(_ checks.Severity, full bool, _ string) bool { return full }))
	}
	wide, narrow := inventory.ClusterBindingKind, inventory.RoleBindingKind
	return map[string]checks.Backstop{
		"RBAC-015": always("rules and selectors that are added to a role", defaultsRules()...),
		"RBAC-060": always("roles beside cluster-admin that allow everything",
			bindingRule(wide, checks.Critical, full(power.Scope{})), bindingRule(narrow, checks.Critical, full(anyNamespace))),
		"RBAC-061": always("", defaultRoleRules()...),
		"RBAC-062": always("", everybodyRules()...),
		"RBAC-063": always("how severe a RoleBinding is: to roles that Kubernetes does not ship it counts as medium", defaultAccountRules()...),
		"RBAC-064": always("what the role holds: a binding to a role that Kubernetes does not ship counts as low", otherNamespaceRules()...),
		"RBAC-067": always("bindings of more than 300 subjects that list one twice", spellingRules()...),
	}
}

// defaultsRules are judgeDefaults, without the rules of roles. Roles and bindings in
// a namespace are not among them: Kubernetes ships none but in its own.
func defaultsRules() []checks.BackstopRule {
	own := func(kind schema.GroupKind) string {
		return "dyn(object).metadata.name in " + cel.Strings(shippedWhere(func(k inventory.Key, o *shippedObject) bool { return k.Kind == kind && !o.kubeadm })...)
	}
	kept := func(kind schema.GroupKind) checks.BackstopRule {
		return checks.BackstopRule{Kinds: []schema.GroupKind{kind}, Faults: cel.When(
			cel.All(cel.Not(byAPI), "self.metadata.?annotations[?"+cel.Quote(autoUpdate)+`].orValue("") == "false"`, own(kind)), `["autoupdate"]`)}
	}
	const ref = `dyn(object).roleRef.kind + " " + dyn(object).roleRef.name`
	foreign := cel.When(cel.All("variables.ships.size() > 0", cel.Not(byAPI), own(inventory.ClusterBindingKind)),
		cel.If("variables.ships[0] != "+ref, cel.When(`request.operation != "UPDATE"`, `["roleRef"]`), eachNew("true")))
	return []checks.BackstopRule{
		kept(inventory.ClusterRoleKind), kept(inventory.ClusterBindingKind),
		{Kinds: clusterBindings, Added: foreign, Shared: bindingVariables(inventory.ClusterBindingKind)},
	}
}

// defaultRoleRules are judgeDefaultRole.
func defaultRoleRules() []checks.BackstopRule {
	worth := func(s power.Scope, want checks.Severity) string {
		return toRole(rolesWorth(s, func(worst checks.Severity, full bool, name string) bool {
			severity := min(worst, checks.High)
			if use, known := byUse[name]; known && s.Namespace == "" {
				severity = max(severity, use.severity)
			}
			if s.Namespace != "" {
				severity = min(severity, checks.Medium)
			}
			return !full && severity == want
		}))
	}
	return []checks.BackstopRule{
		bindingRule(inventory.ClusterBindingKind, checks.High, worth(power.Scope{}, checks.High)),
		bindingRule(inventory.ClusterBindingKind, checks.Medium, worth(power.Scope{}, checks.Medium)),
		bindingRule(inventory.RoleBindingKind, checks.Medium, worth(anyNamespace, checks.Medium)),
	}
}

// everybodyRules are judgeEverybody.
func everybodyRules() []checks.BackstopRule {
	var out []checks.BackstopRule
	const ofNamespace = `s.k == "Group" && s.n.startsWith("` + authz.AccountGroupPrefix + `")`
	own := "s.n == " + cel.Quote(authz.AccountGroupPrefix) + ` + dyn(object).metadata.?namespace.orValue("")`
	for _, kind := range allBindings {
		for severity := checks.Medium; severity <= checks.Critical; severity++ {
			var limited, open []string // who may have some roles, and who others
			for _, name := range slices.Sorted(maps.Keys(crowds)) {
				c := crowds[name]
				worth := c.wide
				if kind == inventory.RoleBindingKind {
					worth = c.narrow
				}
				switch {
				case worth != severity:
				case c.narrow == checks.Critical:
					limited = append(limited, name)
				default:
					open = append(open, name)
				}
			}
			var who []string
			if len(limited) > 0 {
				who = append(who, cel.All("s.t in "+cel.Strings(limited...), cel.Not(toRole(public))))
			}
			if len(open) > 0 {
				who = append(who, cel.All("s.t in "+cel.Strings(open...), cel.Not(toRole(everybody))))
			}
			switch {
			case severity == checks.High && kind == inventory.ClusterBindingKind:
				who = append(who, cel.All(ofNamespace, cel.Not(toRole(everybody))))
			case severity == checks.High:
				who = append(who, cel.All(ofNamespace, cel.Not(own), cel.Not(toRole(everybody))))
			case severity == checks.Medium && kind == inventory.RoleBindingKind:
				who = append(who, cel.All(ofNamespace, own, cel.Not(toRole(everybody))))
			}
			if len(who) > 0 {
				out = append(out, bindingRule(kind, severity, cel.Any(who...)))
			}
		}
	}
	return out
}

// dangerous is true of a binding in a namespace to a ClusterRole of Kubernetes that
// holds something medium or worse there.
func dangerous() string {
	return toRole(rolesWorth(anyNamespace, func(worst checks.Severity, _ bool, _ string) bool { return worst >= checks.Medium }))
}

// defaultAccountRules are RBAC-063.
func defaultAccountRules() []checks.BackstopRule {
	const account = `s.a.size() == 2 && s.a[1] == "default"`
	return []checks.BackstopRule{
		bindingRule(inventory.ClusterBindingKind, checks.High, account),
		bindingRule(inventory.RoleBindingKind, checks.High, account, dangerous()),
		bindingRule(inventory.RoleBindingKind, checks.Medium, account, cel.Not(dangerous())),
	}
}

// otherNamespaceRules are RBAC-064.
func otherNamespaceRules() []checks.BackstopRule {
	const elsewhere = `s.a.size() == 2 && s.a[0] != dyn(object).metadata.?namespace.orValue("")`
	// Namespaces where rules are worth more are trusted themselves (power.Special).
	special := "s.a[0] in " + cel.Strings(specialNamespaces...)
	mild := cel.Any(special, cel.Not(dangerous()))
	return []checks.BackstopRule{
		bindingRule(inventory.RoleBindingKind, checks.Medium, elsewhere, cel.Not(mild)),
		bindingRule(inventory.RoleBindingKind, checks.Low, elsewhere, mild),
	}
}

// specialNamespaces are those of power.Special; a test compares.
var specialNamespaces = []string{"kube-system", "kube-public", "gatehouse-system"}
