// SPDX-License-Identifier: Apache-2.0

package power

import (
	"cmp"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/gatehouse-sh/gatehouse/internal/authz"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// powerful returns the names of the ServiceAccounts of a namespace that have powers
// of their own, ordered. To become another leads nowhere.
func powerful(v authz.View, namespace string) []string {
	list, _ := v.Inventory().Once(powerfulOf{namespace}, func(inv *inventory.Inventory) any {
		v := authz.Over(inv)
		for _, group := range [...]string{authz.AccountGroup, authz.AccountGroupPrefix + namespace, authz.Authenticated} {
			for e := range inv.BindingsOf(rbacv1.GroupKind, "", group) {
				if mayHold(v, e) {
					return accounts(v, namespace)
				}
			}
		}
		var out []string
		for e := range inv.BindingsWithin(namespace) {
			before := len(out)
			out = appendAccounts(out, e, namespace)
			if slices.ContainsFunc(out[before:], func(name string) bool { return strings.Contains(name, ":") }) {
				return accounts(v, namespace) // such a name means accounts of other namespaces too
			}
			if !mayHold(v, e) {
				out = out[:before]
			}
		}
		for e := range inv.BindingsOfUsers(authz.AccountPrefix + namespace + ":") {
			if mayHold(v, e) {
				return accounts(v, namespace) // of which this is another spelling
			}
		}
		slices.Sort(out)
		return slices.Compact(out)
	}).([]string)
	return list
}

// mayHold is a quick look at whether a binding gives a power.
func mayHold(v authz.View, e *inventory.Entry) bool {
	b, ok := authz.BoundOf(e.Object)
	if !ok {
		return false
	}
	rules, _ := v.Rules(b.Role())
	return possible(rules) != 0
}

// appendAccounts adds the accounts of a namespace that a binding lists.
func appendAccounts(out []string, e *inventory.Entry, namespace string) []string {
	b, _ := authz.BoundOf(e.Object)
	for i := range b.Subjects {
		s := &b.Subjects[i]
		if s.Kind == rbacv1.ServiceAccountKind && cmp.Or(s.Namespace, b.Key.Namespace) == namespace {
			out = append(out, s.Name)
		}
	}
	return out
}

// accounts returns the ServiceAccounts of a namespace: those that exist and those
// that bindings list, which exist as soon as somebody creates them. Ordered.
func accounts(v authz.View, namespace string) []string {
	var out []string
	for e := range v.Inventory().Entries(inventory.ServiceAccountKind, namespace) {
		out = append(out, e.Key.Name)
	}
	for e := range v.Inventory().BindingsWithin(namespace) {
		out = appendAccounts(out, e, namespace)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
