// SPDX-License-Identifier: Apache-2.0

package authority

import (
	"bytes"
	"testing"
	"time"
)

var config = Config{Subject: "gatehouse-webhook", Names: []string{"gatehouse-webhook.gatehouse-system.svc", "127.0.0.1"}, AuthorityLife: 90 * 24 * time.Hour, LeafLife: 9 * 24 * time.Hour, Overlap: 10 * time.Minute}

// world is what the API server and the replicas know, with a clock that the
// test moves.
type world struct {
	t         *testing.T
	now       time.Time
	state     State
	published []byte
	asked     time.Time
	steps     int
}

// step lets a replica look once. The API server trusts what was published by
// the step before.
func (w *world) step() {
	w.t.Helper()
	next, changed, err := w.state.Advance(w.now, config, w.published, w.asked)
	if err != nil {
		w.t.Fatal(err)
	}
	if changed {
		w.steps++
	}
	w.state, w.published = next, next.Bundle()
}

// accepted fails unless the bundle accepts the leaf under every name.
func accepted(t *testing.T, bundle []byte, leaf Pair, now time.Time) {
	t.Helper()
	cert, err := leaf.certificate()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range config.Names {
		if err := Verify(cert, bundle, name, now); err != nil {
			t.Fatalf("at %s: %v", now, err)
		}
	}
}

