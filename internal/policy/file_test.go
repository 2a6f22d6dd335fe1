// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/gatehouse-sh/gatehouse/checks"
)

const header = "apiVersion: gatehouse.sh/v1alpha1\nkind: CheckPolicy\nmetadata: {name: default}\n"

func TestLoad(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		content string
		fault   string // empty: accepted
	}{
		"a policy":                         {content: header + "spec: {checks: [{check: TST-001, action: warn}]}\n"},
		"a policy between separators":      {content: "---\n# comment\n---\n" + header + "---\n"},
		"a policy in JSON":                 {content: `{"apiVersion": "gatehouse.sh/v1alpha1", "kind": "CheckPolicy", "metadata": {"name": "default"}}`},
		"a policy with Windows line ends":  {content: strings.ReplaceAll(header, "\n", "\r\n")},
		"an unknown field":                 {content: header + "spec: {check: []}\n", fault: `unknown field "spec.check"`},
		"a field in the wrong case":        {content: header + "spec: {Checks: []}\n", fault: `unknown field "spec.Checks"`},
		"a repeated field":                 {content: header + "spec: {}\nspec: {}\n", fault: "already set"},
		"a second object":                  {content: header + "---\n" + header, fault: "more than one object"},
		"a second object after an end":     {content: header + "...\n" + header, fault: "could hide"},
		"a second object after a return":   {content: header + "\r---\r" + header, fault: "could hide"},
		"no object":                        {content: "# nothing\n", fault: "no object"},
		"another kind":                     {content: strings.Replace(header, "CheckPolicy", "Exemption", 1), fault: `"Exemption"`},
		"another version":                  {content: strings.Replace(header, "v1alpha1", "v9", 1), fault: `"gatehouse.sh/v9"`},
		"another name":                     {content: strings.Replace(header, "default", "mine", 1), fault: "metadata.name: "},
		"a check that does not exist":      {content: header + "spec: {checks: [{check: TST-999, action: warn}]}\n", fault: "spec.checks[0].check: "},
		"a list where an object should be": {content: "[]", fault: "cannot unmarshal"},
		"something that is not YAML":       {content: "a: [", fault: "yaml"},
		"more than a file may have":        {content: header + "# " + strings.Repeat("x", maxFile), fault: "more than"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const path = "dir/policy.yaml"
			p, err := Load(testSet(t), path, strings.NewReader(tc.content))
			if tc.fault == "" {
				if err != nil || p == nil {
					t.Fatalf("refused: %v", err)
				}
				return
			}
			if err == nil || p != nil || !strings.Contains(err.Error(), tc.fault) || !strings.HasPrefix(err.Error(), path+": ") {
				t.Errorf("got the error %v, want one with %q and the path", err, tc.fault)
			}
		})
	}
}

func TestLoadReportsAReaderThatFails(t *testing.T) {
	t.Parallel()
	if _, err := Load(testSet(t), "policy.yaml", iotest.ErrReader(io.ErrUnexpectedEOF)); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatalf("got the error %v", err)
	}
}

func TestTheLastGoodPolicyStays(t *testing.T) {
	t.Parallel()
	set := testSet(t)
	h := NewHolder(Default(set))
	good := compiled(t, set, "{checks: [{check: TST-001, action: warn}]}")
	h.Store(good)
	refused, err := Compile(set, parsed(t, "{checks: [{check: TST-999, action: deny}]}"))
	if err == nil {
		t.Fatal("accepted")
	}
	h.Store(refused) // what a caller that forgets to look at the error does
	if h.Load() != good {
		t.Error("the refused policy replaced the good one")
	}
}

func TestEvaluateCostsNoMoreThanItsChecks(t *testing.T) {
	set, err := checks.NewSet(func() checks.Check {
		c := testCheck("TST-001", "quiet", checks.High, checks.Actions{})
		c.Run = func(checks.Input) []checks.Finding { return nil }
		return c
	}())
	if err != nil {
		t.Fatal(err)
	}
	p, in := Default(set), checks.Input{Object: service()}
	bare := testing.AllocsPerRun(100, func() { set.Evaluate(in) })
	if got := testing.AllocsPerRun(100, func() { p.Evaluate(in, Baseline) }); got > bare {
		t.Errorf("%v allocations, the set alone has %v", got, bare)
	}
}

func BenchmarkAction(b *testing.B) {
	p := Default(testSet(b))
	f := checks.Finding{Check: "TST-002", Severity: checks.Medium}
	b.ReportAllocs()
	for b.Loop() {
		if p.Action(f, Baseline) != checks.Warn {
			b.Fatal("wrong action")
		}
	}
}
