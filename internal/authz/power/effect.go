// SPDX-License-Identifier: Apache-2.0

package power

import (
	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/authz"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// Held is a power of a subject and where it has it from.
type Held struct {
	Hold
	Grant authz.Grant
}

// Step is one stage of an escalation: the subject uses a power to become the
// next one.
type Step struct {
	Subject authz.Subject
	Held    Held
}

// Effect is what a subject can do in the end. It is shared and read-only; the
// zero value is a subject without powers.
type Effect struct {
	Subject  authz.Subject
	Severity checks.Severity // SeverityUnset: nothing dangerous

	// Direct are the subject's own powers, the most severe first.
	Direct []Held

	// Steps lead to the worst: through none or more powers by which the subject
	// becomes, to the power that does the harm, which is the last. A
	// shorter way is preferred among equally severe ones. Empty when there is
	// nothing dangerous.
	Steps []Step

	// Reaches are the namespaces whose ServiceAccounts the subject can become,
	// ordered; Everyone says that they are all, and Reaches is empty then.
	Reaches  []string
	Everyone bool
}

// effectOf and directOf are keys of the memo.
type (
	effectOf   struct{ namespace, account string }
	directOf   struct{ name string }
	powerfulOf struct{ namespace string }
	holdsOf    struct {
		role  inventory.Key
		scope Scope // its namespace is "", kube-system or "-" for any other
	}
)

// Effective works out what a subject can do, escalation included. Answers about
// ServiceAccounts are kept in the inventory's memo.
func Effective(v authz.View, s authz.Subject) *Effect {
	if namespace, name, account := s.Account(); account {
		return EffectiveAccount(v, namespace, name)
	}
	return escalate(v, s)
}

// EffectiveAccount is Effective for a ServiceAccount.
func EffectiveAccount(v authz.View, namespace, name string) *Effect {
	e, _ := v.Inventory().Once(effectOf{namespace, name}, func(inv *inventory.Inventory) any {
		return escalate(authz.Over(inv), authz.ServiceAccount(namespace, name))
	}).(*Effect)
	return e
}

// Path returns the way to the worst as a reader follows it: the subject, the
// binding and the role that give the power, what it allows, and so on with whom
// it becomes. Empty when there is nothing dangerous.
func (e *Effect) Path() []string {
	var out []string
	for i, s := range e.Steps {
		h := s.Held
		out = append(out, s.Subject.String(), h.Grant.Binding.String(), h.Grant.Role.String()+" (may "+h.Power.Can+where(h.Grant.Namespace)+")")
		if i == len(e.Steps)-1 && e.Severity == checks.Critical && h.Severity < checks.Critical {
			out = append(out, "every ServiceAccount")
		}
	}
	return out
}

func where(namespace string) string {
	if namespace == "" {
		return " everywhere"
	}
	return " in " + namespace
}
