// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/fixture"
	"github.com/gatehouse-sh/gatehouse/internal/policy"
	"github.com/gatehouse-sh/gatehouse/internal/verdict"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

var updateBackstop = flag.Bool("update-backstop", false, "rewrite testdata/backstop-left.txt")

// grade is a check and the severity of what it says about an object.
type grade struct {
	check    string
	severity checks.Severity
}

// firedPolicy begins what the API server says of a policy that fails, and saying
// is what the policy says about one check.
var (
	firedPolicy = regexp.MustCompile(`ValidatingAdmissionPolicy 'gatehouse-backstop-[a-z-]+' with binding '[a-z-]+'(?: denied request)?: `)
	saying      = regexp.MustCompile(`(?:: |\| )([A-Z]+-\d{3}) [a-z0-9-]+ \(([a-z]+)\) at `)
)

// firedBy reads the checks that an answer names.
func firedBy(out string) map[grade]bool {
	fired := map[grade]bool{}
	for line := range strings.Lines(out) {
		if !firedPolicy.MatchString(line) {
			continue
		}
		for _, m := range saying.FindAllStringSubmatch(line, -1) {
			severity, _ := checks.ParseSeverity(m[2]) // unset, and so equal to no other, when it is none
			fired[grade{m[1], severity}] = true
		}
	}
	return fired
}

// TestBackstop applies every fixture while no webhook is registered and compares
// what the ValidatingAdmissionPolicies say with what the checks say, check by
// check: a policy never says what its check does not, and what it leaves to the
// webhook is written down.
func TestBackstop(t *testing.T) {
	c := newCluster(t)
	c.installDefinitions(t)
	t.Cleanup(func() { c.removeBackstop(t) })
	c.kubectl(t, namespaceCanary, "apply", "--server-side", "--force-conflicts", "-f", "-")
	cases := loadAllFixtures(t)
	byParameters := map[string][]int{}
	for i, fc := range cases {
		byParameters[string(fc.Parameters)] = append(byParameters[string(fc.Parameters)], i)
	}
	tally := &backstopTally{seen: map[string]int{}, equal: map[string]int{}, due: map[string]int{}}
	wanted := 0
	for _, parameters := range slices.Sorted(maps.Keys(byParameters)) {
		group := byParameters[parameters]
		p, err := policy.Compile(c.set, everythingWarns(t, c.set, cases[group[0]]))
		if err != nil {
			t.Fatal(err)
		}
		c.applyBackstop(t, p)
		for _, i := range group {
			fc := cases[i]
			if fc.Request.Stored || builtIn(fc.Object) {
				continue // a scan has no writer, and an admission always has one; the cluster's own roles stay as they are
			}
			wanted++
			t.Run(fc.Check+"/"+fc.Name, func(t *testing.T) {
				tally.begun++
				tally.add(t, &applied{cluster: c, fixture: fc, suffix: fmt.Sprintf("-b%d", i)}, p)
			})
		}
	}
	if tally.begun < wanted {
		t.Logf("%d of %d fixtures: what is left to the webhook is not compared", tally.begun, wanted)
		tally.only(t)
		return
	}
	tally.report(t, c.set)
}

// loadAllFixtures reads the fixtures of every package of checks.
func loadAllFixtures(t *testing.T) []fixture.Case {
	t.Helper()
	cases, err := fixture.LoadAll(filepath.Join(root(t), "checks"))
	if err != nil {
		t.Fatal(err)
	}
	return cases
}

// everythingWarns is the policy of a fixture in which every finding warns: an
// answer then names all policies that fail, and not only the first that denies.
func everythingWarns(t *testing.T, set *checks.Set, fc fixture.Case) *v1alpha1.CheckPolicySpec {
	t.Helper()
	spec, err := fc.Spec()
	if err != nil {
		t.Fatal(err)
	}
	if spec == nil {
		spec = &v1alpha1.CheckPolicySpec{}
	}
	spec.Checks = nil
	for _, check := range set.Checks() {
		spec.Checks = append(spec.Checks, v1alpha1.CheckRule{Check: check.ID, Action: v1alpha1.ActionWarn})
	}
	return spec
}

// backstopTally compares and counts.
type backstopTally struct {
	begun    int // fixtures that the flag -run did not leave out
	fixtures int
	pairs    int            // verdicts of a policy that were compared
	seen     map[string]int // by check: fixtures with a finding that the policy has, too
	equal    map[string]int // by check: fixtures on which check and policy agree
	due      map[string]int // by check: fixtures with a finding
	missed   int            // verdicts that only the check came to
	left     []string       // of these, the fixtures of the check itself: "EXP-006/fixture"
}

