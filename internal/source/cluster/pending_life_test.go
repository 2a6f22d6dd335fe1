// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/gatehouse-sh/gatehouse/inventory"
	"github.com/gatehouse-sh/gatehouse/test/controlplane"
)

// run lets lives end until the function that it returns is called.
func (s *stage) run(ctx context.Context) func() {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { s.write(ctx) })
	return func() { cancel(); wg.Wait() }
}

func wait(d time.Duration) step { return func(testing.TB, *stage) { time.Sleep(d) } }

func is(want string) step {
	return func(t testing.TB, s *stage) {
		t.Helper()
		synctest.Wait()
		if got := s.states(); got != want {
			t.Errorf("in between: got %q, want %q", got, want)
		}
	}
}

func TestWhatTheWatchNeverShowsIsForgotten(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		steps []step
		want  string // after the life
	}{
		"a creation is undone":                        {[]step{created("u1", "new")}, "absent absent"},
		"an update goes back to what the watch said":  {[]step{shown("u1", "5", "old"), updated("u1", "5", "new")}, "old old"},
		"to what it said since":                       {[]step{shown("u1", "4", "older"), updated("u1", "5", "new"), shown("u1", "5", "old")}, "old old"},
		"to nothing, when the older object is gone":   {[]step{shown("u1", "5", "old"), created("u2", "new"), gone("u1", "6")}, "absent absent"},
		"what the watch has confirmed stays":          {[]step{created("u1", "new"), shown("u1", "5", "stored")}, "stored stored"},
		"a life begins anew with the last admission":  {[]step{created("u1", "new"), wait(4 * time.Second), updated("u1", "5", "newer"), wait(4 * time.Second), is("newer newer")}, "absent absent"},
		"a life does not begin anew with old news":    {[]step{updated("u1", "5", "new"), wait(4 * time.Second), shown("u1", "5", "old"), wait(2 * time.Second), is("old old")}, "old old"},
		"half a life is not enough":                   {[]step{created("u1", "new"), wait(2500 * time.Millisecond), is("new new")}, "absent absent"},
		"one that comes when nothing was held before": {[]step{created("u1", "new"), wait(time.Minute), created("u2", "second"), wait(4 * time.Second), is("second second")}, "absent absent"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t, PendingOptions{})
				defer s.run(t.Context())()
				for _, do := range tc.steps {
					do(t, s)
				}
				time.Sleep(6 * time.Second)
				synctest.Wait()
				if got := s.states(); got != tc.want {
					t.Errorf("got %q, want %q", got, tc.want)
				}
				if len(s.pending.byKey) != 0 || s.pending.bytes != 0 || s.pending.order.Len() != 0 {
					t.Errorf("something is still held: %+v", s.pending)
				}
			})
		})
	}
}

// TestAFullLedgerDropsTheOldest shows both bounds, and that what is dropped goes
// back to what the watch said.
func TestAFullLedgerDropsTheOldest(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		bounds PendingOptions
		bytes  int
	}{
		"by number": {PendingOptions{Objects: 3, Bytes: 1 << 20}, 1},
		"by size":   {PendingOptions{Objects: 100, Bytes: 3000}, 1000},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, tc.bounds)
			shown("u1", "5", "old")(t, s)
			s.Admit(service("u1", "5", "new"), "5", tc.bytes)
			for i := range 5 {
				if !s.Admit(named(i), "", tc.bytes) {
					t.Errorf("admission %d is not visible", i)
				}
			}
			current, _ := s.Views()
			var left []string
			for e := range current.Entries(inventory.ServiceKind, "") {
				left = append(left, e.Key.Name)
			}
			if want := []string{"s-2", "s-3", "s-4", "web"}; !slices.Equal(left, want) || s.states() != "old old" {
				t.Errorf("got %v, and web is %s", left, s.states())
			}
			if want := (Pending{Held: 3, Overflowed: 3}); s.total != want {
				t.Errorf("got %+v, want %+v", s.total, want)
			}
		})
	}
	t.Run("one larger than all room is held alone", func(t *testing.T) {
		t.Parallel()
		s := newStage(t, PendingOptions{Bytes: 10})
		s.Admit(named(1), "", 5)
		if !s.Admit(named(2), "", 50) || s.total.Held != 1 {
			t.Errorf("got %+v", s.total)
		}
	})
}

