// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/gateway/ratelimit/shared/redistest"
)

// counting is a Gateway whose class has a store, and a policy with a limit that is counted
// there, unless the policy says SCOPE.
const counting = `
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: gatehouse}
spec: {controllerName: gatehouse.sh/gateway, parametersRef: {group: gatehouse.sh, kind: GatewayParameters, name: own}}
---
apiVersion: gatehouse.sh/v1alpha1
kind: GatewayParameters
metadata: {name: own}
spec: {store: {redis: {%s}}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge, namespace: infra}
spec: {gatewayClassName: gatehouse, listeners: [{name: web, port: 80, protocol: HTTP}]}
---
apiVersion: v1
kind: Secret
metadata: {name: counts, namespace: infra}
data: {username: Z2F0ZQ==, password: bm90IHRvIGJlIHNob3du, secret: ZGlnZXN0cyBvbmx5}
---
apiVersion: v1
kind: Secret
metadata: {name: empty, namespace: infra}
data: {username: Z2F0ZQ==}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: nothing, namespace: infra}
data: {other: a}
---
apiVersion: gatehouse.sh/v1alpha1
kind: TrafficPolicy
metadata: {name: p, namespace: infra}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: edge}]
  rateLimits: [{name: all, SCOPE, limit: {requests: 10, per: 1s}}]
`

const together = "scope: Gateway, limit: {requests: 1, per: 1s}}, {name: each" // a limit of either scope

// storeOf translates a Gateway whose store is as it is said to be.
func storeOf(t *testing.T, redis, scope string) (*config.Snapshot, *Result) {
	t.Helper()
	text := strings.Replace(fmt.Sprintf(counting, redis), ", SCOPE", scope, 1)
	if strings.Contains(scope, "Gateway") {
		text += "  onStoreFailure: Deny\n"
	}
	r := Translate(read(t, []byte(text)), options)
	return r.Snapshots[Name{Namespace: "infra", Name: "edge"}], r
}

// TestWhatAStoreNeeds has stores that can be had, and the nearest that cannot: a policy that
// counts there refuses then, and says for what.
func TestWhatAStoreNeeds(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ redis, reason, message string }{
		"an address is enough":                 {`address: "redis:6379"`, "ResolvedRefs", ""},
		"one by TLS":                           {`address: "redis:6379", tls: {}`, "ResolvedRefs", ""},
		"an address of IPv6":                   {`address: "[2001:db8::7]:6379"`, "ResolvedRefs", ""},
		"a Secret that is there":               {`address: "redis:6379", secretRef: {name: counts}`, "ResolvedRefs", ""},
		"one that is named with its namespace": {`address: "redis:6379", secretRef: {name: counts, namespace: infra}`, "ResolvedRefs", ""},
		"an address without a port":            {`address: redis`, "InvalidRef", ".address"},
		"a socket of a file":                   {`address: "unix:/run/redis.sock"`, "InvalidRef", ".address"},
		"no address":                           {`database: 1`, "InvalidRef", ".address"},
		"a Secret that is not there":           {`address: "redis:6379", secretRef: {name: none}`, "RefNotFound", "there is no Secret infra/none"},
		"a Secret without a password":          {`address: "redis:6379", secretRef: {name: empty}`, "InvalidRef", "nothing in password"},
		"a Secret that is not granted":         {`address: "redis:6379", secretRef: {name: counts, namespace: data}`, "RefNotPermitted", "not granted"},
		"an authority that is not there":       {`address: "redis:6379", tls: {caRef: {name: none}}`, "InvalidRef", "there is no ConfigMap infra/none"},
		"an authority without certificates":    {`address: "redis:6379", tls: {caRef: {name: nothing}}`, "InvalidRef", "ca.crt"},
		"a certificate that is none":           {`address: "redis:6379", tls: {clientCertificateRef: {name: counts}}`, "InvalidRef", "kubernetes.io/tls"},
		"too long a time":                      {`address: "redis:6379", timeout: 11s`, "InvalidRef", ".timeout"},
		"less than no time":                    {`address: "redis:6379", timeout: -1s`, "InvalidRef", ".timeout"},
		"a prefix that is no name":             {`address: "redis:6379", prefix: "{a}"`, "InvalidRef", ".prefix"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, r := storeOf(t, tc.redis, ", "+together)
			p := s.TrafficPolicies[0]
			if served := p.Unresolved == "" && len(s.Stores) == 1; served != (tc.message == "") || len(s.Stores) > 1 {
				t.Errorf("it refuses for %q, with %d stores", p.Unresolved, len(s.Stores))
			}
			for _, c := range r.TrafficPolicies[Name{Namespace: "infra", Name: "p"}].Ancestors[0].Conditions {
				switch c.Type {
				case resolvedRefs:
					if c.Reason != tc.reason || !strings.Contains(c.Message, tc.message) {
						t.Errorf("%s: %s, want %s: %s", c.Reason, c.Message, tc.reason, tc.message)
					}
				case "Effective":
					if (c.Reason == "Refusing") != (tc.message != "") {
						t.Errorf("Effective: %s: %s", c.Reason, c.Message)
					}
				}
			}
			s, _ = storeOf(t, tc.redis, "")
			if p := s.TrafficPolicies[0]; p.Unresolved != "" || len(s.Stores) != 0 {
				t.Errorf("what each replica counts needs no store: %q, %d stores", p.Unresolved, len(s.Stores))
			}
		})
	}
}

