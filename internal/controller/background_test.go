// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/background"
	"github.com/gatehouse-sh/gatehouse/internal/policy"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

func keys(n int) []inventory.Key {
	out := make([]inventory.Key, n)
	for i := range out {
		out[i] = inventory.Key{Kind: inventory.ServiceKind, Namespace: "shop", Name: fmt.Sprint(i)}
	}
	return out
}

func TestChangesAreHandedOverOnce(t *testing.T) {
	t.Parallel()
	c := NewChanges()
	if got := c.take(); !got.all || got.inventory == nil {
		t.Errorf("at first %+v, want everything", got)
	}
	first, second := inventory.New(), inventory.New()
	c.Note(first, keys(2))
	c.Note(second, keys(3))
	if lag := c.lag(time.Now().Add(time.Second)); lag < time.Second {
		t.Errorf("the lag is %s", lag)
	}
	got := c.take()
	if got.all || len(got.keys) != 5 || got.inventory != second || got.oldest.IsZero() {
		t.Errorf("got %+v", got)
	}
	if c.lag(time.Now().Add(time.Second)) == 0 {
		t.Error("what is being worked on is not behind")
	}
	c.done()
	if lag := c.lag(time.Now().Add(time.Second)); lag != 0 {
		t.Errorf("after the work the lag is %s", lag)
	}
	if got := c.take(); got.all || len(got.keys) != 0 || got.inventory != second {
		t.Errorf("nothing new: %+v", got)
	}
	c.Note(second, keys(maxChanges))
	c.Note(second, keys(1))
	if got := c.take(); !got.all || len(got.keys) != 0 {
		t.Errorf("too many changes: everything is %t, with %d keys", got.all, len(got.keys))
	}
}

func result(namespace, name, check, exemption string) background.Result {
	return background.Result{
		Object: inventory.Key{Kind: inventory.ServiceKind, Namespace: namespace, Name: name},
		Judged: policy.Judged{Exemption: exemption, Finding: checks.Finding{Check: check, Severity: checks.High}},
	}
}

// gathered returns the values of a metric by its labels, written in the order of
// their names.
func gathered(t *testing.T, r *prometheus.Registry, name string) map[string]float64 {
	t.Helper()
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetValue())
			}
			out[strings.Join(labels, " ")] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	return out
}

func TestFindingsAreCountedWithinABound(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	f, err := NewFindings(registry)
	if err != nil {
		t.Fatal(err)
	}
	if got := gathered(t, registry, "gatehouse_findings"); len(got) != 0 {
		t.Errorf("before any result: %v", got)
	}
	f.Take("shop", nil, []background.Result{result("shop", "a", "EXP-001", ""), result("shop", "b", "EXP-001", ""), result("shop", "c", "EXP-001", "team/reason")})
	if got := gathered(t, registry, "gatehouse_findings"); len(got) != 1 || got["EXP-001 shop high"] != 2 {
		t.Errorf("got %v, want two in shop", got)
	}
	for i := range maxNamespaces + 4 {
		ns := fmt.Sprintf("team-%d", i)
		f.Take(ns, nil, []background.Result{result(ns, "a", "EXP-001", "")})
	}
	got := gathered(t, registry, "gatehouse_findings")
	if len(got) != maxNamespaces+1 || got["EXP-001 shop high"] != 2 || got["EXP-001 (other) high"] != 5 {
		t.Errorf("%d series, %v others", len(got), got["EXP-001 (other) high"])
	}
	f.Take("shop", nil, nil)
	if _, there := gathered(t, registry, "gatehouse_findings")["EXP-001 shop high"]; there {
		t.Error("what is mended is still counted")
	}
}

func TestUsedExemptions(t *testing.T) {
	t.Parallel()
	var u Usage
	u.Take("shop", nil, []background.Result{result("shop", "a", "EXP-001", "team/one"), result("shop", "b", "EXP-001", "")})
	if _, known := u.Used(); known {
		t.Error("known before everything was judged")
	}
	u.Complete()
	if used, known := u.Used(); !known || len(used) != 1 || !used["team/one"] {
		t.Errorf("used %v", used)
	}
	u.Take("shop", nil, nil)
	if used, _ := u.Used(); len(used) != 0 {
		t.Errorf("used %v after the objects are gone", used)
	}
}

