// SPDX-License-Identifier: Apache-2.0

package background

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/background/openreports"
	"github.com/gatehouse-sh/gatehouse/internal/policy"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// found makes one finding.
func found(object, check string, severity checks.Severity, action checks.Action) Result {
	return Result{
		Object: inventory.Key{Kind: inventory.ServiceKind, Namespace: "shop", Name: object},
		Judged: policy.Judged{Action: action, Finding: checks.Finding{
			Check: check, Name: "name-of-" + check, Severity: severity, Subject: "port/http", Message: "opens a port on every node",
			Path: []string{"any node address", "Service shop/" + object},
		}},
	}
}

// many makes one finding for each of n objects.
func many(n int) []Result {
	out := make([]Result, 0, n)
	for i := range n {
		out = append(out, found(fmt.Sprintf("web-%06d", i), "EXP-001", checks.High, checks.Deny))
	}
	return out
}

const enough = 1 << 20

func TestOneReportOfFewResults(t *testing.T) {
	t.Parallel()
	warned := found("web", "EXP-002", checks.Medium, checks.Warn)
	doubt := found("web", "EXP-003", checks.Medium, checks.Audit)
	doubt.Certainty = checks.Undetermined
	exempt := found("web", "EXP-004", checks.Critical, checks.Audit)
	exempt.Exemption = "team/reason"
	second := found("web", "EXP-001", checks.High, checks.Deny)
	second.Subject = "port/metrics"
	list := []Result{found("web", "EXP-001", checks.High, checks.Deny), second, warned, doubt, exempt}
	alone := Reports("shop", list, 0, enough)[0].Results
	if len(alone) != 1 || alone[0].Properties[OthersProperty] != "EXP-002 EXP-003 EXP-004" {
		t.Errorf("of one object alone the report says %+v", alone)
	}
	reports := Reports("shop", append(list, many(99)...), 0, enough)
	if len(reports) != 1 {
		t.Fatalf("%d reports", len(reports))
	}
	r := reports[0]
	if d := cmp.Diff(openreports.Metadata{Name: "gatehouse-0", Namespace: "shop", Labels: ManagedBy()}, r.Metadata); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff("openreports.io/v1alpha1 Report gatehouse", r.APIVersion+" "+r.Kind+" "+r.Source); d != "" {
		t.Error(d)
	}
	var got []string
	for _, one := range r.Results[:len(r.Results)-99] {
		got = append(got, fmt.Sprint(one.Policy, " ", one.Result, " ", one.Severity, " ", one.Properties))
	}
	want := []string{
		"EXP-001 fail high map[action:deny count:2 path:any node address -> Service shop/web subject:port/http]",
		"EXP-002 warn medium map[action:warn subject:port/http]",
		"EXP-003 error medium map[action:audit others:EXP-004 subject:port/http]",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("results (want -, got +):\n%s", d)
	}
	if d := cmp.Diff(openreports.Summary{Fail: 100, Warn: 1, Error: 1}, r.Summary); d != "" {
		t.Error(d)
	}
}

