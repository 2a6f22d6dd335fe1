// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/authz"
	"github.com/gatehouse-sh/gatehouse/internal/authz/power"
	"github.com/gatehouse-sh/gatehouse/internal/authz/snapshot"
	"github.com/gatehouse-sh/gatehouse/internal/background"
	"github.com/gatehouse-sh/gatehouse/internal/background/openreports"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

var noon = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

func TestAComparisonComesWhenItIsDue(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		last *earlier
		want time.Duration
	}{
		"the first one at once":            {nil, 0},
		"a day after the last one":         {&earlier{taken: noon.Add(-time.Hour)}, 23 * time.Hour},
		"at once when it is overdue":       {&earlier{taken: noon.Add(-48 * time.Hour)}, 0},
		"at once when the date is missing": {&earlier{}, 0},
		"a date to come puts nothing off":  {&earlier{taken: noon.Add(1000 * time.Hour)}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := due(tc.last, 24*time.Hour, noon); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

// someRBAC holds a role that may read one resource, and a binding of it.
func someRBAC(resource string) *inventory.Inventory {
	return inventory.New(
		&rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "r"}, Rules: []rbacv1.PolicyRule{{Verbs: []string{"get"}, APIGroups: []string{""}, Resources: []string{resource}}}},
		&rbacv1.ClusterRoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: "b"}, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "r"},
			Subjects: []rbacv1.Subject{{Kind: rbacv1.UserKind, APIGroup: rbacv1.GroupName, Name: "alice"}},
		},
	)
}

func TestASnapshotIsReadAsItWasStored(t *testing.T) {
	t.Parallel()
	want := snapshot.Take(authz.Over(someRBAC("secrets")))
	e, err := pack(want, noon)
	if err != nil {
		t.Fatal(err)
	}
	cm := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{snapshotTaken: noon.Format(time.RFC3339)}},
		BinaryData: map[string][]byte{snapshotData: e.data},
	}
	held := heldBy(cm)
	if held == nil || !held.taken.Equal(noon) {
		t.Fatalf("the ConfigMap holds %+v", held)
	}
	got, err := held.unpack()
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(want -, got +):\n%s", d)
	}
	cm.Annotations = nil
	if held := heldBy(cm); held == nil || !held.taken.IsZero() {
		t.Errorf("without a date the ConfigMap holds %+v", held)
	}
	if held := heldBy(&corev1.ConfigMap{}); held != nil {
		t.Errorf("an empty ConfigMap holds %+v", held)
	}
}

func TestAFaultySnapshotIsNotTakenForAnEmptyOne(t *testing.T) {
	t.Parallel()
	whole, err := pack(snapshot.Take(authz.Over(someRBAC("secrets"))), noon)
	if err != nil {
		t.Fatal(err)
	}
	var bomb, other bytes.Buffer
	z := gzip.NewWriter(&bomb)
	zeros := make([]byte, 1<<20)
	for range maxUnpacked>>20 + 1 {
		_, _ = z.Write(zeros)
	}
	_ = z.Close()
	z = gzip.NewWriter(&other)
	_, _ = z.Write([]byte(`{"roles":[]}`))
	_ = z.Close()
	for name, tc := range map[string]struct {
		data []byte
		want string
	}{
		"no gzip":              {[]byte("plain"), "unpack snapshot"},
		"a cut one":            {whole.data[:len(whole.data)/2], "unpack snapshot"},
		"one that is too much": {bomb.Bytes(), "it has more than 67108864 bytes"},
		"another document":     {other.Bytes(), "RBACSnapshot"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := (&earlier{data: tc.data}).unpack(); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

// TestGainsAreToldTheWorstFirst compares two moments as the controller does,
// without a cluster: nothing is stored.
func TestGainsAreToldTheWorstFirst(t *testing.T) {
	t.Parallel()
	before, err := pack(snapshot.Take(authz.Over(someRBAC("configmaps"))), noon)
	if err != nil {
		t.Fatal(err)
	}
	after := someRBAC("secrets").With(&rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "more"}, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "gone"},
		Subjects: []rbacv1.Subject{{Kind: rbacv1.UserKind, APIGroup: rbacv1.GroupName, Name: "bob"}},
	}).With(&rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "harmless"}}).With(&rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "some"}, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "harmless"},
		Subjects: []rbacv1.Subject{{Kind: rbacv1.UserKind, APIGroup: rbacv1.GroupName, Name: "bob"}},
	})
	var told []string
	c := &Creep{
		Inventory: func() *inventory.Inventory { return after }, Installed: func() bool { return false },
		Tell: func(n Notice) { told = append(told, strings.TrimSpace(n.Type+" "+n.Object.String()+": "+n.Text)) },
	}
	registry := prometheus.NewRegistry()
	if err := c.Register(registry); err != nil {
		t.Fatal(err)
	}
	if families, err := registry.Gather(); err != nil || len(families) != 0 {
		t.Errorf("before the first comparison there are %d metrics (%v)", len(families), err)
	}
	changes := snapshot.Diff(mustUnpack(t, before), snapshot.Take(authz.Over(after)))
	for _, g := range gainsOf(changes) {
		c.Tell(gainNotice(&g))
	}
	want := []string{
		"ClusterRole r: widened: ClusterRole r allows more: get secrets; it may now read Secrets (RBAC-020)",
		"Normal ClusterRoleBinding some: granted: User bob has ClusterRole harmless by ClusterRoleBinding some",
	}
	if d := cmp.Diff(want, told); d != "" {
		t.Errorf("(want -, got +):\n%s", d)
	}
	c.conclude(&creepOutcome{changes: count(changes), at: noon, bytes: 7, stored: true})
	got := map[string]float64{}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if v := m.GetGauge().GetValue(); v != 0 && f.GetName() == "gatehouse_controller_rbac_changes" {
				got[m.GetLabel()[0].GetValue()+" "+m.GetLabel()[1].GetValue()] = v
			}
		}
	}
	if d := cmp.Diff(map[string]float64{"granted unset": 1, "widened critical": 1, "narrowed unset": 1, "dangling unset": 1}, got); d != "" {
		t.Errorf("metrics (want -, got +):\n%s", d)
	}
}

