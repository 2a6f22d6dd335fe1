// SPDX-License-Identifier: Apache-2.0

package config

import re2 "regexp/syntax"

// Bounds of expressions. RE2 takes time in proportion to the text and to the steps of its
// program, of which 1,024 bytes can have 200,000: {n} repeats. 1,024 steps and a header
// line of 60 KiB took 4 s at worst where that was measured.
const (
	maxRegex      = 1024     // bytes of one
	maxSteps      = maxRegex // of one
	maxRouteSteps = 4 * maxSteps
)

// regex checks an expression, and returns how many steps its program has.
func (v *validator) regex(path, expression string) int {
	if expression == "" {
		return 0
	}
	if len(expression) > maxRegex {
		v.fault(path, "%.80q is no regular expression (RE2) of at most %d bytes", expression, maxRegex)
		return 0
	}
	// It is compiled with something around it (package route), which \Q without \E takes
	// in, and from which a parenthesis could set it free.
	re, err := re2.Parse(expression, re2.Perl)
	if _, within := re2.Parse(`^(?:`+expression+`)$`, re2.Perl); err != nil || within != nil {
		v.fault(path, "%.80q is no regular expression (RE2) of at most %d bytes", expression, maxRegex)
		return 0
	}
	n := steps(re)
	if n > maxSteps {
		v.fault(path, "%.80q has %d steps, and %d are the most: what {n} repeats counts n times", expression, n, maxSteps)
		return 0
	}
	return n
}

// steps are how many instructions the program of an expression has at most, which is not
// made for it, as package regexp/syntax estimates them: all but the one or two at which
// every program begins and ends. A class of characters has one more for every 20 ranges,
// each instruction having a copy of them.
func steps(re *re2.Regexp) int {
	sum := 0
	for _, sub := range re.Sub {
		sum += steps(sub)
	}
	switch re.Op {
	case re2.OpLiteral:
		sum = len(re.Rune)
	case re2.OpCharClass:
		sum = 1 + len(re.Rune)/40
	case re2.OpCapture, re2.OpStar:
		sum += 2
	case re2.OpPlus, re2.OpQuest:
		sum++
	case re2.OpAlternate:
		sum += len(re.Sub) - 1
	case re2.OpRepeat:
		switch {
		case re.Max >= 0:
			sum = re.Max*sum + re.Max - re.Min
		case re.Min == 0:
			sum += 2
		default:
			sum = re.Min*sum + 1
		}
	case re2.OpNoMatch, re2.OpEmptyMatch, re2.OpAnyCharNotNL, re2.OpAnyChar, re2.OpBeginLine, re2.OpEndLine, re2.OpBeginText, re2.OpEndText,
		re2.OpWordBoundary, re2.OpNoWordBoundary, re2.OpConcat:
	}
	return max(sum, 1)
}
