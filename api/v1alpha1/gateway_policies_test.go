// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-sh/gatehouse/test/controlplane"
)

func TestMain(m *testing.M) { controlplane.Main(m) }

// policyCase is one policy that the API server takes, and what it takes in a part of
// it, or refuses with a message.
type policyCase struct{ old, new, refused string }

const accessPolicy = `apiVersion: gatehouse.sh/v1alpha1
kind: AccessPolicy
metadata: {name: a, namespace: default}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: edge}]
  authentication:
    anyOf:
    - {name: idp, jwt: {issuer: "https://idp.example.com/", audiences: [shop]}}
    - {name: nobody, anonymous: {}}
  authorization: {rules: [{name: known, allow: {sourceRanges: [10.0.0.0/8]}}]}
`

const trafficPolicy = `apiVersion: gatehouse.sh/v1alpha1
kind: TrafficPolicy
metadata: {name: a, namespace: default}
spec:
  targetRefs: [{group: "", kind: Service, name: orders}]
  rateLimits: [{name: user, key: [principal], limit: {requests: 100, per: 1m}, onExceed: {action: Queue, maxWait: 2s}}]
`

const clientPolicy = `apiVersion: gatehouse.sh/v1alpha1
kind: ClientPolicy
metadata: {name: a, namespace: default}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: edge, sectionName: web}]
  tls: {minVersion: "1.3"}
  trustedProxies: [10.0.0.0/8]
`

