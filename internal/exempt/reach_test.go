// SPDX-License-Identifier: Apache-2.0

package exempt

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

var (
	noon    = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	finding = checks.Finding{Check: "TST-001", Subject: "port/80"}
)

func stored(ns string, created time.Time, objects ...v1alpha1.ExemptionSelector) *v1alpha1.Exemption {
	return &v1alpha1.Exemption{
		ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "e", CreationTimestamp: metav1.NewTime(created)},
		Spec: v1alpha1.ExemptionSpec{
			Checks: []string{"TST-001"}, Objects: objects, Reason: "r", Owner: "o", ExpiresAt: metav1.NewTime(noon.Add(24 * time.Hour)),
		},
	}
}

// TestReach is SELF-002: an exemption outside of our namespace is about objects of
// its own, and only when somebody could be asked about it when it was written.
func TestReach(t *testing.T) {
	t.Parallel()
	services := v1alpha1.ExemptionSelector{Kinds: []string{"Service"}}
	service := func(ns string) inventory.Key {
		return inventory.Key{Kind: inventory.ServiceKind, Namespace: ns, Name: "web"}
	}
	guarded := Place{Install: "gatehouse-system", Cluster: true, Guarded: noon.Add(-time.Hour)}
	unguarded := Place{Install: "gatehouse-system", Cluster: true}
	file := Place{Install: "gatehouse-system"}
	late, early := noon.Add(-time.Minute), noon.Add(-2*time.Hour)
	nobody := Terms{MaxDuration: lasting.MaxDuration}
	for name, tc := range map[string]struct {
		place     Place
		namespace string
		created   time.Time
		key       inventory.Key
		terms     Terms
		want      []Obstacle
	}{
		"in our namespace it is about any namespace":            {guarded, "gatehouse-system", early, service("shop"), nobody, nil},
		"and needs no registration":                             {unguarded, "gatehouse-system", early, service("shop"), nobody, nil},
		"elsewhere it is about its own namespace":               {guarded, "shop", late, service("shop"), lasting, nil},
		"but not about another":                                 {guarded, "shop", late, service("bank"), lasting, []Obstacle{OutOfReach}},
		"and not about ours":                                    {guarded, "shop", late, service("gatehouse-system"), lasting, []Obstacle{OutOfReach}},
		"nor about cluster-scoped objects":                      {guarded, "shop", late, service(""), lasting, []Obstacle{OutOfReach}},
		"without approvers it counts for nothing":               {guarded, "shop", late, service("shop"), nobody, []Obstacle{NotApproved}},
		"one older than the registration does not count":        {guarded, "shop", early, service("shop"), lasting, []Obstacle{NotApproved}},
		"nor one as old as it":                                  {guarded, "shop", guarded.Guarded.Add(propagation), service("shop"), lasting, []Obstacle{NotApproved}},
		"one a second younger does":                             {guarded, "shop", guarded.Guarded.Add(propagation + time.Second), service("shop"), lasting, nil},
		"without a registration none does":                      {unguarded, "shop", late, service("shop"), lasting, []Obstacle{NotApproved}},
		"a file without namespace is about everything":          {file, "", early, service("shop"), nobody, nil},
		"a file with ours too":                                  {file, "gatehouse-system", early, service("shop"), nobody, nil},
		"a file with another is about that":                     {file, "shop", early, service("shop"), lasting, nil},
		"and not about others":                                  {file, "shop", early, service("bank"), lasting, []Obstacle{OutOfReach}},
		"a file counts as the policy says":                      {file, "shop", early, service("shop"), nobody, []Obstacle{NotApproved}},
		"the zero terms let nothing count":                      {file, "", early, service("shop"), Terms{}, []Obstacle{EndsTooLate}},
		"a namespace that is not named in a cluster is no home": {guarded, "", late, service("shop"), lasting, []Obstacle{OutOfReach}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, err := Compile(testSet(t), stored(tc.namespace, tc.created, services), tc.place)
			if err != nil {
				t.Fatal(err)
			}
			got := slices.Collect(e.Against(tc.key, finding, tc.terms, noon))
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("obstacles (want -, got +):\n%s", diff)
			}
			if covers := e.Covers(tc.key, finding, tc.terms, noon); covers != (len(tc.want) == 0) {
				t.Errorf("covers = %v beside the obstacles %v", covers, tc.want)
			}
			for _, o := range got {
				if text := e.Text(o, tc.key, finding, tc.terms, noon); text == "" || strings.Contains(text, "%!") {
					t.Errorf("%s: %q", o, text)
				}
			}
		})
	}
}