// add applies one fixture and compares.
func (s *backstopTally) add(t *testing.T, a *applied, p *policy.Policy) {
	t.Helper()
	defer a.clean(t)
	a.prepare(t)
	want, judgedHere := judgedGrades(t, a, p)
	if !judgedHere {
		return
	}
	var fired map[grade]bool
	var out string
	seen := 0
	end := time.Now().Add(2 * time.Second)
	for { // the labels of a new namespace take a moment, and so do parameters
		out = a.dryRun(t)
		fired = firedBy(out)
		if strings.Contains(out, namespaceSeen) {
			seen++
		}
		silent := len(want) == 0 && (seen > 1 || a.fixture.Object.GetNamespace() == "") // and not unasked
		if len(fired) > 0 || silent || seen > 1 && !a.classed() || time.Now().After(end) {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if strings.Contains(out, "expression") && strings.Contains(out, "error") {
		t.Errorf("an expression failed:\n%s", out)
	}
	s.fixtures++
	s.compare(t, a, want, fired, out)
}

// classed reports whether the fixture has an IngressClass, which some policies
// take for their parameters.
func (a *applied) classed() bool {
	return slices.ContainsFunc(a.fixture.Context, func(o inventory.Object) bool { return inventory.GroupKindOf(o) == inventory.IngressClassKind })
}

// compare holds what the policies said against what the checks say.
func (s *backstopTally) compare(t *testing.T, a *applied, want map[string]checks.Severity, fired map[grade]bool, out string) {
	t.Helper()
	said := map[string]bool{}
	full := map[string]bool{} // as severe as the check
	for g := range fired {
		said[g.check] = true
		full[g.check] = full[g.check] || g.severity == want[g.check]
		if worst, found := want[g.check]; !found || worst < g.severity {
			t.Errorf("the policy of %s says %s, the check %v of %v\n%s", g.check, g.severity, worst, want, out)
		}
	}
	for _, check := range a.set.Checks() {
		if check.Backstop == nil {
			continue
		}
		s.pairs++
		_, found := want[check.ID]
		if found {
			s.due[check.ID]++
		}
		switch {
		case found == said[check.ID]:
			s.equal[check.ID]++
			if found {
				s.seen[check.ID]++
			}
			if found && !full[check.ID] && a.fixture.Check == check.ID {
				s.left = append(s.left, check.ID+"/"+a.fixture.Name) // that it is worse
			}
		case found:
			s.missed++
			if a.fixture.Check == check.ID {
				s.left = append(s.left, check.ID+"/"+a.fixture.Name)
			}
			if check.Backstop.Partial == "" {
				t.Errorf("%s has a backstop without gaps that did not see %s\n%s", check.ID, a.fixture.Path, out)
			}
		}
	}
}

// judgedGrades are the checks with a backstop that find something which was not
// there before the update, each with its worst severity; false for a fixture
// that no policy is asked about, because its namespace is none to be judged.
func judgedGrades(t *testing.T, a *applied, p *policy.Policy) (map[string]checks.Severity, bool) {
	t.Helper()
	ns := a.fixture.Object.GetNamespace()
	if ns != "" && system(ns) {
		return nil, false
	}
	out := map[string]checks.Severity{}
	for _, j := range verdictUnder(t, a.fixture, p) {
		check, _ := a.set.Lookup(j.Check)
		if check.Backstop != nil && !j.Known {
			out[j.Check] = max(out[j.Check], j.Severity)
		}
	}
	return out, true
}

// verdictUnder is what the checks say about a fixture in an enforced namespace.
func verdictUnder(t *testing.T, fc fixture.Case, p *policy.Policy) policy.Verdict {
	t.Helper()
	in, err := fc.Input(p.Parameters)
	if err != nil {
		t.Fatal(err)
	}
	mode := policy.Enforce
	if in.Object.GetNamespace() == "" {
		mode = p.ClusterMode
	}
	return verdict.Judge{Policy: p}.Of(verdict.Question{
		Object: in.Object, Old: in.Old, Inventory: in.Inventory, Held: true, Request: in.Request, Mode: mode, Profile: policy.Baseline,
	})
}

// only prints what a part of the fixtures left to the webhook.
func (s *backstopTally) only(t *testing.T) {
	t.Helper()
	slices.Sort(s.left)
	t.Logf("%d fixtures without a webhook, %d verdicts of policies compared, left to the webhook:\n%s", s.fixtures, s.pairs, strings.Join(s.left, "\n"))
}

// report prints the counts and compares what was left to the webhook with what
// is known to be.
func (s *backstopTally) report(t *testing.T, set *checks.Set) {
	t.Helper()
	if s.fixtures == 0 || s.pairs == 0 {
		t.Fatal("no fixture was applied")
	}
	agreed, refused := 0, 0
	for _, n := range s.equal {
		agreed += n
	}
	for _, n := range s.seen {
		refused += n
	}
	t.Logf("%d fixtures without a webhook: %d verdicts of policies compared, %d equal (%d of them findings), %d left to the webhook", s.fixtures, s.pairs, agreed, refused, s.missed)
	for _, check := range set.Checks() {
		// Objects of the cluster itself, of which RBAC-015 speaks, are in no fixture here.
		if check.Backstop != nil && s.seen[check.ID] == 0 && s.due[check.ID] > 0 {
			t.Errorf("the backstop of %s never found anything", check.ID)
		}
	}
	slices.Sort(s.left)
	got := strings.Join(s.left, "\n") + "\n"
	path := filepath.Join("testdata", "backstop-left.txt")
	if *updateBackstop {
		if err := os.MkdirAll("testdata", 0o750); err != nil {
			t.Fatal(err)
		}
		writeFile(t, path, got)
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("what the backstop leaves to the webhook has changed; look at it, and run with -update-backstop (want -, got +):\n%s", diff)
	}
}
