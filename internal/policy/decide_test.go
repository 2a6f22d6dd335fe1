// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-sh/gatehouse/checks"
)

func TestDecide(t *testing.T) {
	t.Parallel()
	f := func(check, subject string, s checks.Severity, c checks.Certainty) checks.Finding {
		return checks.Finding{Check: check, Subject: subject, Severity: s, Certainty: c}
	}
	const deny, warn, record = "TST-001", "TST-002", "TST-004"
	for name, tc := range map[string]struct {
		spec    string // {} for the defaults
		mode    Mode
		profile Profile
		old     []checks.Finding
		current []checks.Finding
		want    []string // action and check, in order
		denied  bool
	}{
		"no finding gives no verdict":                      {},
		"a violation is denied":                            {current: []checks.Finding{f(deny, "a", checks.Critical, 0)}, want: []string{"deny TST-001"}, denied: true},
		"a check that warns does not deny":                 {current: []checks.Finding{f(warn, "a", checks.Medium, 0)}, want: []string{"warn TST-002"}},
		"the same check denies in the strict profile":      {profile: Strict, current: []checks.Finding{f(warn, "a", checks.Medium, 0)}, want: []string{"deny TST-002"}, denied: true},
		"a check that is off in the profile says nothing":  {current: []checks.Finding{f("TST-003", "a", checks.Medium, 0)}},
		"an unknown check is denied":                       {current: []checks.Finding{f("TST-999", "a", checks.Low, 0)}, want: []string{"deny TST-999"}, denied: true},
		"an unknown profile counts as strict":              {profile: 7, current: []checks.Finding{f(warn, "a", checks.Medium, 0)}, want: []string{"deny TST-002"}, denied: true},
		"the strictest comes first, then the most severe":  {current: []checks.Finding{f(record, "a", checks.Low, 0), f(warn, "a", checks.Medium, 0), f(deny, "b", checks.Critical, 0)}, want: []string{"deny TST-001", "warn TST-002", "audit TST-004"}, denied: true},
		"an update may keep a fault":                       {old: []checks.Finding{f(deny, "a", checks.Critical, 0)}, current: []checks.Finding{f(deny, "a", checks.Critical, 0)}, want: []string{"warn TST-001 known"}},
		"an update may make a fault milder":                {old: []checks.Finding{f(deny, "a", checks.Critical, 0)}, current: []checks.Finding{f(deny, "a", checks.High, 0)}, want: []string{"warn TST-001 known"}},
		"an update may not make a fault worse":             {spec: "{severities: [{severity: high, action: deny}]}", old: []checks.Finding{f(deny, "a", checks.High, 0)}, current: []checks.Finding{f(deny, "a", checks.Critical, 0)}, want: []string{"deny TST-001"}, denied: true},
		"an update may not add the fault to a new subject": {old: []checks.Finding{f(deny, "a", checks.Critical, 0)}, current: []checks.Finding{f(deny, "a", checks.Critical, 0), f(deny, "b", checks.Critical, 0)}, want: []string{"deny TST-001", "warn TST-001 known"}, denied: true},
		"an update may not add another fault":              {old: []checks.Finding{f(warn, "a", checks.Medium, 0)}, current: []checks.Finding{f(deny, "a", checks.Critical, 0)}, want: []string{"deny TST-001"}, denied: true},
		"doubt does not excuse a violation":                {old: []checks.Finding{f(deny, "a", checks.Critical, checks.Undetermined)}, current: []checks.Finding{f(deny, "a", checks.Critical, 0)}, want: []string{"deny TST-001"}, denied: true},
		"a violation excuses doubt":                        {profile: Strict, old: []checks.Finding{f(deny, "a", checks.Critical, 0)}, current: []checks.Finding{f(deny, "a", checks.Critical, checks.Undetermined)}, want: []string{"warn TST-001 known"}},
		"doubt excuses doubt":                              {profile: Strict, old: []checks.Finding{f(deny, "a", checks.Critical, checks.Undetermined)}, current: []checks.Finding{f(deny, "a", checks.Critical, checks.Undetermined)}, want: []string{"warn TST-001 known"}},
		"what is undetermined warns in baseline":           {current: []checks.Finding{f(deny, "a", checks.Critical, checks.Undetermined)}, want: []string{"warn TST-001"}},
		"what is undetermined is denied in strict":         {profile: Strict, current: []checks.Finding{f(deny, "a", checks.Critical, checks.Undetermined)}, want: []string{"deny TST-001"}, denied: true},
		"undetermined never makes an action stricter":      {spec: "{undetermined: {baseline: deny}}", current: []checks.Finding{f(record, "a", checks.Low, checks.Undetermined)}, want: []string{"audit TST-004"}},
		"the configuration limits what is undetermined":    {spec: "{undetermined: {strict: audit}}", profile: Strict, current: []checks.Finding{f(deny, "a", checks.Critical, checks.Undetermined)}, want: []string{"audit TST-001"}},
		"warn mode turns a denial into a warning":          {mode: WarnOnly, current: []checks.Finding{f(deny, "a", checks.Critical, 0)}, want: []string{"warn TST-001"}},
		"warn mode leaves a record alone":                  {mode: WarnOnly, current: []checks.Finding{f(record, "a", checks.Low, 0)}, want: []string{"audit TST-004"}},
		"audit mode only records":                          {mode: AuditOnly, current: []checks.Finding{f(deny, "a", checks.Critical, 0), f(warn, "a", checks.Medium, 0)}, want: []string{"audit TST-001", "audit TST-002"}},
		"a namespace that did not opt in is not judged":    {mode: Off, current: []checks.Finding{f(deny, "a", checks.Critical, 0)}},
		"a finding below its check is one action softer":   {current: []checks.Finding{f(deny, "a", checks.High, 0)}, want: []string{"warn TST-001"}},
		"a finding below its check is denied when the check is named": {
			spec:    "{checks: [{check: deny-always, action: deny}]}",
			current: []checks.Finding{f(deny, "a", checks.Low, 0)}, want: []string{"deny TST-001"}, denied: true,
		},
		"a finding below its check is denied when the severity is named": {
			spec:    "{severities: [{severity: high, action: deny}]}",
			current: []checks.Finding{f(deny, "a", checks.High, 0)}, want: []string{"deny TST-001"}, denied: true,
		},
		"a severity also holds for more severe findings": {
			spec:    "{severities: [{severity: low, action: deny}]}",
			current: []checks.Finding{f(warn, "a", checks.Medium, 0)}, want: []string{"deny TST-002"}, denied: true,
		},
		"a severity does not hold for less severe findings": {
			spec:    "{severities: [{severity: high, action: deny}]}",
			current: []checks.Finding{f(warn, "a", checks.Medium, 0)}, want: []string{"warn TST-002"},
		},
		"a severity does not turn on a check that is off by default": {
			spec:    "{severities: [{severity: info, action: deny}]}",
			current: []checks.Finding{f("TST-003", "a", checks.Medium, 0)},
		},
		"a named check is turned on": {
			spec:    "{checks: [{check: TST-003, action: warn}]}",
			current: []checks.Finding{f("TST-003", "a", checks.Medium, 0)}, want: []string{"warn TST-003"},
		},
		"a named check wins over its severity": {
			spec:    "{checks: [{check: TST-001, action: audit}], severities: [{severity: critical, action: deny}]}",
			current: []checks.Finding{f(deny, "a", checks.Critical, 0)}, want: []string{"audit TST-001"},
		},
		"a check named for one profile keeps its action in the other": {
			spec:    "{checks: [{check: TST-001, baseline: warn}]}",
			profile: Strict,
			current: []checks.Finding{f(deny, "a", checks.Critical, 0)}, want: []string{"deny TST-001"}, denied: true,
		},
		"a check that is turned off says nothing": {
			spec:    "{checks: [{check: TST-001, action: ignore}]}",
			current: []checks.Finding{f(deny, "a", checks.Critical, 0)},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			spec := tc.spec
			if spec == "" {
				spec = "{}"
			}
			v := compiled(t, testSet(t), spec).Decide(tc.mode, tc.profile, tc.old, tc.current)
			var got []string
			for _, j := range v {
				line := j.Action.String() + " " + j.Check
				if j.Known {
					line += " known"
				}
				got = append(got, line)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("verdict (want -, got +):\n%s", diff)
			}
			if v.Denied() != tc.denied {
				t.Errorf("denied = %v, want %v", v.Denied(), tc.denied)
			}
		})
	}
}

