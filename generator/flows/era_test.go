// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-sh/gatehouse/generator"
)

// on is during on another day.
func on(day, clock string) string { return strings.ReplaceAll(during(clock), "2026-11-02", day) }

// TestWrongClocksDoNotStretchTheWindow: whenever the stray time comes, the window,
// what was seen of the workloads and the evidence are of the others.
func TestWrongClocksDoNotStretchTheWindow(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)
	lines := []string{during("10:00:00"), during("10:00:01"), during("10:04:00")}
	for name, tc := range map[string]struct {
		stray  []string
		want   string // strays and counts
		window string
	}{
		"none":                            {nil, "", "10:00-10:04 3"},
		"1970":                            {[]string{on("1970-01-01", "00:00:07")}, "1970-01-01 1", "10:00-10:04 3"},
		"the last century and another":    {[]string{on("1999-12-31", "23:59:59"), on("1970-01-01", "00:00:07"), on("1999-12-31", "23:59:58")}, "1970-01-01 1, 1999-12-31 2", "10:00-10:04 3"},
		"years ago":                       {[]string{on("2024-11-02", "10:00:00")}, "2024-11-02 1", "10:00-10:04 3"},
		"years ahead":                     {[]string{on("2031-11-02", "10:00:00"), on("2031-11-02", "10:00:00")}, "ahead 2", "10:00-10:04 3"},
		"a day ahead":                     {[]string{on("2026-11-03", "10:00:00")}, "ahead 1", "10:00-10:04 3"},
		"some minutes ahead":              {[]string{during("12:09:00")}, "", "10:00-10:04 3, 12:09-12:09 1"},
		"a day ago, which may be true":    {[]string{on("2026-11-01", "10:00:00")}, "", "10:00-10:00 1, 10:00-10:04 3"},
		"beyond what a time can be":       {[]string{on("2999-01-01", "10:00:00"), on("0001-01-01", "00:00:00"), strings.ReplaceAll(during("x"), "2026", "no")}, "timeless 3", "10:00-10:04 3"},
		"as many as are right, and later": {[]string{on("2024-11-02", "10:00:00"), on("2024-11-02", "10:00:00"), on("2024-11-02", "10:00:00")}, "2024-11-02 3", "10:00-10:04 3"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for at := range len(lines) + 1 {
				o := world(t)
				o.Now, o.Keep = now, 24*time.Hour
				r, _ := collect(t, o, slices.Insert(slices.Clone(lines), at, tc.stray...)...)
				var got, window []string
				for _, s := range r.Window.Strays {
					got = append(got, fmt.Sprintf("%s %d", s.First.Format(time.DateOnly), s.Flows))
				}
				for _, n := range []struct {
					what  string
					flows uint64
				}{{"ahead", r.Window.Ahead}, {"timeless", r.Window.Timeless}} {
					if n.flows > 0 {
						got = append(got, fmt.Sprintf("%s %d", n.what, n.flows))
					}
				}
				for _, s := range r.Window.Spans {
					window = append(window, fmt.Sprintf("%s-%s %d", s.First.Format("15:04"), s.Last.Format("15:04"), s.Flows))
				}
				if d := cmp.Diff([]string{tc.want, tc.window}, []string{strings.Join(got, ", "), strings.Join(window, ", ")}); d != "" {
					t.Errorf("at %d (want -, got +):\n%s", at, d)
				}
				why := r.Edges[0].Because[0]
				if why.Flows != uint64(len(lines)+len(tc.stray)) {
					t.Errorf("at %d: %d flows", at, why.Flows)
				}
				seen := r.Seen[generator.WorkloadID{Namespace: "shop", Kind: "Deployment", Name: "web"}]
				if len(r.Window.Spans) == 1 && (!why.Last.Equal(r.Window.Last()) || why.Last.Sub(why.First) > 4*time.Minute || !seen.Last.Equal(why.Last) || !why.Expires.Equal(why.Last.Add(24*time.Hour))) {
					t.Errorf("at %d: evidence %+v, seen %+v", at, why, seen)
				}
			}
		})
	}
}

