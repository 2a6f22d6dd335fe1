// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/gatehouse-sh/gatehouse/checks"
)

const rounds = 2000

// randomPolicy compiles a random spec; specs that Compile refuses are drawn
// anew.
func randomPolicy(t *testing.T, r *rand.Rand, set *checks.Set) *Policy {
	t.Helper()
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	for range 200 {
		var b strings.Builder
		b.WriteString("checks:\n")
		for _, c := range set.Checks() {
			if r.IntN(3) == 0 {
				fmt.Fprintf(&b, "- {check: %s, %s: %s}\n", c.ID, pick("action", "baseline", "strict"), pick("deny", "warn", "audit", "ignore"))
			}
		}
		b.WriteString("severities:\n")
		for s := checks.Info; s <= checks.Critical; s++ {
			if r.IntN(3) == 0 {
				fmt.Fprintf(&b, "- {severity: %s, %s: %s}\n", s, pick("action", "baseline", "strict"), pick("deny", "warn", "audit", "ignore"))
			}
		}
		fmt.Fprintf(&b, "undetermined: {baseline: %s, strict: %s}\n", pick("deny", "warn", "audit"), pick("deny", "warn", "audit"))
		if p, err := Compile(set, parsed(t, b.String())); err == nil {
			return p
		}
	}
	t.Fatal("no random spec was accepted")
	return nil
}

func randomFindings(r *rand.Rand, set *checks.Set, most int) []checks.Finding {
	list := set.Checks()
	out := make([]checks.Finding, r.IntN(most+1))
	for i := range out {
		out[i] = checks.Finding{
			Check: list[r.IntN(len(list))].ID, Subject: string(rune('a' + r.IntN(3))),
			Severity: checks.Severity(1 + r.IntN(int(checks.Critical))), Certainty: checks.Certainty(r.IntN(2)),
		}
	}
	return out
}

func profileOf(r *rand.Rand) Profile { return []Profile{Baseline, Strict}[r.IntN(2)] }

func TestAMoreSevereFindingIsNeverTreatedMoreMildly(t *testing.T) {
	t.Parallel()
	r, set := rand.New(rand.NewPCG(1, 1)), testSet(t)
	for range rounds {
		p, profile := randomPolicy(t, r, set), profileOf(r)
		for _, c := range set.Checks() {
			for _, certainty := range []checks.Certainty{checks.Violation, checks.Undetermined} {
				f := checks.Finding{Check: c.ID, Severity: checks.Info, Certainty: certainty}
				for s := checks.Low; s <= checks.Critical; s++ {
					worse := f
					worse.Severity = s
					if p.Action(worse, profile) > p.Action(f, profile) {
						t.Fatalf("%s in %s: %s gets %s, %s gets %s", c.ID, profile, f.Severity, p.Action(f, profile), s, p.Action(worse, profile))
					}
					f = worse
				}
			}
		}
	}
}

func TestDoubtIsNeverTreatedMoreStrictlyThanAViolation(t *testing.T) {
	t.Parallel()
	r, set := rand.New(rand.NewPCG(2, 1)), testSet(t)
	for range rounds {
		p, profile := randomPolicy(t, r, set), profileOf(r)
		for _, f := range randomFindings(r, set, 5) {
			sure, doubt := f, f
			sure.Certainty, doubt.Certainty = checks.Violation, checks.Undetermined
			if p.Action(doubt, profile) < p.Action(sure, profile) {
				t.Fatalf("%+v: doubt gets %s, certainty %s", f, p.Action(doubt, profile), p.Action(sure, profile))
			}
		}
	}
}

func TestFindingsOnlyAddToAVerdict(t *testing.T) {
	t.Parallel()
	r, set := rand.New(rand.NewPCG(3, 1)), testSet(t)
	denied := 0
	for range rounds {
		p, profile := randomPolicy(t, r, set), profileOf(r)
		old, current, more := randomFindings(r, set, 4), randomFindings(r, set, 4), randomFindings(r, set, 4)
		before := p.Decide(Enforce, profile, old, current)
		if before.Denied() {
			denied++
			if !p.Decide(Enforce, profile, old, append(current, more...)).Denied() {
				t.Fatalf("adding %+v to %+v lifted the denial", more, current)
			}
			if !p.Decide(Enforce, profile, nil, current).Denied() {
				t.Fatalf("an update is denied that would be a creation without fault: %+v", current)
			}
		} else if p.Decide(Enforce, profile, append(old, more...), current).Denied() {
			t.Fatalf("more old faults %+v made %+v denied", more, current)
		}
		if !before.Denied() && p.Decide(Enforce, profile, current, current).Denied() {
			t.Fatalf("writing %+v again is denied", current)
		}
	}
	if denied == 0 {
		t.Fatal("nothing was denied")
	}
}

func TestWritingTheSameObjectAgainIsNeverDenied(t *testing.T) {
	t.Parallel()
	r, set := rand.New(rand.NewPCG(4, 1)), testSet(t)
	for range rounds {
		p, profile := randomPolicy(t, r, set), profileOf(r)
		current := randomFindings(r, set, 6)
		if p.Decide(Enforce, profile, current, current).Denied() {
			t.Fatalf("writing %+v again is denied", current)
		}
	}
}

func TestASofterModeNeverDeniesMore(t *testing.T) {
	t.Parallel()
	r, set := rand.New(rand.NewPCG(5, 1)), testSet(t)
	for range rounds {
		p, profile := randomPolicy(t, r, set), profileOf(r)
		old, current := randomFindings(r, set, 4), randomFindings(r, set, 4)
		enforced := p.Decide(Enforce, profile, old, current)
		for _, mode := range []Mode{WarnOnly, AuditOnly, Off} {
			v := p.Decide(mode, profile, old, current)
			if v.Denied() || mode == AuditOnly && len(v.With(checks.Audit)) != len(v) {
				t.Fatalf("mode %s: %+v", mode, v)
			}
			if mode != Off && len(v) != len(enforced) {
				t.Fatalf("mode %s has %d findings, enforce has %d", mode, len(v), len(enforced))
			}
		}
	}
}

func TestOnAgreesWithAction(t *testing.T) {
	t.Parallel()
	r, set := rand.New(rand.NewPCG(6, 1)), testSet(t)
	for range rounds {
		p, profile := randomPolicy(t, r, set), profileOf(r)
		for _, c := range set.Checks() {
			effective := false
			for s := checks.Info; s <= checks.Critical; s++ {
				effective = effective || p.Action(checks.Finding{Check: c.ID, Severity: s}, profile) != checks.Ignore
			}
			if p.On(&c, profile) != effective {
				t.Fatalf("%s in %s: On = %v, but some action is not ignore: %v", c.ID, profile, p.On(&c, profile), effective)
			}
		}
	}
}
