// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/checks/catalog"
	"github.com/gatehouse-sh/gatehouse/internal/exempt"
	"github.com/gatehouse-sh/gatehouse/internal/policy"
	"github.com/gatehouse-sh/gatehouse/test/controlplane"
)

const installed = "gatehouse-system"

// following is a cluster whose Exemptions a manager follows.
type following struct {
	t   *testing.T
	cp  *controlplane.ControlPlane
	mgr ctrl.Manager
	*Exemptions
}

func (f *following) kubectl(stdin string, args ...string) string {
	f.t.Helper()
	out, errOut, err := f.cp.KubectlInput(f.t.Context(), strings.NewReader(stdin), args...)
	if err != nil {
		f.t.Fatalf("kubectl %v: %v\n%s%s", args, err, out, errOut)
	}
	return out
}

// follow starts the follower in a cluster that has no definition of Exemptions.
func follow(t *testing.T) *following {
	t.Helper()
	set, err := catalog.Set()
	if err != nil {
		t.Fatal(err)
	}
	f := &following{t: t, cp: controlplane.Get(t)}
	f.kubectl("", "delete", "crd", "exemptions.gatehouse.sh", "--ignore-not-found")
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{v1alpha1.AddToScheme, admissionregistrationv1.AddToScheme, corev1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	f.mgr, err = ctrl.NewManager(f.cp.RESTConfig(), ctrl.Options{
		Scheme: scheme, Metrics: metricsserver.Options{BindAddress: "0"},
		Client: client.Options{Cache: &client.CacheOptions{DisableFor: []client.Object{&admissionregistrationv1.ValidatingWebhookConfiguration{}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	f.Exemptions, err = NewExemptions(f.mgr.GetCache(), set, ExemptionOptions{
		Registration: f.mgr.GetClient(), RegistrationName: "gatehouse-exemption-test", Install: installed,
	}, prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	f.every = 200 * time.Millisecond
	if err := f.SetupWithManager(f.mgr); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f.mgr.Start(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return f
}

func (f *following) install() {
	f.t.Helper()
	f.kubectl("", "apply", "--server-side", "-f", filepath.Join("..", "..", "manifests", "crd", "gatehouse.sh_exemptions.yaml"))
	f.kubectl("", "wait", "--for=condition=Established", "--timeout=60s", "crd", "exemptions.gatehouse.sh")
	for _, ns := range []string{installed, "shop"} {
		f.kubectl(fmt.Sprintf(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":%q}}`, ns), "apply", "-f", "-")
	}
}

func doc(ns, name, check string, end time.Time) string {
	return fmt.Sprintf("apiVersion: gatehouse.sh/v1alpha1\nkind: Exemption\nmetadata: {namespace: %s, name: %s}\nspec:\n  checks: [%s]\n"+
		"  objects: [{kinds: [Service]}]\n  reason: r\n  owner: o@example.com\n  expiresAt: %s\n---\n", ns, name, check, end.UTC().Format(time.RFC3339))
}

func names(s *exempt.Set) []string {
	var out []string
	for _, e := range s.All() {
		out = append(out, fmt.Sprintf("%s %d", e.String(), e.Reach))
	}
	for _, bad := range s.Faulty() {
		out = append(out, "faulty "+bad.Namespace+"/"+bad.Name)
	}
	return out
}

// TestExemptionsAreFollowed: the definition may come later, a faulty exemption
// leaves the others alone, and what is written or deleted is seen at once.
func TestExemptionsAreFollowed(t *testing.T) {
	f := follow(t)
	eventually(t, "a missing definition counts as loaded", f.Loaded)
	if len(f.Load().All()) > 0 {
		t.Fatal("exemptions without a definition")
	}
	f.install()
	end := time.Now().Add(time.Hour)
	f.kubectl(doc(installed, "good", "node-port", end)+doc(installed, "bad", "no-such-check", end)+doc("shop", "own", "EXP-001", end), "apply", "-f", "-")
	// Nothing is registered, so nobody saw who wrote the one in shop.
	want := []string{installed + "/good 2", "shop/own 0", "faulty " + installed + "/bad"}
	eventually(t, "all three are seen", func() bool { return slices.Equal(names(f.Load()), want) })

	kept := f.Load()
	start := time.Now()
	f.kubectl("", "delete", "exemptions", "-n", installed, "bad")
	eventually(t, "one that is deleted is gone", func() bool { return slices.Equal(names(f.Load()), want[:2]) })
	t.Logf("seen after %s, kubectl included", time.Since(start).Round(time.Millisecond))
	if f.Load() == kept || len(kept.Faulty()) != 1 {
		t.Error("a published set was changed")
	}
	kept = f.Load()
	time.Sleep(3 * f.every)
	if f.Load() != kept {
		t.Error("the same exemptions were published again")
	}
}

// TestTheRegistrationMakesApproval registers, and compares exemptions that are
// older and younger than the registration.
func TestTheRegistrationMakesApproval(t *testing.T) {
	f := follow(t)
	f.install()
	end := time.Now().Add(time.Hour)
	f.kubectl(doc("shop", "older", "EXP-001", end), "apply", "-f", "-")
	api := f.mgr.GetClient()
	hook := &admissionregistrationv1.ValidatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: "gatehouse-exemption-test"},
		Webhooks: []admissionregistrationv1.ValidatingWebhook{{
			Name: exempt.GuardWebhook, FailurePolicy: new(admissionregistrationv1.Fail), SideEffects: new(admissionregistrationv1.SideEffectClassNone),
			AdmissionReviewVersions: []string{"v1"}, ClientConfig: admissionregistrationv1.WebhookClientConfig{URL: new("https://127.0.0.1:1/")},
			Rules: []admissionregistrationv1.RuleWithOperations{{
				Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.Create, admissionregistrationv1.Update},
				Rule:       admissionregistrationv1.Rule{APIGroups: []string{v1alpha1.GroupName}, APIVersions: []string{"*"}, Resources: []string{"exemptions"}},
			}},
			// Nobody answers; the test writes as one whom the API server does not ask about.
			MatchConditions: []admissionregistrationv1.MatchCondition{{Name: "never", Expression: "false"}},
		}},
	}
	if err := api.Create(t.Context(), hook); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := api.Delete(context.Background(), hook); client.IgnoreNotFound(err) != nil {
			t.Error(err)
		}
	})
	time.Sleep(time.Until(hook.CreationTimestamp.Add(12 * time.Second)))
	f.kubectl(doc("shop", "younger", "EXP-001", end), "apply", "-f", "-")
	want := []string{"shop/older 0", "shop/younger 1"}
	eventually(t, "only the younger one reaches its namespace", func() bool { return slices.Equal(names(f.Load()), want) })
	if err := api.Delete(t.Context(), hook); err != nil {
		t.Fatal(err)
	}
	eventually(t, "without the registration none does", func() bool { return slices.Equal(names(f.Load()), []string{"shop/older 0", "shop/younger 0"}) })
}

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
	eventually(t, "both are seen", func() bool { return len(f.Load().All()) == 1 && len(f.Load().Faulty()) == 1 })

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
		eventually(t, "the cache is up to date", func() bool {
			var cached v1alpha1.Exemption
			return f.mgr.GetClient().Get(t.Context(), client.ObjectKey{Namespace: installed, Name: "kept"}, &cached) == nil && cached.ResourceVersion == version()
		})
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
	eventually(t, "both are seen", func() bool { return len(f.Load().All()) == 2 })
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
	eventually(t, "it is seen", func() bool { return len(f.Load().All()) == 1 })
	k := &ExemptionKeeper{
		Client: f.mgr.GetClient(), Set: f.set, Exemptions: f.Exemptions, Events: f.mgr.GetEventRecorder("gatehouse-controller"),
		Policy: func() *policy.Policy { return policy.Default(f.set) },
	}
	if err := k.Keep(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the Event is there", func() bool {
		out := f.kubectl("", "get", "events", "-n", installed, "--field-selector", "reason=ExemptionExpires,involvedObject.name=near", "-o", "jsonpath={.items[*].message}")
		return strings.Contains(out, "o@example.com answers for it")
	})
}
