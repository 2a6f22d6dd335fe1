// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/checks/catalog"
	"github.com/gatehouse-sh/gatehouse/internal/policy"
	"github.com/gatehouse-sh/gatehouse/internal/verdict"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// labelled is a Service that no check of Gatehouse objects to.
func labelled(labels map[string]string) *corev1.Service {
	return &corev1.Service{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Service"},
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web", Labels: labels},
		Spec:       corev1.ServiceSpec{Type: corev1.ServiceTypeClusterIP, Selector: map[string]string{"app": "web"}, Ports: []corev1.ServicePort{{Port: 80}}},
	}
}

// TestUpdatesAndCustomChecks: an update may keep a fault of the object, but not
// what is wrong with the change itself, nor what cannot be judged.
func TestUpdatesAndCustomChecks(t *testing.T) {
	t.Parallel()
	set, err := catalog.Set()
	if err != nil {
		t.Fatal(err)
	}
	good, bad, worse := map[string]string{"team": "blue"}, map[string]string{"team": "red"}, map[string]string{"team": "red", "rank": "1"}
	state := "object.metadata.labels.team == 'blue'"
	for name, tc := range map[string]struct {
		expressions []string
		conditions  []string
		old, now    map[string]string
		want        checks.Action // of the strictest finding; Ignore: there is none
	}{
		"a fault that was there":                    {[]string{state}, nil, bad, worse, checks.Warn},
		"a fault that was not":                      {[]string{state}, nil, good, bad, checks.Deny},
		"a fault that is mended":                    {[]string{state}, nil, bad, good, checks.Ignore},
		"another fault of the same check":           {[]string{state, "!has(object.metadata.labels.rank)"}, nil, bad, worse, checks.Deny},
		"a new object":                              {[]string{state}, nil, nil, bad, checks.Deny},
		"a change that may not be":                  {[]string{"oldObject == null || object.metadata.labels == oldObject.metadata.labels"}, nil, good, worse, checks.Deny},
		"no change":                                 {[]string{"oldObject == null || object.metadata.labels == oldObject.metadata.labels"}, nil, good, good, checks.Ignore},
		"a user who may not write, and did before":  {[]string{"request.userInfo.username != 'ann'"}, nil, good, good, checks.Deny},
		"the same through a variable":               {[]string{"variables.user != 'ann'"}, nil, good, good, checks.Deny},
		"what cannot be judged now":                 {[]string{"object.metadata.labels.rank == '1'"}, nil, worse, good, checks.Deny},
		"what could not be judged before either":    {[]string{"object.metadata.labels.size == '1'"}, nil, good, worse, checks.Deny},
		"false before, and now not to be judged":    {[]string{"object.metadata.labels.rank == '2'"}, nil, worse, good, checks.Deny},
		"a condition that fails, before and now":    {[]string{"true"}, []string{"object.metadata.labels.size == '1'"}, good, worse, checks.Deny},
		"a condition that asks for the user":        {[]string{state}, []string{"request.userInfo.username == 'ann'"}, bad, worse, checks.Warn},
		"a condition that asks for the change":      {[]string{state}, []string{"oldObject == null || oldObject != object"}, bad, worse, checks.Deny},
		"a condition that the older object did not": {[]string{state}, []string{"has(object.metadata.labels.rank)"}, bad, worse, checks.Deny},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := v1alpha1.CustomCheck{
				ID: "CUSTOM-001", Name: "ours", Title: "t", Fix: "f", Severity: "high", Kinds: []v1alpha1.CustomKind{{Kind: "Service"}},
				Variables: []v1alpha1.CustomVariable{{Name: "user", Expression: "request.userInfo.username"}},
			}
			for i, e := range tc.expressions {
				c.Validations = append(c.Validations, v1alpha1.CustomValidation{Name: string(rune('a' + i)), Expression: v1alpha1.CustomExpression(e)})
			}
			for i, e := range tc.conditions {
				c.MatchConditions = append(c.MatchConditions, v1alpha1.CustomCondition{Name: string(rune('a' + i)), Expression: v1alpha1.CustomExpression(e)})
			}
			p, err := policy.Compile(set, &v1alpha1.CheckPolicySpec{CustomChecks: []v1alpha1.CustomCheck{c}})
			if err != nil {
				t.Fatal(err)
			}
			q := verdict.Question{Object: labelled(tc.now), Inventory: inventory.New(), Request: checks.Request{User: "ann"}}
			if tc.old != nil {
				q.Old, q.Request.Operation = labelled(tc.old), checks.Update
			}
			got := checks.Ignore
			for _, j := range (verdict.Judge{Policy: p}).Of(q) {
				if j.Check != "CUSTOM-001" {
					t.Errorf("another check found %+v", j)
				}
				got = min(got, j.Action)
			}
			if got != tc.want {
				t.Errorf("%s, want %s", got, tc.want)
			}
		})
	}
}