// TestTheAPIServerRefusesPoliciesThatSayNothing asks the real API server: what it
// refuses, and the nearest thing that it takes.
func TestTheAPIServerRefusesPoliciesThatSayNothing(t *testing.T) {
	t.Parallel()
	cp := controlplane.Get(t)
	for _, kind := range []string{"accesspolicies", "trafficpolicies", "clientpolicies"} {
		if _, problems, err := cp.Kubectl(t.Context(), "apply", "-f", "../../manifests/crd/gatehouse.sh_"+kind+".yaml"); err != nil {
			t.Fatal(err, problems)
		}
		controlplane.Eventually(t, time.Minute, kind+" are served", func() error { // kubectl fails where there is no status yet
			_, problems, err := cp.Kubectl(t.Context(), "wait", "--for=condition=Established", "--timeout=60s", "crd/"+kind+".gatehouse.sh")
			if err != nil {
				return fmt.Errorf("%w: %s", err, problems)
			}
			return nil
		})
	}
	cases := map[string]map[string]policyCase{
		accessPolicy: {
			"as it is":                      {},
			"no target":                     {"[{group: gateway.networking.k8s.io, kind: Gateway, name: edge}]", "[]", "targetRefs"},
			"a rule of a route":             {"kind: Gateway, name: edge", "kind: HTTPRoute, name: a, sectionName: b", ""},
			"a kind that is none":           {"kind: Gateway", "kind: TCPRoute", "Unsupported value"},
			"a Service":                     {"group: gateway.networking.k8s.io, kind: Gateway", `group: "", kind: Service`, ""},
			"a Service of another group":    {"kind: Gateway", "kind: Service", "group is gateway.networking.k8s.io"},
			"a port of a Service":           {"{group: gateway.networking.k8s.io, kind: Gateway, name: edge}", `{group: "", kind: Service, name: a, sectionName: b}`, "has no sectionName"},
			"a mode that is none":           {"spec:", "spec:\n  mode: Off", "Unsupported value"},
			"a default":                     {"spec:", "spec:\n  mode: Default", ""},
			"two kinds of credential":       {"name: nobody,", "name: nobody, basic: {secretRefs: [{name: a}]},", "exactly one of"},
			"no kind of credential":         {", anonymous: {}", "", "exactly one of"},
			"anonymous before others":       {"- {name: idp,", "- {name: first, anonymous: {}}\n    - {name: idp,", "anonymous must be the last"},
			"nobody meant":                  {", audiences: [shop]", "", "audiences"},
			"anybody meant":                 {"audiences: [shop]", "anyAudience: true", ""},
			"anybody and somebody meant":    {"audiences: [shop]", "audiences: [shop], anyAudience: true", "audiences"},
			"keys without TLS":              {"audiences: [shop]", `audiences: [shop], jwks: {uri: "http://idp/"}`, "jwks.uri"},
			"keys from two places":          {"audiences: [shop]", `audiences: [shop], jwks: {uri: "https://idp/", secretRef: {name: a}}`, "exclude each other"},
			"a rule that says nothing":      {"allow: {sourceRanges: [10.0.0.0/8]}", "", "set one of allow and deny"},
			"a rule that lets all in":       {"allow: {sourceRanges: [10.0.0.0/8]}", "allow: {}", ""},
			"no rule":                       {"[{name: known, allow: {sourceRanges: [10.0.0.0/8]}}]", "[]", "rules"},
			"a network with bits beyond":    {"10.0.0.0/8", "10.0.0.1/8", "without bits beyond"},
			"a field that is none":          {"spec:", "spec:\n  optional: true", "unknown field"},
			"a service that nothing is of":  {"spec:", "spec:\n  externalAuth: {timeout: 1s}", "set one of http and grpc"},
			"a service that is asked":       {"spec:", "spec:\n  externalAuth: {http: {backendRef: {name: authz, port: 80}}}", ""},
			"a backend that knows the user": {"spec:", "spec:\n  forward: {claimsToHeaders: {sub: X-User}}", ""},
		},
		trafficPolicy: {
			"as it is":               {},
			"nothing limited":        {"  rateLimits: [{name: user, key: [principal], limit: {requests: 100, per: 1m}, onExceed: {action: Queue, maxWait: 2s}}]", "  mode: Default", "says nothing"},
			"a queue without an end": {", maxWait: 2s", "", "maxWait"},
			"a wait without a queue": {"action: Queue, ", "", "maxWait"},
			"no requests":            {"requests: 100", "requests: 0", "requests"},
			"a schedule":             {"onExceed:", `schedules: [{cron: "0 22 * * *", for: 8h, requests: 1, per: 1m}], onExceed:`, ""},
			"a schedule of two":      {"onExceed:", `schedules: [{cron: "0 22 * * *", for: 8h, from: "00:00", to: "01:00", requests: 1, per: 1m}], onExceed:`, "give from and to, or cron and for"},
			"a schedule of half":     {"onExceed:", `schedules: [{from: "00:00", requests: 1, per: 1m}], onExceed:`, "give from and to, or cron and for"},
			"a time of no unit":      {"per: 1m", "per: 1parsec", "should match"},
			"a time beyond all":      {"per: 1m", "per: 100000000000h", "should match"},
			"replicas that share":    {"rateLimits: [{name: user,", "onStoreFailure: Local\n  rateLimits: [{name: user, scope: Gateway,", ""},
			"a share undecided":      {"{name: user,", "{name: user, scope: Gateway,", "a limit whose scope is Gateway needs onStoreFailure"},
			"a share of nothing":     {"rateLimits: [{name: user,", "onStoreFailure: Deny\n  rateLimits: [{name: user, scope: Replica,", "onStoreFailure is for limits whose scope is Gateway, and there is none"},
			"a failure of no limit":  {"rateLimits: [{name: user, key: [principal], limit: {requests: 100, per: 1m}, onExceed: {action: Queue, maxWait: 2s}}]", "onStoreFailure: Deny\n  concurrency: {requests: 1}", "onStoreFailure is for limits whose scope is Gateway, and there is none"},
			"a store of a policy":    {"spec:", "spec:\n  store: {redis: {address: \"10.0.0.1:6379\"}}", "unknown field"},
			"a scope that is none":   {"{name: user,", "{name: user, scope: World,", "Unsupported value"},
			"two limits of one name": {"rateLimits: [", "rateLimits: [{name: user, limit: {requests: 1, per: 1m}}, ", "Duplicate value"},
		},
		clientPolicy: {
			"as it is":             {},
			"a route":              {"kind: Gateway, name: edge, sectionName: web", "kind: HTTPRoute, name: edge", "is for Gateways"},
			"an old version":       {`"1.3"`, `"1.1"`, "Unsupported value"},
			"a port that is none":  {"spec:", "spec:\n  redirectToHTTPS: 65536", "redirectToHTTPS"},
			"a redirect":           {"spec:", "spec:\n  redirectToHTTPS: 443", ""},
			"an address, no block": {"10.0.0.0/8", "10.0.0.1", "block of addresses"},
		},
	}
	counted := 0
	for policy, rows := range cases {
		for name, tc := range rows {
			counted++
			text := strings.Replace(policy, tc.old, tc.new, 1)
			if tc.old != "" && text == policy {
				t.Errorf("%s: it changes nothing", name)
			}
			_, problems, err := cp.KubectlInput(t.Context(), strings.NewReader(text), "create", "--dry-run=server", "--validate=strict", "-f", "-")
			switch {
			case tc.refused == "" && err != nil:
				t.Errorf("%s: %s\n%s", name, problems, text)
			case tc.refused != "" && err == nil:
				t.Errorf("%s: it is taken\n%s", name, text)
			case tc.refused != "" && !strings.Contains(problems, tc.refused):
				t.Errorf("%s: %s, want %q", name, problems, tc.refused)
			}
		}
	}
	t.Logf("%d policies", counted)
	if counted == 0 {
		t.Error("there is no policy")
	}
}
