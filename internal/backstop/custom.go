// SPDX-License-Identifier: Apache-2.0

package backstop

import (
	"cmp"
	"strings"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/checks/cel"
	"github.com/gatehouse-sh/gatehouse/internal/exempt"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// customParts are the parts of a custom check: one for its kinds with a namespace,
// one for those without. Each becomes a policy, for what the check calls variables
// are its own.
func customParts(c checks.Check, exemptions []exempt.Exemption) ([]*part, error) {
	places, err := scoped(c, c.Kinds)
	if err != nil {
		return nil, err
	}
	kinds := map[bool][]inventory.Kind{}
	for _, at := range places {
		kinds[at.cluster] = append(kinds[at.cluster], at.kinds...)
	}
	var out []*part
	for _, cluster := range []bool{false, true} {
		if list := kinds[cluster]; len(list) > 0 {
			out = append(out, &part{check: c, key: partKey{severity: c.Severity, custom: c.ID, cluster: cluster}, kinds: list, exemptions: exemptions})
		}
	}
	return out, nil
}

// customPrefix begins the names of the conditions of the check, which may be those
// that every policy has.
const customPrefix = "check-"

// writeCustom writes the check into its policy: as it stands, and besides that an
// update may keep a fault, and that exemptions count.
func (p *part) writeCustom(out *admissionregistrationv1.ValidatingAdmissionPolicy) {
	own := p.check.Backstop.Policy
	for _, c := range own.Conditions {
		out.Spec.MatchConditions = append(out.Spec.MatchConditions, admissionregistrationv1.MatchCondition{Name: customPrefix + c.Name, Expression: c.Expression})
	}
	for _, v := range own.Variables {
		out.Spec.Variables = append(out.Spec.Variables, admissionregistrationv1.Variable{Name: v.Name, Expression: v.Expression})
	}
	for i := range own.Validations {
		v := &own.Validations[i]
		head, tail := p.check.ID+" "+p.check.Name+" ("+p.key.severity.String()+") at "+cmp.Or(v.Field, v.Subject)+": ", ". Change: "+p.check.Doc.Fix
		one := admissionregistrationv1.Validation{
			// Not "or", which hides that the expression failed: nothing excuses that.
			Expression: cel.If(grouped(v.Expression), "true", cel.Any(kept(own, v), p.excusedSubject(v.Subject))),
			Message:    head + v.Message + tail,
			Reason:     new(metav1.StatusReasonForbidden),
		}
		if v.MessageExpression != "" {
			one.MessageExpression = cel.Quote(head) + " + " + grouped(v.MessageExpression) + " + " + cel.Quote(tail)
		}
		out.Spec.Validations = append(out.Spec.Validations, one)
	}
	out.Annotations = annotations([]string{p.check.ID}, p.exemptions)
}

// grouped puts an expression of a user in brackets.
func grouped(expression string) string { return "(" + ended(expression) + ")" }

// ended lets something follow an expression of a user, which may end in a comment.
func ended(expression string) string {
	if strings.Contains(expression, "//") {
		return expression + "\n"
	}
	return expression
}

// kept is true of an update whose older object the check found the same fault in;
// empty for a validation that judges the change itself.
func kept(own *checks.BackstopPolicy, v *checks.BackstopValidation) string {
	const update = `request.operation == "UPDATE"`
	if v.Change {
		return ""
	}
	if v.Older == "" {
		return update
	}
	all := []string{update}
	for _, c := range own.OlderConditions {
		all = append(all, grouped(c))
	}
	return cel.All(append(all, "!"+grouped(v.Older))...)
}

// excusedSubject is true where an exemption covers the fault of a validation; empty
// without exemptions.
func (p *part) excusedSubject(subject string) string {
	if len(p.exemptions) == 0 {
		return ""
	}
	return cel.Let("f", cel.Quote(subject), excused(p.exemptions))
}
