// SPDX-License-Identifier: Apache-2.0

package network

import (
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/rollout"
)

func TestDecide(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_000_000, 0)
	dropped := []Drop{{Edge: generator.Edge{From: generator.NamespacePeerOf("a"), To: generator.NamespacePeerOf("a"), Port: generator.NumberedPort(generator.TCP, 80)}, Wanted: true}}
	base := Facts{Mode: v1alpha1.NetworkApply, Digest: "new", Stage: rollout.Allow, Cleanup: rollout.Open, AtOnce: 1, Watch: time.Minute, Now: now}
	with := func(change func(*Facts)) Facts {
		f := base
		change(&f)
		return f
	}
	for name, tc := range map[string]struct {
		facts   Facts
		phase   v1alpha1.NetworkPhase
		act     Act
		forsake bool
		says    string
	}{
		"nobody opted in":             {Facts{}, "", Withdraw, false, ""},
		"a preview":                   {with(func(f *Facts) { f.Mode = v1alpha1.NetworkPreview; f.Cleanup = rollout.Done }), v1alpha1.NetworkPreviewed, Withdraw, false, "Nothing is applied"},
		"a preview after application": {with(func(f *Facts) { f.Mode = v1alpha1.NetworkPreview }), v1alpha1.NetworkPreviewed, Withdraw, false, "being withdrawn"},
		"a preview with a fault":      {with(func(f *Facts) { f.Mode = v1alpha1.NetworkPreview; f.Fault = "no such mode" }), v1alpha1.NetworkPreviewed, Withdraw, false, "no such mode"},
		"a preview that is refused": {with(func(f *Facts) {
			f.Mode = v1alpha1.NetworkPreview
			f.Cleanup = rollout.Done
			f.Refusals = []string{"a", "b"}
		}), v1alpha1.NetworkRefused, Withdraw, false, "a (and 1 more)"},
		"paused":                      {with(func(f *Facts) { f.Paused = true }), v1alpha1.NetworkPaused, Keep, false, "spec.paused"},
		"paused in a preview":         {with(func(f *Facts) { f.Paused = true; f.Mode = v1alpha1.NetworkPreview }), v1alpha1.NetworkPaused, Keep, false, "spec.paused"},
		"the first time":              {base, v1alpha1.NetworkApplying, Advance, false, "allow"},
		"not its turn":                {with(func(f *Facts) { f.Ahead = 1 }), v1alpha1.NetworkWaiting, Keep, false, "1 may be"},
		"a change needs no turn":      {with(func(f *Facts) { f.Ahead = 1; f.Applied = "old" }), v1alpha1.NetworkApplying, Advance, false, ""},
		"refused":                     {with(func(f *Facts) { f.Refusals = []string{"it would cut x"} }), v1alpha1.NetworkRefused, Keep, false, "Nothing is applied: it would cut x"},
		"refused after another":       {with(func(f *Facts) { f.Refusals = []string{"x"}; f.Applied = "old" }), v1alpha1.NetworkRefused, Mend, false, "before stays"},
		"refused, and dropped":        {with(func(f *Facts) { f.Refusals, f.Applied, f.AppliedAt, f.Dropped = []string{"x"}, "new", now, dropped }), v1alpha1.NetworkWithdrawn, Withdraw, true, ""},
		"denied already, out of turn": {with(func(f *Facts) { f.Ahead, f.Denied = 1, true }), v1alpha1.NetworkApplying, Advance, false, ""},
		"done":                        {with(func(f *Facts) { f.Stage = rollout.Done; f.Applied = "new" }), v1alpha1.NetworkApplied, Keep, false, "in force"},
		"a drop while it is watched": {with(func(f *Facts) {
			f.Stage, f.Applied, f.AppliedAt, f.Dropped = rollout.Done, "new", now.Add(-time.Second), dropped
		}), v1alpha1.NetworkWithdrawn, Withdraw, true, "although it allows that"},
		"a drop long after": {with(func(f *Facts) {
			f.Stage, f.Applied, f.AppliedAt, f.Dropped = rollout.Done, "new", now.Add(-time.Hour), dropped
		}), v1alpha1.NetworkApplied, Keep, false, "something else drops it"},
		"a drop before it was applied": {with(func(f *Facts) { f.Dropped = dropped }), v1alpha1.NetworkApplying, Advance, false, ""},
		"withdrawn":                    {with(func(f *Facts) { f.Withdrawn = "new" }), v1alpha1.NetworkWithdrawn, Withdraw, false, "preview and back"},
		"withdrawn, then paused":       {with(func(f *Facts) { f.Withdrawn = "new"; f.Paused = true }), v1alpha1.NetworkPaused, Keep, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := Decide(&tc.facts)
			if d.Phase != tc.phase || d.Act != tc.act || d.Forsake != tc.forsake || !strings.Contains(d.Message, tc.says) {
				t.Errorf("got %+v", d)
			}
			if d.Phase != "" && (d.Reason == "" || d.Message == "") {
				t.Errorf("says too little: %+v", d)
			}
		})
	}
}

