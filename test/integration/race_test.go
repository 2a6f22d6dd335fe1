// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/gatehouse-sh/gatehouse/internal/controller/serve"
	"github.com/gatehouse-sh/gatehouse/test/controlplane"
)

// delays are how late the watches of both replicas and of the controller are.
type delays struct {
	replica    [2]time.Duration
	controller time.Duration
}

var raceDelays = []delays{
	{[2]time.Duration{0, 500 * time.Millisecond}, 0},
	{[2]time.Duration{500 * time.Millisecond, 2 * time.Second}, 500 * time.Millisecond},
	{[2]time.Duration{2 * time.Second, 5 * time.Second}, 2 * time.Second},
	{[2]time.Duration{5 * time.Second, 10 * time.Second}, 5 * time.Second},
	{[2]time.Duration{10 * time.Second, 0}, 10 * time.Second},
}

// TestRaceOfTwoReplicas sends the last two objects of violating sets through two
// replicas of the webhook at the same time, while the watches of each are late by
// another time. Either one of them is refused, or both are reported within 5 s
// after the controller's watches have caught up. Harmless sets are neither.
func TestRaceOfTwoReplicas(t *testing.T) {
	c := newCluster(t)
	c.installDefinitions(t)
	c.installReports(t)
	lags := [2]*controlplane.Lag{{}, {}}
	c.controllerLag = &controlplane.Lag{}
	b := c.startReplicas(t, lags)
	c.onlyXR(t)
	p := c.startController(t, serve.Options{})
	p.lead(t)
	known := c.follow(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	plan := races(rand.New(rand.NewPCG(seed, 0)), len(raceDelays))
	began := time.Now()
	var count raceCount
	for i, d := range raceDelays {
		for _, lag := range append(lags[:], c.controllerLag) {
			lag.SetAll(0)
		}
		c.raceSetUp(t, plan[i])
		for k := range lags {
			lags[k].SetAll(d.replica[k])
		}
		c.controllerLag.Set(rolesLate(d.controller))
		c.raceRun(t, b, plan[i])
		count.add(t, d, plan[i], known)
	}
	count.harmless(t, plan, known)
	if n := b.faults.Load(); n != 0 {
		t.Errorf("%d reviews were answered by no replica", n)
	}
	t.Logf("%d races of two replicas: %d denied, %d admitted and reported on both objects, the slowest %s after the watches had caught up; %d through one replica: %d denied, %d reported; %d harmless sets accepted; %d and %d reviews; %s",
		count.races, count.denied, count.reported, count.slowest.Round(10*time.Millisecond), count.alone, count.aloneDenied, count.alone-count.aloneDenied,
		count.twins, b.judged[0].Load(), b.judged[1].Load(), time.Since(began).Round(time.Second))
	if count.races < 20 || count.denied+count.aloneDenied == 0 || count.reported == 0 || count.twins == 0 {
		t.Errorf("a run with %d races, %d denied and %d reported, and %d harmless sets shows nothing", count.races, count.denied, count.reported, count.twins)
	}
}

// rolesLate holds back what is known of rights for d and of all else for half of
// it.
func rolesLate(d time.Duration) func(string) time.Duration {
	return func(resource string) time.Duration {
		if strings.Contains(resource, "role") || resource == "serviceaccounts" {
			return d
		}
		return d / 2
	}
}

// raceSetUp writes what is harmless, while no watch is late.
func (c *cluster) raceSetUp(t *testing.T, plan []*race) {
	t.Helper()
	var workers sync.WaitGroup
	var faulty atomic.Bool
	room := make(chan struct{}, xrWorkers)
	for _, r := range plan {
		room <- struct{}{}
		workers.Go(func() {
			defer func() { <-room }()
			if err := c.xrPrepare(t.Context(), r.set); err != nil {
				t.Errorf("prepare %s: %v", r.set.ns, err)
				faulty.Store(true)
				return
			}
			for _, s := range r.before {
				if err := c.xrWrite(t.Context(), s); err != nil {
					t.Errorf("%s: the %s, before the set is complete: %v", r, s.name, err)
					faulty.Store(true)
				}
			}
		})
	}
	workers.Wait()
	if faulty.Load() {
		t.FailNow()
	}
	time.Sleep(time.Second) // all watches have shown it
}

// raceRun sends the last two objects of every set, all at once.
func (c *cluster) raceRun(t *testing.T, b *balancer, plan []*race) {
	t.Helper()
	begin := make(chan struct{})
	var writers sync.WaitGroup
	for _, r := range plan {
		answered := make([]time.Time, 2)
		var both sync.WaitGroup
		for k := range r.last {
			u := &unstructured.Unstructured{}
			if err := yaml.Unmarshal([]byte(r.last[k].doc), &u.Object); err != nil {
				t.Fatal(err)
			}
			r.objects[k] = objectName(u.GetKind(), u.GetNamespace(), u.GetName())
			r.through[k] = b.send(r.objects[k], r.replica[k])
			both.Go(func() {
				<-begin
				if k == 1 {
					time.Sleep(r.gap)
				}
				r.refused[k] = c.xrWrite(context.WithoutCancel(t.Context()), r.last[k])
				answered[k] = time.Now()
			})
		}
		writers.Go(func() {
			both.Wait()
			r.stored = slices.MaxFunc(answered, time.Time.Compare)
		})
	}
	close(begin)
	writers.Wait()
}

// raceCount is what became of the races.
type raceCount struct {
	races, denied, reported int // through two replicas
	alone, aloneDenied      int // through one
	twins                   int
	slowest                 time.Duration // to a report, from when the watches had caught up
}

// add waits until what was admitted is reported.
func (n *raceCount) add(t *testing.T, d delays, plan []*race, known *told) {
	t.Helper()
	before := *n
	var slowest time.Duration
	for _, r := range plan {
		if !r.valid(t) {
			continue
		}
		denied := r.refused[0] != nil || r.refused[1] != nil
		switch {
		case r.set.twin != violating:
			n.twins++
			continue
		case r.replica[0] == r.replica[1]:
			n.alone++
			if denied {
				n.aloneDenied++
			}
		default:
			n.races++
			if denied {
				n.denied++
			}
		}
		if denied {
			continue
		}
		caughtUp := r.stored.Add(d.controller)
		at, missing := known.wait(r.set.door.check, caughtUp.Add(soon), r.objects[:]...)
		if len(missing) > 0 {
			t.Errorf("%s\nboth were admitted, and %s after the watches had caught up %s is not reported as %s (last look: %v)", r, soon, strings.Join(missing, " and "), r.set.door.check, known.fault())
			continue
		}
		slowest = max(slowest, at.Sub(caughtUp))
		if r.replica[0] != r.replica[1] {
			n.reported++
		}
	}
	n.slowest = max(n.slowest, slowest)
	t.Logf("replicas %s and %s late, controller %s: %d races, %d denied, %d reported, the slowest after %s", d.replica[0], d.replica[1], d.controller,
		n.races-before.races, n.denied-before.denied, n.reported-before.reported, slowest.Round(10*time.Millisecond))
}

// valid reports whether a race was run as planned: each object was judged by its
// replica, a violating set was refused for what it is, and a harmless one was not.
func (r *race) valid(t *testing.T) bool {
	t.Helper()
	ok := true
	for k, err := range r.refused {
		if r.through[k].judged.Load() == 0 {
			t.Errorf("%s\n%s was not judged", r, r.objects[k])
			ok = false
		}
		if err != nil && (r.set.twin != violating || !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), r.set.door.check)) {
			t.Errorf("%s\n%s: %v", r, r.objects[k], err)
			ok = false
		}
	}
	return ok
}

// harmless looks for reports of sets that were never complete. Doubt is in order
// where the account was refused: nobody knows whether it would forbid the token.
func (n *raceCount) harmless(t *testing.T, plan [][]*race, known *told) {
	t.Helper()
	for _, r := range slices.Concat(plan...) {
		if r.set.twin == violating && r.refused[0] == nil && r.refused[1] == nil {
			continue
		}
		if known.violates(r.set.door.check, r.objects[:]...) {
			t.Errorf("%s\nrefused with %v, and reported as %s all the same", r, r.refused, r.set.door.check)
		}
	}
}