func TestTheZeroPolicyRefuses(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]*Policy{"the zero Policy": {}, "what the zero Holder holds": new(Holder).Load()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := p.Evaluate(checks.Input{Object: service()}, Baseline)
			if !p.Decide(Enforce, Baseline, nil, found).Denied() {
				t.Errorf("findings %v do not refuse", found)
			}
		})
	}
}

func TestChecksThatAreOffDoNotRun(t *testing.T) {
	t.Parallel()
	set := testSet(t)
	for name, tc := range map[string]struct {
		spec    string
		profile Profile
		want    []string
	}{
		"by default in baseline":     {"{}", Baseline, []string{"TST-001", "TST-002", "TST-004"}},
		"by default in strict":       {"{}", Strict, []string{"TST-001", "TST-002", "TST-003", "TST-004"}},
		"one is turned off":          {"{checks: [{check: TST-001, action: ignore}]}", Strict, []string{"TST-002", "TST-003", "TST-004"}},
		"one is turned on":           {"{checks: [{check: only-strict, action: audit}]}", Baseline, []string{"TST-001", "TST-002", "TST-003", "TST-004"}},
		"low findings are ignored":   {"{severities: [{severity: low, action: ignore}]}", Baseline, []string{"TST-001", "TST-002", "TST-004"}},
		"one is off in one profile":  {"{checks: [{check: TST-001, baseline: ignore}]}", Baseline, []string{"TST-002", "TST-004"}},
		"the same in the other":      {"{checks: [{check: TST-001, baseline: ignore}]}", Strict, []string{"TST-001", "TST-002", "TST-003", "TST-004"}},
		"medium and low are ignored": {"{severities: [{severity: medium, action: ignore}, {severity: low, action: ignore}]}", Baseline, []string{"TST-001", "TST-002", "TST-004"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			p := compiled(t, set, tc.spec)
			for _, f := range p.Evaluate(checks.Input{Object: service()}, tc.profile) {
				got = append(got, f.Check)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("checks that ran (want -, got +):\n%s", diff)
			}
		})
	}
}
