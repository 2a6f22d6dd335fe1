// SPDX-License-Identifier: Apache-2.0

package catalog

import (
	"regexp"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/fixture"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// The laws hold for every check of the catalogue over every fixture of every
// package, not only over its own.

// loadFixtures reads the fixtures of every package of checks.
func loadFixtures(t *testing.T) []fixture.Case {
	t.Helper()
	all, err := fixture.LoadAll("..")
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func loadSet(t *testing.T) *checks.Set {
	t.Helper()
	set, err := Set()
	if err != nil {
		t.Fatal(err)
	}
	if len(set.Checks()) == 0 {
		t.Fatal("no checks")
	}
	return set
}

// input builds what a case gives to the checks, under its own parameters.
func input(t *testing.T, c fixture.Case, set *checks.Set) checks.Input {
	t.Helper()
	_, in, err := c.Under(set)
	if err != nil {
		t.Fatal(err)
	}
	return in
}

// each runs a law over every case.
func each(t *testing.T, law func(t *testing.T, c fixture.Case, set *checks.Set)) {
	t.Helper()
	set := loadSet(t)
	for _, c := range loadFixtures(t) {
		t.Run(c.Check+"/"+c.Name, func(t *testing.T) {
			t.Parallel()
			law(t, c, set)
		})
	}
}

func copyOf(t *testing.T, o inventory.Object) inventory.Object {
	t.Helper()
	if o == nil {
		return nil
	}
	out, ok := o.DeepCopyObject().(inventory.Object)
	if !ok {
		t.Fatalf("the copy of a %T is none", o)
	}
	return out
}

func TestChecksAreNamedAndDocumented(t *testing.T) {
	t.Parallel()
	id, name := regexp.MustCompile(`^[A-Z]+-[0-9]{3}$`), regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)
	source := regexp.MustCompile(`^https://[^\s/]+\.[^\s]+$`)
	for _, c := range loadSet(t).Checks() {
		if !id.MatchString(c.ID) || !name.MatchString(c.Name) {
			t.Errorf("check %q is named %q", c.ID, c.Name)
		}
		if c.Doc.Exempt == "" {
			t.Errorf("%s does not say when an exemption is reasonable", c.ID)
		}
		for _, s := range c.Doc.Sources {
			if !source.MatchString(s) {
				t.Errorf("%s: source %q is not a URL", c.ID, s)
			}
		}
		if c.Actions.Strict > c.Actions.Baseline {
			t.Errorf("%s is milder in the strict profile", c.ID)
		}
		kinds := slices.Clone(c.Kinds)
		for i, k := range kinds {
			if _, known := inventory.KindOf(k); !known {
				t.Errorf("%s judges %v, which the inventory does not know", c.ID, k)
			}
			if slices.Contains(kinds[:i], k) {
				t.Errorf("%s lists %v twice", c.ID, k)
			}
		}
	}
}

func TestEveryCheckHasARefusingAndAnAcceptingFixture(t *testing.T) {
	t.Parallel()
	set := loadSet(t)
	refused, accepted := map[string]bool{}, map[string]bool{}
	for _, c := range loadFixtures(t) {
		if check, known := set.Lookup(c.Check); !known || check.ID != c.Check {
			t.Errorf("%s is a fixture of a check that does not exist", c.Path)
		}
		if c.Refuses() {
			refused[c.Check] = true
		} else {
			accepted[c.Check] = true
		}
	}
	for _, c := range set.Checks() {
		if !refused[c.ID] {
			t.Errorf("%s %s has no fixture that it refuses", c.ID, c.Name)
		}
		if !accepted[c.ID] {
			t.Errorf("%s %s has no fixture that it accepts", c.ID, c.Name)
		}
	}
}

func TestFindingsAreWellFormed(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c fixture.Case, set *checks.Set) {
		for _, f := range set.Evaluate(input(t, c, set)) {
			if f.Message == "" || f.Message[len(f.Message)-1] == '.' {
				t.Errorf("%s: the message %q is not one clause without a stop", f.Check, f.Message)
			}
			if f.Subject == "" {
				t.Errorf("%s: the finding %q has no subject", f.Check, f.Message)
			}
			if index.MatchString(f.Subject) {
				t.Errorf("%s: the subject %q holds a list index", f.Check, f.Subject)
			}
			if f.Severity == checks.SeverityUnset || f.Severity > checks.Critical {
				t.Errorf("%s: the finding %q has the severity %d", f.Check, f.Message, f.Severity)
			}
		}
	})
}