func mustUnpack(t *testing.T, e *earlier) *snapshot.Snapshot {
	t.Helper()
	s, err := e.unpack()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestACutSnapshotEndsTheComparison(t *testing.T) {
	t.Parallel()
	c := &Creep{
		Inventory: func() *inventory.Inventory { return someRBAC("secrets") }, Installed: func() bool { return false },
		Tell: func(n Notice) { t.Errorf("told %+v", n) },
	}
	if _, err := c.compare(context.Background(), &earlier{taken: noon, data: []byte("cut")}); err == nil {
		t.Error("it was compared with")
	}
}

func gain(name string, severity checks.Severity) snapshot.Change {
	g := snapshot.Change{
		Sort: snapshot.Granted, Severity: severity, Subject: rbacv1.Subject{Kind: "User", Name: name},
		Role: inventory.Key{Kind: inventory.ClusterRoleKind, Name: "r"}, Binding: inventory.Key{Kind: inventory.ClusterBindingKind, Name: name},
	}
	if p, ok := power.Lookup("RBAC-020"); ok && severity != checks.SeverityUnset {
		g.Powers = []power.Hold{{Power: p, Severity: severity}}
	}
	return g
}

func TestNamesCannotForgeWhatIsTold(t *testing.T) {
	t.Parallel()
	g := gain("eve\x1b[2J\nUser bob", checks.High)
	for what, text := range map[string]string{"an Event": gainNotice(&g).Text, "a report": gainResult(&g, noon, noon).Message} {
		if strings.ContainsAny(text, "\x1b\n") || !strings.Contains(text, "bob") {
			t.Errorf("%s says %q", what, text)
		}
	}
}

func TestTheReportKeepsGainsForAWeek(t *testing.T) {
	t.Parallel()
	ago := func(d time.Duration) openreports.Result {
		g := gain(fmt.Sprint(d), checks.High)
		return gainResult(&g, noon.Add(-d-24*time.Hour), noon.Add(-d))
	}
	r := creepReport([]snapshot.Change{gain("now", checks.SeverityUnset)},
		[]openreports.Result{ago(24 * time.Hour), ago(7 * 24 * time.Hour), {Policy: "by somebody else"}}, noon.Add(-24*time.Hour), noon)
	var got []string
	for _, o := range r.Results {
		got = append(got, strings.Join([]string{o.Rule, o.Severity, string(o.Result), o.Resources[0].APIVersion, o.Resources[0].Name, o.Properties[sinceProperty], o.Properties[untilProperty], o.Properties[powersProperty]}, " "))
	}
	want := []string{
		"granted info warn rbac.authorization.k8s.io/v1 now 2026-10-31T12:00:00Z 2026-11-01T12:00:00Z ",
		"granted high warn rbac.authorization.k8s.io/v1 24h0m0s 2026-10-30T12:00:00Z 2026-10-31T12:00:00Z RBAC-020",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(want -, got +):\n%s", d)
	}
	if r.Summary.Warn != 2 || r.Metadata.Name != CreepReport || r.Metadata.Namespace != "" {
		t.Errorf("got %+v", r)
	}
	if r := creepReport(nil, []openreports.Result{ago(8 * 24 * time.Hour)}, noon, noon); len(r.Results) != 0 {
		t.Errorf("after the week there is %v", r.Results)
	}
}

func TestTheReportIsBoundedAndSaysSo(t *testing.T) {
	t.Parallel()
	var gains []snapshot.Change
	for i := range creepResults + 50 {
		gains = append(gains, gain(fmt.Sprint(i), checks.High))
	}
	first := creepReport(gains, nil, noon, noon)
	second := creepReport(gains[:1], first.Results, noon, noon.Add(time.Hour))
	for r, want := range map[*openreports.Report]string{first: "50", second: "51"} {
		last := r.Results[len(r.Results)-1]
		if len(r.Results) != creepResults+1 || last.Properties[background.TruncatedProperty] != want || r.Summary.Warn != creepResults {
			t.Errorf("%d results, the last is %+v, want %s left out", len(r.Results), last, want)
		}
	}
}
