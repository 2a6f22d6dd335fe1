// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// floorObjects are of a class whose store does not answer.
const floorObjects = `
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: gatehouse}
spec: {controllerName: gatehouse.sh/gateway, parametersRef: {group: gatehouse.sh, kind: GatewayParameters, name: gatehouse}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge, namespace: infra}
spec:
  gatewayClassName: gatehouse
  listeners: [{name: web, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}]
---
apiVersion: gatehouse.sh/v1alpha1
kind: GatewayParameters
metadata: {name: gatehouse}
spec: {store: {redis: {address: "127.0.0.1:1", timeout: 1s}}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: r, namespace: shop}
spec:
  parentRefs: [{name: edge, namespace: infra}]
  rules: [{name: only, backendRefs: [{name: a, port: 80}]}]
`

// floorSecrets are in each of the namespaces: keys of tokens, two of each, the SHA-256
// of 123 and of another key, and a user.
const floorSecrets = `---
apiVersion: v1
kind: Secret
metadata: {name: signing, namespace: NAMESPACE}
data: {jwks: %s}
---
apiVersion: v1
kind: Secret
metadata: {name: other, namespace: NAMESPACE}
data: {jwks: %s, keys: Y2k6MDE2NWE0NTkyMDQyMmY5ZDQxN2U0ODY3ZWZkYzRmYjhhMDRhMWYzZmZmMWZhMDdlOTk4ZTg2ZjdmN2EyN2FlMw==}
---
apiVersion: v1
kind: Secret
metadata: {name: ours, namespace: NAMESPACE}
data: {keys: Y2k6YTY2NWE0NTkyMDQyMmY5ZDQxN2U0ODY3ZWZkYzRmYjhhMDRhMWYzZmZmMWZhMDdlOTk4ZTg2ZjdmN2EyN2FlMw==}
---
apiVersion: v1
kind: Secret
metadata: {name: people, namespace: NAMESPACE}
data: {auth: YW5uOiQyYSQxMCROOXFvOHVMT2lja2d4MlpNUlpvTXllSWpaQWdjZmw3cDkybGRHeGFkNjhMSlpkTDE3bGhXeQo=}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: ca, namespace: NAMESPACE}
data: {made: a}
`

// keyOf is a secret with which tokens are signed, as a JWK.
func keyOf(secret string) string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, `{"keys":[{"kty":"oct","kid":"a","alg":"HS256","k":%q}]}`, base64.RawURLEncoding.EncodeToString([]byte(secret))))
}

const signing = "0123456789abcdef0123456789abcdef"

// tokenOf is a token for shop of ann, that ends at a time.
func tokenOf(ends time.Time) string {
	encode := base64.RawURLEncoding.EncodeToString
	text := encode([]byte(`{"alg":"HS256","kid":"a","typ":"JWT"}`)) + "." + encode(fmt.Appendf(nil, `{"iss":"i","aud":"shop","sub":"ann","scope":"read","tenant":"acme","iat":1700000000,"exp":%d}`, ends.Unix()))
	sum := hmac.New(sha256.New, []byte(signing))
	_, _ = sum.Write([]byte(text)) // a hash takes everything
	return text + "." + encode(sum.Sum(nil))
}

// judge is a service that refuses, or is slow, as its path says.
func judge(t *testing.T, namespace string) string {
	t.Helper()
	return answering(t, namespace, "judge", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Judge", "judged")
		switch {
		case strings.HasPrefix(r.URL.Path, "/slow"):
			select {
			case <-r.Context().Done():
			case <-time.After(2 * time.Second):
			}
		case strings.HasPrefix(r.URL.Path, "/refuse"), r.Header.Get("X-Bad") != "":
			w.WriteHeader(http.StatusForbidden)
		}
	})
}

