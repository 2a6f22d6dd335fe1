// SPDX-License-Identifier: Apache-2.0

package differential

import (
	"fmt"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apiserver/pkg/authentication/user"

	"github.com/gatehouse-sh/gatehouse/internal/authz"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// manyQuestions is how many TestInTree asks at least.
const manyQuestions = 1_000_000

// everyLarge says how often a universe is large: the index of bindings has
// several levels then.
const everyLarge = 100

// tally counts questions. Its fields are safe for concurrent use.
type tally struct{ asked, allowed, universes, explained atomic.Int64 }

func (c *tally) count(allowed bool) {
	c.asked.Add(1)
	if allowed {
		c.allowed.Add(1)
	}
}

// report prints the figures, and fails when nearly all answers were the same:
// the questions would test little.
func (c *tally) report(t testing.TB, seed uint64, took time.Duration) {
	t.Helper()
	asked := c.asked.Load()
	if asked == 0 {
		t.Fatal("nothing was asked")
	}
	share := 100 * float64(c.allowed.Load()) / float64(asked)
	t.Logf("seed %d: %d questions in %d universes, %.1f %% allowed, %s", seed, asked, c.universes.Load(), share, took.Round(time.Millisecond))
	if share < 25 || share > 75 {
		t.Errorf("%.1f %% of the questions were allowed, which is not between 25 and 75", share)
	}
}

// universeAt returns the i-th universe of a seed and the dice that continue it.
func universeAt(seed, i uint64) (*universe, dice) {
	d := newDice(seed, i)
	most, valid := small, storable
	if i%everyLarge == 0 {
		most = large
	}
	if i%2 == 1 {
		valid = anything
	}
	return generate(d, valid, most), d
}

// questionsFor is how many questions a universe is worth.
func questionsFor(u *universe) int {
	return 150 + 20*(len(u.roles)+len(u.clusterRoles)+len(u.roleBindings)+len(u.clusterRoleBindings))
}

// TestInTree asks the in-tree authorizer.
func TestInTree(t *testing.T) {
	t.Parallel()
	seed, began := seedOf(t), time.Now()
	var c tally
	var next atomic.Uint64
	var stop atomic.Bool
	t.Run("worker", func(t *testing.T) {
		for range runtime.GOMAXPROCS(0) {
			t.Run("", func(t *testing.T) {
				t.Parallel()
				for c.asked.Load() < manyQuestions && !stop.Load() {
					compareInTree(t, seed, next.Add(1)-1, &c)
					if t.Failed() {
						stop.Store(true)
					}
				}
			})
		}
	})
	c.report(t, seed, time.Since(began))
	t.Logf("%d grants were tried alone", c.explained.Load())
	if t.Failed() {
		return
	}
	if asked, explained := c.asked.Load(), c.explained.Load(); asked < manyQuestions || explained < asked/100 {
		t.Errorf("only %d questions asked, only %d grants tried alone", asked, explained)
	}
}

// compareInTree asks everything about one universe: of the inventory as a file
// holds it, and as the aggregation controller leaves it.
func compareInTree(t *testing.T, seed, i uint64, c *tally) {
	t.Helper()
	u, d := universeAt(seed, i)
	settled := settle(t, u)
	kubernetes, written, stored := inTree(t, settled), u.view(), settled.view()
	near := grants(settled)
	origin := fmt.Sprintf("seed %d, universe %d", seed, i)
	compareRules(t, origin, written, settled)
	c.universes.Add(1)
	for range questionsFor(u) {
		q := ask(d, near)
		want := kubernetes(q)
		c.count(want)
		grant, got := written.Allowed(q.subject(), q.Request)
		_, again := stored.Allowed(q.subject(), q.Request)
		if got != want || again != want {
			refute(t, origin, dispute{u, q})
			return
		}
		if got && d.chance(5) && !slices.Contains(q.info().GetGroups(), user.SystemPrivilegedGroup) {
			c.explained.Add(1)
			explains(t, settled, q, grant)
		}
	}
}

// differInTree says whether the answers to a dispute differ.
func differInTree(t testing.TB, d dispute) bool {
	t.Helper()
	settled := settle(t, d.universe)
	want := inTree(t, settled)(d.question)
	return gatehouse(d.universe)(d.question) != want || gatehouse(settled)(d.question) != want
}

// refute fails the test with the smallest case.
func refute(t testing.TB, origin string, d dispute) {
	t.Helper()
	d = minimise(d, func(d dispute) bool { return differInTree(t, d) })
	settled := settle(t, d.universe)
	t.Errorf("%s", d.describe(t, fmt.Sprintf("%s: %s asks to %s: in-tree allows: %t, gatehouse allows: %t, with aggregation settled: %t",
		origin, d.question.subject(), d.question.Request,
		inTree(t, settled)(d.question), gatehouse(d.universe)(d.question), gatehouse(settled)(d.question))))
}

// explains fails unless the grant alone gives what was asked: its binding, with
// the one subject that the grant names, while all other bindings are gone.
func explains(t testing.TB, settled *universe, q question, g authz.Grant) {
	t.Helper()
	alone := &universe{roles: settled.roles, clusterRoles: settled.clusterRoles}
	for _, b := range settled.roleBindings {
		if g.Binding == (inventory.Key{Kind: inventory.RoleBindingKind, Namespace: b.Namespace, Name: b.Name}) {
			b = b.DeepCopy()
			b.Subjects = []rbacv1.Subject{g.Subject}
			alone.roleBindings = append(alone.roleBindings, b)
		}
	}
	for _, b := range settled.clusterRoleBindings {
		if g.Binding == (inventory.Key{Kind: inventory.ClusterBindingKind, Name: b.Name}) {
			b = b.DeepCopy()
			b.Subjects = []rbacv1.Subject{g.Subject}
			alone.clusterRoleBindings = append(alone.clusterRoleBindings, b)
		}
	}
	if !inTree(t, alone)(q) {
		t.Errorf("%s", dispute{settled, q}.describe(t, fmt.Sprintf("%s by %s to %+v does not allow the question", g.Role, g.Binding, g.Subject)))
	}
}

// compareRules fails unless the view knows the rules of every ClusterRole as the
// aggregation controller will leave them.
func compareRules(t testing.TB, origin string, view authz.View, settled *universe) {
	t.Helper()
	for _, r := range settled.clusterRoles {
		got, found := view.Rules(inventory.Key{Kind: inventory.ClusterRoleKind, Name: r.Name})
		if got, want := ruleSet(got), ruleSet(r.Rules); !found || !slices.Equal(got, want) {
			t.Errorf("%s: ClusterRole %s has rules\n%v, want\n%v", origin, r.Name, got, want)
		}
	}
}
