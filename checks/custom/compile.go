// SPDX-License-Identifier: Apache-2.0

package custom

import (
	"fmt"
	"strings"

	"github.com/google/cel-go/cel"
	celast "github.com/google/cel-go/common/ast"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"k8s.io/apiserver/pkg/cel/library"
)

// compiled is a check ready to run. It does not change, and is safe for concurrent
// use.
type compiled struct {
	conditions  []expression
	variables   []variable
	validations []validation
}

type variable struct {
	name string
	expression
}

type validation struct {
	expression
	name, text, field string
	message           *expression // nil: text says it

	// step says that the outcome depends on the request or on the older object. Such
	// a validation judges a change, so an older object cannot have the fault already.
	step bool
}

// expression is a program and where it stands.
type expression struct {
	at      string // "validations[0].expression"
	text    string
	program cel.Program
	source  *celast.SourceInfo
	reads   reads

	// older is the text that says of the older object what text says of the new
	// one; empty where there is none (aboutOlder).
	older string
}

// compiler collects the faults of a check.
type compiler struct {
	*scope
	reads  map[string]reads // of the variables so far
	faults []Fault
}

func compile(d *Definition) (*compiled, []Fault) {
	s, err := newScope(len(d.Variables) > 0)
	if err != nil {
		return &compiled{}, []Fault{{Path: "validations", Message: err.Error()}}
	}
	c, out := &compiler{scope: s, reads: map[string]reads{}}, &compiled{}
	for i, v := range d.Variables {
		e, t := c.expression(fmt.Sprintf("variables[%d].expression", i), v.Expression, nil)
		c.add(v.Name, t)
		c.reads[v.Name] = e.reads
		out.variables = append(out.variables, variable{v.Name, e})
	}
	var conditions reads
	for i, m := range d.MatchConditions {
		e, _ := c.expression(fmt.Sprintf("matchConditions[%d].expression", i), m.Expression, cel.BoolType)
		conditions |= e.reads
		out.conditions = append(out.conditions, e)
	}
	for i, v := range d.Validations {
		out.validations = append(out.validations, c.validation(i, &v, conditions))
	}
	return out, c.faults
}

func (c *compiler) validation(i int, v *Validation, conditions reads) validation {
	e, _ := c.expression(fmt.Sprintf("validations[%d].expression", i), v.Expression, cel.BoolType)
	out := validation{
		expression: e, name: v.Name, text: strings.TrimSpace(v.Message), field: v.Field,
		step: e.reads&(readsRequest|readsOldObject) != 0 || conditions&readsOldObject != 0,
	}
	if out.text == "" {
		out.text = "does not fulfil " + oneLine(v.Expression)
	}
	if v.MessageExpression != "" {
		m, _ := c.expression(fmt.Sprintf("validations[%d].messageExpression", i), v.MessageExpression, cel.StringType)
		out.message = &m
	}
	return out
}

// expression compiles one expression, which must have a type unless it is nil.
func (c *compiler) expression(at, text string, want *cel.Type) (expression, *cel.Type) {
	out := expression{at: at, text: text}
	fault := func(line, column int, format string, args ...any) {
		message := oneLine(fmt.Sprintf(format, args...))
		c.faults = append(c.faults, Fault{at, fmt.Sprintf("%d:%d: %s", line, column, message)})
	}
	ast, issues := c.env.Compile(text)
	if issues.Err() != nil {
		for _, e := range issues.Errors() {
			line, column := e.Location.Line(), e.Location.Column()+1
			if line < 1 { // it is about all of the text
				line, column = 1, 1
			}
			fault(line, column, "%s", e.Message)
		}
		return out, cel.DynType
	}
	if want != nil && !ast.OutputType().IsExactType(want) {
		fault(1, 1, "must evaluate to %s, but evaluates to %s", want, ast.OutputType())
		return out, ast.OutputType()
	}
	if least := c.leastCost(ast); least > celconfig.PerCallLimit {
		fault(1, 1, "costs at least %d, and the limit is %d", least, celconfig.PerCallLimit)
		return out, ast.OutputType()
	}
	options, err := guards()
	if err != nil {
		fault(1, 1, "%v", err)
		return out, ast.OutputType()
	}
	program, err := c.env.Program(ast, options...)
	if err != nil {
		fault(1, 1, "%v", err)
		return out, ast.OutputType()
	}
	out.program, out.source, out.reads = program, ast.NativeRep().SourceInfo(), c.readsOf(ast.NativeRep().Expr())
	out.older, _ = aboutOlder(ast, text)
	return out, ast.OutputType()
}

// leastCost is what an expression costs whatever the object holds, by Kubernetes'
// own estimator.
//
// The API server refuses a CustomResourceDefinition by what a rule may cost at
// most, which the schema's bounds say. There is no schema here: the same list may
// hold nothing or three megabytes, so that a bound from above would refuse every
// loop within a loop. Kubernetes refuses no ValidatingAdmissionPolicy for its cost,
// for the same reason. What is certain to exceed the limit is refused here; the
// rest is stopped when it runs.
func (c *compiler) leastCost(ast *cel.Ast) uint64 {
	estimate, err := c.env.EstimateCost(ast, &library.CostEstimator{})
	if err != nil {
		return 0 // what cannot be estimated is stopped when it runs
	}
	return estimate.Min
}
