// SPDX-License-Identifier: Apache-2.0

package background

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-sh/gatehouse/internal/fixture"
	"github.com/gatehouse-sh/gatehouse/internal/policy"
	"github.com/gatehouse-sh/gatehouse/internal/verdict"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// byWriter are the checks that ask who writes, or leave to the scan what it tells
// of another object: of what is stored they say less or more.
var byWriter = map[string]string{
	"EXP-046": "the scan tells of the policy's namespace once, by the Service",
}

// TestTheScanSaysWhatTheWebhookSays judges every fixture both ways: as a request
// laid over the inventory, and as an object of the inventory, kept as a live one
// keeps it.
func TestTheScanSaysWhatTheWebhookSays(t *testing.T) {
	t.Parallel()
	set := rules(t).Judge.Policy.Set()
	compared, findings := 0, 0
	for _, c := range cases(t) {
		if c.Request.Subresource != "" || c.Request.User != "" || c.Old != nil || c.Object.GetName() == "" {
			continue // of a stored object it is not known who wrote it, what it was before, or by which part
		}
		p, err := c.Policy(set)
		if err != nil {
			t.Fatal(err)
		}
		webhook, err := fixture.Judge(c, p)
		if err != nil {
			t.Fatal(err)
		}
		inv, err := c.Kept()
		if err != nil {
			t.Fatal(err)
		}
		s := New(1)
		s.Full(inv, Rules{Judge: verdict.Judge{Policy: p}})
		k := inventory.KeyOf(c.Object)
		want, got := lines(webhook), lines(s.failing[k.Namespace][k])
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (webhook -, scan +):\n%s", c.Path, d)
		}
		compared++
		findings += len(want)
	}
	if compared < 100 || findings < 100 {
		t.Fatalf("%d fixtures with %d findings were compared", compared, findings)
	}
	t.Logf("%d fixtures with %d findings compared", compared, findings)
}

// lines writes what a verdict finds. What is done about it is left out: an update
// may keep what a scan reports.
func lines(v policy.Verdict) []string {
	var out []string
	for _, j := range v {
		if byWriter[j.Check] == "" {
			out = append(out, fmt.Sprint(j.Check, " ", j.Severity, " ", j.Certainty, " ", j.Subject, " ", j.Field, ": ", j.Message, " ", j.Path))
		}
	}
	slices.Sort(out)
	return out
}

// cases are the fixtures of every package of checks.
func cases(t testing.TB) []fixture.Case {
	t.Helper()
	all, err := fixture.LoadAll(filepath.Join("..", "..", "checks"))
	if err != nil {
		t.Fatal(err)
	}
	return all
}
