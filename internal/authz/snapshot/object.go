// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/inventory"
)

func (n Name) meta() metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: n.Namespace, Name: n.Name}
}

func (r *Role) object() inventory.Object {
	if r.Namespace == "" {
		return &rbacv1.ClusterRole{ObjectMeta: r.meta(), Rules: r.Rules}
	}
	return &rbacv1.Role{ObjectMeta: r.meta(), Rules: r.Rules}
}

func (b *Binding) object() inventory.Object {
	if b.Namespace == "" {
		return &rbacv1.ClusterRoleBinding{ObjectMeta: b.meta(), RoleRef: b.RoleRef, Subjects: b.Subjects}
	}
	return &rbacv1.RoleBinding{ObjectMeta: b.meta(), RoleRef: b.RoleRef, Subjects: b.Subjects}
}

func account(n Name) inventory.Object {
	return &corev1.ServiceAccount{ObjectMeta: n.meta()}
}
