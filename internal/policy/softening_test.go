// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"testing"

	"github.com/gatehouse-sh/gatehouse/checks"
)

func TestSofteningCountsGradesWhereACheckSaysSo(t *testing.T) {
	t.Parallel()
	grades := testCheck("TST-001", "grades", checks.High, checks.Actions{Baseline: checks.Deny, Strict: checks.Deny})
	grades.Softens = checks.StepPerGrade
	once := testCheck("TST-002", "once", checks.High, checks.Actions{Baseline: checks.Deny, Strict: checks.Deny})
	off := testCheck("TST-003", "off", checks.High, checks.Actions{Baseline: checks.Ignore, Strict: checks.Deny})
	off.Softens = checks.StepPerGrade
	set, err := checks.NewSet(grades, once, off)
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		spec, check string
		severity    checks.Severity
		want        checks.Action
	}{
		"above the check":                                       {"", "TST-001", checks.Critical, checks.Deny},
		"as severe as the check":                                {"", "TST-001", checks.High, checks.Deny},
		"one grade below":                                       {"", "TST-001", checks.Medium, checks.Warn},
		"two grades below":                                      {"", "TST-001", checks.Low, checks.Audit},
		"three grades below is still recorded":                  {"", "TST-001", checks.Info, checks.Audit},
		"one step for two grades otherwise":                     {"", "TST-002", checks.Low, checks.Warn},
		"a check that is off stays off":                         {"", "TST-003", checks.Low, checks.Ignore},
		"from what the configuration names":                     {"{severities: [{severity: high, action: warn}]}", "TST-001", checks.Medium, checks.Audit},
		"an action that is named for the check is not softened": {"{checks: [{check: grades, action: deny}]}", "TST-001", checks.Low, checks.Deny},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := Default(set)
			if tc.spec != "" {
				p = compiled(t, set, tc.spec)
			}
			if got := p.Action(checks.Finding{Check: tc.check, Subject: "s", Severity: tc.severity}, Baseline); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}
