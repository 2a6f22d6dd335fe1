// SPDX-License-Identifier: Apache-2.0

// Package privilege holds the RBAC and SA checks: what roles, bindings and
// ServiceAccounts let their holders do. It judges one object against an
// inventory and knows nothing of webhooks, policies or files.
//
// Which permissions are dangerous, and how severe they are, stands in
// internal/authz/power; the checks here explain each entry of that table and
// judge the role that grants it (rolePower).
package privilege

import (
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// All lists the checks of this package.
func All() []checks.Check {
	return withBackstops(slices.Concat(
		formChecks(), administrationChecks(), identityChecks(), workloadChecks(), nodeChecks(), controlChecks(), dataChecks(),
		extensionChecks(), combinationChecks(), bindingChecks(),
		accountChecks(), identityOfPods(),
	))
}

var (
	roles        = []schema.GroupKind{inventory.RoleKind, inventory.ClusterRoleKind}
	clusterRoles = []schema.GroupKind{inventory.ClusterRoleKind}
)
