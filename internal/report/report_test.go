// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"
	"github.com/xeipuuv/gojsonschema"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/policy"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

func exampleCheck() checks.Check { return namedCheck("TST-001") }

func namedCheck(id string) checks.Check {
	return checks.Check{
		ID: id, Name: "open-door", Severity: checks.High, Kinds: []schema.GroupKind{inventory.ServiceKind},
		Doc: checks.Doc{Title: "Doors are closed", Why: "Because.", Attack: "walks in", Fix: "close it", Exempt: "Shops.", Sources: []string{"https://example.com/doors"}},
		Run: func(checks.Input) []checks.Finding { return nil },
	}
}

// example has a finding of each action, one of them known, one undetermined,
// one with characters that every format must escape, and a fault.
func example() *Report {
	at := func(name, file string, line int) Judged {
		return Judged{Object: Object{APIVersion: "v1", Kind: "Service", Namespace: "shop", Name: name}, File: file, Line: line}
	}
	finding := func(a checks.Action, c checks.Certainty, j Judged, message string) Finding {
		f := NewFinding(policy.Judged{Action: a, Finding: checks.Finding{
			Check: "TST-001", Name: "open-door", Severity: checks.High, Certainty: c, Subject: "port/80", Field: "spec.ports[0]",
			Message: message, Fix: "close it", Attack: "walks in", Path: []string{"internet", j.Object.String()},
		}}, j, j.Line+3)
		f.Fails = a == checks.Deny
		return f
	}
	first, second, live := at("web", "deploy/my shop.yaml", 2), at("api", "deploy/my shop.yaml", 20), at("db", "", 0)
	r := &Report{
		Objects: []Judged{first, second, live, at("quiet", "deploy/other.yaml", 1)},
		Faults:  []Fault{{File: "deploy/bad.yaml", Line: 7, Message: `key "name" is set twice`}},
		Findings: []Finding{
			finding(checks.Audit, checks.Violation, live, "is open"),
			finding(checks.Warn, checks.Undetermined, second, "may be open"),
			finding(checks.Deny, checks.Violation, first, "opens <port> 80% & \"more\",\nsays ::it:: "),
		},
		Exempted: 1, Compared: true,
	}
	r.Findings[1].Known = true
	r.Finish()
	return r
}

