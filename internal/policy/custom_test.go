// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/checks/catalog"
)

// customCheck is a custom check without fault, as fields of YAML, of which some
// are replaced; an empty value takes the field away.
func customCheck(replace ...string) string {
	fields := map[string]string{
		"id": "CUSTOM-001", "name": "ours", "title": "Services are ours", "severity": "high", "kinds": "[{kind: Service}]",
		"validations": `[{expression: "object.spec.type == 'ClusterIP'", message: is not ours}]`, "fix": "make it ours",
	}
	for i := 0; i+1 < len(replace); i += 2 {
		fields[replace[i]] = replace[i+1]
	}
	var out []string
	for _, name := range sortedKeys(fields) {
		if fields[name] != "" {
			out = append(out, name+": "+fields[name])
		}
	}
	return "{" + strings.Join(out, ", ") + "}"
}

func customs(list ...string) string { return "{customChecks: [" + strings.Join(list, ", ") + "]}" }

// customCases are cases of custom checks. What an expression may be is tested in
// checks/custom; here are the paths of its faults.
func customCases() map[string]specCase {
	one := func(field, refused, accepted, at string) specCase {
		return specCase{refused: customs(customCheck(field, refused)), accepted: customs(customCheck(field, accepted)), at: "spec.customChecks[0]" + at + ": "}
	}
	compiled := func(c specCase) specCase { c.onlyCompile = true; return c }
	validations := func(refused, accepted, at string) specCase {
		return one("validations", "["+refused+"]", "["+accepted+"]", ".validations"+at)
	}
	long := strings.Repeat("x", 250)
	return map[string]specCase{
		"a custom id of another form":          one("id", "EXP-001", "CUSTOM-999", ".id"),
		"a custom id with few digits":          one("id", "CUSTOM-01", "CUSTOM-010", ".id"),
		"a custom check without id":            one("id", "''", "CUSTOM-000", ".id"),
		"a custom id twice":                    {refused: customs(customCheck(), customCheck("name", "other")), accepted: customs(customCheck(), customCheck("name", "other", "id", "CUSTOM-002")), at: "spec.customChecks[1].id: "},
		"a custom name twice":                  {refused: customs(customCheck(), customCheck("id", "CUSTOM-002")), accepted: customs(customCheck(), customCheck("name", "other", "id", "CUSTOM-002")), at: "spec.customChecks[1].name: "},
		"a custom name in capitals":            one("name", "Ours", "ours-2", ".name"),
		"the name of a check of Gatehouse":     compiled(one("name", "deny-always", "deny-sometimes", ".name")),
		"a custom check without title":         one("title", "''", "T", ".title"),
		"a title of two lines":                 one("title", `"a\nb"`, `"a b"`, ".title"),
		"a title that is too long":             one("title", long, long[:200], ".title"),
		"a custom check without fix":           one("fix", "''", "f", ".fix"),
		"a custom severity that is none":       one("severity", "severe", "low", ".severity"),
		"a custom check without kinds":         one("kinds", "[]", "[{kind: Service, group: ''}]", ".kinds"),
		"a kind that nobody knows":             compiled(one("kinds", "[{kind: Thing, group: example.com}]", "[{kind: Service}]", ".kinds[0]")),
		"a kind that no check judges":          compiled(one("kinds", "[{kind: Service}, {kind: Ingress, group: networking.k8s.io}]", "[{kind: Service}]", ".kinds[1]")),
		"a kind of another group":              compiled(one("kinds", "[{kind: Service, group: apps}]", "[{kind: Service}]", ".kinds[0]")),
		"a kind twice":                         one("kinds", "[{kind: Service}, {kind: Service, group: ''}]", "[{kind: Service}]", ".kinds[1]"),
		"Secrets":                              compiled(one("kinds", "[{kind: Secret}]", "[{kind: Service}]", ".kinds[0]")),
		"ConfigMaps":                           compiled(one("kinds", "[{kind: ConfigMap}]", "[{kind: Service}]", ".kinds[0]")),
		"no validation":                        one("validations", "[]", "[{expression: 'true'}]", ".validations"),
		"too many validations":                 validations(repeat(17, "{name: n%, expression: 'true'}"), repeat(16, "{name: n%, expression: 'true'}"), ""),
		"two validations without name":         validations("{expression: 'true'}, {expression: 'true'}", "{expression: 'true'}, {name: b, expression: 'true'}", "[1].name"),
		"a validation's name in capitals":      validations("{name: A, expression: 'true'}", "{name: a, expression: 'true'}", "[0].name"),
		"an empty expression":                  validations("{expression: ''}", "{expression: 'true'}", "[0].expression"),
		"an expression of blanks":              compiled(validations("{expression: '  '}", "{expression: ' true '}", "[0].expression")),
		"an expression that is too long":       validations("{expression: '"+strings.Repeat(" ", 8192)+"true'}", "{expression: '"+strings.Repeat(" ", 8188)+"true'}", "[0].expression"),
		"an expression that does not compile":  compiled(validations("{expression: 'true && nothing'}", "{expression: 'true && true'}", "[0].expression: 1:9")),
		"a second one that does not compile":   compiled(validations("{expression: 'true'}, {name: b, expression: params}", "{expression: 'true'}, {name: b, expression: 'true'}", "[1].expression: 1:1")),
		"several lines without message":        validations(`{expression: "true\n&& true"}`, `{expression: "true\n&& true", message: m}`, "[0].message"),
		"a message of two lines":               validations(`{expression: 'true', message: "a\nb"}`, `{expression: "true\n", message: a b}`, "[0].message"),
		"a messageExpression of another type":  compiled(validations("{expression: 'true', messageExpression: '1'}", `{expression: 'true', messageExpression: '"1"'}`, "[0].messageExpression: 1:1")),
		"a field path with a blank":            validations("{expression: 'true', fieldPath: 'spec type'}", "{expression: 'true', fieldPath: 'spec.ports[0].port'}", "[0].fieldPath"),
		"a variable with a hyphen":             one("variables", "[{name: a-b, expression: '1'}]", "[{name: a_b, expression: '1'}]", ".variables[0].name"),
		"a variable with two underscores":      one("variables", "[{name: a__b, expression: '1'}]", "[{name: a_b, expression: '1'}]", ".variables[0].name"),
		"a variable twice":                     one("variables", "[{name: a, expression: '1'}, {name: a, expression: '1'}]", "[{name: a, expression: '1'}, {name: b, expression: '1'}]", ".variables[1].name"),
		"a variable that does not compile":     compiled(one("variables", "[{name: a, expression: 1 +}]", "[{name: a, expression: 1 + 1}]", ".variables[0].expression: 1:4")),
		"a condition twice":                    one("matchConditions", "[{name: a, expression: 'true'}, {name: a, expression: 'true'}]", "[{name: a, expression: 'true'}, {name: b, expression: 'true'}]", ".matchConditions[1].name"),
		"a condition that does not compile":    compiled(one("matchConditions", "[{name: a, expression: nothing}]", "[{name: a, expression: 'true'}]", ".matchConditions[0].expression: 1:1")),
		"too many custom checks":               {refused: customs(numbered(65)...), accepted: customs(numbered(64)...), at: "spec.customChecks: "},
		"an action of an unknown custom check": {refused: "{checks: [{check: CUSTOM-002, action: warn}], customChecks: [" + customCheck() + "]}", accepted: "{checks: [{check: CUSTOM-001, action: warn}], customChecks: [" + customCheck() + "]}", at: "spec.checks[0].check: ", onlyCompile: true},
	}
}