var index = regexp.MustCompile(`\[[0-9]+\]`)

func TestRunChangesNoInput(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c fixture.Case, set *checks.Set) {
		in := input(t, c, set)
		var held, before []inventory.Object
		for _, k := range inventory.Kinds() {
			for e := range in.Inventory.Entries(k.GroupKind, "") {
				held = append(held, e.Object)
			}
		}
		if in.Old != nil {
			held = append(held, in.Old)
		}
		for _, o := range held {
			before = append(before, copyOf(t, o))
		}
		set.Evaluate(in)
		for i, o := range held {
			if d := cmp.Diff(before[i], o); d != "" {
				t.Errorf("%s was changed:\n%s", inventory.KeyOf(o), d)
			}
		}
	})
}

func TestFixLeavesNoFindingAndIsIdempotent(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c fixture.Case, set *checks.Set) {
		kind := inventory.GroupKindOf(c.Object)
		for _, check := range set.Checks() {
			if check.Fix == nil || !slices.Contains(check.Kinds, kind) {
				continue
			}
			in := input(t, c, set)
			if check.OnStatus != (in.Request.Subresource == "status") || len(check.Run(in)) == 0 {
				continue
			}
			check.Fix(in.Object)
			in.Inventory = in.Inventory.With(in.Object)
			for _, f := range check.Run(in) {
				t.Errorf("%s: Fix left %q at %s", check.ID, f.Message, f.Field)
			}
			once := copyOf(t, in.Object)
			check.Fix(in.Object)
			if d := cmp.Diff(once, in.Object); d != "" {
				t.Errorf("%s: Fix a second time changed:\n%s", check.ID, d)
			}
		}
	})
}

func TestTrimChangesNoVerdict(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c fixture.Case, set *checks.Set) {
		in := input(t, c, set)
		want := set.Evaluate(in)

		// A live inventory holds trimmed objects; the webhook judges whole ones.
		edit := inventory.New().Edit()
		for _, o := range c.Context {
			edit.Put(inventory.CompactEntry(copyOf(t, o)))
		}
		live := edit.Inventory()
		admitted := in
		admitted.Inventory = live.With(in.Object)
		if d := cmp.Diff(want, set.Evaluate(admitted)); d != "" {
			t.Errorf("over a trimmed inventory (want -, got +):\n%s", d)
		}

		// The background scan judges what the inventory holds.
		scanned := in
		scanned.Object, scanned.Old = trimmed(t, in.Object), trimmed(t, in.Old)
		scanned.Inventory = live.WithEntry(inventory.CompactEntry(copyOf(t, in.Object)))
		if d := cmp.Diff(want, set.Evaluate(scanned)); d != "" {
			t.Errorf("of a trimmed object (want -, got +):\n%s", d)
		}
	})
}

// trimmed returns an object as a live inventory hands it out: a pod rebuilt
// from its workload, any other object trimmed.
func trimmed(t *testing.T, o inventory.Object) inventory.Object {
	t.Helper()
	if o == nil {
		return nil
	}
	e := inventory.CompactEntry(copyOf(t, o))
	if _, isPod := o.(*corev1.Pod); isPod {
		return e.Workload.Pod()
	}
	return e.Object
}

// TestChecksTakeAnythingOfTheirKinds runs every check over empty objects, and
// over every fixture without its context: nothing may panic.
func TestChecksTakeAnythingOfTheirKinds(t *testing.T) {
	t.Parallel()
	set := loadSet(t)
	ran := 0
	for _, c := range set.Checks() {
		for _, k := range c.Kinds {
			kind, known := inventory.KindOf(k)
			if !known {
				continue // TestChecksAreNamedAndDocumented says so
			}
			o := kind.Object()
			for _, old := range []inventory.Object{nil, kind.Object()} {
				c.Run(checks.Input{Object: o, Old: old, Inventory: inventory.New(o), Parameters: checks.DefaultParameters()})
				c.Run(checks.Input{Object: o, Old: old, Inventory: inventory.New(), Parameters: &checks.Parameters{}})
			}
			if c.Fix != nil {
				c.Fix(o)
			}
			ran++
		}
	}
	if ran == 0 {
		t.Fatal("no check ran")
	}
	for _, c := range loadFixtures(t) {
		in := input(t, c, set)
		in.Inventory, in.Old = inventory.New(in.Object), nil
		set.Evaluate(in)
	}
}
