// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/policy"
)

// denyingPolicy is the policy that refuses, with what it says; others may warn.
var denyingPolicy = regexp.MustCompile(`ValidatingAdmissionPolicy 'gatehouse-backstop-[a-z-]+' with binding '[a-z-]+' denied request: .*`)

// TestBackstopRefuses writes the fixtures for good under the
// default actions and while no webhook is registered: what the policies see is
// refused as the webhook would, everything else is stored.
func TestBackstopRefuses(t *testing.T) {
	c := newCluster(t)
	c.installDefinitions(t)
	t.Cleanup(func() { c.removeBackstop(t) })
	p := policy.Default(c.set)
	c.applyBackstop(t, p)
	known, err := os.ReadFile(filepath.Join("testdata", "backstop-left.txt"))
	if err != nil {
		t.Fatal(err)
	}
	left := strings.Split(string(known), "\n")
	refused, stored := 0, 0
	for i, fc := range loadAllFixtures(t) {
		if ns := fc.Object.GetNamespace(); fc.Parameters != nil || fc.Request.Stored || builtIn(fc.Object) || ns != "" && system(ns) {
			continue
		}
		t.Run(fc.Check+"/"+fc.Name, func(t *testing.T) {
			a := &applied{cluster: c, fixture: fc, suffix: fmt.Sprintf("-r%d", i)}
			defer a.clean(t)
			a.prepare(t)
			var may []string // the checks that deny, and of which a policy may see why
			must := false    // it does
			for _, j := range verdictUnder(t, fc, p) {
				check, _ := c.set.Lookup(j.Check)
				if check.Backstop == nil || j.Action != checks.Deny {
					continue
				}
				may = append(may, j.Check)
				must = must || check.Backstop.Partial == "" || fc.Check == j.Check && !slices.Contains(left, j.Check+"/"+fc.Name)
			}
			out, err := a.refusal(t, must)
			var said []string // by what refuses
			for g := range firedBy(denyingPolicy.FindString(out)) {
				said = append(said, g.check)
			}
			slices.Sort(said)
			want := slices.Compact(slices.Sorted(slices.Values(may)))
			switch {
			case err == nil && must, err != nil && len(may) == 0:
				t.Errorf("refused: %v, want it by one of %v\n%s", err != nil, may, out)
			case err == nil:
				stored++
			case len(said) == 0 || slices.ContainsFunc(said, func(id string) bool { return !slices.Contains(want, id) }) || !strings.Contains(out, "Change: "):
				t.Errorf("the answer names %v, want some of %v and a remedy:\n%s", said, want, out)
			default:
				refused++
			}
		})
	}
	t.Logf("%d fixtures refused without a webhook, %d stored", refused, stored)
	if refused == 0 || stored == 0 {
		t.Error("one of them is none")
	}
}

// refusal writes the object. A namespace's new label takes a moment
// to count, so what should be refused is asked for in dry runs first.
func (a *applied) refusal(t *testing.T, expected bool) (string, error) {
	t.Helper()
	for end := time.Now().Add(2 * time.Second); expected && time.Now().Before(end) && !firedPolicy.MatchString(a.dryRun(t)); {
		time.Sleep(20 * time.Millisecond)
	}
	return a.write(t)
}