func numbered(n int) []string {
	out := make([]string, 0, n)
	for i := range n {
		out = append(out, customCheck("id", fmt.Sprintf("CUSTOM-%03d", i), "name", fmt.Sprintf("n%d", i)))
	}
	return out
}

// TestCustomChecksAreChecks: they are in the set, and actions are theirs as they
// are of any other check, by id and by name.
func TestCustomChecksAreChecks(t *testing.T) {
	t.Parallel()
	set := testSet(t)
	for name, tc := range map[string]struct {
		spec             string
		baseline, strict checks.Action
	}{
		"its own actions":      {customs(customCheck("severity", "medium")), checks.Warn, checks.Deny},
		"an action by its id":  {"{checks: [{check: CUSTOM-001, baseline: audit, strict: warn}], customChecks: [" + customCheck() + "]}", checks.Audit, checks.Warn},
		"one by its name":      {"{checks: [{check: ours, action: ignore}], customChecks: [" + customCheck() + "]}", checks.Ignore, checks.Ignore},
		"one for its severity": {"{severities: [{severity: high, action: audit}], customChecks: [" + customCheck() + "]}", checks.Audit, checks.Audit},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := compiled(t, set, tc.spec)
			c, known := p.Set().Lookup("CUSTOM-001")
			if !known || !c.Custom || len(p.Set().Checks()) != len(set.Checks())+1 {
				t.Fatalf("the policy is about %d checks", len(p.Set().Checks()))
			}
			for profile, want := range map[Profile]checks.Action{Baseline: tc.baseline, Strict: tc.strict} {
				if got := p.Action(checks.Finding{Check: "CUSTOM-001", Severity: c.Severity}, profile); got != want {
					t.Errorf("%s: %s, want %s", profile, got, want)
				}
				if p.On(&c, profile) != (want != checks.Ignore) {
					t.Errorf("%s: on = %v", profile, p.On(&c, profile))
				}
			}
			if !p.Custom(schema.GroupKind{Kind: "Service"}) || p.Custom(schema.GroupKind{Kind: "Pod"}) {
				t.Error("the kinds of the custom checks are others")
			}
		})
	}
	if _, known := set.Lookup("CUSTOM-001"); known || Default(set).Custom(schema.GroupKind{Kind: "Service"}) {
		t.Error("the catalogue was changed")
	}
}

