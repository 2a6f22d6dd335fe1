// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/gatehouse-sh/gatehouse/inventory"
)

// stage is a Live without goroutines: the test is its watches and its reviews,
// and every step is visible when it returns.
type stage struct {
	*Live
	watcher *watcher
	total   Pending
}

func newStage(t testing.TB, o PendingOptions) *stage {
	t.Helper()
	s := &stage{}
	s.Live = NewLive(nil, LiveOptions{Pending: o, Hooks: Hooks{Published: func(p Publication) {
		s.total.Held = p.Pending.Held
		s.total.Settled += p.Pending.Settled
		s.total.Expired += p.Pending.Expired
		s.total.Overflowed += p.Pending.Overflowed
		s.total.Overtaken += p.Pending.Overtaken
	}}})
	kind := kindsNamed(t, "Service")[0]
	s.watcher = &watcher{kind: kind, presence: presence{version: kind.Version}, live: s.Live, log: logr.Discard()}
	return s
}

// service is an object whose selector says which of its states it is.
func service(uid, version, state string) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web", UID: types.UID(uid), ResourceVersion: version},
		Spec:       corev1.ServiceSpec{Selector: map[string]string{"state": state}},
	}
}

func stateIn(inv *inventory.Inventory) string {
	if svc := inv.Service("shop", "web"); svc != nil {
		return svc.Spec.Selector["state"]
	}
	return "absent"
}

func (s *stage) states() string {
	current, watched := s.Views()
	return stateIn(current) + " " + stateIn(watched)
}

// step is something that happens to the Service shop/web.
type step func(t testing.TB, s *stage)

func created(uid, state string) step {
	return func(_ testing.TB, s *stage) { s.Admit(service(uid, "", state), "", 1) }
}

func updated(uid, base, state string) step {
	return func(_ testing.TB, s *stage) { s.Admit(service(uid, base, state), base, 1) }
}

func shown(uid, version, state string) step {
	return func(_ testing.TB, s *stage) {
		made := newCompactor(s.watcher.kind, &s.pool).stub(service(uid, version, state))
		s.batch(change{watcher: s.watcher, verb: put, entry: made.entry, key: made.key, uid: made.uid, at: made.decoded})
	}
}

func gone(uid, version string) step { //nolint:unparam // where there are two objects, a row says which one ended
	return func(_ testing.TB, s *stage) {
		made := newCompactor(s.watcher.kind, &s.pool).gone(service(uid, version, ""))
		s.batch(change{watcher: s.watcher, verb: remove, key: made.key, version: number(made.version), uid: made.uid, at: made.decoded})
	}
}

// swept is the end of a list in which the Service is not.
func swept(version string) step {
	return func(_ testing.TB, s *stage) {
		s.batch(change{watcher: s.watcher, verb: sweep, version: number(version), at: time.Now()})
	}
}

func withdrawn(_ testing.TB, s *stage) {
	s.batch(change{watcher: s.watcher, verb: withdraw, at: time.Now()})
}

