// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	utilwait "k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/authz"
	"github.com/gatehouse-sh/gatehouse/internal/authz/snapshot"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

const (
	// creepJitter is by which part of the period a comparison may come later, so
	// that clusters which were installed together do not compare together.
	creepJitter = 0.1

	// creepTries is how often a report or a snapshot is written before the
	// comparison goes on without.
	creepTries = 5

	// creepPause follows when the stored snapshot could not be read that often.
	creepPause = time.Minute

	// maxCreepEvents are Events of one comparison, those about the most severe
	// gains; the report and the metric hold the others.
	maxCreepEvents = 100
)

// Creep compares the roles and bindings of the cluster with those of the last
// time, a day ago by default, and tells who can do more: by Events on the binding
// or the role, a ClusterReport and a metric. One replica runs it.
//
// The last snapshot is kept in a ConfigMap, so that another replica goes on where
// this one ended. One that is too large for it stays in memory, and with the
// process its comparison is lost.
type Creep struct {
	// Client writes; Reader reads without a cache.
	Client client.Client
	Reader client.Reader

	Inventory func() *inventory.Inventory
	Ready     func() bool // the inventory is complete

	// Installed reports whether the cluster has the API of reports.
	Installed func() bool

	// Tell is given a notice for each gain, the most severe first.
	Tell func(Notice)

	Namespace string        // where the ConfigMap is
	Every     time.Duration // how long after a comparison the next one comes; more than 0

	mu     sync.Mutex
	last   *creepOutcome // nil before the first
	change *prometheus.Desc
	when   *prometheus.Desc
	bytes  *prometheus.Desc
	stored *prometheus.Desc
}

// earlier is what a comparison starts from: a snapshot as it is stored.
type earlier struct {
	taken time.Time
	data  []byte // JSON, compressed by gzip
}

// creepGroup counts changes.
type creepGroup struct{ change, severity string }

// creepOutcome is what the metrics say of the last comparison.
type creepOutcome struct {
	changes map[creepGroup]int
	at      time.Time
	bytes   int
	stored  bool
}

// Register registers the metrics. They have no values before the first
// comparison: a replica that does not lead says nothing.
func (c *Creep) Register(r prometheus.Registerer) error {
	c.change = prometheus.NewDesc("gatehouse_controller_rbac_changes",
		"Differences of roles and bindings that the last comparison found, by what changed and by the severity of the worst permission in it; unset: none that is dangerous.",
		[]string{"change", "severity"}, nil)
	c.when = prometheus.NewDesc("gatehouse_controller_rbac_comparison_timestamp_seconds", "When roles and bindings were last compared, in Unix time.", nil, nil)
	c.bytes = prometheus.NewDesc("gatehouse_controller_rbac_snapshot_bytes", "Size of the last snapshot of roles and bindings, compressed.", nil, nil)
	c.stored = prometheus.NewDesc("gatehouse_controller_rbac_snapshot_stored", "1 when the last snapshot is stored in its ConfigMap, 0 when it is only in memory.", nil, nil)
	return r.Register(c)
}

// Describe implements prometheus.Collector.
func (c *Creep) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.change, c.when, c.bytes, c.stored} {
		out <- d
	}
}

// Collect implements prometheus.Collector. Every combination of change and
// severity has a value, so that an alert can compare with 0.
func (c *Creep) Collect(out chan<- prometheus.Metric) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last == nil {
		return
	}
	for sort := snapshot.Granted; sort <= snapshot.Narrowed; sort++ {
		for severity := checks.SeverityUnset; severity <= checks.Critical; severity++ {
			g := creepGroup{sort.String(), severity.String()}
			out <- prometheus.MustNewConstMetric(c.change, prometheus.GaugeValue, float64(c.last.changes[g]), g.change, g.severity)
		}
	}
	stored := 0.0
	if c.last.stored {
		stored = 1
	}
	out <- prometheus.MustNewConstMetric(c.when, prometheus.GaugeValue, float64(c.last.at.Unix()))
	out <- prometheus.MustNewConstMetric(c.bytes, prometheus.GaugeValue, float64(c.last.bytes))
	out <- prometheus.MustNewConstMetric(c.stored, prometheus.GaugeValue, stored)
}

// NeedLeaderElection returns true: one comparison is enough.
func (*Creep) NeedLeaderElection() bool { return true }

