// SPDX-License-Identifier: Apache-2.0

package privilege

import (
	"fmt"
	"slices"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/authz"
	"github.com/gatehouse-sh/gatehouse/internal/authz/power"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// changedAccount flags updates that give a workload a more powerful account
// (SA-008).
func changedAccount() checks.Check {
	return checks.Check{
		ID: "SA-008", Name: "account-gains-powers",
		Severity: checks.High, Actions: stricter, Kinds: templatesOnly(),
		Doc: checks.Doc{
			Title: "A workload does not change to a more powerful ServiceAccount",
			Why: "Who may change a Deployment may let it run as any ServiceAccount of the namespace, and so has what that account has. An update of serviceAccountName is judged by the permissions of both accounts, what they can become included: " +
				"one that brings a dangerous permission which the old account has not is refused, one to an equal or weaker account passes, and so does one to an account that the old one could become already, by running Pods, reading Secrets and the like. What is gained has the severity that its own check gives it; less than medium is no finding. " +
				"A new workload is judged by the roles that its account is bound to, and by whether it is exposed. Pods cannot change their account.",
			Attack: "makes a workload that it may edit run as an account that may do more",
			Fix:    "keep the account and grant it what the workload needs, or let an administrator make the change",
			Exempt: "A deployment tool that takes a workload from default to an account of its own.",
			Sources: []string{
				goodPractices + "#workload-creation",
				"https://open-policy-agent.github.io/gatekeeper-library/website/validation/noupdateserviceaccount",
				"https://github.com/kyverno/policies/tree/main/other/restrict-pod-controller-serviceaccount-updates",
			},
		},
		Run: onRunners(judgeChangedAccount),
	}
}

func judgeChangedAccount(r runner) []checks.Finding {
	if r.in.Old == nil {
		return nil
	}
	t, ok := inventory.TemplateOf(r.in.Old)
	if !ok {
		return nil
	}
	old := accountOf(t.Spec)
	if old == r.account {
		return nil
	}
	v := authz.Over(r.in.Inventory)
	before, after := power.Effective(v, authz.ServiceAccount(r.key.Namespace, old)), power.Effective(v, r.subject())
	if before.Everyone || slices.Contains(before.Reaches, r.key.Namespace) {
		return nil // it could become the new one before
	}
	gained := gainedBy(before, after)
	f := checks.Finding{
		Subject: "serviceAccountName/" + r.account, Field: r.field + ".serviceAccountName",
		Message: fmt.Sprintf("changes from account %s to %s, which may ", old, r.account),
	}
	switch {
	case len(gained) > 0:
		h := &gained[0]
		f.Severity = max(h.Severity, worstGained(before, after))
		f.Message += h.Power.Can + inScope(h.Grant.Namespace)
		if more := len(gained) - 1; more > 0 {
			f.Message += fmt.Sprintf(", and has %s more that %s has not", counted(more, "power"), old)
		}
		f.Path = []string{r.key.String(), r.accountKey().String(), h.Grant.Binding.String(), h.Grant.Role.String()}
	case worstGained(before, after) >= checks.Medium:
		last := after.Steps[len(after.Steps)-1]
		f.Severity = after.Severity
		f.Message += "become " + last.Subject.String()
		f.Path = append([]string{r.key.String()}, after.Path()...)
	default:
		return nil
	}
	return []checks.Finding{f}
}

// worstGained is how severe the second is, where that is more than the first.
func worstGained(before, after *power.Effect) checks.Severity {
	if after.Severity > before.Severity && len(after.Steps) > 0 {
		return after.Severity
	}
	return checks.SeverityUnset
}

// gainedBy returns the powers of the second that count and that the first has not,
// the most severe first.
func gainedBy(before, after *power.Effect) []power.Held {
	return slices.DeleteFunc(slices.Clone(after.Direct), func(h power.Held) bool {
		return h.Severity < checks.Medium || slices.ContainsFunc(before.Direct, func(had power.Held) bool { return heldWithin(&had, &h) })
	})
}

// heldWithin reports whether one power holds another: the same at least as severe, or
// everything, where the other holds.
func heldWithin(had, h *power.Held) bool {
	if had.Grant.Namespace != "" && had.Grant.Namespace != h.Grant.Namespace {
		return false
	}
	return had.Power.ID == starPower || had.Power.ID == h.Power.ID && had.Severity >= h.Severity
}

// starPower is the power of rules that allow everything.
const starPower = "RBAC-001"

func inScope(namespace string) string {
	if namespace == "" {
		return " in the whole cluster"
	}
	return " in namespace " + namespace
}
