// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// during is a flow from web to carts at a time of 2 November 2026, a Monday.
func during(clock string) string {
	return strings.ReplaceAll(tcp(web, carts, "40000", "8081", opening, ""), "10:00:00", clock)
}

func TestTheWindowHasGaps(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		clocks    []string
		want      string // the spans
		backwards uint64
	}{
		"one flow":                   {[]string{"10:00:00"}, "10:00-10:00 1", 0},
		"flows within the gap":       {[]string{"10:00:00", "10:04:00", "10:09:00"}, "10:00-10:09 3", 0},
		"a silence":                  {[]string{"10:00:00", "10:01:00", "10:07:00"}, "10:00-10:01 2, 10:07-10:07 1", 0},
		"out of order":               {[]string{"10:04:00", "10:00:00", "10:02:00"}, "10:00-10:04 3", 0},
		"what fills a gap":           {[]string{"10:00:00", "10:08:00", "10:04:00"}, "10:00-10:08 3", 0},
		"a clock that jumps back":    {[]string{"10:00:00", "03:00:00", "10:01:00"}, "03:00-03:00 1, 10:00-10:01 2", 1},
		"a clock that jumps forward": {[]string{"10:00:00", "23:00:00", "10:01:00", "10:02:00"}, "10:00-10:02 3, 23:00-23:00 1", 1},
		"three spans become one":     {[]string{"10:00:00", "10:08:00", "10:16:00", "10:12:00", "10:04:00"}, "10:00-10:16 5", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var lines []string
			for _, clock := range tc.clocks {
				lines = append(lines, during(clock))
			}
			r, _ := collect(t, world(t), lines...)
			var spans []string
			for _, s := range r.Window.Spans {
				spans = append(spans, fmt.Sprintf("%s-%s %d", s.First.Format("15:04"), s.Last.Format("15:04"), s.Flows))
			}
			if got := strings.Join(spans, ", "); got != tc.want || r.Window.Backwards != tc.backwards {
				t.Errorf("%s, %d jumps", got, r.Window.Backwards)
			}
			if gaps := r.Window.Gaps(); len(gaps) != len(spans)-1 {
				t.Errorf("%d gaps", len(gaps))
			}
		})
	}
}

func TestSpansAreBounded(t *testing.T) {
	t.Parallel()
	c := clock{gap: int64(time.Minute)}
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano()
	for i := range 3 * maxSpans {
		c.add(at+int64(i)*int64(2*time.Minute)+1, 1)
	}
	var flows uint64
	w := c.window(0)
	for i, s := range w.Spans {
		flows += s.Flows
		if i > 0 && s.First.Sub(w.Spans[i-1].Last) <= w.Gap {
			t.Fatalf("spans %d and %d are no gap apart", i-1, i)
		}
	}
	if len(w.Spans) > maxSpans || flows != 3*maxSpans || w.Gap <= time.Minute {
		t.Errorf("%d spans with %d flows, gap %s", len(w.Spans), flows, w.Gap)
	}
}