func TestNoMomentWithoutTrustInTwoYears(t *testing.T) {
	t.Parallel()
	w := &world{t: t, now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	w.step()
	authorities, leaves := map[string]bool{}, map[string]bool{}
	for range 2 * 365 * 2 {
		before, bundle := w.state.Leaf, w.published
		w.now = w.now.Add(12 * time.Hour)
		w.step()
		// A replica that has not looked yet serves the old leaf to an API server that
		// has seen the new bundle, and the other way round.
		accepted(t, w.published, before, w.now)
		accepted(t, bundle, w.state.Leaf, w.now)
		accepted(t, w.published, w.state.Leaf, w.now)
		authorities[string(w.state.Authority.Cert)], leaves[string(w.state.Leaf.Cert)] = true, true
	}
	if len(authorities) < 10 || len(leaves) < 80 {
		t.Errorf("%d authorities and %d serving certificates in two years: rotation did not happen", len(authorities), len(leaves))
	}
}

func TestANewAuthorityWaitsUntilItIsTrusted(t *testing.T) {
	t.Parallel()
	w := &world{t: t, now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	w.step()
	first := w.state.Authority.Cert
	w.now = w.now.Add(time.Minute)
	w.asked = w.now
	w.step()
	if w.state.Next.Empty() {
		t.Fatal("asking for a new authority made none")
	}
	w.now = w.now.Add(time.Hour)
	w.published = first // the registration could not be written
	next, changed, err := w.state.Advance(w.now, config, w.published, w.asked)
	if err != nil || changed || !bytes.Equal(next.Authority.Cert, first) {
		t.Errorf("an authority that nobody trusts took over (changed %v, err %v)", changed, err)
	}
	w.published = w.state.Bundle()
	w.step()
	if bytes.Equal(w.state.Authority.Cert, first) {
		t.Error("the trusted authority did not take over")
	}
	if !contains(w.state.Bundle(), first) {
		t.Error("the old authority was forgotten while replicas may still serve what it signed")
	}
	w.now = w.now.Add(config.Overlap)
	w.step()
	if contains(w.state.Bundle(), first) {
		t.Error("the old authority is still trusted after the overlap")
	}
	w.step()
	if w.steps != 4 {
		t.Errorf("%d changes, want 4: make, trust, promote, forget", w.steps)
	}
}

func TestWhatIsStoredWrongIsMadeAnew(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	good, _, err := State{}.Advance(now, config, nil, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	other, _, err := State{}.Advance(now, config, nil, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	for name, broken := range map[string]State{
		"nothing stored":                  {},
		"a key that is not PEM":           {Authority: Pair{good.Authority.Cert, []byte("x")}, Leaf: good.Leaf},
		"a key of another authority":      {Authority: Pair{good.Authority.Cert, other.Authority.Key}, Leaf: good.Leaf},
		"a leaf of another authority":     {Authority: good.Authority, Leaf: other.Leaf, AuthoritySince: now},
		"a leaf that is cut off":          {Authority: good.Authority, Leaf: Pair{good.Leaf.Cert[:40], good.Leaf.Key}, AuthoritySince: now},
		"an authority that has ended":     {Authority: ended(t, now), Leaf: good.Leaf},
		"a leaf without the second name":  {Authority: good.Authority, Leaf: named(t, good.Authority, now, config.Names[:1]), AuthoritySince: now},
		"a leaf that is about to run out": {Authority: good.Authority, Leaf: short(t, good.Authority, now), AuthoritySince: now},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, changed, err := broken.Advance(now, config, broken.Bundle(), time.Time{})
			if err != nil || !changed {
				t.Fatalf("changed %v, err %v", changed, err)
			}
			accepted(t, got.Bundle(), got.Leaf, now)
		})
	}
	if _, changed, err := good.Advance(now, config, good.Bundle(), time.Time{}); changed || err != nil {
		t.Errorf("a good state was changed (err %v)", err)
	}
}

func ended(t *testing.T, now time.Time) Pair {
	t.Helper()
	p, err := newAuthority(now.Add(-time.Hour), Config{AuthorityLife: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func named(t *testing.T, authority Pair, now time.Time, names []string) Pair {
	t.Helper()
	c := config
	c.Names = names
	p, err := newLeaf(authority, now, c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func short(t *testing.T, authority Pair, now time.Time) Pair {
	t.Helper()
	c := config
	c.LeafLife /= 4
	p, err := newLeaf(authority, now, c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestClocksOfOthersMayBeOff: what a replica stored whose clock was wrong is replaced
// where nobody would trust it, in as many steps as there are, and is kept where it is good.
func TestClocksOfOthersMayBeOff(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	for name, tc := range map[string]struct {
		off  time.Duration // of the clock that stored it
		kept bool
	}{
		"a minute ahead":  {time.Minute, true},
		"an hour behind":  {-time.Hour, true},
		"a day ahead":     {24 * time.Hour, false},
		"ten years ahead": {10 * 365 * 24 * time.Hour, false},
		"a year behind":   {-365 * 24 * time.Hour, false},
	} {
		w := &world{t: t, now: now.Add(tc.off)}
		w.step()
		theirs := w.state.Authority
		w.now, w.steps = now, 0
		w.step()
		accepted(t, w.published, w.state.Leaf, now)
		w.step()
		if kept := bytes.Equal(theirs.Cert, w.state.Authority.Cert); kept != tc.kept || w.steps > 1 {
			t.Errorf("%s: kept is %v after %d steps, want %v after one at most", name, kept, w.steps, tc.kept)
		}
	}
}

// TestARotationByAWrongClockEnds: it is neither waited for nor trusted for longer than the
// others are.
func TestARotationByAWrongClockEnds(t *testing.T) {
	t.Parallel()
	for name, off := range map[string]time.Duration{"right": 0, "a day ahead": 24 * time.Hour} {
		for _, half := range []string{"asked for", "done"} {
			w := &world{t: t, now: time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)}
			w.step()
			right := w.now
			w.now = right.Add(off)
			w.asked = w.now
			w.step()
			if half == "done" {
				w.now = w.now.Add(config.Overlap)
				w.step()
			}
			w.now = right.Add(2 * config.Overlap)
			for range 10 {
				w.now = w.now.Add(config.Overlap)
				w.asked = time.Time{}
				w.step()
				accepted(t, w.published, w.state.Leaf, w.now)
			}
			if !w.state.Next.Empty() || !w.state.Previous.Empty() {
				t.Errorf("the clock that rotated was %s, and its rotation is %s: it does not end", name, half)
			}
		}
	}
}
