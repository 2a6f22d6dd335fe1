// SPDX-License-Identifier: Apache-2.0

package custom

import (
	"errors"
	"fmt"
	"strings"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	celconfig "k8s.io/apiserver/pkg/apis/cel"

	"github.com/gatehouse-sh/gatehouse/checks"
)

// unjudged ends the subject of a finding which says that an expression failed. It
// is another fault than the one that the expression looks for: an exemption of the
// one does not cover the other.
const unjudged = "/not-judged"

var (
	errBudget     = fmt.Errorf("the custom checks of the policy have used up their common cost budget of %d", celconfig.RuntimeCELCostBudget)
	errConditions = fmt.Errorf("the match conditions cost more than %d", celconfig.RuntimeCELCostBudgetMatchConditions)
	errTooLong    = errors.New("the time of the verdict is over") // which nobody reads: there is no verdict then
	errNoCost     = errors.New("its cost is not known")
	errNoOld      = errors.New("the older object could not be read")
)

// run is the check's Run. What an expression could not decide is a finding with
// the check's action, never silence: an API server with failurePolicy Fail refuses
// too.
func (c *compiled) run(in checks.Input) []checks.Finding {
	e := newEvaluation(c, in)
	judges, failed := e.matches()
	switch {
	case failed != nil && in.Request.Before:
		return nil
	case failed != nil:
		return []checks.Finding{*failed}
	case !judges:
		return nil
	}
	var out []checks.Finding
	for i := range c.validations {
		v := &c.validations[i]
		if in.Request.Before && v.step {
			continue
		}
		f := e.validate(v)
		// That an older object cannot be judged excuses nothing: what cannot be judged
		// now is refused, whatever was there.
		if f == nil || in.Request.Before && strings.HasSuffix(f.Subject, unjudged) {
			continue
		}
		out = append(out, *f)
	}
	return out
}

// matches reports whether the check judges the object. As in Kubernetes, a
// condition that is false decides even when another one fails.
// https://github.com/kubernetes/apiserver/blob/v0.37.2/pkg/admission/plugin/webhook/matchconditions/matcher.go
func (e *evaluation) matches() (bool, *checks.Finding) {
	e.inConditions = true
	defer func() { e.inConditions = false }()
	var failed *checks.Finding
	for i := range e.check.conditions {
		c := &e.check.conditions[i]
		value, err := e.eval(c)
		switch {
		case err == nil && value == types.False:
			return false, nil
		case err != nil && failed == nil:
			failed = e.failure(c, "match", "", err)
		}
	}
	return failed == nil, failed
}

// validate returns what a validation finds; nil when it is true.
func (e *evaluation) validate(v *validation) *checks.Finding {
	value, err := e.eval(&v.expression)
	switch {
	case err != nil:
		return e.failure(&v.expression, v.name, v.field, err)
	case value == types.True:
		return nil
	}
	return &checks.Finding{Subject: v.name, Field: v.field, Message: e.message(v)}
}

// message is what the finding of a validation says. A messageExpression that fails
// or whose value is no good line counts for nothing, as in
// https://github.com/kubernetes/apiserver/blob/v0.37.2/pkg/admission/plugin/policy/validating/validator.go
func (e *evaluation) message(v *validation) string {
	if v.message == nil {
		return v.text
	}
	value, err := e.eval(v.message)
	if err != nil {
		return v.text
	}
	text, _ := value.Value().(string) // its type was checked; "" counts for nothing
	text = strings.TrimSpace(text)
	if text == "" || len(text) > celconfig.MaxEvaluatedMessageExpressionSizeBytes || strings.ContainsAny(text, "\n") {
		return v.text
	}
	return text
}

// failure says that an expression could not be evaluated. Where nobody asked an API
// server, what it would have said of the request or of the namespace is missing,
// and that is no fault of the object.
func (e *evaluation) failure(x *expression, subject, field string, err error) *checks.Finding {
	out := &checks.Finding{Subject: subject + unjudged, Field: field, Message: "cannot be judged: " + x.at + ": " + x.position(err) + err.Error()}
	noNamespace := e.namespace == types.NullValue && e.in.Object.GetNamespace() != ""
	if e.in.Request.Admission == nil && (x.reads&readsRequest != 0 || x.reads&readsNamespace != 0 && noNamespace) {
		out.Certainty = checks.Undetermined
	}
	return out
}

// position is where an expression failed, as "1:14: "; empty when that is not known.
func (x *expression) position(err error) string {
	var failed *types.Err
	if x.source == nil || !errors.As(err, &failed) || failed.NodeID() == 0 {
		return ""
	}
	at := x.source.GetStartLocation(failed.NodeID())
	if at.Line() < 1 {
		return ""
	}
	return fmt.Sprintf("%d:%d: ", at.Line(), at.Column()+1)
}

// eval evaluates one expression and counts its cost, and that of the variables that
// it is the first to use.
func (e *evaluation) eval(x *expression) (ref.Val, error) {
	if x.program == nil {
		return nil, errors.New("it was not compiled")
	}
	if e.spent > celconfig.RuntimeCELCostBudget {
		return nil, errBudget
	}
	if x.reads&readsOldObject != 0 && e.in.Old == nil && e.in.Request.Operation == checks.Update {
		return nil, errNoOld // it is too large; null would say that there was none
	}
	if e.ctx.Err() != nil {
		return nil, errTooLong
	}
	value, details, err := x.program.ContextEval(e.ctx, e)
	failed := e.charge(details)
	switch {
	case err != nil && e.ctx.Err() != nil:
		return nil, errTooLong
	case failed != nil:
		return nil, failed
	}
	return value, err
}

// charge adds a cost to what was spent. It fails when that is too much.
func (e *evaluation) charge(details *cel.EvalDetails) error {
	cost := details.ActualCost()
	if cost == nil {
		e.spend(celconfig.PerCallLimit)
		return errNoCost
	}
	e.spend(int64(min(*cost, celconfig.RuntimeCELCostBudget+1)))
	switch {
	case e.spent > celconfig.RuntimeCELCostBudget:
		return errBudget
	case e.inConditions && e.conditions > celconfig.RuntimeCELCostBudgetMatchConditions:
		return errConditions
	}
	return nil
}

// spend counts a cost against the budget that all custom checks of one evaluation
// share, and against that of this check's own run.
func (e *evaluation) spend(cost int64) {
	e.spent = max(e.in.Spend(cost), e.spent+cost)
	if e.inConditions {
		e.conditions += cost
	}
}
