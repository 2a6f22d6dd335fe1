// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/internal/policy"
	"github.com/gatehouse-sh/gatehouse/test/controlplane"
)

// recorder collects Events.
type recorder struct{ got []string }

func (r *recorder) Eventf(o, _ runtime.Object, kind, reason, _, note string, args ...any) {
	r.got = append(r.got, o.(metav1.Object).GetName()+" "+kind+" "+reason+": "+fmt.Sprintf(note, args...))
}

func (r *recorder) take() []string {
	out := r.got
	r.got = nil
	return out
}

// conditions are "type status reason", by exemption.
func (f *following) conditions(name string) map[string]string {
	f.t.Helper()
	var e v1alpha1.Exemption
	if err := f.mgr.GetAPIReader().Get(f.t.Context(), client.ObjectKey{Namespace: installed, Name: name}, &e); err != nil {
		f.t.Fatal(err)
	}
	out := map[string]string{}
	for _, c := range e.Status.Conditions {
		if c.ObservedGeneration != e.Generation {
			f.t.Errorf("%s: condition %s is of generation %d, not %d", name, c.Type, c.ObservedGeneration, e.Generation)
		}
		out[c.Type] = string(c.Status) + " " + c.Reason
	}
	if e.Status.LastUsed != nil {
		out["last"] = e.Status.LastUsed.UTC().Format(time.RFC3339)
	}
	return out
}

