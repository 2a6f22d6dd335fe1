// SPDX-License-Identifier: Apache-2.0

package differential

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-sh/gatehouse/test/controlplane"
)

const (
	// serverQuestions is how many questions TestAPIServer asks at least.
	serverQuestions = 100_000
	// rounds is how many universes they are spread over; writing one and waiting
	// for the controllers takes about a second.
	rounds = 10
	// askers is how many questions are under way at once.
	askers = 24
)

// medium is large enough that ten thousand questions differ.
var medium = shape{3, 12, 16, 20, 8}

// TestAPIServer asks a real API server, whose controllers aggregate, about
// random universes beside the roles and bindings that every cluster has.
func TestAPIServer(t *testing.T) {
	seed := seedOf(t)
	c := newCluster(t, controlplane.Get(t).RESTConfig())
	var count tally
	var asking time.Duration
	for round := range uint64(rounds) {
		d := newDice(seed, 1<<32+round)
		u := generate(d, storable, medium)
		listed, err := c.install(t, u)
		must(t, err)
		near := grants(listed)
		questions := make([]question, 0, serverQuestions/rounds)
		for range cap(questions) {
			questions = append(questions, ask(d, near))
		}
		count.universes.Add(1)
		began := time.Now()
		found := c.compare(t, listed, questions, &count)
		for found != nil {
			listed = c.settled(t)
			if c.compare(t, listed, []question{*found}, &count) != nil {
				c.refute(t, fmt.Sprintf("seed %d, round %d", seed, round), u, *found)
			}
			t.Logf("round %d: a controller or a cache was late: once all have settled again, the same is answered to %s; all questions are asked again", round, found.Request)
			found = c.compare(t, listed, questions, &count)
		}
		asking += time.Since(began)
	}
	count.report(t, seed, asking)
	if n := count.asked.Load(); n < serverQuestions {
		t.Errorf("only %d questions asked", n)
	}
}

// compare asks all questions and returns the first that is answered differently,
// if any: by Gatehouse from the objects as they are listed, from the same with
// nothing aggregated yet, or by the in-tree authorizer.
func (c *cluster) compare(t *testing.T, listed *universe, questions []question, count *tally) *question {
	t.Helper()
	stored, written, kubernetes := gatehouse(listed), gatehouse(unaggregated(listed)), inTree(t, listed)
	var next atomic.Int64
	var found atomic.Pointer[question]
	var workers sync.WaitGroup
	for range askers {
		workers.Go(func() {
			for found.Load() == nil && !t.Failed() {
				i := next.Add(1) - 1
				if i >= int64(len(questions)) {
					return
				}
				q := questions[i]
				want := c.allows(t, q)
				count.count(want)
				if stored(q) != want || written(q) != want || kubernetes(q) != want {
					found.CompareAndSwap(nil, &q)
				}
			}
		})
	}
	workers.Wait()
	return found.Load()
}

// unaggregated is the universe as it was before the controller copied rules.
func unaggregated(u *universe) *universe {
	out := u.clone()
	for _, r := range out.clusterRoles {
		if r.AggregationRule != nil {
			r.Rules = nil
		}
	}
	return out
}

// refute fails the test with the smallest case. What the in-tree authorizer
// shows too is minimised with it, anything else on the API server, universe by
// universe.
func (c *cluster) refute(t *testing.T, origin string, u *universe, q question) {
	t.Helper()
	listed := c.list(t)
	if all := (dispute{listed, q}); differInTree(t, all) {
		refute(t, origin, all)
		t.FailNow()
	}
	t.Logf("%s: %s asks to %s: the answers differ on the API server only; the universe is made smaller", origin, q.subject(), q.Request)
	small := minimise(dispute{u, q}, func(d dispute) bool {
		listed, err := c.install(t, d.universe)
		if err != nil {
			return false // a rule without verbs, say
		}
		want := c.allows(t, d.question)
		return gatehouse(listed)(d.question) != want || gatehouse(unaggregated(listed))(d.question) != want || inTree(t, listed)(d.question) != want
	})
	listed, err := c.install(t, small.universe)
	must(t, err)
	q = small.question
	t.Fatalf("%s", small.describe(t, fmt.Sprintf("%s: %s asks to %s: the API server allows: %t, in-tree: %t, gatehouse: %t, before aggregation: %t",
		origin, q.subject(), q.Request, c.allows(t, q), inTree(t, listed)(q), gatehouse(listed)(q), gatehouse(unaggregated(listed))(q))))
}
