// SPDX-License-Identifier: Apache-2.0

package condition

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"

	"github.com/gatehouse-sh/gatehouse/gateway/auth"
	"github.com/gatehouse-sh/gatehouse/gateway/request"
)

// Input is what an expression speaks of.
type Input struct {
	Form      *request.Form
	Principal *auth.Principal // nil: nobody is known, and what reads it fails
	Now       time.Time
}

// MaxExpression is the length of the longest expression, in bytes.
const MaxExpression = 2048

// costLimit is what one evaluation may cost, in CEL's units: one reads a variable or
// calls a function, texts cost a tenth for each byte. The worst that was found takes
// 30 ms for it, since CEL's own count takes time with the square of the rounds of a
// loop; what is usual costs 10 to 100.
const costLimit = 20_000

// ErrFailed is what expressions fail with: something is missing, is of another
// type, or the evaluation cost too much. The text says no more than where, since
// CEL's own repeats values.
var ErrFailed = errors.New("the condition could not be evaluated")

// Predicate is an expression that is true or false. Any number of goroutines may
// use it.
type Predicate struct{ compiled }

// Value is an expression that is a text. Any number of goroutines may use it.
type Value struct{ compiled }

type compiled struct {
	program  cel.Program
	identity bool
}

// Identity tells whether the expression asks who makes a request, so that it can
// only be evaluated when that is known.
func (c *compiled) Identity() bool { return c.identity }

// Bool compiles an expression that is true or false. What is a claim is known when
// it is evaluated; one that is neither then fails.
func Bool(expression string) (*Predicate, error) {
	c, err := compile(expression, types.BoolType)
	if err != nil {
		return nil, err
	}
	return &Predicate{*c}, nil
}

// Text compiles an expression that is a text, an integer or a truth value, which
// are written in decimal and as true or false.
func Text(expression string) (*Value, error) {
	c, err := compile(expression, types.StringType, types.IntType, types.UintType, types.BoolType)
	if err != nil {
		return nil, err
	}
	return &Value{*c}, nil
}

// Eval evaluates the expression. With an error, which is ErrFailed, the answer is
// false.
func (p *Predicate) Eval(in Input) (bool, error) {
	v, err := p.eval(in)
	if err != nil {
		return false, err
	}
	b, is := v.(types.Bool)
	if !is {
		return false, ErrFailed
	}
	return bool(b), nil
}

// Eval evaluates the expression. Errors are ErrFailed.
func (e *Value) Eval(in Input) (string, error) {
	v, err := e.eval(in)
	if err != nil {
		return "", err
	}
	switch v := v.(type) {
	case types.String:
		return string(v), nil
	case types.Int:
		return strconv.FormatInt(int64(v), 10), nil
	case types.Uint:
		return strconv.FormatUint(uint64(v), 10), nil
	case types.Bool:
		return strconv.FormatBool(bool(v)), nil
	}
	return "", ErrFailed
}

func (c *compiled) eval(in Input) (ref.Val, error) {
	if c.program == nil || in.Form == nil {
		return nil, ErrFailed
	}
	v, _, err := c.program.Eval(&variables{in})
	if err != nil {
		return nil, ErrFailed
	}
	return v, nil
}

// environment is what expressions may say: CEL's own functions, and of its macros
// those that make no lists. It does not change.
var environment, environmentErr = cel.NewCustomEnv(append(declarations(),
	cel.StdLib(), cel.ClearMacros(), cel.Macros(cel.HasMacro, cel.AllMacro, cel.ExistsMacro, cel.ExistsOneMacro),
	cel.CustomTypeAdapter(adapter{}), cel.DefaultUTCTimeZone(true), cel.CrossTypeNumericComparisons(true),
	cel.ParserRecursionLimit(200), cel.ParserExpressionSizeLimit(MaxExpression),
	cel.ASTValidators(cel.ValidateRegexLiterals(), cel.ValidateTimestampLiterals(), cel.ValidateDurationLiterals(), cel.ValidateComprehensionNestingLimit(2)),
)...)