// TestTheStatusOfExemptions walks through the life of an exemption with a clock of
// its own: each Event comes once, a second keeper repeats none, and nothing is
// written while nothing changes.
func TestTheStatusOfExemptions(t *testing.T) {
	f := follow(t)
	f.install()
	end := time.Now().Add(24 * 30 * time.Hour).UTC().Truncate(time.Second)
	f.kubectl(doc(installed, "kept", "EXP-001", end)+doc(installed, "bad", "no-such-check", end), "apply", "-f", "-")
	controlplane.Eventually(t, time.Minute, "both are seen", controlplane.Holds(func() bool { return len(f.Load().All()) == 1 && len(f.Load().Faulty()) == 1 }))

	var now time.Time
	used, events, p := map[string]bool{}, &recorder{}, policy.Default(f.set)
	keeper := func() *ExemptionKeeper {
		return &ExemptionKeeper{
			Client: f.mgr.GetClient(), Set: f.set, Exemptions: f.Exemptions, Events: events, Clock: func() time.Time { return now },
			Policy: func() *policy.Policy { return p }, Used: func() (map[string]bool, bool) { return used, true },
		}
	}
	k := keeper()
	version := func() string {
		return f.kubectl("", "get", "exemption", "-n", installed, "kept", "-o", "jsonpath={.metadata.resourceVersion}")
	}
	keep := func() {
		t.Helper()
		// The cache that Keep reads must have seen what was written before.
		controlplane.Eventually(t, time.Minute, "the cache is up to date", controlplane.Holds(func() bool {
			var cached v1alpha1.Exemption
			return f.mgr.GetClient().Get(t.Context(), client.ObjectKey{Namespace: installed, Name: "kept"}, &cached) == nil && cached.ResourceVersion == version()
		}))
		if err := k.Keep(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range []struct {
		what  string
		at    time.Time
		used  bool
		want  map[string]string
		event string
	}{
		{"long before its end", end.Add(-20 * 24 * time.Hour), false, map[string]string{"Accepted": "True Accepted", "Expired": "False NotYet", "Used": "False CoversNothing"}, ""},
		{"it is used", end.Add(-10 * 24 * time.Hour), true, map[string]string{"Accepted": "True Accepted", "Expired": "False NotYet", "Used": "True CoversFinding"}, ""},
		{"7 days before", end.Add(-7 * 24 * time.Hour), true, map[string]string{"Accepted": "True Accepted", "Expired": "False Within7Days", "Used": "True CoversFinding"}, "kept Warning ExemptionExpires: expires in 7 days"},
		{"1 day before", end.Add(-24 * time.Hour), true, map[string]string{"Accepted": "True Accepted", "Expired": "False Within1Day", "Used": "True CoversFinding"}, "kept Warning ExemptionExpires: expires in 24 hours"},
		{"at its end", end, false, map[string]string{"Accepted": "True Accepted", "Expired": "True Expired", "Used": "False CoversNothing"}, "kept Warning ExemptionExpired: expired at"},
	} {
		now = step.at
		used[installed+"/kept"] = step.used
		keep()
		got := f.conditions("kept")
		delete(got, "last")
		if diff := cmp.Diff(step.want, got); diff != "" {
			t.Errorf("%s (want -, got +):\n%s", step.what, diff)
		}
		told := events.take()
		if step.event == "" && len(told) > 0 || step.event != "" && (len(told) != 1 || !strings.HasPrefix(told[0], step.event)) {
			t.Errorf("%s: events %q, want %q", step.what, told, step.event)
		}
		before := version()
		k = keeper() // another leader
		keep()
		if told := events.take(); len(told) > 0 || version() != before {
			t.Errorf("%s: a second turn tells %q, or writes again", step.what, told)
		}
	}
	if got := f.conditions("kept")["last"]; got != end.Add(-24*time.Hour).Truncate(24*time.Hour).Format(time.RFC3339) {
		t.Errorf("last used %s", got)
	}
	if diff := cmp.Diff(map[string]string{"Accepted": "False Invalid"}, f.conditions("bad")); diff != "" {
		t.Errorf("the faulty one (want -, got +):\n%s", diff)
	}
	var bad v1alpha1.Exemption
	if err := f.mgr.GetAPIReader().Get(t.Context(), client.ObjectKey{Namespace: installed, Name: "bad"}, &bad); err != nil {
		t.Fatal(err)
	}
	if m := meta.FindStatusCondition(bad.Status.Conditions, v1alpha1.ConditionAccepted).Message; !strings.Contains(m, "no-such-check") {
		t.Errorf("the condition does not name the fault: %s", m)
	}
}

// TestTheStatusSaysWhatDoesNotCount covers what is without fault and yet covers
// nothing.
func TestTheStatusSaysWhatDoesNotCount(t *testing.T) {
	f := follow(t)
	f.install()
	now := time.Now()
	f.kubectl(doc(installed, "long", "EXP-001", now.Add(24*200*time.Hour)), "apply", "-f", "-")
	f.kubectl(doc("shop", "own", "EXP-001", now.Add(time.Hour)), "apply", "-f", "-")
	controlplane.Eventually(t, time.Minute, "both are seen", controlplane.Holds(func() bool { return len(f.Load().All()) == 2 }))
	k := &ExemptionKeeper{Client: f.mgr.GetClient(), Set: f.set, Exemptions: f.Exemptions, Events: &recorder{}, Policy: func() *policy.Policy { return policy.Default(f.set) }}
	if err := k.Keep(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := f.kubectl("", "get", "exemptions", "-A", "-o", `jsonpath={range .items[*]}{.metadata.name} {.status.conditions[?(@.type=="Accepted")].reason};{end}`)
	if got != "long TooLong;own NotApproved;" {
		t.Errorf("got %q", got)
	}
	t.Logf("\n%s", f.kubectl("", "get", "exemptions", "-A"))
}

// TestEventsReachTheAPIServer lets a manager's own recorder emit.
func TestEventsReachTheAPIServer(t *testing.T) {
	f := follow(t)
	f.install()
	f.kubectl(doc(installed, "near", "EXP-001", time.Now().Add(time.Hour)), "apply", "-f", "-")
	controlplane.Eventually(t, time.Minute, "it is seen", controlplane.Holds(func() bool { return len(f.Load().All()) == 1 }))
	k := &ExemptionKeeper{
		Client: f.mgr.GetClient(), Set: f.set, Exemptions: f.Exemptions, Events: f.mgr.GetEventRecorder("gatehouse-controller"),
		Policy: func() *policy.Policy { return policy.Default(f.set) },
	}
	if err := k.Keep(t.Context()); err != nil {
		t.Fatal(err)
	}
	controlplane.Eventually(t, time.Minute, "the Event is there", controlplane.Holds(func() bool {
		out := f.kubectl("", "get", "events", "-n", installed, "--field-selector", "reason=ExemptionExpires,involvedObject.name=near", "-o", "jsonpath={.items[*].message}")
		return strings.Contains(out, "o@example.com answers for it")
	}))
}