func TestTheWatchHasTheLastWordAndOldEventsHaveNot(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		steps []step
		want  string // the state in the current and in the watched view
		held  int
	}{
		"what is created is there at once":                       {[]step{created("u1", "new")}, "new new", 1},
		"the watch confirms it":                                  {[]step{created("u1", "new"), shown("u1", "5", "stored")}, "stored stored", 0},
		"it is deleted again before the watch shows it":          {[]step{created("u1", "new"), gone("u1", "6")}, "absent absent", 0},
		"an older object of the name still in flight":            {[]step{created("u2", "new"), shown("u1", "4", "old")}, "new old", 1},
		"the end of that older object":                           {[]step{created("u2", "new"), shown("u1", "4", "old"), gone("u1", "5")}, "new new", 1},
		"the end of an older object that nobody saw":             {[]step{created("u2", "new"), gone("u1", "5")}, "new new", 1},
		"and the confirmation after it":                          {[]step{created("u2", "new"), shown("u1", "4", "old"), gone("u1", "5"), shown("u2", "6", "stored")}, "stored stored", 0},
		"a creation that must fail, for the name is taken":       {[]step{shown("u1", "5", "old"), created("u2", "new")}, "new old", 1},
		"and the stored object goes on":                          {[]step{shown("u1", "5", "old"), created("u2", "new"), shown("u1", "6", "older")}, "new older", 1},
		"a creation without uid is settled by any object":        {[]step{created("", "new"), shown("u1", "5", "stored")}, "stored stored", 0},
		"a creation without uid is not settled by an absence":    {[]step{created("", "new"), gone("u1", "5")}, "new new", 1},
		"an update is there at once, beside the stored state":    {[]step{shown("u1", "5", "old"), updated("u1", "5", "new")}, "new old", 1},
		"the version that it replaces comes once more":           {[]step{shown("u1", "5", "old"), updated("u1", "5", "new"), shown("u1", "5", "old")}, "new old", 1},
		"the version that it replaces comes late":                {[]step{shown("u1", "5", "old"), updated("u1", "7", "new"), shown("u1", "6", "middle"), shown("u1", "7", "base")}, "new base", 1},
		"the watch confirms the update":                          {[]step{shown("u1", "5", "old"), updated("u1", "5", "new"), shown("u1", "6", "stored")}, "stored stored", 0},
		"versions are numbers, not words":                        {[]step{shown("u1", "9", "old"), updated("u1", "9", "new"), shown("u1", "10", "stored")}, "stored stored", 0},
		"the object is deleted after the update":                 {[]step{shown("u1", "5", "old"), updated("u1", "5", "new"), gone("u1", "7")}, "absent absent", 0},
		"a deletion from before the update":                      {[]step{updated("u2", "9", "new"), gone("u1", "4")}, "new new", 1},
		"an update of what was created just now":                 {[]step{created("u1", "first"), updated("u1", "5", "second")}, "second second", 1},
		"the creation is shown after its update was admitted":    {[]step{created("u1", "first"), updated("u1", "5", "second"), shown("u1", "5", "first")}, "second first", 1},
		"and the update is shown then":                           {[]step{created("u1", "first"), updated("u1", "5", "second"), shown("u1", "5", "first"), shown("u1", "6", "second")}, "second second", 0},
		"an update on a copy that the watch knows to be stale":   {[]step{shown("u1", "7", "old"), updated("u1", "5", "new")}, "old old", 0},
		"an update on a copy that a later review knows as stale": {[]step{shown("u1", "5", "old"), updated("u1", "6", "later"), updated("u1", "5", "new")}, "later old", 1},
		"two updates of the same version: the later one":         {[]step{shown("u1", "5", "old"), updated("u1", "5", "one"), updated("u1", "5", "two")}, "two old", 1},
		"and one of them was stored":                             {[]step{shown("u1", "5", "old"), updated("u1", "5", "one"), updated("u1", "5", "two"), shown("u1", "6", "one")}, "one one", 0},
		"versions that are no numbers: any object settles":       {[]step{shown("u1", "a", "old"), updated("u1", "a", "new"), shown("u1", "b", "stored")}, "stored stored", 0},
		"versions that are no numbers: an absence does not":      {[]step{shown("u1", "a", "old"), updated("u1", "a", "new"), gone("u1", "b")}, "new new", 1},
		"a list without it, after its creation":                  {[]step{created("u1", "new"), swept("9")}, "new new", 1},
		"a list without it, from before its update":              {[]step{shown("u1", "5", "old"), updated("u1", "5", "new"), swept("4")}, "new new", 1},
		"a list without it, from after its update":               {[]step{shown("u1", "5", "old"), updated("u1", "5", "new"), swept("9")}, "absent absent", 0},
		"the kind is gone":                                       {[]step{shown("u1", "5", "old"), updated("u1", "5", "new"), withdrawn}, "absent absent", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, PendingOptions{})
			for _, do := range tc.steps {
				do(t, s)
			}
			if got := s.states(); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
			if got := len(s.pending.byKey); got != tc.held {
				t.Errorf("%d held, want %d", got, tc.held)
			}
			if current, watched := s.Views(); (current == watched) != (s.pending.disputed == 0) {
				t.Errorf("%d disputes, same view: %t", s.pending.disputed, current == watched)
			}
		})
	}
}