func TestEventsTellNewsOnly(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	e, err := NewEvents(nil, nil, registry)
	if err != nil {
		t.Fatal(err)
	}
	before := []background.Result{result("shop", "a", "EXP-001", "")}
	after := []background.Result{
		result("shop", "a", "EXP-001", ""), result("shop", "a", "EXP-002", ""), result("shop", "a", "EXP-003", ""), result("shop", "b", "EXP-001", "team/one"),
	}
	e.Take("shop", before, after)
	if len(e.backlog) != 1 || len(e.news) != 0 {
		t.Fatalf("%d Events wait and %d are news, want one that waits", len(e.backlog), len(e.news))
	}
	e.Complete()
	e.Take("shop", nil, before)
	if i, _ := e.next(t.Context()); i.Object.Name != "a" || !strings.Contains(i.Text, "EXP-001") || strings.Contains(i.Text, "also") {
		t.Errorf("first told of %+v, want the news", i.Notice)
	}
	if i, _ := e.next(t.Context()); !strings.HasPrefix(i.Text, "EXP-002 ") || !strings.HasSuffix(i.Text, "It also breaks EXP-003") {
		t.Errorf("then told of %+v", i.Notice)
	}
	for range eventQueue + 3 {
		e.Tell(Notice{Object: after[0].Object})
	}
	if got := gathered(t, registry, "gatehouse_events_total")["dropped"]; got != 3 {
		t.Errorf("%v dropped, want 3", got)
	}
}

func TestANoteIsBounded(t *testing.T) {
	t.Parallel()
	var list []background.Result
	for i := range 300 {
		r := result("shop", "a", fmt.Sprintf("EXP-%03d", i), "")
		r.Message = strings.Repeat("m", 2_000)
		list = append(list, r)
	}
	if n := noticeOf(list); len(n.Text) > maxNote || !strings.Contains(n.Text, "It also breaks EXP-001") {
		t.Errorf("%d bytes: %s", len(n.Text), n.Text)
	}
}

func TestTheSameNewsIsOneEvent(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 1, 0, 0, 5, 0, time.UTC)
	n := Notice{Object: result("shop", strings.Repeat("n", 253), "EXP-001", "").Object, Reason: "Violation", Text: "text"}
	name := eventName(n, "uid", at)
	if len(name) > 253 {
		t.Errorf("the name has %d bytes", len(name))
	}
	other := n
	other.Text = "other"
	for what, tc := range map[string]struct {
		name string
		same bool
	}{
		"a minute later":       {eventName(n, "uid", at.Add(time.Minute)), true},
		"eleven minutes later": {eventName(n, "uid", at.Add(11*time.Minute)), false},
		"another text":         {eventName(other, "uid", at), false},
		"another object":       {eventName(n, "other", at), false},
	} {
		if got := tc.name == name; got != tc.same {
			t.Errorf("%s: one Event is %t, want %t", what, got, tc.same)
		}
	}
}

func TestOutcomesOfACanary(t *testing.T) {
	t.Parallel()
	resource := schema.GroupResource{Resource: "services"}
	denied := func(text string) error { return apierrors.NewForbidden(resource, "canary", errors.New(text)) }
	want := policy.Verdict{{Action: checks.Deny, Finding: checks.Finding{Check: "EXP-001"}}}
	for name, tc := range map[string]struct {
		err  error
		want Outcome
	}{
		"nobody objects":                    {nil, Accepted},
		"our webhook, for the reason":       {errors.New(`admission webhook "enforce.validate.gatehouse.sh" denied the request: Service x breaks 1 rule: * EXP-001 node-port`), Refused},
		"our webhook, for another":          {errors.New(`admission webhook "enforce.validate.gatehouse.sh" denied the request: Gatehouse cannot judge this request`), OtherReason},
		"another webhook":                   {errors.New(`admission webhook "validate.example.com" denied the request: EXP-001`), BySomeone},
		"our webhook cannot be called":      {apierrors.NewInternalError(errors.New(`failed calling webhook "enforce.validate.gatehouse.sh": failed to call webhook: Post "https://gatehouse-webhook": EOF`)), Unreachable},
		"a policy of the API server":        {denied(`ValidatingAdmissionPolicy 'gatehouse-backstop-exp-001' with binding 'x' denied request: EXP-001`), ByBackstop},
		"only the quota of the namespace":   {denied("exceeded quota: nothing, requested: services=1, used: services=0, limited: services=0"), Accepted},
		"the controller may not even try":   {denied(`User "x" cannot create resource "services"`), Failed},
		"the API server does not answer":    {errors.New("connection refused"), Failed},
		"a webhook whose name ends in ours": {errors.New(`admission webhook "x.notgatehouse.sh" denied the request: EXP-001`), BySomeone},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := &Canary{Webhooks: ".gatehouse.sh"}
			if got, _ := c.read(tc.err, want); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}