func render(t *testing.T, format string, r *Report, o Options) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, format, r, o); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestSARIFIsValid(t *testing.T) {
	t.Parallel()
	out := render(t, "sarif", example(), Options{Checks: []checks.Check{exampleCheck()}, Version: "v1"})
	parsed, err := sarif.FromBytes(out)
	if err != nil {
		t.Fatal(err)
	}
	if err := parsed.Validate(); err != nil {
		t.Fatal(err)
	}
	run := parsed.Runs[0]
	if len(run.Results) != 3 || len(run.Tool.Driver.Rules) != 1 || *run.Invocations[0].ExecutionSuccessful {
		t.Fatalf("got %d results, %d rules", len(run.Results), len(run.Tool.Driver.Rules))
	}
	got := make([]string, 0, len(run.Results))
	for _, r := range run.Results {
		at := "cluster"
		if p := r.Locations[0].PhysicalLocation; p != nil {
			at = *p.ArtifactLocation.URI
		}
		got = append(got, r.Level+" "+r.Kind+" "+at+" "+*r.BaselineState)
	}
	want := []string{"note fail cluster new", "error fail deploy/my%20shop.yaml new", "none open deploy/my%20shop.yaml unchanged"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestSARIFDescribesTheRulesThatFoundSomething: the index of a result must point
// at its own rule, also behind rules that are left out.
func TestSARIFDescribesTheRulesThatFoundSomething(t *testing.T) {
	t.Parallel()
	r := example()
	r.Findings[0].Check = "TST-003"
	r.Findings[1].Check = "TST-009" // of a check that is not among the options
	all := []checks.Check{namedCheck("TST-000"), namedCheck("TST-001"), namedCheck("TST-002"), namedCheck("TST-003"), namedCheck("TST-004")}
	parsed, err := sarif.FromBytes(render(t, "sarif", r, Options{Checks: all}))
	if err != nil {
		t.Fatal(err)
	}
	if err := parsed.Validate(); err != nil {
		t.Fatal(err)
	}
	run := parsed.Runs[0]
	var rules, results []string
	for _, rule := range run.Tool.Driver.Rules {
		rules = append(rules, *rule.ID)
	}
	for _, result := range run.Results {
		at := "none"
		if result.RuleIndex >= 0 {
			at = rules[result.RuleIndex]
		}
		results = append(results, *result.RuleID+" at "+at)
	}
	if diff := cmp.Diff([]string{"TST-001", "TST-003"}, rules); diff != "" {
		t.Errorf("rules (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"TST-003 at TST-003", "TST-009 at none", "TST-001 at TST-001"}, results); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
	quiet := &Report{}
	quiet.Finish()
	out := render(t, "sarif", quiet, Options{Checks: all})
	if parsed, err = sarif.FromBytes(out); err != nil {
		t.Fatal(err)
	}
	if err := parsed.Validate(); err != nil || bytes.Contains(out, []byte("TST-00")) {
		t.Errorf("a report without findings: %v: %s", err, out)
	}
}

// TestJSONKeepsItsSchema validates both a full and an empty report, and that
// the schema refuses what it should.
func TestJSONKeepsItsSchema(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/schema/report-v1.json")
	if err != nil {
		t.Fatal(err)
	}
	validator, err := gojsonschema.NewSchema(gojsonschema.NewBytesLoader(text))
	if err != nil {
		t.Fatal(err)
	}
	empty := &Report{}
	empty.Finish()
	full := render(t, "json", example(), Options{})
	for name, tc := range map[string]struct {
		report []byte
		valid  bool
	}{
		"a full report":                {full, true},
		"an empty report":              {render(t, "json", empty, Options{}), true},
		"a report without a line":      {bytes.ReplaceAll(full, []byte(`"line"`), []byte(`"row"`)), false},
		"a report of another version":  {bytes.Replace(full, []byte("report/v1"), []byte("report/v2"), 1), false},
		"a report with another action": {bytes.Replace(full, []byte(`"deny"`), []byte(`"shout"`), 1), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result, err := validator.Validate(gojsonschema.NewBytesLoader(tc.report))
			if err != nil {
				t.Fatal(err)
			}
			if result.Valid() != tc.valid {
				t.Errorf("valid: got %v, want %v: %v", result.Valid(), tc.valid, result.Errors())
			}
		})
	}
}

func TestABaselineIsReadBack(t *testing.T) {
	t.Parallel()
	r := example()
	for _, format := range []string{"json", "yaml"} {
		back, err := ReadBaseline(render(t, format, r, Options{}))
		if err != nil {
			t.Fatal(err)
		}
		for i := range r.Findings {
			if got, want := back.Findings[i].Identity(), r.Findings[i].Identity(); got != want {
				t.Errorf("%s: got %q, want %q", format, got, want)
			}
		}
	}
	for name, text := range map[string]string{"another kind of file": `{"apiVersion":"v1"}`, "something else": "][", "nothing": ""} {
		if _, err := ReadBaseline([]byte(text)); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func TestIdentityIgnoresVersionAndPlace(t *testing.T) {
	t.Parallel()
	a := Finding{Check: "A", Object: Object{APIVersion: "apps/v1", Kind: "Deployment", Name: "x"}, Subject: "s", File: "a", Line: 1}
	b := a
	b.Object.APIVersion, b.File, b.Line, b.Message = "apps/v1beta1", "b", 2, "other"
	if a.Identity() != b.Identity() {
		t.Error("the same finding in another version and place has another identity")
	}
	for name, change := range map[string]func(*Finding){
		"check":     func(f *Finding) { f.Check = "B" },
		"group":     func(f *Finding) { f.Object.APIVersion = "v1" },
		"namespace": func(f *Finding) { f.Object.Namespace = "n" },
		"subject":   func(f *Finding) { f.Subject = "" },
	} {
		c := a
		change(&c)
		if a.Identity() == c.Identity() {
			t.Errorf("another %s has the same identity", name)
		}
	}
}

func TestJUnitCounts(t *testing.T) {
	t.Parallel()
	var got junitSuites
	if err := xml.Unmarshal(render(t, "junit", example(), Options{}), &got); err != nil {
		t.Fatal(err)
	}
	// A case per finding, one for the object without, one for the fault.
	if got.Tests != 5 || got.Failures != 1 || got.Errors != 1 || len(got.Suites) != 4 {
		t.Errorf("got %d tests, %d failures, %d errors, %d suites", got.Tests, got.Failures, got.Errors, len(got.Suites))
	}
}

func TestGitHubEscapes(t *testing.T) {
	t.Parallel()
	out := string(render(t, "github", example(), Options{}))
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != 5 {
		t.Fatalf("got %d lines, want one per finding, fault and the summary:\n%s", len(lines), out)
	}
	want := `::error file=deploy/my shop.yaml,line=5,title=TST-001 open-door::Service shop/web: spec.ports[0]: opens <port> 80%25 & "more",%0Asays ::it:: %0AFix: close it`
	if diff := cmp.Diff(want, lines[1]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if !strings.HasPrefix(lines[2], "::notice ") {
		t.Errorf("a finding that the baseline knows is %q", lines[2])
	}
}

func TestQuietTextHoldsOnlyWhatFails(t *testing.T) {
	t.Parallel()
	out := string(render(t, "text", example(), Options{Quiet: true}))
	if !strings.Contains(out, "shop/web") || strings.Contains(out, "shop/api") || strings.Contains(out, "3 findings") {
		t.Errorf("got:\n%s", out)
	}
}

func TestTextWrapsAndColours(t *testing.T) {
	t.Parallel()
	r := example()
	r.Findings[0].Message = strings.Repeat("word ", 40)
	for line := range strings.Lines(string(render(t, "text", r, Options{Width: 80}))) {
		if strings.Contains(line, "word") && len(strings.TrimRight(line, "\n")) > 80 {
			t.Errorf("a line has %d columns: %q", len(line), line)
		}
	}
	if out := render(t, "text", r, Options{}); bytes.Contains(out, []byte("\x1b")) {
		t.Error("there is colour without being asked for")
	}
	if out := render(t, "text", r, Options{Colour: true}); !bytes.Contains(out, []byte("\x1b[1;31mdeny")) {
		t.Error("a denial has no colour")
	}
}

func TestEveryFormatIsDeterministic(t *testing.T) {
	t.Parallel()
	if len(Formats()) != 7 {
		t.Fatalf("got %v", Formats())
	}
	for _, format := range Formats() {
		o := Options{Checks: []checks.Check{exampleCheck()}}
		if a, b := render(t, format, example(), o), render(t, format, example(), o); !bytes.Equal(a, b) {
			t.Errorf("%s differs from run to run", format)
		}
	}
	if err := Write(&bytes.Buffer{}, "pdf", example(), Options{}); err == nil {
		t.Error("an unknown format was accepted")
	}
}

func TestAnEmptyReportHasNoNulls(t *testing.T) {
	t.Parallel()
	r := &Report{Findings: []Finding{NewFinding(policy.Judged{}, Judged{}, 0)}}
	r.Finish()
	var v any
	out := render(t, "json", r, Options{})
	if err := json.Unmarshal(out, &v); err != nil || bytes.Contains(out, []byte("null")) {
		t.Errorf("%v: %s", err, out)
	}
}