func compile(expression string, wanted ...*types.Type) (*compiled, error) {
	if environmentErr != nil {
		return nil, fmt.Errorf("make the environment of conditions: %w", environmentErr)
	}
	if len(expression) > MaxExpression {
		return nil, fmt.Errorf("%d bytes are more than %d", len(expression), MaxExpression)
	}
	parsed, issues := environment.Compile(expression)
	if err := faults(issues); err != nil {
		return nil, err
	}
	if got := parsed.OutputType(); !fits(got, wanted) {
		return nil, fmt.Errorf("it is of type %s, not %s", got, wanted[0])
	}
	c := &compiled{}
	if err := c.look(parsed.NativeRep()); err != nil {
		return nil, err
	}
	program, err := environment.Program(parsed, cel.CostLimit(costLimit), cel.EvalOptions(cel.OptOptimize))
	if err != nil {
		return nil, fmt.Errorf("plan the expression: %w", err)
	}
	c.program = program
	return c, nil
}

// fits tells whether a type is one of those, or will be known only later.
func fits(got *types.Type, wanted []*types.Type) bool {
	return got.IsExactType(types.DynType) || slices.ContainsFunc(wanted, got.IsExactType)
}

// faults puts CEL's report, which draws the expression, on one line each.
func faults(issues *cel.Issues) error {
	if issues == nil {
		return nil
	}
	const most = 3
	var errs []string
	for i, e := range issues.Errors() {
		if i == most {
			break
		}
		message, _, _ := strings.Cut(e.Message, "\n")
		errs = append(errs, fmt.Sprintf("%d:%d: %s", max(e.Location.Line(), 1), max(e.Location.Column()+1, 1), message))
	}
	if len(errs) == 0 {
		return nil
	}
	return errors.New(strings.Join(errs, "; "))
}

// look refuses what CEL's count of costs comes too late for, and sees what is read.
// A list of variables that holds a list of variables is small until somebody walks
// through it, and a pattern that a client sends is a program that a client sends.
func (c *compiled) look(a *ast.AST) error {
	var err error
	fault := func(e ast.Expr, text string) {
		at := a.SourceInfo().GetStartLocation(e.ID())
		err = errors.Join(err, fmt.Errorf("%d:%d: %s", at.Line(), at.Column()+1, text))
	}
	ast.PreOrderVisit(a.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		kind := e.Kind()
		if (kind == ast.ListKind || kind == ast.MapKind || kind == ast.StructKind) && !constant(e) {
			fault(e, "a list, map or message that is written out can hold constants only")
		}
		if kind == ast.CallKind && e.AsCall().FunctionName() == "matches" {
			if args := e.AsCall().Args(); args[len(args)-1].Kind() != ast.LiteralKind {
				fault(e, "the pattern of matches must be written out")
			}
		}
		if r := a.ReferenceMap()[e.ID()]; r != nil {
			c.identity = c.identity || r.Name == claimsName || strings.HasPrefix(r.Name, principalPrefix)
		}
	}))
	return err
}

// constant tells whether an expression is a literal, or a list or map of literals.
func constant(e ast.Expr) bool {
	kind := e.Kind()
	if kind == ast.CallKind { // a sign
		c := e.AsCall()
		return c.FunctionName() == operators.Negate && constant(c.Args()[0])
	}
	if kind == ast.ListKind {
		return !slices.ContainsFunc(e.AsList().Elements(), func(x ast.Expr) bool { return !constant(x) })
	}
	if kind == ast.MapKind {
		return !slices.ContainsFunc(e.AsMap().Entries(), func(x ast.EntryExpr) bool {
			entry := x.AsMapEntry()
			return !constant(entry.Key()) || !constant(entry.Value())
		})
	}
	return kind == ast.LiteralKind
}
