// SPDX-License-Identifier: Apache-2.0

package verdict_test

import (
	"testing"
	"time"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/exempt"
	"github.com/gatehouse-sh/gatehouse/internal/verdict"
)

// TestAnExemptionOfARouteCoversWhatAGatewayOpensOfIt: it was accepted when the route was
// judged, and a Gateway that is written anew changes nothing of it.
func TestAnExemptionOfARouteCoversWhatAGatewayOpensOfIt(t *testing.T) {
	t.Parallel()
	const check = "EXP-050"
	set, judged := newSet(t), 0
	for _, c := range cases(t) {
		if c.Check != check || c.Name != "refuses-a-gateway-for-a-route-that-was-there" {
			continue
		}
		judged++
		p := policyOf(t, c, set)
		p.Exemptions.Approvers, p.Exemptions.MaxDuration.Duration = []string{"security"}, 48*time.Hour
		for name, tc := range map[string]struct {
			namespace, route, subject string
			want                      checks.Action
		}{
			"the route":                          {"shop", "orders", "", checks.Audit},
			"the route at the Gateway":           {"shop", "orders", "gateway/infra/edge/*", checks.Audit},
			"the route at another Gateway":       {"shop", "orders", "gateway/infra/other/*", checks.Deny},
			"another route":                      {"shop", "api", "", checks.Deny},
			"a route, by whom it is none of his": {"other", "orders", "", checks.Deny},
		} {
			e := exempt.Exemption{
				Namespace: tc.namespace, Name: "e", Reach: exempt.OwnNamespace, Checks: []string{check},
				Objects: []exempt.Selector{{Kinds: []string{"HTTPRoute"}, Names: []string{tc.route}}}, Reason: "r", Owner: "o", ExpiresAt: noon.Add(time.Hour),
			}
			if tc.subject != "" {
				e.Subjects = []string{tc.subject}
			}
			found := false
			for _, j := range (verdict.Judge{Policy: p, Now: noon, Exemptions: exempt.NewSet(e)}).Of(question(t, c, p, 0)) {
				if j.Check != check {
					continue
				}
				found = true
				if j.Action != tc.want {
					t.Errorf("an exemption for %s: %s, want %s", name, j.Action, tc.want)
				}
			}
			if !found {
				t.Errorf("an exemption for %s: there is no finding", name)
			}
		}
	}
	if judged != 1 {
		t.Fatalf("%d cases, want 1", judged)
	}
}
