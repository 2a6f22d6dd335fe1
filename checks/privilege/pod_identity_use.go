// SPDX-License-Identifier: Apache-2.0

package privilege

import (
	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/checks/exposure"
	"github.com/gatehouse-sh/gatehouse/internal/authz"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// usedWithoutLeave asks whether the requester may use the account (SA-014).
func usedWithoutLeave() checks.Check {
	off := checks.Actions{Baseline: checks.Ignore, Strict: checks.Ignore}
	return checks.Check{
		ID: "SA-014", Name: "account-used-without-leave",
		Severity: checks.Medium, Actions: off, Kinds: exposure.TemplateKinds(),
		Doc: checks.Doc{
			Title: "Who runs something as a ServiceAccount may use that account",
			Why: "Kubernetes lets whoever may create Pods in a namespace run them as any of its ServiceAccounts. This check asks for a permission of its own: the verb use on the resource serviceaccounts with the account's name, " +
				"which the requester must have by the roles and bindings of the cluster. No cluster grants that verb by itself, so the check is off until a CheckPolicy gives it an action. " +
				"It judges creations and updates that change the account. Kubernetes' own controllers of workloads are not asked, for they run what somebody was asked about; controllers of others need the permission. " +
				"Permissions that another authorizer than RBAC gives are not seen. A file has no requester and a scan neither.",
			Attack:  "runs a Pod as an account that it was never given, and has its permissions",
			Fix:     "grant the requester the verb use on serviceaccounts with the account's name in resourceNames, or choose another account",
			Exempt:  "Operators that start Pods as accounts which they create themselves.",
			Sources: []string{goodPractices + "#workload-creation", rbacDocs + "#restrictions-on-role-creation-or-update"},
		},
		Run: onRunners(judgeUse),
	}
}

func judgeUse(r runner) []checks.Finding {
	who := r.in.Request.User
	if who == "" || r.in.Request.Stored || checks.StartsPods(who) {
		return nil
	}
	if r.in.Old != nil {
		if t, ok := inventory.TemplateOf(r.in.Old); ok && accountOf(t.Spec) == r.account {
			return nil
		}
	}
	may := authz.Request{Verb: "use", Resource: "serviceaccounts", Name: r.account, Namespace: r.key.Namespace}
	if _, allowed := authz.Over(r.in.Inventory).Allowed(authz.User(who, r.in.Request.Groups...), may); allowed {
		return nil
	}
	return []checks.Finding{{
		Subject: "use/" + r.account, Field: r.field + ".serviceAccountName",
		Message: authz.User(who).String() + " may not use " + r.accountKey().String() + ", as which it runs",
	}}
}