// TestEveryKindOfTheWebhookIsAccepted, but those of which it sees few.
func TestEveryKindOfTheWebhookIsAccepted(t *testing.T) {
	t.Parallel()
	set, err := catalog.Set()
	if err != nil {
		t.Fatal(err)
	}
	kinds := set.Kinds()
	if len(kinds) < 30 {
		t.Fatalf("only %d kinds", len(kinds))
	}
	few := 0
	for _, k := range kinds {
		spec := parsed(t, customs(customCheck("kinds", fmt.Sprintf("[{group: %q, kind: %q}]", k.Group, k.Kind), "validations", "[{expression: 'object != null'}]")))
		_, seldom := seldomSeen[k]
		if seldom {
			few++
		}
		if _, err := Compile(set, spec); (err != nil) != seldom {
			t.Errorf("%v: %v", k, err)
		}
	}
	if few != len(seldomSeen) {
		t.Errorf("%d of the %d kinds that the webhook seldom sees are none that it is called for", len(seldomSeen)-few, len(seldomSeen))
	}
}

// TestTheCatalogueLeavesCustomIDsFree: a new check of Gatehouse must not take the id
// of somebody's own.
func TestTheCatalogueLeavesCustomIDsFree(t *testing.T) {
	t.Parallel()
	list := catalog.All()
	if len(list) == 0 {
		t.Fatal("no checks")
	}
	if i := slices.IndexFunc(list, func(c checks.Check) bool { return strings.HasPrefix(c.ID, "CUSTOM") || c.Custom }); i >= 0 {
		t.Errorf("%s", list[i].ID)
	}
}

func TestFaultsOfCustomChecksAreBounded(t *testing.T) {
	t.Parallel()
	var spec v1alpha1.CheckPolicySpec
	for range maxCustom {
		c := v1alpha1.CustomCheck{}
		for range maxValidations {
			c.Validations = append(c.Validations, v1alpha1.CustomValidation{Expression: v1alpha1.CustomExpression(strings.Repeat("nothing || ", 700) + "true")})
		}
		spec.CustomChecks = append(spec.CustomChecks, c)
	}
	_, err := Compile(testSet(t), &spec)
	if err == nil || len(err.Error()) > 32<<10 || !strings.Contains(err.Error(), "more") {
		t.Fatalf("got an error of %d bytes", len(fmt.Sprint(err)))
	}
}