func named(i int) *corev1.Service {
	return &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "s-" + strconv.Itoa(i), UID: types.UID(strconv.Itoa(i))}}
}

func TestWhatCannotBeConfirmedIsNotTakenIn(t *testing.T) {
	t.Parallel()
	nameless := named(1)
	nameless.Name, nameless.GenerateName = "", "s-"
	for name, tc := range map[string]struct {
		object inventory.Object
		want   bool
	}{
		"a Service":                              {named(1), true},
		"an object whose name is yet to be made": {nameless, false},
		"a kind that is not watched":             {&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "c"}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, PendingOptions{})
			before := s.Generation()
			if got := s.Admit(tc.object, "", 1); got != tc.want || (s.Generation() > before) != tc.want {
				t.Errorf("visible: %t, %d versions", got, s.Generation()-before)
			}
		})
	}
}

// TestTheReviewKeepsItsObject shows that the object of the review is neither
// trimmed nor shared, and that what is kept is trimmed.
func TestTheReviewKeepsItsObject(t *testing.T) {
	t.Parallel()
	s := newStage(t, PendingOptions{})
	mine := pod(1)
	mine.UID, mine.ResourceVersion = "u1", ""
	mine.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "m"}}
	before := mine.DeepCopy()
	s.Admit(mine, "", 1)
	if diff := cmp.Diff(before, mine); diff != "" {
		t.Errorf("the object of the review was changed:\n%s", diff)
	}
	e := s.Inventory().Entry(inventory.KeyOf(mine))
	if e == nil || e.Object != nil || e.Workload.Spec.Containers[0].Env != nil {
		t.Fatalf("it is not kept as the watch would keep it: %+v", e)
	}
	mine.Labels["app"] = "changed"
	if e.Workload.Labels["app"] != "app-0" {
		t.Error("what is kept shares its labels with the object of the review")
	}
}

// TestAClusterScopedObjectHasNoNamespace: in the reviews of Namespaces the
// request's namespace is the name.
func TestAClusterScopedObjectHasNoNamespace(t *testing.T) {
	t.Parallel()
	s := newStage(t, PendingOptions{})
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "shop", ResourceVersion: "5", Labels: map[string]string{"a": "b"}}}
	s.Admit(ns, "5", 1)
	if got := s.Inventory().Namespace("shop"); got == nil || got.Labels["a"] != "b" {
		t.Errorf("got %v", got)
	}
	if ns.Namespace != "shop" {
		t.Error("the object of the review was changed")
	}
}

// TestManyReviewsAtOnceAllSeeTheirOwnWrites admits from 32 goroutines while the
// watch confirms, and looks at once.
func TestManyReviewsAtOnceAllSeeTheirOwnWrites(t *testing.T) {
	t.Parallel()
	s := newStage(t, PendingOptions{Life: time.Hour})
	defer s.run(t.Context())()
	s.Live.ended = t.Context().Done()
	const workers, each = 32, 100
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := range each {
				o := named(w*each + i)
				if !s.Admit(o, "", 1) || s.Inventory().Entry(inventory.KeyOf(o)) == nil {
					t.Errorf("%s is not visible", o.Name)
				}
				if i%2 == 0 {
					o.ResourceVersion = "1"
					must(t, s.watcher.Add(newCompactor(s.watcher.kind, &s.pool).stub(o)))
				}
			}
		})
	}
	wg.Wait()
	controlplane.Eventually(t, time.Minute, "half of them are confirmed", controlplane.Holds(func() bool {
		s.writing.Lock()
		defer s.writing.Unlock()
		return s.total.Settled == workers*each/2 && s.total.Held == workers*each/2
	}))
	if n := s.Inventory().Len(inventory.ServiceKind); n != workers*each {
		t.Errorf("got %d", n)
	}
}
