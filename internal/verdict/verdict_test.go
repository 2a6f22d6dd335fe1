// SPDX-License-Identifier: Apache-2.0

package verdict_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/checks/catalog"
	"github.com/gatehouse-sh/gatehouse/internal/exempt"
	"github.com/gatehouse-sh/gatehouse/internal/fixture"
	"github.com/gatehouse-sh/gatehouse/internal/policy"
	"github.com/gatehouse-sh/gatehouse/internal/verdict"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

var noon = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// cases are the fixtures of all checks, with the policy of each.
func cases(t *testing.T) []fixture.Case {
	t.Helper()
	all, err := fixture.Load(filepath.Join("..", "..", "checks", "exposure", "testdata"))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func policyOf(t *testing.T, c fixture.Case, set *checks.Set) *policy.Policy {
	t.Helper()
	p, err := c.Policy(set)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func newSet(t *testing.T) *checks.Set {
	t.Helper()
	set, err := catalog.Set()
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func question(t *testing.T, c fixture.Case, p *policy.Policy, mode policy.Mode) verdict.Question {
	t.Helper()
	in, err := c.Input(p.Parameters)
	if err != nil {
		t.Fatal(err)
	}
	return verdict.Question{Object: in.Object, Old: in.Old, Inventory: in.Inventory, Held: true, Request: in.Request, Mode: mode}
}

func about(id string, k inventory.Key, end time.Time) exempt.Exemption {
	return exempt.Exemption{
		Namespace: "gatehouse-system", Name: "e-" + id, Reach: exempt.Everywhere, Checks: []string{id},
		Objects: []exempt.Selector{{Kinds: []string{k.Kind.Kind}, Names: []string{k.Name}}}, Reason: "r", Owner: "o", ExpiresAt: end,
	}
}

type row struct{ check, subject, message string }

func rows(v policy.Verdict) map[row]int {
	out := map[row]int{}
	for _, j := range v {
		out[row{j.Check, j.Subject, j.Message}]++
	}
	return out
}

// TestAnExemptionNeverAddsAFinding is the law of exemptions, over every fixture,
// every mode and exemptions that are drawn at random: the findings are the same,
// none is treated more strictly, what is covered is recorded and no more, and
// what is not covered is treated as before.
func TestAnExemptionNeverAddsAFinding(t *testing.T) {
	t.Parallel()
	set, covered, judged := newSet(t), 0, 0
	random := rand.New(rand.NewPCG(3, 5))
	ids := set.Checks()
	for _, c := range cases(t) {
		p := policyOf(t, c, set)
		key := inventory.KeyOf(c.Object)
		for _, mode := range []policy.Mode{policy.Enforce, policy.WarnOnly, policy.AuditOnly, policy.Off} {
			var list []exempt.Exemption
			for range random.IntN(5) {
				list = append(list, about(ids[random.IntN(len(ids))].ID, key, noon.Add(time.Hour)))
			}
			list = append(list, about(c.Check, key, noon.Add(time.Hour)))
			plain := verdict.Judge{Policy: p, Now: noon}.Of(question(t, c, p, mode))
			with := verdict.Judge{Policy: p, Now: noon, Exemptions: exempt.NewSet(list...)}.Of(question(t, c, p, mode))
			judged++
			if diff := cmp.Diff(rows(plain), rows(with), cmp.AllowUnexported(row{})); diff != "" {
				t.Errorf("%s %s: findings (without -, with +):\n%s", c.Path, mode, diff)
			}
			before := map[string]checks.Action{}
			for _, j := range plain {
				before[j.Check+" "+j.Subject+" "+j.Message] = j.Action
			}
			for i, j := range with {
				was := before[j.Check+" "+j.Subject+" "+j.Message]
				switch {
				case j.Exemption != "" && (j.Action != checks.Audit || j.Exemption != "gatehouse-system/e-"+j.Check):
					t.Errorf("%s %s: %s is exempt by %q and %s", c.Path, mode, j.Check, j.Exemption, j.Action)
				case j.Exemption == "" && j.Action != was:
					t.Errorf("%s %s: %s went from %s to %s without an exemption", c.Path, mode, j.Check, was, j.Action)
				case j.Exemption == "" && j.Check == c.Check:
					t.Errorf("%s %s: %s is not exempt", c.Path, mode, j.Check)
				}
				if i > 0 && with[i-1].Action > j.Action {
					t.Errorf("%s %s: the strictest action does not come first", c.Path, mode)
				}
				if j.Exemption != "" {
					covered++
				}
			}
		}
	}
	if covered < 500 {
		t.Errorf("only %d findings were exempt", covered)
	}
	t.Logf("%d verdicts, %d exempt findings", judged, covered)
}

// TestWhatDoesNotCountChangesNothing compares verdicts whole: with exemptions that
// have expired, that nobody approved or that end too late, and without any.
func TestWhatDoesNotCountChangesNothing(t *testing.T) {
	t.Parallel()
	set, refused := newSet(t), 0
	for _, c := range cases(t) {
		p := policyOf(t, c, set)
		key := inventory.KeyOf(c.Object)
		over, alone, long, foreign := about(c.Check, key, noon), about(c.Check, key, noon.Add(time.Hour)), about(c.Check, key, noon.AddDate(1, 0, 0)), about(c.Check, key, noon.Add(time.Hour))
		alone.Reach = exempt.Nowhere
		foreign.Reach, foreign.Namespace = exempt.OwnNamespace, key.Namespace+"-2"
		list := []exempt.Exemption{over, alone, long, foreign}
		for i := range list {
			list[i].Name += fmt.Sprint(i)
		}
		want := verdict.Judge{Policy: p, Now: noon}.Of(question(t, c, p, policy.Enforce))
		got := verdict.Judge{Policy: p, Now: noon, Exemptions: exempt.NewSet(list...)}.Of(question(t, c, p, policy.Enforce))
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (without -, with +):\n%s", c.Path, diff)
		}
		if got.Denied() {
			refused++
		}
		// A moment earlier the first of them counts.
		if early := (verdict.Judge{Policy: p, Now: noon.Add(-1), Exemptions: exempt.NewSet(over)}).Of(question(t, c, p, policy.Enforce)); c.Refuses() && len(early.With(checks.Audit)) == 0 {
			t.Errorf("%s: the exemption does not count before its end", c.Path)
		}
	}
	if refused == 0 {
		t.Fatal("no fixture is refused: this tests nothing")
	}
}

// TestTheZeroJudgeRefuses: without a policy nothing passes, whatever is exempt.
func TestTheZeroJudgeRefuses(t *testing.T) {
	t.Parallel()
	c := cases(t)[0]
	q := question(t, c, policy.Default(newSet(t)), policy.Enforce)
	for name, j := range map[string]verdict.Judge{
		"the zero Judge":            {},
		"one with exemptions alone": {Exemptions: exempt.NewSet(about(c.Check, inventory.KeyOf(c.Object), noon.Add(time.Hour))), Now: noon},
		"one with the zero policy":  {Policy: &policy.Policy{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if !j.Of(q).Denied() {
				t.Error("accepted")
			}
		})
	}
}

// TestOnlySomeChecks: what is left out is left out of the older self too.
func TestOnlySomeChecks(t *testing.T) {
	t.Parallel()
	set, n := newSet(t), 0
	for _, c := range cases(t) {
		if !c.Refuses() {
			continue
		}
		p := policyOf(t, c, set)
		q := question(t, c, p, policy.Enforce)
		q.Only = map[string]bool{c.Check: true}
		v := verdict.Judge{Policy: p}.Of(q)
		for _, j := range v {
			n++
			if j.Check != c.Check {
				t.Errorf("%s: %s", c.Path, j.Check)
			}
		}
	}
	if n == 0 {
		t.Fatal("no finding")
	}
}

// TestANamespaceThatEnforcesNeedNotSufferFromOthers binds cluster-admin to the
// account of a workload that the internet reaches, by an object without namespace.
func TestANamespaceThatEnforcesNeedNotSufferFromOthers(t *testing.T) {
	t.Parallel()
	set := newSet(t)
	var chain *fixture.Case
	all, err := fixture.Load(filepath.Join("..", "..", "checks", "blast", "testdata"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range all {
		if c := &all[i]; c.Check == "XR-001" && c.Old == nil && c.Refuses() && inventory.GroupKindOf(c.Object) == inventory.ClusterBindingKind {
			chain = c
		}
	}
	if chain == nil {
		t.Fatal("no fixture of XR-001 is about a ClusterRoleBinding")
	}
	denied := func(own, theirs policy.Mode) bool {
		q := question(t, *chain, policyOf(t, *chain, set), own)
		q.ModeOf = func(string) policy.Mode { return theirs }
		q.Only = map[string]bool{"XR-001": true}
		return verdict.Judge{Policy: policyOf(t, *chain, set), Now: noon}.Of(q).Denied()
	}
	for own, want := range map[policy.Mode]map[policy.Mode]bool{
		policy.Enforce:  {policy.Enforce: true, policy.WarnOnly: true, policy.Off: true},
		policy.WarnOnly: {policy.Enforce: true, policy.WarnOnly: false, policy.Off: false},
		policy.Off:      {policy.Enforce: false, policy.Off: false},
	} {
		for theirs, refused := range want {
			if got := denied(own, theirs); got != refused {
				t.Errorf("cluster mode %s, workload's namespace %s: refused %v, want %v", own, theirs, got, refused)
			}
		}
	}
}

// TestTheObjectBeforeAnUpdateIsWorkedOutOnce is about a check that compares with
// what was there: the answer is the one that its own evaluation of that gives.
func TestTheObjectBeforeAnUpdateIsWorkedOutOnce(t *testing.T) {
	t.Parallel()
	worked := 0
	read := func(in checks.Input) bool {
		return checks.Shared(in, in.Object, func() bool { worked++; return true })
	}
	set, err := checks.NewSet(checks.Check{
		ID: "EXP-900", Name: "compares", Severity: checks.High, Kinds: []schema.GroupKind{inventory.ServiceKind},
		Doc: checks.Doc{Title: "t", Why: "w", Attack: "a", Fix: "f", Sources: []string{"s"}},
		Run: func(in checks.Input) []checks.Finding {
			if read(in); in.Old != nil {
				read(in.Before())
			}
			return []checks.Finding{{Subject: "all", Message: "is there"}}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	object, old := &corev1.Service{}, &corev1.Service{}
	object.Name, old.Name = "web", "web"
	v := verdict.Judge{Policy: policy.Default(set)}.Of(verdict.Question{
		Object: object, Old: old, Inventory: inventory.New(), Request: checks.Request{Operation: checks.Update},
	})
	if len(v) != 1 || v[0].Action == checks.Deny {
		t.Errorf("got %+v, want one finding that was there before", v)
	}
	if worked != 2 {
		t.Errorf("%d answers were worked out, want one of each object", worked)
	}
}
