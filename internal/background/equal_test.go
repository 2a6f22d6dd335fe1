// SPDX-License-Identifier: Apache-2.0

package background

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

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
	compared, findings := 0, 0
	for _, c := range cases(t) {
		if c.Request.Subresource != "" || c.Request.User != "" || c.Old != nil || c.Object.GetName() == "" {
			continue // of a stored object it is not known who wrote it, what it was before, or by which part
		}
		p, err := c.Policy(rules(t).Judge.Policy.Set())
		if err != nil {
			t.Fatal(err)
		}
		webhook, err := fixture.Judge(c, p)
		if err != nil {
			t.Fatal(err)
		}
		s := New(1)
		s.Full(kept(t, c), Rules{Judge: verdict.Judge{Policy: p}})
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

// kept is the inventory of a case as a live one holds it, the object's namespace
// enforced.
func kept(t *testing.T, c fixture.Case) *inventory.Inventory {
	t.Helper()
	e := inventory.New().Edit()
	own := c.Object.GetNamespace()
	if own != "" {
		e.Put(inventory.NewEntry(labelled(own, "enforce")))
	}
	var pool inventory.Pool
	for _, o := range append(slices.Clone(c.Context), c.Object) {
		copied, ok := o.DeepCopyObject().(inventory.Object)
		if !ok {
			t.Fatalf("%T", o)
		}
		if ns, isNamespace := copied.(*corev1.Namespace); isNamespace && ns.Name == own {
			ns.Labels = merged(ns.Labels, policy.AdmissionLabel, "enforce")
			delete(ns.Labels, policy.ProfileLabel)
		}
		e.Put(pool.Entry(copied))
	}
	return e.Inventory()
}

func merged(labels map[string]string, key, value string) map[string]string {
	out := map[string]string{key: value}
	for k, v := range labels {
		if k != key {
			out[k] = v
		}
	}
	return out
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
	files, err := filepath.Glob("../../checks/*/testdata/*/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	var out []fixture.Case
	seen := map[string]bool{}
	for _, file := range files {
		folder := filepath.Dir(filepath.Dir(file))
		if seen[folder] {
			continue
		}
		seen[folder] = true
		list, err := fixture.Load(folder)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, list...)
	}
	return out
}
