// SPDX-License-Identifier: Apache-2.0

package differential

import (
	"testing"

	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/authorization/authorizerfactory"
	"k8s.io/apiserver/pkg/authorization/union"
	"k8s.io/kubernetes/pkg/registry/rbac/validation"
	"k8s.io/kubernetes/plugin/pkg/auth/authorizer/rbac"
)

// decider answers a question. It may be called by many goroutines.
type decider func(question) bool

// inTree is what an API server with --authorization-mode=RBAC asks, over a
// settled universe: everything for system:masters, then RBAC.
func inTree(t testing.TB, settled *universe) decider {
	t.Helper()
	_, objects := validation.NewTestRuleResolver(settled.roles, settled.roleBindings, settled.clusterRoles, settled.clusterRoleBindings)
	kubernetes := union.New(
		authorizerfactory.NewPrivilegedGroups(user.SystemPrivilegedGroup),
		rbac.New(objects, objects, objects, objects),
	)
	return func(q question) bool {
		decision, _, err := kubernetes.Authorize(t.Context(), q.attributes())
		if err != nil {
			t.Errorf("ask the in-tree authorizer: %v", err)
		}
		return decision == authorizer.DecisionAllow
	}
}

// gatehouse is internal/authz over a universe.
func gatehouse(u *universe) decider {
	view := u.view()
	return func(q question) bool {
		_, allowed := view.Allowed(q.subject(), q.Request)
		return allowed
	}
}
