// SPDX-License-Identifier: Apache-2.0

package custom

import (
	"github.com/gatehouse-sh/gatehouse/checks"
)

// backstop is the check in the words of a ValidatingAdmissionPolicy, where it is
// at home. What such a policy does not know is that an update may keep a fault: for
// that, the expressions are there a second time, about the older object.
func (c *compiled) backstop(d *Definition) *checks.Backstop {
	out := &checks.BackstopPolicy{}
	past, whole := true, true // the conditions can be asked of the older object; all can
	for i, m := range d.MatchConditions {
		out.Conditions = append(out.Conditions, checks.BackstopVariable{Name: m.Name, Expression: m.Expression})
		out.OlderConditions = append(out.OlderConditions, c.conditions[i].older)
		past = past && c.conditions[i].older != ""
	}
	named := map[string]bool{} // variables that can be asked of the older object
	for i, v := range d.Variables {
		out.Variables = append(out.Variables, checks.BackstopVariable{Name: v.Name, Expression: v.Expression})
		if older := c.variables[i].older; older != "" {
			named[v.Name] = true
			out.Variables = append(out.Variables, checks.BackstopVariable{Name: olderPrefix + v.Name, Expression: older})
		}
	}
	for i, v := range d.Validations {
		compiled := &c.validations[i]
		one := checks.BackstopValidation{
			Subject: v.Name, Field: v.Field, Expression: v.Expression, Message: compiled.text, MessageExpression: v.MessageExpression, Change: compiled.step,
		}
		if past && len(named) == len(d.Variables) {
			one.Older = compiled.older
		}
		whole = whole && (one.Change || one.Older != "")
		out.Validations = append(out.Validations, one)
	}
	if !past {
		out.OlderConditions = nil
	}
	partial := ""
	if !whole {
		partial = "updates, where a macro calls something object or variables"
	}
	return &checks.Backstop{Partial: partial, Policy: out}
}