func TestAnExemptionCannotNameAnotherNamespace(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		in, about string
		refused   bool
	}{
		"its own":                     {"shop", "shop", false},
		"another":                     {"shop", "bank", true},
		"a pattern that is wider":     {"shop", "shop*", true},
		"every one":                   {"shop", "*", true},
		"another from our namespace":  {"gatehouse-system", "bank", false},
		"every one from ours":         {"gatehouse-system", "*", false},
		"another in a file of no one": {"", "bank", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			obj := stored(tc.in, noon, v1alpha1.ExemptionSelector{Namespaces: []v1alpha1.NamePattern{v1alpha1.NamePattern(tc.about)}})
			_, err := Compile(testSet(t), obj, here)
			if (err != nil) != tc.refused || err != nil && !strings.HasPrefix(err.Error(), "spec.objects[0].namespaces[0]: ") {
				t.Errorf("got %v, refused should be %v", err, tc.refused)
			}
		})
	}
}

// TestItCountsForALimitedTime walks over both ends of the time in which an
// exemption counts.
func TestItCountsForALimitedTime(t *testing.T) {
	t.Parallel()
	e, err := Compile(testSet(t), stored("", noon, v1alpha1.ExemptionSelector{Kinds: []string{"Service"}}), here)
	if err != nil {
		t.Fatal(err)
	}
	terms := Terms{MaxDuration: time.Hour}
	end := e.ExpiresAt
	key := inventory.Key{Kind: inventory.ServiceKind, Namespace: "shop", Name: "web"}
	for name, tc := range map[string]struct {
		at   time.Time
		want []Obstacle
	}{
		"a moment too early":      {end.Add(-time.Hour - 1), []Obstacle{EndsTooLate}},
		"the first moment":        {end.Add(-time.Hour), nil},
		"the last moment":         {end.Add(-1), nil},
		"the moment of its end":   {end, []Obstacle{AlreadyExpired}},
		"a year after":            {end.AddDate(1, 0, 0), []Obstacle{AlreadyExpired}},
		"in another zone, before": {end.Add(-1).In(time.FixedZone("far", 14*3600)), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, slices.Collect(e.Against(key, finding, terms, tc.at))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTheZeroValuesCoverNothing(t *testing.T) {
	t.Parallel()
	key := inventory.Key{Kind: inventory.ServiceKind, Namespace: "shop", Name: "web"}
	if (&Exemption{}).Covers(key, finding, lasting, noon) || (&Set{}).Of(key, finding, lasting, noon) != nil || (*Set)(nil).Of(key, finding, lasting, noon) != nil {
		t.Error("something is exempt")
	}
	if p := Guarding(nil, "gatehouse-system"); !p.Guarded.IsZero() || !p.Cluster || p.Install != "gatehouse-system" {
		t.Errorf("no registration guards: %+v", p)
	}
}

func TestGuarding(t *testing.T) {
	t.Parallel()
	whole := func() *admissionregistrationv1.ValidatingWebhookConfiguration {
		return &admissionregistrationv1.ValidatingWebhookConfiguration{
			ObjectMeta: metav1.ObjectMeta{CreationTimestamp: metav1.NewTime(noon)},
			Webhooks: []admissionregistrationv1.ValidatingWebhook{{Name: "other"}, {
				Name: GuardWebhook, FailurePolicy: new(admissionregistrationv1.Fail),
				ClientConfig: admissionregistrationv1.WebhookClientConfig{Service: &admissionregistrationv1.ServiceReference{Namespace: "elsewhere"}},
				Rules: []admissionregistrationv1.RuleWithOperations{{
					Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.Create, admissionregistrationv1.Update},
					Rule:       admissionregistrationv1.Rule{APIGroups: []string{"gatehouse.sh"}, Resources: []string{"exemptions"}},
				}},
			}},
		}
	}
	type hook = admissionregistrationv1.ValidatingWebhook
	for name, tc := range map[string]struct {
		change func(*hook)
		want   bool
	}{
		"as it is made": {func(*hook) {}, true},
		"with empty selectors": {func(w *hook) {
			w.NamespaceSelector, w.ObjectSelector = &metav1.LabelSelector{}, &metav1.LabelSelector{}
		}, true},
		"that lets through when down": {func(w *hook) { w.FailurePolicy = new(admissionregistrationv1.Ignore) }, false},
		"without failure policy":      {func(w *hook) { w.FailurePolicy = nil }, false},
		"for some namespaces":         {func(w *hook) { w.NamespaceSelector = &metav1.LabelSelector{MatchLabels: map[string]string{"a": "b"}} }, false},
		"for some objects":            {func(w *hook) { w.ObjectSelector = &metav1.LabelSelector{MatchLabels: map[string]string{"a": "b"}} }, false},
		"that does not judge updates": {func(w *hook) { w.Rules[0].Operations = w.Rules[0].Operations[:1] }, false},
		"of another name":             {func(w *hook) { w.Name = "x" }, false},
		"of another resource":         {func(w *hook) { w.Rules[0].Resources = []string{"checkpolicies"} }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := whole()
			tc.change(&r.Webhooks[1])
			got := Guarding(r, "gatehouse-system")
			if guarded := got.Guarded.Equal(noon); guarded != tc.want || !guarded && !got.Guarded.IsZero() {
				t.Errorf("guarded since %v, want %v", got.Guarded, tc.want)
			}
			if name != "of another name" && got.Install != "elsewhere" {
				t.Errorf("installed in %s", got.Install)
			}
		})
	}
}