func TestWhoseWordCounts(t *testing.T) {
	t.Parallel()
	outward := func(said string) generator.Edge {
		e := generator.Edge{From: generator.ServicePeerOf("shop", "x"), To: generator.FQDNPeerOf("idp.example.com"), Because: []generator.Evidence{{Source: generator.Manifest}}}
		e.Because[0].Object.Namespace = said
		return e
	}
	edge := func(from, to, said string) generator.Edge {
		e := generator.Edge{From: generator.ServicePeerOf(from, "x"), To: generator.ServicePeerOf(to, "y"), Because: []generator.Evidence{{Source: generator.Manifest}}}
		if from == "gateway" {
			e.From = generator.Peer{Kind: generator.GatewayPeer}
		}
		e.Because[0].Object.Namespace = said
		return e
	}
	for name, tc := range map[string]struct {
		edge    generator.Edge
		trusted []v1alpha1.NamePattern
		kept    bool
	}{
		"within":                          {edge("shop", "shop", "shop"), nil, true},
		"its own word":                    {edge("shop", "other", "shop"), nil, true},
		"another's word":                  {edge("other", "shop", "other"), nil, false},
		"another's word about the egress": {edge("shop", "other", "other"), nil, false},
		"one that it trusts":              {edge("other", "shop", "other"), []v1alpha1.NamePattern{"other"}, true},
		"one of those that it trusts":     {edge("team-a", "shop", "team-a"), []v1alpha1.NamePattern{"team-*"}, true},
		"one that is only called so":      {edge("team", "shop", "team"), []v1alpha1.NamePattern{"team-*"}, false},
		"an object of the whole cluster":  {edge("other", "shop", ""), nil, true},
		"a route of its own":              {edge("gateway", "shop", "shop"), nil, true},
		"a route of another":              {edge("gateway", "shop", "edge"), nil, false},
		"a route of one that it trusts":   {edge("gateway", "shop", "edge"), []v1alpha1.NamePattern{"edge"}, true},
		"outside, by a policy of its own": {outward("shop"), nil, true},
		"outside, by one of another":      {outward("other"), nil, false},
		"outside, by one that it trusts":  {outward("other"), []v1alpha1.NamePattern{"other"}, true},
		"not about it":                    {edge("a", "b", "a"), nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kept, left := heard([]generator.Edge{tc.edge}, "shop", trusts("shop", &v1alpha1.NetworkPlanSpec{TrustedNamespaces: tc.trusted}))
			if (len(kept) == 1) != tc.kept {
				t.Errorf("kept %v", kept)
			}
			if len(kept)+len(left) == 0 != (name == "not about it") {
				t.Errorf("%d problems", len(left))
			}
		})
	}
}

// TestEvidenceOfOthersIsLeftOut: of an edge that counts, only the words that count
// are shown.
func TestEvidenceOfOthersIsLeftOut(t *testing.T) {
	t.Parallel()
	e := generator.Edge{From: generator.ServicePeerOf("other", "x"), To: generator.ServicePeerOf("shop", "y"), Because: make([]generator.Evidence, 2)}
	e.Because[0].Object.Namespace, e.Because[1].Object.Namespace = "other", "shop"
	kept, _ := heard([]generator.Edge{e}, "shop", trusts("shop", &v1alpha1.NetworkPlanSpec{}))
	if len(kept) != 1 || len(kept[0].Because) != 1 || kept[0].Because[0].Object.Namespace != "shop" || len(e.Because) != 2 {
		t.Errorf("kept %+v", kept)
	}
}

func TestRounded(t *testing.T) {
	t.Parallel()
	for n, want := range map[uint64]uint64{0: 0, 1: 1, 9: 9, 10: 10, 19: 10, 99: 90, 12_345: 10_000, 1<<64 - 1: 10_000_000_000_000_000_000} {
		if got := rounded(n); got != want {
			t.Errorf("%d becomes %d, want %d", n, got, want)
		}
	}
}
