// SPDX-License-Identifier: Apache-2.0

package custom

import (
	"fmt"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/functions"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
	"github.com/google/cel-go/interpreter"
)

// Bounds of single calls. CEL charges for a call when it has returned, and looks at
// the clock between the rounds of a loop only: a replacement that makes 15 GB of two
// annotations would end the process before anybody counts. So what a call is about
// to make is worked out before it is made.
const (
	maxMade  = 1 << 20  // bytes of a text that a call makes, and of one that it reads
	maxList  = 100_000  // entries of a list that a call makes or reads; an object holds at most as many
	maxSteps = 1 << 25  // comparisons of one call: well under a second
	maxAll   = 16 << 20 // bytes that the calls of one check make; the process has 512 MiB for all that it does
)

// meterName is the name under which calls find the meter; no expression can say it.
const meterName = "#meter"

// meter is what the calls of one check may still do. One goroutine may use it.
type meter struct {
	left  int64       // bytes
	ended func() bool // checks.Input.Ended
}

// price is what a call is about to do.
type price struct {
	made  int64 // bytes of its result
	text  int64 // bytes of the text that it reads
	list  int64 // entries of the longest list that it reads or makes
	steps int64 // comparisons
}

// pay fails when a call must not be made.
func (m *meter) pay(p price) error {
	switch {
	case p.made > maxMade && p.list == 0 || p.text > maxMade:
		return fmt.Errorf("works on a text of more than %d bytes", maxMade)
	case p.list > maxList:
		return fmt.Errorf("works on a list of more than %d entries", maxList)
	case p.steps > maxSteps:
		return fmt.Errorf("takes more than %d steps", maxSteps)
	case m == nil:
		return nil
	}
	if m.left -= p.made; m.left < 0 {
		return fmt.Errorf("makes more than %d bytes, with the calls before it", maxAll)
	}
	if m.ended() {
		return errTooLong
	}
	return nil
}

// guarded is a call whose price is paid before it is made. To those who look at a
// program, such as the counter of its cost, it is the call.
type guarded struct {
	interpreter.InterpretableCall
	impl  func(...ref.Val) ref.Val
	price func([]ref.Val) price
}

// Exec implements interpreter.InterpretableV2.
func (g *guarded) Exec(frame *interpreter.ExecutionFrame) ref.Val {
	operands := g.Args()
	args := make([]ref.Val, len(operands))
	for i, o := range operands {
		if args[i] = o.Exec(frame); types.IsUnknownOrError(args[i]) {
			return args[i]
		}
	}
	found, _ := frame.ResolveName(meterName)
	m, _ := found.(*meter) // absent where a constant is folded
	if err := m.pay(g.price(args)); err != nil {
		return types.NewErrWithNodeID(g.ID(), "%s: %v", spoken(g.Function()), err)
	}
	return types.LabelErrNode(g.ID(), g.impl(args...))
}

// Eval implements interpreter.Interpretable.
func (g *guarded) Eval(vars cel.Activation) ref.Val { return g.Exec(interpreter.AsFrame(vars)) }

// spoken is a function as an expression writes it.
func spoken(function string) string {
	if sign, is := operators.FindReverse(function); is && sign != "" {
		return sign
	}
	return function
}

// guard returns the option that guards the calls of an environment's programs.
func guard(env *cel.Env) (cel.ProgramOption, error) {
	bound := map[string]map[string]*functions.Overload{}
	for name, f := range env.Functions() {
		if prices[name] == nil {
			continue
		}
		list, err := f.Bindings()
		if err != nil {
			return nil, fmt.Errorf("read the bindings of %s: %w", name, err)
		}
		bound[name] = map[string]*functions.Overload{}
		for _, o := range list {
			bound[name][o.Operator] = o
		}
	}
	return cel.CustomDecoratorV2(func(i interpreter.InterpretableV2) (interpreter.InterpretableV2, error) {
		call, is := i.(interpreter.InterpretableCall)
		if !is || prices[call.Function()] == nil {
			return i, nil
		}
		impl, err := implementation(call, bound[call.Function()])
		if err != nil {
			return nil, err
		}
		return &guarded{call, impl, prices[call.Function()]}, nil
	}), nil
}

// implementation is what a call calls, found as cel-go's planner finds it.
func implementation(call interpreter.InterpretableCall, bound map[string]*functions.Overload) (func(...ref.Val) ref.Val, error) {
	switch call.Function() {
	case operators.Equals:
		return func(args ...ref.Val) ref.Val { return types.Equal(args[0], args[1]) }, nil
	case operators.NotEquals:
		return func(args ...ref.Val) ref.Val { return types.Bool(types.Equal(args[0], args[1]) != types.True) }, nil
	}
	o := bound[call.OverloadID()]
	if o == nil {
		o = bound[call.Function()]
	}
	switch {
	case o == nil:
	case o.Unary != nil && len(call.Args()) == 1:
		return traited(o, func(args ...ref.Val) ref.Val { return o.Unary(args[0]) }), nil
	case o.Binary != nil && len(call.Args()) == 2:
		return traited(o, func(args ...ref.Val) ref.Val { return o.Binary(args[0], args[1]) }), nil
	case o.Function != nil:
		return traited(o, o.Function), nil
	}
	return nil, fmt.Errorf("%s cannot be guarded", spoken(call.Function()))
}

// traited is a function that takes only what has the operand's trait.
func traited(o *functions.Overload, impl func(...ref.Val) ref.Val) func(...ref.Val) ref.Val {
	return func(args ...ref.Val) ref.Val {
		if o.OperandTrait != 0 && !args[0].Type().HasTrait(o.OperandTrait) {
			return types.NewErr("no such overload: %s", spoken(o.Operator))
		}
		return impl(args...)
	}
}

// lengthOf is how long a text or a list is; 0 for what is neither.
func lengthOf(v ref.Val) (text, list int64) {
	switch v := v.(type) {
	case types.String:
		return int64(len(v)), 0
	case types.Bytes:
		return int64(len(v)), 0
	case traits.Lister:
		n, _ := v.Size().(types.Int)
		return 0, int64(n)
	}
	return 0, 0
}