// TestAPasswordOfAStoreIsShownNowhere: it reaches who serves, and neither the configuration
// that is shown nor what is said of policies.
func TestAPasswordOfAStoreIsShownNowhere(t *testing.T) {
	t.Parallel()
	s, r := storeOf(t, `address: "redis:6379", secretRef: {name: counts}`, ", "+together)
	shown, err := yaml.Marshal(s.Public())
	if err != nil {
		t.Fatal(err)
	}
	said := string(shown) + fmt.Sprintf("%+v %+v", r, s.Stores[0].Redis)
	for _, secret := range []string{"not to be shown", "digests only"} {
		if strings.Contains(said, secret) || strings.Contains(said, fmt.Sprintf("%d", []byte(secret))) {
			t.Errorf("%q is shown", secret)
		}
	}
	text, err := s.Encode()
	if err != nil {
		t.Fatal(err)
	}
	other, err := config.Unencode(text)
	if err != nil {
		t.Fatal(err)
	}
	got := other.Stores[0].Redis
	if got.Username != "gate" || string(got.Password) != "not to be shown" || string(got.Secret) != "digests only" || got.Prefix != "gatehouse/infra/edge" {
		t.Errorf("who serves is told %q, %d bytes, %d bytes, %q", got.Username, len(got.Password), len(got.Secret), got.Prefix)
	}
}

// TestASecretOfAStoreIsReadWhenAPolicyCounts: not before, and by the Gateway that needs it.
func TestASecretOfAStoreIsReadWhenAPolicyCounts(t *testing.T) {
	t.Parallel()
	const redis = `address: "redis:6379", secretRef: {name: none}`
	none, edge := Name{Namespace: "infra", Name: "none"}, Name{Namespace: "infra", Name: "edge"}
	for scope, want := range map[string]bool{"": false, ", scope: Replica": false, ", " + together: true} {
		_, r := storeOf(t, redis, scope)
		if r.Secrets[none] != want || slices.Contains(r.Missing[edge].Secrets, none) != want {
			t.Errorf("scope %q: it is wanted: %t, and missed: %v", scope, r.Secrets[none], r.Missing)
		}
	}
}

// TestTwoReplicasCountTogether: two data planes that were handed the same configuration let
// in as many as a limit says, in a real redis-server with a password, and go on as the
// policy says when that is gone. Limits of a replica let in as many at each.
func TestTwoReplicasCountTogether(t *testing.T) {
	t.Parallel()
	const password = "not for everybody"
	redis := redistest.Start(t, "--requirepass", password)
	objects := strings.NewReplacer(`"127.0.0.1:1", timeout: 1s`, `"`+redis.Address+`", timeout: 10s, secretRef: {name: redis}`).Replace(floorObjects) +
		"---\napiVersion: v1\nkind: Secret\nmetadata: {name: redis, namespace: infra}\ndata: {password: " + encoded(password) + "}\n" +
		answering(t, "shop", "a", func(http.ResponseWriter, *http.Request) {})
	const most = 10
	for _, tc := range []struct {
		name, policy string
		want         int
		lost         int // the status without the store
	}{
		{"all replicas, or none", "onStoreFailure: Deny, rateLimits: [{name: deny, scope: Gateway, limit: {requests: 10, per: 24h}}]", most, 503},
		{"all replicas, or each", "onStoreFailure: Local, rateLimits: [{name: local, scope: Gateway, limit: {requests: 10, per: 24h}}]", most, 200},
		{"each replica", "rateLimits: [{name: replica, limit: {requests: 10, per: 24h}}]", 2 * most, 429},
	} {
		text := objects + policyFor("TrafficPolicy", "shop", "p", "{group: gateway.networking.k8s.io, kind: HTTPRoute, name: r}", tc.policy)
		var replicas []func(listener, host, path string, lines ...string) (int, string)
		for range 2 {
			ask, _ := served(t, Name{Namespace: "infra", Name: "edge"}, text)
			replicas = append(replicas, ask)
		}
		got := map[int]int{}
		for n := range 4 * most {
			status, _ := replicas[n%2]("http-80", "a.example.com", "/")
			got[status]++
		}
		if got[200] != tc.want || got[429] != 4*most-tc.want {
			t.Errorf("%s: %v, want %d of 200 and 429 for the rest", tc.name, got, tc.want)
		}
		redis.Kill()
		for _, ask := range replicas {
			if status, text := ask("http-80", "a.example.com", "/"); status != tc.lost {
				t.Errorf("%s: without the store %d, want %d: %s", tc.name, status, tc.lost, text)
			}
		}
		redis.Restart()
	}
}