// TestARouteCannotWeakenAFloor asks through the data plane, for every field of
// AccessPolicy and TrafficPolicy: what a Gateway enforces holds whatever a route's policy
// says of that field, and the same policy of the route has its way where the Gateway's is
// a Default, so that each row is known to try something.
func TestARouteCannotWeakenAFloor(t *testing.T) {
	t.Parallel()
	secrets := ""
	for _, namespace := range []string{"infra", "shop"} {
		secrets += strings.ReplaceAll(fmt.Sprintf(floorSecrets, keyOf(signing), keyOf(strings.ToUpper(signing))), "NAMESPACE", namespace)
	}
	for _, part := range []struct {
		kind string
		spec reflect.Type
		rows []floorRow
	}{{"AccessPolicy", reflect.TypeFor[v1alpha1.AccessPolicySpec](), accessFloor}, {"TrafficPolicy", reflect.TypeFor[v1alpha1.TrafficPolicySpec](), trafficFloor}} {
		fields, requests := map[string]bool{}, 0
		leaves(part.spec, "", func(path string) { fields[path] = false })
		for _, row := range part.rows {
			for field := range strings.FieldsSeq(row.fields) {
				if _, there := fields[field]; !there {
					t.Errorf("%s: a row is of %s, which there is not", part.kind, field)
				}
				fields[field] = true
			}
			requests += 2
			t.Run(part.kind+" "+row.fields, func(t *testing.T) {
				t.Parallel()
				backend := holding(t)
				objects := floorObjects + secrets + backend.objects + judge(t, "infra") + judge(t, "shop")
				holds, got := row.ask(t, part.kind, "Enforced", objects, backend)
				if !holds {
					t.Errorf("it is weakened: %s, want %s", got, row.want)
				}
				if holds, got = row.ask(t, part.kind, "Default", objects, backend); holds == (row.alike == "") {
					t.Errorf("with a Default it is the same, so it tries nothing: %s", got)
				}
				row.same(t, part.kind, objects)
			})
		}
		for field, held := range fields {
			if !held {
				t.Errorf("%s: no row is of %s", part.kind, field)
			}
		}
		t.Logf("%s: %d fields, %d rows, %d questions", part.kind, len(fields), len(part.rows), requests)
		if len(fields) < 20 {
			t.Errorf("%s has only %d fields", part.kind, len(fields))
		}
	}
}

// policies are the Gateway's in a mode, and the route's.
func (row *floorRow) policies(kind, mode string) (floor, route string) {
	target := row.target
	if target == "" {
		target = "{group: gateway.networking.k8s.io, kind: HTTPRoute, name: r}"
	}
	head := "---\napiVersion: gatehouse.sh/v1alpha1\nkind: " + kind + "\n"
	return head + "metadata: {name: p, namespace: infra}\nspec: {mode: " + mode + ", targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: edge}], " + row.floor + "}\n",
		head + "metadata: {name: p, namespace: shop}\nspec: {targetRefs: [" + target + "], " + row.route + "}\n"
}

// ask tells whether the answer is what is wanted, and what it was.
func (row *floorRow) ask(t *testing.T, kind, mode, objects string, backend *heldBackend) (bool, string) {
	t.Helper()
	floor, route := row.policies(kind, mode)
	ask, _ := served(t, Name{Namespace: "infra", Name: "edge"}, objects+floor+route)
	lines := strings.NewReplacer("TOKEN", tokenOf(time.Now().Add(time.Hour)), "ENDED", tokenOf(time.Now().Add(-time.Minute))).Replace(row.lines)
	status, text := 0, ""
	times := max(row.times, 1)
	if row.times == underWay {
		defer backend.hold(ask)()
	}
	wanted, more, _ := strings.Cut(row.want, " ")
	for n := range times {
		all := []string{"X-Number: " + strconv.Itoa(n)}
		if lines != "" {
			all = append(all, lines)
		}
		status, text = ask("http-80", "a.example.com", "/", all...)
	}
	got := fmt.Sprintf("%d %s", status, text)
	holds := strconv.Itoa(status) == wanted
	switch {
	case strings.HasPrefix(more, "+"):
		holds = holds && strings.Contains(text, more[1:])
	case strings.HasPrefix(more, "-"):
		holds = holds && !strings.Contains(text, more[1:])
	}
	return holds, got
}

