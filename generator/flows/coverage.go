// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
	batchv1 "k8s.io/api/batch/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// Gap is a workload of which a recording says too little to make policies of it.
type Gap struct {
	Workload generator.WorkloadID
	What     string // in words: "never seen", "its schedule did not come up: next after the window ..."
}

// String returns the workload and what is missing.
func (g Gap) String() string { return g.Workload.String() + ": " + g.What }

var cronJobKind = schema.GroupKind{Group: "batch", Kind: "CronJob"}

// Coverage returns the workloads that the recording does not cover, in order:
// those that were never seen, and CronJobs whose schedule did not come up while
// somebody looked. Silence of such a workload says nothing: a policy made of it
// would stop the yearly report in the night when it runs.
func (r *Result) Coverage(inv *inventory.Inventory, u *generator.Universe) []Gap {
	jobs := map[generator.WorkloadID]*batchv1.CronJob{}
	for j := range inventory.List[*batchv1.CronJob](inv, cronJobKind, "") {
		jobs[generator.WorkloadID{Namespace: j.Namespace, Kind: cronJobKind.Kind, Name: j.Name}] = j
	}
	var out []Gap
	for _, w := range u.Workloads() {
		_, seen := r.Seen[w.ID]
		job := jobs[w.ID]
		switch {
		case w.HostNetwork: // seen as the node
		case job != nil:
			if what := r.Window.missed(job, seen); what != "" {
				out = append(out, Gap{w.ID, what})
			}
		case !seen:
			out = append(out, Gap{w.ID, "never seen"})
		}
	}
	slices.SortFunc(out, func(a, b Gap) int { return a.Workload.Compare(b.Workload) })
	return out
}

// missed says why nothing is known of a CronJob; nothing for one that ran.
func (w *Window) missed(job *batchv1.CronJob, seen bool) string {
	schedule, err := parseSchedule(job)
	switch {
	case err != nil && seen:
		return fmt.Sprintf("seen, but its schedule %.100q cannot be read: %v", job.Spec.Schedule, err)
	case err != nil:
		return fmt.Sprintf("never seen, and its schedule %.100q cannot be read: %v", job.Spec.Schedule, err)
	}
	for _, s := range w.Spans {
		if next := schedule.Next(s.First.Add(-time.Nanosecond)); !next.IsZero() && !next.After(s.Last) {
			if !seen {
				return "never seen, although its schedule came up at " + next.UTC().Format(time.RFC3339)
			}
			return ""
		}
	}
	what := fmt.Sprintf("its schedule %q did not come up while somebody looked", job.Spec.Schedule)
	if job.Spec.Suspend != nil && *job.Spec.Suspend {
		what = "it is suspended, and " + what
	}
	if seen {
		what += ": it was run by hand, or before"
	}
	return what
}

var errZone = errors.New("a time zone within the schedule, which Kubernetes refuses")

// parseSchedule reads a schedule as the CronJob controller does
// (kubernetes pkg/controller/cronjob/cronjob_controllerv2.go, formatSchedule). A
// schedule without a time zone is in that of the controller manager, which is UTC
// in every usual installation.
func parseSchedule(job *batchv1.CronJob) (cron.Schedule, error) {
	text := strings.TrimSpace(job.Spec.Schedule)
	if strings.Contains(text, "TZ") {
		return nil, errZone // and the parser fails over one that is cut short
	}
	location := time.UTC
	if zone := job.Spec.TimeZone; zone != nil {
		if strings.EqualFold(*zone, "local") {
			return nil, errors.New("time zone Local")
		}
		var err error
		if location, err = time.LoadLocation(*zone); err != nil {
			return nil, fmt.Errorf("time zone: %w", err)
		}
	}
	schedule, err := cron.ParseStandard(text)
	if err != nil {
		return nil, err //nolint:wrapcheck // the caller says which schedule
	}
	if s, is := schedule.(*cron.SpecSchedule); is {
		s.Location = location
	}
	return schedule, nil
}