func TestCronJobsThatDidNotRunAreReported(t *testing.T) {
	t.Parallel()
	yes, berlin, nowhere := true, "Europe/Berlin", "Nowhere/Land"
	const ran = `{"namespace":"shop","workloads":[{"kind":"CronJob","name":"nightly"}]}`
	for name, tc := range map[string]struct {
		spec batchv1.CronJobSpec
		seen bool
		want string // part of what is reported; nothing for a job that is covered
	}{
		"it came up and ran":                     {batchv1.CronJobSpec{Schedule: "0 11 * * *"}, true, ""},
		"it came up and nobody saw it":           {batchv1.CronJobSpec{Schedule: "0 11 * * *"}, false, "never seen, although its schedule came up at 2026-11-02T11:00:00Z"},
		"at the first moment":                    {batchv1.CronJobSpec{Schedule: "0 10 * * *"}, true, ""},
		"at the last moment":                     {batchv1.CronJobSpec{Schedule: "0 12 * * *"}, true, ""},
		"at night":                               {batchv1.CronJobSpec{Schedule: "0 3 * * *"}, false, "did not come up"},
		"once a year":                            {batchv1.CronJobSpec{Schedule: "@yearly"}, false, "did not come up"},
		"at night, and it was run by hand":       {batchv1.CronJobSpec{Schedule: "0 3 * * *"}, true, "by hand"},
		"in the gap":                             {batchv1.CronJobSpec{Schedule: "30 10 * * *"}, false, "did not come up"},
		"at noon in Berlin":                      {batchv1.CronJobSpec{Schedule: "0 12 * * *", TimeZone: &berlin}, true, ""},
		"at ten in Berlin":                       {batchv1.CronJobSpec{Schedule: "0 10 * * *", TimeZone: &berlin}, false, "did not come up"},
		"in a place that is none":                {batchv1.CronJobSpec{Schedule: "0 10 * * *", TimeZone: &nowhere}, true, "cannot be read"},
		"never":                                  {batchv1.CronJobSpec{Schedule: "0 0 31 2 *"}, false, "did not come up"},
		"suspended":                              {batchv1.CronJobSpec{Schedule: "0 3 * * *", Suspend: &yes}, false, "it is suspended"},
		"no schedule":                            {batchv1.CronJobSpec{Schedule: "hourly"}, false, "never seen, and its schedule"},
		"a zone within the schedule":             {batchv1.CronJobSpec{Schedule: "TZ=UTC 0 11 * * *"}, true, "cannot be read"},
		"a zone over which the parser would die": {batchv1.CronJobSpec{Schedule: "TZ=0"}, false, "cannot be read"},
		"every hour":                             {batchv1.CronJobSpec{Schedule: "@every 30m"}, true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			job := &batchv1.CronJob{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "nightly"}, Spec: tc.spec}
			o := world(t)
			o.Inventory = inventory.New(app("shop", "web", 8080), app("shop", "carts", 8081), job)
			var err error
			if o.Universe, err = generator.Observe(o.Inventory); err != nil {
				t.Fatal(err)
			}
			lines := []string{during("10:00:00"), during("10:05:00")}
			for _, clock := range []string{"10:40:00", "10:45:00", "10:50:00", "10:55:00", "11:00:00", "11:05:00", "11:10:00", "11:15:00", "11:20:00", "11:25:00", "11:30:00", "11:35:00", "11:40:00", "11:45:00", "11:50:00", "11:55:00", "12:00:00"} {
				lines = append(lines, during(clock))
			}
			if tc.seen {
				lines = append(lines, tcp(ran, carts, "40000", "8081", opening, ""))
			}
			r, _ := collect(t, o, lines...)
			var got string
			for _, g := range r.Coverage(o.Inventory, o.Universe) {
				got += g.String()
			}
			if (tc.want == "") != (got == "") || !strings.Contains(got, tc.want) {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestWorkloadsThatWereNeverSeenAreReported(t *testing.T) {
	t.Parallel()
	o := world(t)
	r, _ := collect(t, o, during("10:00:00"), strings.ReplaceAll(during("10:20:00"), "EGRESS", "INGRESS"))
	var got []string
	for _, g := range r.Coverage(o.Inventory, o.Universe) {
		got = append(got, g.String())
	}
	want := []string{
		"Deployment bank/web: never seen", "Deployment kube-system/kube-dns: never seen",
		`CronJob shop/report: its schedule "0 3 * * *" did not come up while somebody looked`, "StatefulSet shop/db: never seen",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("gaps (want -, got +):\n%s", d)
	}
	web := generator.WorkloadID{Namespace: "shop", Kind: "Deployment", Name: "web"}
	db := generator.WorkloadID{Namespace: "shop", Kind: "StatefulSet", Name: "db"}
	if !r.Covers(web, time.Hour) || r.Covers(db, 0) {
		t.Error("a workload is covered when it was seen, and only then")
	}
	if s := r.Seen[web]; s.Flows != 2 || s.First.Equal(s.Last) {
		t.Errorf("%+v", s)
	}
}
