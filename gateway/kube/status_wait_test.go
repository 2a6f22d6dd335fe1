// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"fmt"
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/gateway/translate"
)

// TestAListenerSetWhoseGatewayWaitsSaysWhatItSaid: that of its Secrets nothing is known yet
// does not make them wrong.
func TestAListenerSetWhoseGatewayWaitsSaysWhatItSaid(t *testing.T) {
	t.Parallel()
	edge := translate.Name{Namespace: "shop", Name: "edge"}
	is := func(kind string, status metav1.ConditionStatus, reason string) metav1.Condition {
		return metav1.Condition{Type: kind, Status: status, Reason: reason}
	}
	good := []metav1.Condition{is("Accepted", metav1.ConditionTrue, "Accepted"), is("ResolvedRefs", metav1.ConditionTrue, "ResolvedRefs"), is("Programmed", metav1.ConditionTrue, "Programmed")}
	bad := []metav1.Condition{is("Accepted", metav1.ConditionFalse, "ListenersNotValid"), is("ResolvedRefs", metav1.ConditionFalse, "InvalidCertificateRef")}
	status := func(conditions []metav1.Condition) gatewayv1.ListenerSetStatus {
		return gatewayv1.ListenerSetStatus{Conditions: conditions, Listeners: []gatewayv1.ListenerEntryStatus{{Name: "https", Conditions: conditions}}}
	}
	for what, tc := range map[string]struct {
		before gatewayv1.ListenerSetStatus
		waits  bool
		want   string // of its listener
	}{
		"it waits":                             {status(good), true, "[Accepted=True/Accepted Programmed=False/Pending ResolvedRefs=True/ResolvedRefs]"},
		"it does not":                          {status(good), false, "[Accepted=False/ListenersNotValid Programmed=False/Pending ResolvedRefs=False/InvalidCertificateRef]"},
		"it waits, and nothing was said of it": {gatewayv1.ListenerSetStatus{}, true, "[Accepted=False/ListenersNotValid Programmed=False/Pending ResolvedRefs=False/InvalidCertificateRef]"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			o := &gatewayv1.ListenerSet{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "own"}, Status: tc.before}
			o.Spec.Listeners = []gatewayv1.ListenerEntry{{Name: "https", Port: 443, Protocol: gatewayv1.HTTPSProtocolType}}
			own := &teller{
				result: &translate.Result{
					Gateways:     map[translate.Name]gatewayv1.GatewayStatus{edge: {Conditions: bad[:1]}},
					ListenerSets: map[translate.Name]translate.ListenerSet{nameOf(o): {Gateway: edge, Status: status(bad)}},
				},
				state: func(translate.Name) State { return State{Waits: tc.waits, Reason: gatewayv1.GatewayReasonPending} },
			}
			said, _, _ := own.tell(nil, o)
			got, is := said.(*gatewayv1.ListenerSetStatus)
			if !is || len(got.Listeners) != 1 {
				t.Fatalf("the status is %+v", said)
			}
			if all := reasonsOf(got.Listeners[0].Conditions); all != tc.want {
				t.Errorf("got %s, want %s", all, tc.want)
			}
			if accepted := reasonsOf(got.Conditions[:1]); tc.waits == (accepted != "[Accepted=True/Accepted]") && len(tc.before.Listeners) > 0 {
				t.Errorf("the set says %s", accepted)
			}
		})
	}
}

// reasonsOf is reasons, of conditions that have a type.
func reasonsOf(conditions []metav1.Condition) string {
	var out []string
	for _, c := range conditions {
		out = append(out, fmt.Sprintf("%s=%s/%s", c.Type, c.Status, c.Reason))
	}
	slices.Sort(out)
	return fmt.Sprint(out)
}