// TestWhatWasSeenByWrongClocksAloneHasNoTime: it was seen all the same.
func TestWhatWasSeenByWrongClocksAloneHasNoTime(t *testing.T) {
	t.Parallel()
	stray := strings.Replace(on("1970-01-01", "00:00:07"), `"destination_port":8081`, `"destination_port":9000`, 1)
	r, _ := collect(t, world(t), stray, during("10:00:00"), during("10:00:01"))
	if len(r.Edges) != 2 || !r.Edges[1].Because[0].First.IsZero() || !r.Edges[1].Because[0].Last.IsZero() || r.Edges[1].Because[0].Flows != 1 {
		t.Errorf("%+v", r.Edges)
	}
}

// TestErasDoNotDependOnTheOrder compares them with the sorted times, however many
// there are and whenever what lies between two of them comes.
func TestErasDoNotDependOnTheOrder(t *testing.T) {
	t.Parallel()
	const day = int64(24 * time.Hour)
	random := rand.New(rand.NewPCG(1, 2))
	apart := 0
	for range 2000 {
		var list []int64
		for range 1 + random.IntN(12) {
			list = append(list, 1+day*random.Int64N(8000))
		}
		var e eras
		for _, at := range list {
			e.add(at, 1)
		}
		slices.Sort(list)
		want := map[[2]int64]uint64{}
		first := 0
		for i := range list {
			if i+1 == len(list) || list[i+1]-list[i] > int64(far) {
				want[[2]int64{list[first], list[i]}] = uint64(i + 1 - first)
				first = i + 1
			}
		}
		got := map[[2]int64]uint64{}
		for i, g := range e.list {
			if int(g.into) == i {
				got[[2]int64{g.first, g.last}] = g.flows
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("%v (want -, got +):\n%s", list, d)
		}
		if len(want) > 1 {
			apart++
		}
		if most := e.list[e.main()]; int(most.into) != int(e.main()) || most.flows < slices.MaxFunc(e.list, func(a, b era) int { return int(a.flows) - int(b.flows) }).flows {
			t.Fatalf("%+v is not the greatest of %+v", most, e.list)
		}
	}
	if apart < 500 {
		t.Errorf("only %d of the cases have several", apart)
	}
	if most := maxSeconds*time.Second/far + 1; most > 255 {
		t.Errorf("%d eras have no number", most)
	}
}

// TestWhatIsOldIsNoEdge: neither alone nor as one of many addresses outside. What was
// seen again, and what has no time, stays.
func TestWhatIsOldIsNoEdge(t *testing.T) {
	t.Parallel()
	to := func(address, day string) string {
		return at(address, strings.ReplaceAll(tcp(web, outside, "40000", "443", opening, ""), "2026-11-02", day))
	}
	o := world(t)
	o.Now, o.Keep, o.External = time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC), 24*time.Hour, 1
	r, _ := collect(t, o, on("2026-10-31", "10:00:00"), to("198.51.100.1", "2026-10-31"), to("198.51.100.2", "2026-10-31"), to("198.51.100.2", "2026-11-02"),
		strings.ReplaceAll(tcp(carts, db0, "40000", "5432", opening, ""), "2026-11-02T10:00:00Z", ""))
	describe := func(list []generator.Edge) (out []string) {
		for _, e := range list {
			out = append(out, fmt.Sprintf("%s x%d", e, e.Because[0].Flows))
		}
		return out
	}
	if d := cmp.Diff([]string{"Deployment shop/carts -> StatefulSet shop/db TCP/5432 x1", "Deployment shop/web -> 198.51.100.2/32 TCP/443 x2"}, describe(r.Edges)); d != "" {
		t.Errorf("edges (want -, got +):\n%s", d)
	}
	if d := cmp.Diff([]string{"Deployment shop/web -> Deployment shop/carts TCP/8081 x1", "Deployment shop/web -> 198.51.100.1/32 TCP/443 x1"}, describe(r.Old)); d != "" {
		t.Errorf("old ones (want -, got +):\n%s", d)
	}
	o.Now = time.Time{}
	if r, _ := collect(t, o, on("2026-10-31", "10:00:00")); len(r.Edges) != 1 || len(r.Old) != 0 {
		t.Errorf("without a moment: %+v", r)
	}
}