// Start compares until ctx ends.
func (c *Creep) Start(ctx context.Context) error {
	log := logr.FromContextOrDiscard(ctx)
	for !c.Ready() {
		if !Wait(ctx, look) {
			return nil
		}
	}
	// What is stored must not be written over before it was compared with.
	var last *earlier
	for !c.again(ctx, "cannot read the snapshot of roles and bindings", func() (err error) {
		last, err = c.load(ctx)
		return err
	}) {
		if !Wait(ctx, creepPause) {
			return nil
		}
	}
	for ctx.Err() == nil {
		if pause := due(last, c.Every, time.Now()); pause > 0 && !Wait(ctx, utilwait.Jitter(pause, creepJitter)) {
			break
		}
		next, err := c.compare(ctx, last)
		if err != nil {
			// What was stored cannot be read: nothing can be said of the time before.
			log.Error(err, "roles and bindings cannot be compared with what was stored; starting anew")
			Wait(ctx, retry)
		}
		last = next // nil after an error
	}
	return nil
}

// due returns how long after now a comparison comes. A snapshot of the future is
// taken for one that is due: its date would put off the next one.
func due(last *earlier, every time.Duration, now time.Time) time.Duration {
	if last == nil || last.taken.After(now) {
		return 0
	}
	return max(0, last.taken.Add(every).Sub(now))
}

// again tries something a few times and reports whether it worked. The caller
// looks at ctx.
func (c *Creep) again(ctx context.Context, what string, try func() error) bool {
	var err error
	for range creepTries {
		if err = try(); err == nil {
			return true
		}
		if ctx.Err() != nil || !Wait(ctx, retry) {
			return false
		}
	}
	logr.FromContextOrDiscard(ctx).Error(err, what, "tries", creepTries)
	return false
}

// compare takes a snapshot, tells what it has more than the last one (nil: there
// is none) and returns it.
func (c *Creep) compare(ctx context.Context, last *earlier) (*earlier, error) {
	log := logr.FromContextOrDiscard(ctx)
	now := time.Now()
	after := snapshot.Take(authz.Over(c.Inventory()))
	next, err := pack(after, now)
	if err != nil {
		return nil, err
	}
	var changes []snapshot.Change
	if last != nil {
		before, err := last.unpack()
		if err != nil {
			return nil, err
		}
		changes = snapshot.Diff(before, after)
	}
	out := &creepOutcome{changes: count(changes), at: now, bytes: len(next.data)}
	gains := gainsOf(changes)
	for i := range gains[:min(len(gains), maxCreepEvents)] {
		c.Tell(gainNotice(&gains[i]))
	}
	if last != nil && c.Installed() {
		c.again(ctx, "report of changed roles and bindings not written", func() error { return c.report(ctx, gains, last.taken, now) })
	}
	switch {
	case len(next.data) > maxSnapshot:
		log.Info("the snapshot of roles and bindings is too large for a ConfigMap: it is kept in memory only", "bytes", len(next.data), "limit", maxSnapshot)
	default:
		out.stored = c.again(ctx, "snapshot of roles and bindings not stored: it is kept in memory only", func() error { return c.store(ctx, next) })
	}
	if ctx.Err() == nil {
		c.conclude(out)
		log.Info("roles and bindings compared", "first", last == nil, "changes", len(changes), "gains", len(gains), "bytes", len(next.data), "stored", out.stored)
	}
	return next, nil
}

func (c *Creep) conclude(o *creepOutcome) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = o
}

func count(changes []snapshot.Change) map[creepGroup]int {
	out := map[creepGroup]int{}
	for i := range changes {
		out[creepGroup{changes[i].Sort.String(), changes[i].Severity.String()}]++
	}
	return out
}

// gainNotice is the Event of a gain, on the binding that gives it or on the role
// that was widened. A gain of nothing dangerous is no warning.
func gainNotice(g *snapshot.Change) Notice {
	n := Notice{Object: g.Role, Reason: "PermissionsGained", Action: "CompareRBAC", Text: checks.Plain(fmt.Sprintf("%s: %s", g.Sort, g))}
	if g.Binding.Name != "" {
		n.Object = g.Binding
	}
	if g.Severity == checks.SeverityUnset {
		n.Type = corev1.EventTypeNormal
	}
	return n
}
