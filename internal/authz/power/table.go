// SPDX-License-Identifier: Apache-2.0

package power

import (
	"cmp"
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
)

// Verbs that come together in the patterns.
var (
	write  = []string{"create", "update", "patch"}
	change = []string{"update", "patch"}
	modify = []string{"create", "update", "patch", "delete", "deletecollection"}
	remove = []string{"delete", "deletecollection"}
	read   = []string{"get", "list", "watch"}
)

// API groups that come often.
const (
	rbacGroup  = rbacv1.GroupName
	admission  = "admissionregistration.k8s.io"
	csr        = "certificates.k8s.io"
	authn      = "authentication.k8s.io"
	networking = "networking.k8s.io"
	gatewayAPI = "gateway.networking.k8s.io"
)

var core = []string{""}

func on(groups []string, verbs []string, resources ...string) Pattern {
	return Pattern{Groups: groups, Resources: resources, Verbs: verbs}
}

// named limits a pattern to objects.
func (t Pattern) named(names ...string) Pattern { t.Names = names; return t }

// except leaves objects out.
func (t Pattern) except(names ...string) Pattern { t.Except = names; return t }

// most limits what a pattern is worth.
func (t Pattern) most(s checks.Severity) Pattern { t.Most = s; return t }

// clusterOnly marks a pattern whose resources have no namespace.
func (t Pattern) clusterOnly() Pattern { t.ClusterOnly = true; return t }

// within limits a pattern to a namespace.
func (t Pattern) within(namespace string) Pattern { t.Namespace = namespace; return t }

// insideOwn limits a pattern to grants in the namespace of Gatehouse.
func (t Pattern) insideOwn() Pattern {
	t.Inside, t.Namespace = true, ownNamespace
	return t
}

func group(names ...string) []string { return names }

// table is every power, ordered by id. The severities are those of the
// catalogue: Wide for the whole cluster, Narrow for one namespace.
var table = sorted(slices.Concat(administration, identities, workloads, nodes, control, network, data, delegation, combinations))

func sorted(list []Power) []Power {
	slices.SortFunc(list, func(a, b Power) int { return cmp.Compare(a.ID, b.ID) })
	return list
}

// administration is being, or making oneself, an administrator.
var administration = []Power{
	{
		ID: "RBAC-001", Name: "full-control", Can: "do everything",
		// Also within one namespace: it holds every other power there, some of which are critical.
		Wide: checks.Critical, Narrow: checks.Critical, Becomes: Accounts, whole: isEverything,
	},
	{
		ID: "RBAC-010", Name: "escalate-roles", Can: "write roles that grant more than its own rights",
		Wide: checks.Critical, Narrow: checks.Critical, Becomes: Accounts,
		Any: []Pattern{
			// A name is no limit: what may be written into the one role is anything.
			on(group(rbacGroup), []string{"escalate"}, "roles").named("*"),
			on(group(rbacGroup), []string{"escalate"}, "clusterroles").clusterOnly().named("*"),
		},
	},
	{
		ID: "RBAC-011", Name: "bind-roles", Can: "bind roles that grant more than its own rights",
		Wide: checks.Critical, Narrow: checks.High, System: checks.Critical, Becomes: Accounts,
		Any: []Pattern{
			on(group(rbacGroup), []string{"bind"}, "clusterroles").named("cluster-admin", "admin", "edit", "system:*"),
			on(group(rbacGroup), []string{"bind"}, "clusterroles", "roles"),
		},
	},
	{
		ID: "RBAC-013", Name: "write-rbac", Can: "write roles and bindings",
		Wide: checks.Critical, Narrow: checks.High, System: checks.Critical, Becomes: Nobody,
		Any: []Pattern{
			on(group(rbacGroup), write, "rolebindings", "roles"),
			on(group(rbacGroup), write, "clusterrolebindings", "clusterroles").clusterOnly(),
			// OpenShift's older API of the same objects:
			// https://github.com/openshift/api/blob/master/authorization/v1/types.go
			on(group("authorization.openshift.io"), write, "rolebindings", "roles"),
			on(group("authorization.openshift.io"), write, "clusterrolebindings", "clusterroles").clusterOnly(),
			// Rancher makes RBAC objects of these:
			// https://github.com/rancher/rancher/blob/main/pkg/apis/management.cattle.io/v3/authz_types.go
			on(group("management.cattle.io"), write, "clusterroletemplatebindings", "projectroletemplatebindings"),
			on(group("management.cattle.io"), write, "globalrolebindings", "globalroles", "roletemplates").clusterOnly(),
		},
	},
}

// identities is acting as somebody else.
var identities = []Power{
	{
		ID: "RBAC-012", Name: "impersonate", Can: "impersonate others",
		Wide: checks.Critical, Narrow: checks.Critical, Named: checks.Medium, Becomes: Accounts,
		Any: []Pattern{
			on(core, []string{"impersonate"}, "serviceaccounts"),
			on(group(authn), []string{"impersonate:serviceaccount"}, "serviceaccounts"),
			on(core, []string{"impersonate"}, "users", "groups").clusterOnly().named("system:*", "kubeadm:cluster-admins", "kubernetes-admin"),
			on(core, []string{"impersonate"}, "users", "groups").clusterOnly(),
			on(group(authn), []string{"impersonate"}, "uids", "userextras/*").clusterOnly(),
			on(group(authn), []string{"impersonate:user-info"}, "users", "groups", "uids", "userextras/*").clusterOnly(),
			on(group(authn), []string{"impersonate:arbitrary-node"}, "nodes").clusterOnly().named("*"),
			on(group(authn), []string{"impersonate:associated-node"}, "nodes").clusterOnly().most(checks.Medium),
		},
	},
	{
		ID: "RBAC-020", Name: "read-secrets", Can: "read Secrets",
		Wide: checks.Critical, Narrow: checks.High, System: checks.Critical, Becomes: Accounts,
		Any: []Pattern{on(core, read, "secrets")},
	},
	{
		ID: "RBAC-021", Name: "write-secrets", Can: "write Secrets",
		Wide: checks.Critical, Narrow: checks.High, System: checks.Critical, Becomes: Nobody,
		Any: []Pattern{on(core, write, "secrets")},
	},
	{
		ID: "RBAC-022", Name: "mint-tokens", Can: "request tokens of ServiceAccounts",
		Wide: checks.Critical, Narrow: checks.High, System: checks.Critical, Named: checks.Medium, Becomes: Accounts,
		Any: []Pattern{on(core, []string{"create"}, "serviceaccounts/token")},
	},
	{
		ID: "RBAC-023", Name: "write-service-accounts", Can: "write ServiceAccounts",
		Wide: checks.High, Narrow: checks.Medium, System: checks.High, Becomes: Nobody,
		Any: []Pattern{on(core, write, "serviceaccounts")},
	},
}