func TestOutcomes(t *testing.T) {
	t.Parallel()
	undetermined := found("web", "EXP-001", checks.High, checks.Deny)
	undetermined.Certainty = checks.Undetermined
	exempt := found("web", "EXP-001", checks.High, checks.Audit)
	exempt.Exemption = "team/reason"
	for name, tc := range map[string]struct {
		result Result
		want   openreports.Outcome
	}{
		"what is denied fails":                  {found("web", "EXP-001", checks.High, checks.Deny), openreports.Fail},
		"what is only recorded fails":           {found("web", "EXP-001", checks.High, checks.Audit), openreports.Fail},
		"what is warned of warns":               {found("web", "EXP-001", checks.High, checks.Warn), openreports.Warn},
		"what is not decided is an error":       {undetermined, openreports.Error},
		"what is exempt is skipped, not passed": {exempt, openreports.Skip},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := Reports("shop", []Result{tc.result}, 0, enough)[0].Results[0].Result; got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

func TestNoResultsAreNoReport(t *testing.T) {
	t.Parallel()
	if got := Reports("shop", nil, 4, enough); len(got) != 0 {
		t.Errorf("%d reports", len(got))
	}
}

func TestClusterScopedObjectsHaveAClusterReport(t *testing.T) {
	t.Parallel()
	r := Reports("", many(1), 0, enough)[0]
	if r.Kind != openreports.ClusterReportKind || r.Metadata.Namespace != "" {
		t.Errorf("%s in namespace %q", r.Kind, r.Metadata.Namespace)
	}
}

func TestReportsAreDivided(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 500, 501, 5_000, 12_000} {
		reports := Reports("shop", many(n), 0, enough)
		total := 0
		names := map[string]bool{}
		for _, r := range reports {
			total += len(r.Results)
			names[r.Metadata.Name] = true
			raw, err := json.Marshal(r.Results)
			if err != nil {
				t.Fatal(err)
			}
			if len(r.Results) > 500 || len(raw) > 256<<10 {
				t.Errorf("%d objects: report %s has %d results in %d bytes", n, r.Metadata.Name, len(r.Results), len(raw))
			}
		}
		if total != n || len(names) != len(reports) {
			t.Errorf("%d objects: %d results in %d reports of %d names", n, total, len(reports), len(names))
		}
		t.Logf("%d failing objects: %d reports", n, len(reports))
	}
}

func TestAChangeOfOneObjectChangesOneReport(t *testing.T) {
	t.Parallel()
	list := many(3_000)
	before := Reports("shop", list, 0, enough)
	after := Reports("shop", slices.Delete(slices.Clone(list), 1_234, 1_235), Shards(before), enough)
	changed := 0
	for i := range before {
		if !cmp.Equal(before[i], after[i]) {
			changed++
		}
	}
	if changed != 1 || len(before) < 2 {
		t.Errorf("%d of %d reports changed", changed, len(before))
	}
}

// TestADivisionIsKept walks to and fro over the bound of one report.
func TestADivisionIsKept(t *testing.T) {
	t.Parallel()
	shards := 0
	for i, step := range []struct{ objects, want int }{{500, 0}, {501, 2}, {500, 2}, {260, 2}, {501, 2}, {3_000, 8}, {501, 8}, {500, 0}} {
		shards = Shards(Reports("shop", many(step.objects), shards, enough))
		if shards != step.want { // 0 stands for one report
			t.Errorf("step %d: %d objects in %d reports, want %d", i, step.objects, shards, step.want)
		}
	}
}

func TestTheWorstAreKept(t *testing.T) {
	t.Parallel()
	list := many(100)
	for i := range list {
		list[i].Severity = checks.Low
	}
	list[77].Severity = checks.Critical
	reports := Reports("shop", list, 0, 10)
	if len(reports) != 1 || len(reports[0].Results) != 11 {
		t.Fatalf("%d reports", len(reports))
	}
	r := reports[0].Results
	if got := Truncated(reports); got != 90 {
		t.Errorf("%d are said to be left out, want 90", got)
	}
	if !slices.ContainsFunc(r, func(one openreports.Result) bool { return one.Severity == "critical" }) {
		t.Error("the critical finding is not among them")
	}
	if last := r[10]; last.Result != openreports.Skip || !strings.Contains(last.Message, "90 more") {
		t.Errorf("the last result is %+v", last)
	}
	if got := Reports("shop", list, 0, 0); len(got) != 1 || Truncated(got) != 100 {
		t.Errorf("without room: %+v", got)
	}
}

func TestAnObjectCostsLittle(t *testing.T) {
	t.Parallel()
	var list []Result
	for i := range 40 {
		r := found(strings.Repeat("n", 63), fmt.Sprintf("EXP-%03d", i), checks.High, checks.Deny)
		r.Message, r.Subject, r.Path = strings.Repeat("ä", 500), strings.Repeat("s", 500), []string{strings.Repeat("p", 500)}
		list = append(list, r)
	}
	raw, err := json.Marshal(Reports("shop", list, 0, enough)[0].Results)
	if err != nil {
		t.Fatal(err)
	}
	if len(raw) > 1200 {
		t.Errorf("the worst object takes %d bytes", len(raw))
	}
	if !strings.Contains(string(raw), "EXP-039") && !strings.Contains(string(raw), "...") {
		t.Errorf("nothing says that there is more: %s", raw)
	}
}
