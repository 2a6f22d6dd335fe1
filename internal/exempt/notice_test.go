// SPDX-License-Identifier: Apache-2.0

package exempt

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

const day = 24 * time.Hour

// TestNotices follows one exemption to its end.
func TestNotices(t *testing.T) {
	t.Parallel()
	set := NewSet(Exemption{Name: "e", ExpiresAt: noon})
	for name, tc := range map[string]struct {
		from, to time.Time
		want     []Stage
	}{
		"long before there is nothing to tell":      {noon.Add(-30 * day), noon.Add(-7*day - 1), nil},
		"7 days before":                             {noon.Add(-7*day - 1), noon.Add(-7 * day), []Stage{Within7Days}},
		"it is told once":                           {noon.Add(-7 * day), noon.Add(-2 * day), nil},
		"1 day before":                              {noon.Add(-2 * day), noon.Add(-day), []Stage{Within1Day}},
		"not again within the day":                  {noon.Add(-day), noon.Add(-1), nil},
		"at the end":                                {noon.Add(-1), noon, []Stage{Expired}},
		"not after it":                              {noon, noon.Add(30 * day), nil},
		"after a pause only the last stage is told": {noon.Add(-30 * day), noon.Add(-time.Hour), []Stage{Within1Day}},
		"from the beginning of time":                {time.Time{}, noon.Add(-3 * day), []Stage{Within7Days}},
		"backwards there is nothing to tell":        {noon, noon.Add(-30 * day), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []Stage
			for _, n := range Notices(set, tc.from, tc.to) {
				got = append(got, n.Stage)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	if n := Notices(nil, time.Time{}, noon); n != nil {
		t.Errorf("no set: %v", n)
	}
}

func TestLeftovers(t *testing.T) {
	t.Parallel()
	end := noon.Add(day)
	set := NewSet(
		Exemption{Namespace: "shop", Name: "unasked", Reach: Nowhere, ExpiresAt: end},
		Exemption{Namespace: "shop", Name: "own", Reach: OwnNamespace, ExpiresAt: end},
		Exemption{Namespace: "gatehouse-system", Name: "used", Reach: Everywhere, ExpiresAt: end},
		Exemption{Namespace: "gatehouse-system", Name: "unused", Reach: Everywhere, ExpiresAt: end},
		Exemption{Namespace: "gatehouse-system", Name: "over", Reach: Everywhere, ExpiresAt: noon},
		Exemption{Namespace: "gatehouse-system", Name: "long", Reach: Everywhere, ExpiresAt: noon.AddDate(1, 0, 0)},
	)
	got := map[string]Idle{}
	for _, l := range Leftovers(set, map[string]bool{"gatehouse-system/used": true, "shop/own": true}, lasting, noon) {
		got[l.Exemption.String()] = l.Why
		if text := l.Text(lasting); text == "" || strings.Contains(text, "%!") {
			t.Errorf("%s: %q", l.Exemption.String(), text)
		}
	}
	want := map[string]Idle{
		"shop/unasked": Unapproved, "gatehouse-system/unused": Unused, "gatehouse-system/over": Over, "gatehouse-system/long": TooLong,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("leftovers (want -, got +):\n%s", diff)
	}
}

// TestTheFirstInOrderCovers: which of two exemptions a verdict names does not
// depend on the order in which they were read.
func TestTheFirstInOrderCovers(t *testing.T) {
	t.Parallel()
	one := Exemption{Namespace: "gatehouse-system", Name: "a", Reach: Everywhere, Checks: []string{"TST-001"}, Objects: []Selector{{Names: []string{"*"}}}, ExpiresAt: noon.Add(day)}
	two := one
	two.Name = "b"
	key := inventory.Key{Kind: inventory.ServiceKind, Namespace: "shop", Name: "web"}
	for _, set := range []*Set{NewSet(one, two), NewSet(two, one)} {
		if e := set.Of(key, finding, lasting, noon); e == nil || e.Name != "a" {
			t.Errorf("got %v", e)
		}
	}
	if e := NewSet(one).Of(key, checks.Finding{Check: "TST-002"}, lasting, noon); e != nil {
		t.Errorf("another check: got %v", e)
	}
}

func TestSpan(t *testing.T) {
	t.Parallel()
	for want, d := range map[string]time.Duration{
		"90 days": 90 * day, "2 days": 2*day + 1, "47 hours": 2*day - 1, "2 hours": 2 * time.Hour, "119 minutes": 2*time.Hour - 1, "1 minute": time.Minute, "0 minutes": time.Second, "3 days": -3 * day,
	} {
		if got := Span(d); got != want {
			t.Errorf("%s: got %q, want %q", d, got, want)
		}
	}
}
