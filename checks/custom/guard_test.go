// SPDX-License-Identifier: Apache-2.0

package custom

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
)

// big is a Service with annotations as long as an API server lets them be.
func big() *corev1.Service {
	out := service(3)
	out.Annotations = map[string]string{"a": strings.Repeat(",", 120<<10), "b": strings.Repeat("x", 120<<10), "c": strings.Repeat("x,", 30<<10)}
	return out
}

const (
	commas = "object.metadata.annotations['a']"
	xs     = "object.metadata.annotations['b']"
	pairs  = "object.metadata.annotations['c']"
)

// doubled are variables of which each is the form of the one before: l0, l1 and so on.
func doubled(first, form string, n int) []Named {
	out := []Named{{"l0", first}}
	for i := range n {
		out = append(out, Named{fmt.Sprintf("l%d", i+1), strings.ReplaceAll(form, "$", fmt.Sprintf("variables.l%d", i))})
	}
	return out
}

// timed compiles as the policy does.
func timed(t *testing.T, d *Definition) checks.Check {
	t.Helper()
	check, faults := Compile(d)
	if len(faults) > 0 {
		t.Fatalf("refused: %v", faults)
	}
	return check
}

// TestACallIsNotMadeThatTakesTooMuch: what an object or a policy asks for is refused
// before it is done. Not parallel: it counts what is allocated.
func TestACallIsNotMadeThatTakesTooMuch(t *testing.T) { //nolint:paralleltest // it counts what is allocated
	for name, tc := range map[string]struct {
		variables  []Named
		expression string
		says       string
	}{
		"a replacement of 15 GB":        {nil, commas + ".replace(',', " + xs + ").size() < 0", "replace: works on a text of more than 1048576 bytes"},
		"so many times":                 {nil, commas + ".replace(',', " + xs + ", 100).size() < 0", "replace: works on a text"},
		"a replacement of nothing":      {nil, commas + ".replace('', " + xs + ").size() < 0", "replace: works on a text"},
		"a list that is joined":         {nil, pairs + ".split(',').join(" + xs + ").size() < 0", "join: works on a text"},
		"a text of many parts":          {nil, commas + ".split(',').size() < 0", "split: works on a list of more than 100000 entries"},
		"a doubled text":                {doubled(xs, "$ + $", 14), "variables.l14.size() < 0", "+: works on a text"},
		"a doubled list":                {doubled("['a', 'b']", "$ + $", 24), "'zz' in variables.l24", "+: works on a list"},
		"nested lists, compared":        {doubled("['a']", "[$, $]", 40), "variables.l40 == [variables.l39, variables.l39]", "==: takes more than"},
		"nested lists, made flat":       {doubled("['a']", "[$, $]", 40), "variables.l40.flatten(50).size() < 0", "flatten: works on a list"},
		"nested lists, written":         {doubled("['a']", "[$, $]", 40), "'%s'.format([variables.l40]).size() < 0", "format: works on a text"},
		"a text that is written often":  {nil, "'%s%s%s%s%s%s%s%s%s%s'.format([1,2,3,4,5,6,7,8,9,10].map(i, " + xs + ")).size() < 0", "format: works on a text"},
		"many long numbers":             {nil, pairs + ".replace('x,', '%f').format([1.0]).size() < 0", "format: works on a text"},
		"a list in a list":              {nil, "sets.contains(" + pairs + ".split(','), " + pairs + ".split(',').reverse())", "cannot be judged"},
		"a list without what is double": {nil, pairs + ".split(',').distinct().size() < 0", "cannot be judged"},
		"a pattern of the object":       {nil, xs + ".matches(" + xs + ")", "cannot be judged"},
		"a text in a text":              {nil, xs + ".indexOf(" + xs + ") < 0", "indexOf: takes more than"},
		"lists in a list":               {nil, commas + ".substring(1, 90000).split(',').map(x, " + commas + ".substring(1, 90000).split(',')).size() < 0", "split: makes more than 16777216 bytes"},
		"texts in a list":               {nil, commas + ".substring(1, 90000).split(',').map(x, " + xs + " + " + xs + ").size() < 0", "+: makes more than 16777216 bytes"},
		"loops around cheap calls":      {nil, xs + ".matches('x*') && " + pairs + ".split(',').all(x, " + pairs + ".split(',').all(y, " + xs + ".size() > 0))", errTooLong.Error()},
	} {
		t.Run(name, func(t *testing.T) { //nolint:paralleltest // it counts what is allocated
			d := definition(validate(tc.expression))
			d.Variables = tc.variables
			check, in := timed(t, d), input(big())
			if tc.says == errTooLong.Error() {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				in.Inventory = in.Inventory.Until(ctx)
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			found := check.Run(in)
			took := time.Since(start)
			runtime.ReadMemStats(&after)
			if len(found) != 1 || !strings.HasSuffix(found[0].Subject, unjudged) || !strings.Contains(found[0].Message, tc.says) {
				t.Errorf("found %+v, want one that says %q", found, tc.says)
			}
			if made := (after.TotalAlloc - before.TotalAlloc) >> 20; made > 200 || took > 5*time.Second {
				t.Errorf("made %d MiB in %s", made, took)
			}
		})
	}
}

// TestOrdinaryCallsAreMade: those that are near the guarded ones.
func TestOrdinaryCallsAreMade(t *testing.T) {
	t.Parallel()
	for _, expression := range []string{
		commas + ".replace(',', 'x').size() == 122880",
		commas + ".replace(',', " + xs + ", 3).size() > 400000",
		commas + ".replace(',', '').size() == 0",
		pairs + ".split(',').size() == 30721 && " + pairs + ".split(',').join(';').size() == 61440",
		commas + ".split(',', 3).size() == 3",
		"(" + xs + " + " + xs + ").size() == 245760",
		"[1, 2] + [3] == [1, 2, 3] && [1] + [2] != [3]",
		"1 + 2 == 3 && 1.5 + 1.5 == 3.0 && duration('1m') + duration('1s') == duration('61s') && b'a' + b'b' == b'ab'",
		"dyn('a') + dyn('b') == 'ab' && 'a' in ['a', 'b'] && 'team' in object.metadata.labels && !([1] in [[2]])",
		"'%s is %.2f and %d of %s'.format(['x', 1.5, 7, ['a', 'b']]).startsWith('x is 1.50 and 7')",
		"lists.range(3) == [0, 1, 2] && [3, 1, 2].sort() == [1, 2, 3] && [1, 1].distinct() == [1] && [[1], [2]].flatten() == [1, 2]",
		"[1, 2, 3].slice(0, 2) == [1, 2] && [1, 2].reverse() == [2, 1] && [{'a': 2}, {'a': 1}].sortBy(x, x.a)[0].a == 1",
		"sets.contains([1, 2], [1]) && sets.intersects([1], [1]) && sets.equivalent([1], [1, 1])",
		xs + ".matches('^x*$') && " + pairs + ".indexOf('x,x') == 0 && 'abc'.lastIndexOf('c') == 2 && [1, 2].indexOf(2) == 1",
		"'a1b2'.findAll('[0-9]') == ['1', '2'] && 'a1'.find('[0-9]') == '1' && string(b'a') == 'a' && bytes('a') == b'a' && string(1) == '1'",
		"'A'.lowerAscii() == 'a' && 'a'.upperAscii() == 'A' && ' a '.trim() == 'a' && 'abc'.substring(1) == 'bc' && 'abc'.charAt(1) == 'b' && strings.quote('a') == '\"a\"'",
		"object.spec.ports.map(p, p.port + 1) == [1001, 1002, 1003] && object.spec == object.spec && object != oldObject",
	} {
		if found := compileGood(t, definition(validate(expression))).Run(input(big())); found != nil {
			t.Errorf("%s: %+v", expression, found)
		}
	}
}

// TestAllChecksShareTheTime: what is over for one is over for the next.
func TestAllChecksShareTheTime(t *testing.T) {
	t.Parallel()
	slow := timed(t, definition(validate(pairs+".split(',').all(x, "+pairs+".split(',').all(y, "+xs+".size() > 0))")))
	quick := timed(t, definition(validate("object.kind == 'Service'")))
	in := input(big())
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	in.Inventory = in.Inventory.Until(ctx)
	if found := quick.Run(in); found != nil {
		t.Errorf("before: %+v", found)
	}
	for _, check := range []checks.Check{slow, quick} {
		if found := check.Run(in); len(found) != 1 || !strings.Contains(found[0].Message, errTooLong.Error()) {
			t.Errorf("%+v", found)
		}
	}
	if found := quick.Run(input(big())); found != nil {
		t.Errorf("the next object: %+v", found)
	}
}
