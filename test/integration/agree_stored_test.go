// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"maps"
	"slices"
	"testing"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/background"
	"github.com/gatehouse-sh/gatehouse/internal/fixture"
	"github.com/gatehouse-sh/gatehouse/internal/policy"
	"github.com/gatehouse-sh/gatehouse/internal/verdict"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// toldElsewhere are the checks of which the scan tells at another object than the
// webhook does.
var toldElsewhere = map[string]string{
	"EXP-046": "the scan tells of the policy's namespace once, by the Service",
}

// asStored is the verdict that scan and command line must come to; false when
// neither of them can know enough. What the controller of an object breaks as well
// they tell of the controller only.
func asStored(t *testing.T, set *checks.Set, fc fixture.Case, modeOf func(string) policy.Mode) (said, bool) {
	t.Helper()
	if fc.Request.User != "" || fc.Request.Subresource != "" || fc.Object.GetName() == "" {
		return nil, false
	}
	ofController := controllers(t, set, fc)
	want := judged(t, set, fc, asking{request: checks.Request{Stored: fc.Request.Stored}, create: true, modeOf: modeOf})
	want = slices.DeleteFunc(want, func(j policy.Judged) bool {
		return slices.ContainsFunc(ofController, func(c policy.Judged) bool { return c.Check == j.Check && c.Subject == j.Subject })
	})
	return wanted(fixture.Render(want)), true
}

// controllers is the verdict on the controller of a fixture's object.
func controllers(t *testing.T, set *checks.Set, fc fixture.Case) policy.Verdict {
	t.Helper()
	p, in, err := fc.Under(set)
	if err != nil {
		t.Fatal(err)
	}
	e := in.Inventory.With(fc.Object).Entry(inventory.KeyOf(fc.Object))
	if e == nil || e.Workload == nil {
		return nil
	}
	up := in.Inventory.ControllerOf(e.Workload)
	if up == nil {
		return nil
	}
	i := slices.IndexFunc(fc.Context, func(o inventory.Object) bool { return inventory.KeyOf(o) == up.Key })
	if i < 0 {
		return nil
	}
	return verdict.Judge{Policy: p}.Of(verdict.Question{Object: fc.Context[i], Inventory: in.Inventory, Mode: policy.Enforce})
}

func askCommandLine(t *testing.T, set *checks.Set, n *agreement, fc fixture.Case) {
	t.Helper()
	everywhere := func(string) policy.Mode { return policy.Enforce } // a file says nothing of labels
	want, known := asStored(t, set, fc, everywhere)
	if !known || fc.Request.Stored { // what is read from a file is not stored yet
		n.commandLine.left++
		return
	}
	got := check(t, fc)
	n.commandLine.add(got, want)
	if !maps.Equal(got, want) {
		t.Errorf("the command line says %s, the engine %s", got, want)
	}
}

func askScan(t *testing.T, set *checks.Set, n *agreement, fc fixture.Case) {
	t.Helper()
	want, known := asStored(t, set, fc, nil)
	if !known {
		n.scan.left++
		return
	}
	p, err := fc.Policy(set)
	if err != nil {
		t.Fatal(err)
	}
	got := scan(t, fc, p)
	maps.DeleteFunc(want, func(id string, _ checks.Action) bool { return toldElsewhere[id] != "" })
	maps.DeleteFunc(got, func(id string, _ checks.Action) bool { return toldElsewhere[id] != "" })
	n.scan.add(got, want)
	if !maps.Equal(got, want) {
		t.Errorf("the scan says %s, the engine %s", got, want)
	}
}

// scan is what the background scan says about the object of a fixture in an
// enforced namespace, all of its objects kept as a live inventory keeps them.
func scan(t *testing.T, fc fixture.Case, p *policy.Policy) said {
	t.Helper()
	inv, err := fc.Kept()
	if err != nil {
		t.Fatal(err)
	}
	s := background.New(1)
	s.Full(inv, background.Rules{Judge: verdict.Judge{Policy: p}})
	got := said{}
	for _, r := range s.Results(fc.Object.GetNamespace()) {
		if had, seen := got[r.Check]; r.Object == inventory.KeyOf(fc.Object) && r.Action <= checks.Warn && (!seen || r.Action < had) {
			got[r.Check] = r.Action
		}
	}
	return got
}
