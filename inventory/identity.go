// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"iter"
	"sync"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// RunningAs yields the pods and pod templates of a namespace that run as a
// ServiceAccount.
func (inv *Inventory) RunningAs(namespace, account string) iter.Seq[*Workload] {
	return func(yield func(*Workload) bool) {
		inv.scan(inv.postings[byAccount], byAccount, words{a: namespace, b: account}, matchAB, func(e *Entry) bool { return yield(e.Workload) })
	}
}

// BindingsTo yields the RoleBindings and ClusterRoleBindings whose roleRef
// names a role: a ClusterRole, for which the namespace is not looked at, or a
// Role of a namespace.
func (inv *Inventory) BindingsTo(role Key) iter.Seq[*Entry] {
	pivot := words{a: role.Kind.Kind, b: role.Namespace, c: role.Name}
	if role.Kind == ClusterRoleKind {
		pivot.b = ""
	}
	return func(yield func(*Entry) bool) {
		inv.scan(inv.postings[byRole], byRole, pivot, matchABC, yield)
	}
}

// BindingsOf yields the bindings that list a subject of a kind: "User", "Group"
// or "ServiceAccount", which alone has a namespace.
func (inv *Inventory) BindingsOf(kind, namespace, name string) iter.Seq[*Entry] {
	return func(yield func(*Entry) bool) {
		inv.scanLane(inv.postings[bySubject], laneOf(kind), bySubject, words{kind, namespace, name}, matchABC, yield)
	}
}

// BindingsOfUsers yields the bindings that list a User whose name begins with a
// prefix, once for each name.
func (inv *Inventory) BindingsOfUsers(prefix string) iter.Seq[*Entry] {
	return func(yield func(*Entry) bool) {
		inv.scanPrefix(bySubject, laneUser, words{a: rbacv1.UserKind, c: prefix}, yield)
	}
}

// BindingsWithin yields the bindings that list a ServiceAccount of a namespace,
// once for each account that they list.
func (inv *Inventory) BindingsWithin(namespace string) iter.Seq[*Entry] {
	return func(yield func(*Entry) bool) {
		inv.scan(inv.postings[bySubject], bySubject, words{a: "ServiceAccount", b: namespace}, matchAB, yield)
	}
}

// BoundWithin is BindingsWithin with the name of the account.
func (inv *Inventory) BoundWithin(namespace string) iter.Seq2[string, *Entry] {
	return func(yield func(string, *Entry) bool) {
		inv.scanWords(bySubject, words{a: rbacv1.ServiceAccountKind, b: namespace}, matchAB, func(w *words, e *Entry) bool { return yield(w.c, e) })
	}
}

// Memo keeps what was worked out of the roles, bindings and ServiceAccounts of
// a version and of nothing else. Every version with the same such objects has
// the same memo, so an answer outlives the changes of other objects; a version
// that differs in one has an empty memo of its own. The keys belong to
// internal/authz. Safe for concurrent use.
func (inv *Inventory) Memo() *sync.Map {
	inv.noteMemo()
	return inv.memo
}

// identifies reports whether objects of a kind decide who may do what.
func identifies(k schema.GroupKind) bool {
	return k == ServiceAccountKind || k.Group == RoleKind.Group && (k == RoleKind || k == ClusterRoleKind || k == RoleBindingKind || k == ClusterBindingKind)
}
