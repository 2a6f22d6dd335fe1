// SPDX-License-Identifier: Apache-2.0

package auditlog

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/gatehouse-sh/gatehouse/internal/authz"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// suffix of the names of suggested objects, so that they stand beside those of
// today until somebody has compared them.
const suffix = "-least"

// nameOf returns the name of a subject's role in a namespace, or with "" of its
// ClusterRole. It depends on the subject and on what is granted already, not on
// the log, so that a later suggestion replaces an earlier one.
//
// No two subjects share a name: the namespace of an account elsewhere ends at a
// colon, which no such name holds, and users, whose names may hold anything, are
// told apart by a digest. Where a role or a binding that is no earlier suggestion
// has the name, the digest is added to it.
func nameOf(s rbacv1.Subject, namespace string, granted *authz.View) string {
	name := s.Name + suffix
	switch {
	case s.Kind != rbacv1.ServiceAccountKind:
		name = strings.NewReplacer(":", "-", "/", "-", "%", "-").Replace(s.Name) + suffix + "-" + digest(s)
	case s.Namespace != namespace:
		name = s.Namespace + ":" + name
	}
	if granted == nil || isFree(name, s, namespace, *granted) {
		return name
	}
	if s.Kind == rbacv1.ServiceAccountKind {
		name += "-" + digest(s)
	}
	for free, n := name, 2; ; n++ {
		if isFree(free, s, namespace, *granted) {
			return free
		}
		free = fmt.Sprintf("%s-%d", name, n)
	}
}

// digest tells subjects apart: 32 bits of SHA-256.
func digest(s rbacv1.Subject) string {
	sum := sha256.Sum256([]byte(s.Kind + "\x00" + s.Namespace + "\x00" + s.Name))
	return hex.EncodeToString(sum[:4])
}

// isFree reports whether neither a role nor a binding has a name, or both are an
// earlier suggestion for the subject.
func isFree(name string, s rbacv1.Subject, namespace string, granted authz.View) bool {
	role, binding := inventory.Key{Kind: inventory.RoleKind, Namespace: namespace, Name: name}, inventory.Key{Kind: inventory.RoleBindingKind, Namespace: namespace, Name: name}
	if namespace == "" {
		role.Kind, binding.Kind = inventory.ClusterRoleKind, inventory.ClusterBindingKind
	}
	e := granted.Inventory().Entry(binding)
	if e == nil {
		return granted.Inventory().Entry(role) == nil
	}
	b, ok := authz.BoundOf(e.Object)
	if !ok || b.Role() != role {
		return false
	}
	return !slices.ContainsFunc(b.Subjects, func(o rbacv1.Subject) bool {
		return o.Kind != s.Kind || o.Namespace != s.Namespace || o.Name != s.Name
	})
}
