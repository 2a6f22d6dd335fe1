// SPDX-License-Identifier: Apache-2.0

package command

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// TestCheckReadsThePoliciesOfTheGateway: what an API server would refuse is a fault, and
// what it would take is known.
func TestCheckReadsThePoliciesOfTheGateway(t *testing.T) {
	t.Parallel()
	policy := func(kind, spec string) string {
		return "apiVersion: gatehouse.sh/v1alpha1\nkind: " + kind + "\nmetadata: {name: p, namespace: shop}\nspec:\n  targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: edge}]\n" + spec
	}
	const access = "  authentication: {anyOf: [{name: idp, jwt: {issuer: \"https://idp.example.com/\", audiences: [shop]}}]}\n  authorization: {rules: [{name: known, allow: {}}]}\n"
	const traffic = "  rateLimits: [{name: all, key: [client.ip], limit: {requests: 10, per: 1s}}]\n"
	for name, tc := range map[string]struct {
		text string
		want string // in the fault; empty: none
	}{
		"an AccessPolicy":                       {policy("AccessPolicy", access), ""},
		"an AccessPolicy with a typing mistake": {policy("AccessPolicy", strings.Replace(access, "authentication", "authentification", 1)), "authentification: Invalid value: there is no such field"},
		"an AccessPolicy with a wrong mode":     {policy("AccessPolicy", "  mode: enforced\n"+access), `spec.mode: Unsupported value: "enforced"`},
		"an AccessPolicy that a rule refuses":   {policy("AccessPolicy", strings.Replace(access, "jwt: {issuer: \"https://idp.example.com/\", audiences: [shop]}", "anonymous: {}, basic: {secretRef: {name: users}}", 1)), "spec.authentication.anyOf[0]"},
		"a TrafficPolicy":                       {policy("TrafficPolicy", traffic), ""},
		"a TrafficPolicy without a number":      {policy("TrafficPolicy", strings.Replace(traffic, "requests: 10, ", "", 1)), "spec.rateLimits[0].limit.requests: Required value"},
		"a ClientPolicy":                        {policy("ClientPolicy", "  tls: {minVersion: \"1.3\"}\n"), ""},
		"a ClientPolicy with an unknown field":  {policy("ClientPolicy", "  tls: {minVersion: \"1.3\", cipher: x}\n"), "spec.tls.cipher: Invalid value: there is no such field"},
		"a version that there is not":           {strings.Replace(policy("AccessPolicy", access), "v1alpha1", "v1", 1), "there is no version gatehouse.sh/v1 of it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var stdout, stderr bytes.Buffer
			code := Run(t.Context(), Environment{
				In: strings.NewReader(tc.text), Out: &stdout, Err: &stderr, Program: "gatehouse",
				Getenv: func(string) string { return "" }, Now: func() time.Time { return time.Unix(0, 0) },
			}, []string{"check", "-"})
			wanted := ExitClean
			if tc.want != "" {
				wanted = ExitFault
			}
			said := stdout.String() + stderr.String()
			if code != wanted || !strings.Contains(said, tc.want) || strings.Contains(said, "has no kind") {
				t.Errorf("exit code %d, want %d, and %q in\n%s", code, wanted, tc.want, said)
			}
		})
	}
}
