// SPDX-License-Identifier: Apache-2.0

package differential

import (
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/gatehouse-sh/gatehouse/internal/authz"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// universe is all RBAC objects of a cluster.
type universe struct {
	roles               []*rbacv1.Role
	clusterRoles        []*rbacv1.ClusterRole
	roleBindings        []*rbacv1.RoleBinding
	clusterRoleBindings []*rbacv1.ClusterRoleBinding
}

func (u *universe) clone() *universe {
	out := &universe{}
	for _, o := range u.roles {
		out.roles = append(out.roles, o.DeepCopy())
	}
	for _, o := range u.clusterRoles {
		out.clusterRoles = append(out.clusterRoles, o.DeepCopy())
	}
	for _, o := range u.roleBindings {
		out.roleBindings = append(out.roleBindings, o.DeepCopy())
	}
	for _, o := range u.clusterRoleBindings {
		out.clusterRoleBindings = append(out.clusterRoleBindings, o.DeepCopy())
	}
	return out
}

func (u *universe) objects() []inventory.Object {
	var out []inventory.Object
	for _, o := range u.roles {
		out = append(out, o)
	}
	for _, o := range u.clusterRoles {
		out = append(out, o)
	}
	for _, o := range u.roleBindings {
		out = append(out, o)
	}
	for _, o := range u.clusterRoleBindings {
		out = append(out, o)
	}
	return out
}

// view is what Gatehouse sees of the universe. The inventory gets copies, so
// that nothing it does to them reaches Kubernetes' side.
func (u *universe) view() authz.View {
	return authz.Over(inventory.New(u.clone().objects()...))
}

// yaml is the universe as kubectl takes it.
func (u *universe) yaml(t testing.TB) string {
	t.Helper()
	c := u.clone()
	for _, o := range c.roles {
		o.APIVersion, o.Kind = rbacv1.SchemeGroupVersion.String(), "Role"
	}
	for _, o := range c.clusterRoles {
		o.APIVersion, o.Kind = rbacv1.SchemeGroupVersion.String(), "ClusterRole"
	}
	for _, o := range c.roleBindings {
		o.APIVersion, o.Kind = rbacv1.SchemeGroupVersion.String(), "RoleBinding"
	}
	for _, o := range c.clusterRoleBindings {
		o.APIVersion, o.Kind = rbacv1.SchemeGroupVersion.String(), "ClusterRoleBinding"
	}
	var out strings.Builder
	for _, o := range c.objects() {
		o.SetManagedFields(nil)
		o.SetResourceVersion("")
		o.SetUID("")
		o.SetCreationTimestamp(metav1.Time{})
		raw, err := yaml.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		out.WriteString("---\n")
		out.Write(raw)
	}
	return out.String()
}