// same checks that what the floor became is the same with the route's policy and without.
func (row *floorRow) same(t *testing.T, kind, objects string) {
	t.Helper()
	floor, route := row.policies(kind, "Enforced")
	var seen []string
	for _, text := range []string{objects + floor, objects + floor + route} {
		s := Translate(read(t, []byte(text)), options).Snapshots[Name{Namespace: "infra", Name: "edge"}]
		part := &config.Snapshot{Listeners: s.Listeners}
		for _, p := range s.AccessPolicies {
			if strings.Contains(p.Name, "/infra/") {
				part.AccessPolicies = append(part.AccessPolicies, p)
			}
		}
		for _, k := range s.KeySets {
			if strings.Contains(k.Name, "/infra/") {
				part.KeySets = append(part.KeySets, k)
			}
		}
		for _, p := range s.TrafficPolicies {
			if strings.Contains(p.Name, "/infra/") {
				part.TrafficPolicies = append(part.TrafficPolicies, p)
			}
		}
		shown, err := yaml.Marshal(part)
		if err != nil {
			t.Fatal(err)
		}
		seen = append(seen, string(shown))
	}
	if seen[0] != seen[1] || !strings.Contains(seen[0], "policy/infra/p") {
		t.Errorf("the floor was\n%s\nand with the route's policy it is\n%s", seen[0], seen[1])
	}
}

// leaves calls each with the path of every field that has no fields of its own. What is
// referred to by a name and a namespace is one.
func leaves(of reflect.Type, at string, each func(path string)) {
	reference := reflect.TypeFor[v1alpha1.PolicyReference]()
	for of.Kind() == reflect.Pointer || of.Kind() == reflect.Slice && of.Elem().Kind() == reflect.Struct && of.Elem() != reference {
		if of.Kind() == reflect.Slice {
			at += "[]"
		}
		of = of.Elem()
	}
	if of.Kind() != reflect.Struct || of.PkgPath() != reference.PkgPath() || of.NumField() == 0 || of == reference {
		each(at)
		return
	}
	for f := range of.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Type == reference && name == "": // inline
			each(at + ".namespace")
			each(at + ".name")
		case name == "":
			leaves(f.Type, at, each)
		default:
			leaves(f.Type, strings.TrimPrefix(at+"."+name, "."), each)
		}
	}
}

// heldBackend is the Service shop/a, which tells the header lines that it got, and answers
// what asks for /hold when it is told to.
type heldBackend struct {
	objects          string
	entered, release chan struct{}
}

func holding(t *testing.T) *heldBackend {
	t.Helper()
	h := &heldBackend{entered: make(chan struct{}, 1), release: make(chan struct{})}
	h.objects = answering(t, "shop", "a", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/hold" {
			h.entered <- struct{}{}
			<-h.release
		}
		_ = r.Header.Write(w) // to a client that waits for it
	})
	return h
}

// hold has a request under way until stop.
func (h *heldBackend) hold(ask func(listener, host, path string, lines ...string) (int, string)) (stop func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		ask("http-80", "a.example.com", "/hold")
	}()
	select {
	case <-h.entered:
	case <-done: // it was refused
	}
	return func() {
		select {
		case h.release <- struct{}{}:
		case <-done:
		}
		<-done
	}
}

// answering is a Service whose one endpoint answers by a handler.
func answering(t *testing.T, namespace, name string, handler http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	at := netip.MustParseAddrPort(s.Listener.Addr().String())
	return strings.NewReplacer("PORT", strconv.Itoa(int(at.Port())), "NAMESPACE", namespace, "NAME", name).Replace(`---
apiVersion: v1
kind: Service
metadata: {name: NAME, namespace: NAMESPACE}
spec: {ports: [{name: http, port: 80}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: NAME-1, namespace: NAMESPACE, labels: {kubernetes.io/service-name: NAME}}
addressType: IPv4
ports: [{name: http, port: PORT, protocol: TCP}]
endpoints: [{addresses: [127.0.0.1]}]
`)
}
