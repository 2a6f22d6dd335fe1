// SPDX-License-Identifier: Apache-2.0

package endpoint

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xeipuuv/gojsonschema"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/gateway/translate"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

var now = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

const shop = `
kind: Gateway
apiVersion: gateway.networking.k8s.io/v1
metadata: {name: edge, namespace: gatehouse-system}
spec:
  gatewayClassName: gatehouse
  listeners:
  - {name: http, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}
  - name: https
    port: 443
    protocol: HTTPS
    hostname: shop.example.com
    tls: {certificateRefs: [{name: shop}]}
    allowedRoutes: {namespaces: {from: All}}
---
kind: HTTPRoute
apiVersion: gateway.networking.k8s.io/v1
metadata: {name: orders, namespace: shop}
spec:
  parentRefs: [{name: edge, namespace: gatehouse-system, sectionName: https}]
  hostnames: [shop.example.com]
  rules:
  - matches: [{path: {type: PathPrefix, value: /orders}}]
    filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /v1}}}]
    backendRefs: [{name: orders, port: 80}]
  - matches: [{path: {type: PathPrefix, value: /orders}, method: POST}]
    backendRefs: [{name: missing, port: 80}]
---
kind: HTTPRoute
apiVersion: gateway.networking.k8s.io/v1
metadata: {name: secure, namespace: gatehouse-system}
spec:
  parentRefs: [{name: edge, sectionName: http}]
  rules: [{filters: [{type: RequestRedirect, requestRedirect: {scheme: https}}]}]
---
kind: Service
apiVersion: v1
metadata: {name: orders, namespace: shop}
spec: {selector: {app: orders}, ports: [{port: 80, targetPort: 8080}]}
---
kind: Service
apiVersion: v1
metadata: {name: open, namespace: shop}
spec: {type: LoadBalancer, selector: {app: orders}, ports: [{port: 5432, targetPort: 8080}]}
---
kind: Deployment
apiVersion: apps/v1
metadata: {name: orders, namespace: shop}
spec:
  selector: {matchLabels: {app: orders}}
  template:
    metadata: {labels: {app: orders}}
    spec: {serviceAccountName: orders, containers: [{name: orders, image: "orders:1"}]}
---
kind: ServiceAccount
apiVersion: v1
metadata: {name: orders, namespace: shop}
automountServiceAccountToken: false
---
kind: Ingress
apiVersion: networking.k8s.io/v1
metadata: {name: old, namespace: shop}
spec:
  ingressClassName: nginx
  rules:
  - host: old.example.com
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: orders, port: {number: 80}}}}]}
---
kind: DaemonSet
apiVersion: apps/v1
metadata: {name: agent, namespace: ops}
spec:
  selector: {matchLabels: {app: agent}}
  template:
    metadata: {labels: {app: agent}}
    spec: {hostNetwork: true, containers: [{name: agent, image: "agent:1"}]}
`

func world(t *testing.T, text string, secrets ...*corev1.Secret) *World {
	t.Helper()
	return worldOf(t, text, Input{Secrets: secrets})
}

// worldOf reads objects into an Input.
func worldOf(t *testing.T, text string, in Input) *World {
	t.Helper()
	var list []inventory.Object
	for document := range strings.SplitSeq(text, "\n---\n") {
		data, err := yaml.YAMLToJSON([]byte(document))
		if err != nil {
			t.Fatal(err)
		}
		o, _, err := inventory.DecodeAny(data)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, o)
	}
	in.Inventory, in.Parameters, in.Now = inventory.New(list...), checks.DefaultParameters(), now
	in.Unread = func(translate.Name, bool) string { return "nobody read it" }
	w, err := New(in)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func secret(t *testing.T, end time.Time, names ...string) *corev1.Secret {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: names, NotBefore: now.AddDate(-1, 0, 0), NotAfter: end}
	made, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: "gatehouse-system", Name: "shop"}, Type: corev1.SecretTypeTLS,
		Data: map[string][]byte{
			corev1.TLSCertKey:       pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: made}),
			corev1.TLSPrivateKeyKey: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}),
		},
	}
}

// line is an endpoint in a few words.
func line(e *Endpoint) string {
	return strings.Join([]string{e.Address(), e.Through.By, e.Answer, e.Authentication.State, e.TLS.State, e.networkText(), e.accountText()}, " | ")
}

func TestEveryWayFromOutsideIsAnEndpoint(t *testing.T) {
	t.Parallel()
	r := world(t, shop).Report()
	got := make([]string, len(r.Endpoints))
	for i := range r.Endpoints {
		got[i] = line(&r.Endpoints[i])
	}
	want := []string{
		"<any node address> | DaemonSet ops/agent (hostNetwork) | backends | none | passed-on | unknown | default: none",
		"http://old.example.com | Ingress shop/old | backends | unknown | none | unknown | orders: none",
		"tcp://<internet>:5432 | Service shop/open (LoadBalancer) | backends | none | passed-on | unknown | orders: none",
		"http://* | Gateway gatehouse-system/edge | redirect | none | none | - | -",
		"https://shop.example.com/orders/** | Gateway gatehouse-system/edge | backends | none | terminated | unknown | orders: none",
		"https://shop.example.com POST /orders/** | Gateway gatehouse-system/edge | refused | none | terminated | - | -",
	}
	if text := strings.Join(got, "\n"); text != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", text, strings.Join(want, "\n"))
	}
	if want := (Summary{Endpoints: 6, PastTheGateway: 3, Unauthenticated: 4, WithoutTLS: 2, NotServed: 1}); r.Summary != want {
		t.Errorf("got %+v, want %+v", r.Summary, want)
	}
	if len(r.NotServed) != 1 || !strings.Contains(r.NotServed[0].String(), "HTTPRoute shop/orders at edge/https: BackendNotFound") {
		t.Errorf("not served: %+v", r.NotServed)
	}
	if len(r.Assumed) != 1 || !strings.Contains(r.Assumed[0], "GatewayClass gatehouse is not among the objects") {
		t.Errorf("assumed: %q", r.Assumed)
	}
	if token := r.Endpoints[4].Backends[0].Workloads[0].Account.Token; token != "not-mounted" {
		t.Errorf("the token is %s", token)
	}
}

const guarded = shop + `---
kind: AccessPolicy
apiVersion: gatehouse.sh/v1alpha1
metadata: {name: floor, namespace: gatehouse-system}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: edge, sectionName: https}]
  authentication: {anyOf: [{name: idp, jwt: {issuer: "https://idp.example.com", audiences: [shop], jwks: {secretRef: {name: idp}}}}]}
  authorization: {rules: [{name: readers, allow: {methods: [GET], paths: ["/orders/**"]}}]}
---
kind: AccessPolicy
apiVersion: gatehouse.sh/v1alpha1
metadata: {name: keys, namespace: shop}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: orders}]
  authentication: {anyOf: [{name: key, apiKey: {from: {header: X-API-Key}, secretRefs: [{name: keys}, {name: more-keys}]}}, {name: user, basic: {secretRefs: [{name: users}, {name: more-users}]}}]}
  authorization: {rules: [{name: all, allow: {}}]}
---
kind: TrafficPolicy
apiVersion: gatehouse.sh/v1alpha1
metadata: {name: limits, namespace: shop}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: orders}]
  rateLimits: [{name: all, key: [client.ip], limit: {requests: 100, per: 1m}}]
`

// TestWhoCountsIsTold: a limit that all replicas share, where its class has a store, whose
// password was not read, and where it has none.
func TestWhoCountsIsTold(t *testing.T) {
	t.Parallel()
	const class = `
kind: GatewayClass
apiVersion: gateway.networking.k8s.io/v1
metadata: {name: gatehouse}
spec: {controllerName: gatehouse.sh/gateway, parametersRef: {group: gatehouse.sh, kind: GatewayParameters, name: counting}}
---
kind: GatewayParameters
apiVersion: gatehouse.sh/v1alpha1
metadata: {name: counting}
spec: {store: {redis: {address: "redis.data.svc:6379", secretRef: {name: redis}}}}
---
kind: TrafficPolicy
apiVersion: gatehouse.sh/v1alpha1
metadata: {name: limits, namespace: shop}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: web}]
  onStoreFailure: Deny
  rateLimits: [{name: all, key: [client.ip], scope: Gateway, limit: {requests: 100, per: 1m}}]
`
	for name, tc := range map[string]struct{ old, new, want string }{
		"as it is":                {"", "", "trafficpolicy/shop/limits: 100 in 1m, for each client.ip, counted by all replicas together, 503 without their store"},
		"by each without a store": {"Deny", "Local", "trafficpolicy/shop/limits: 100 in 1m, for each client.ip, counted by all replicas together, by each for itself without their store"},
		"by each":                 {"onStoreFailure: Deny\n  rateLimits: [{name: all, key: [client.ip], scope: Gateway, ", "rateLimits: [{name: all, key: [client.ip], ", "trafficpolicy/shop/limits: 100 in 1m, for each client.ip"},
		"in no store":             {`{store: {redis: {address: "redis.data.svc:6379", secretRef: {name: redis}}}}`, "{}", "trafficpolicy/shop/limits: every request is answered 503: GatewayClass gatehouse has no GatewayParameters with a store, in which limits of scope Gateway are counted"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := world(t, strings.Join([]string{door, plain, strings.Replace(class, tc.old, tc.new, 1)}, "\n---\n")).Report().Endpoints
			if len(e) == 0 {
				t.Fatal("there is no endpoint")
			}
			if i := slices.IndexFunc(e, func(e Endpoint) bool { return slices.Contains(e.Limits, tc.want) }); i < 0 {
				t.Errorf("nowhere is said %s: %v", tc.want, e[0].Limits)
			}
		})
	}
}

// TestPoliciesThatHoldAreTold: also when none of the Secrets that they name was read.
func TestPoliciesThatHoldAreTold(t *testing.T) {
	t.Parallel()
	w := world(t, guarded)
	e := w.Report().Endpoints[4]
	var held []string
	for _, h := range e.Authentication.Policies {
		held = append(held, h.String())
	}
	text := strings.Join(held, "\n") + "\n" + strings.Join(e.Authentication.Methods, "\n") + "\n" + strings.Join(e.Authorization, "\n") + "\n" + strings.Join(e.Limits, "\n")
	want := `accesspolicy/gatehouse-system/floor (Enforced, of the host)
accesspolicy/shop/keys (Enforced, of the route)
JWT of https://idp.example.com
API key in X-API-Key
password (Basic)
accesspolicy/gatehouse-system/floor: allow readers: GET; /orders/**
accesspolicy/shop/keys: allow all: every request
trafficpolicy/shop/limits: 100 in 1m, for each client.ip`
	if text != want || e.Authentication.State != AuthenticationRequired {
		t.Errorf("%s: %s\ngot\n%s\nwant\n%s", e.Authentication.State, e.Authentication.Why, text, want)
	}
	if e.Unauthenticated() || len(w.Wanted()) != 6 {
		t.Errorf("wanted: %v", w.Wanted())
	}
	open := strings.Replace(guarded, "kind: Gateway, name: edge, sectionName: https", "kind: Gateway, name: edge, sectionName: http", 1)
	open = strings.Replace(open, "kind: HTTPRoute, name: orders}]\n  authentication", "kind: HTTPRoute, name: other}]\n  authentication", 1)
	if e := world(t, open).Report().Endpoints[4]; !e.Unauthenticated() || e.Authentication.State != AuthenticationNone {
		t.Errorf("with policies for others: %+v", e.Authentication)
	}
	wrong := strings.Replace(guarded, "name: idp, jwt", "name: a/b, jwt", 1)
	if e := world(t, wrong).Report().Endpoints[4]; e.Unauthenticated() || e.Authentication.State != AuthenticationRefused || e.Authentication.Why == "" {
		t.Errorf("with a policy that cannot be kept: %+v", e.Authentication)
	}
}

// TestCertificatesAreSaidToHoldOnlyWhenTheyAreKnownTo: what nobody read is unknown.
func TestCertificatesAreSaidToHoldOnlyWhenTheyAreKnownTo(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		secrets []*corev1.Secret
		want    string
		fails   bool
	}{
		"not read":                {nil, "unknown: nobody read it", true},
		"for the host":            {[]*corev1.Secret{secret(t, now.AddDate(0, 3, 0), "shop.example.com")}, "valid: ", false},
		"for a name above":        {[]*corev1.Secret{secret(t, now.AddDate(0, 3, 0), "*.example.com")}, "valid: ", false},
		"ends on the last day":    {[]*corev1.Secret{secret(t, now.AddDate(0, 0, SoonDays), "shop.example.com")}, "valid: ", false},
		"ends soon":               {[]*corev1.Secret{secret(t, now.AddDate(0, 0, SoonDays-1), "shop.example.com")}, "ends-soon: it ends in 20 days", true},
		"ended":                   {[]*corev1.Secret{secret(t, now.AddDate(0, 0, -2), "shop.example.com")}, "ended: it has ended 2 days ago", true},
		"for another host":        {[]*corev1.Secret{secret(t, now.AddDate(0, 3, 0), "other.example.com")}, "other-name: it is not for shop.example.com", true},
		"for a name two above it": {[]*corev1.Secret{secret(t, now.AddDate(0, 3, 0), "*.com")}, "other-name: it is not for shop.example.com", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := world(t, shop, tc.secrets...)
			r := w.Report()
			c := r.Endpoints[4].TLS.Certificates
			if len(c) != 1 || c[0].State+": "+c[0].Why != tc.want || c[0].Secret != "gatehouse-system/shop" {
				t.Errorf("got %+v, want %s", c, tc.want)
			}
			if got := len(r.Fails([]string{"certificate"})) > 0; got != tc.fails {
				t.Errorf("it fails: %t, want %t", got, tc.fails)
			}
			if wanted := w.Wanted(); (len(wanted) == 1) != (tc.secrets == nil) {
				t.Errorf("wanted: %v", wanted)
			}
		})
	}
}

// TestAListenerWithoutItsSecretIsNotServed: what is known not to be there has no stand-in.
func TestAListenerWithoutItsSecretIsNotServed(t *testing.T) {
	t.Parallel()
	in := world(t, shop).Input
	in.Missing = map[translate.Name]bool{{Namespace: "gatehouse-system", Name: "shop"}: true}
	w, err := New(in)
	if err != nil {
		t.Fatal(err)
	}
	r := w.Report()
	for i := range r.Endpoints {
		if r.Endpoints[i].Listener.Name == "https" {
			t.Errorf("it is served: %s", line(&r.Endpoints[i]))
		}
	}
	if len(r.NotServed) == 0 || !strings.Contains(r.NotServed[0].Message+r.NotServed[1].Message, "is not there") {
		t.Errorf("not served: %+v", r.NotServed)
	}
}

func TestWhatBecomesOfARequestIsExplained(t *testing.T) {
	t.Parallel()
	w := world(t, shop)
	for name, tc := range map[string]struct {
		q    Question
		want string // status, reason, route, what is sent, and what was not taken
	}{
		"the longest prefix":      {Question{Host: "shop.example.com", Target: "/orders/1"}, "0  HTTPRoute shop/orders rules[0] shop.example.com/v1/1 [HTTPRoute shop/orders rules[1]: another method]"},
		"a method goes first":     {Question{Host: "shop.example.com", Target: "/orders", Method: "POST"}, "0  HTTPRoute shop/orders rules[1]  [HTTPRoute shop/orders rules[0]: less specific than the one that is taken]"},
		"the form is what counts": {Question{Host: "SHOP.example.com.", Target: "/x/../orders//1?q"}, "0  HTTPRoute shop/orders rules[0] shop.example.com/v1/1 [HTTPRoute shop/orders rules[1]: another method]"},
		"no route":                {Question{Host: "shop.example.com", Target: "/ordersx"}, "404 no-route   []"},
		"another host":            {Question{Host: "other.example.com", Target: "/orders"}, "404 no-route   []"},
		"an escaped slash":        {Question{Host: "shop.example.com", Target: "/orders%2f1"}, "400 escaped-slash   []"},
		"a second credential":     {Question{Host: "shop.example.com", Target: "/orders", Headers: http.Header{"Authorization": {"a", "b"}}}, "400 double-header   []"},
		"a path that is none":     {Question{Host: "shop.example.com", Target: "orders"}, "400 bad-target   []"},
	} {
		t.Run(name, func(t *testing.T) {
			tc.q.Port = 443
			got, err := w.Explain(&tc.q)
			if err != nil || len(got.Answers) != 1 {
				t.Fatalf("got %+v, %v", got, err)
			}
			a := &got.Answers[0]
			route, lost := "", []string{}
			if a.Route != nil {
				route = a.Route.String()
			}
			for i := range a.Tried {
				if o := &a.Tried[i]; !o.Taken {
					lost = append(lost, o.Route.String()+": "+o.Why)
				}
			}
			text := strings.Join([]string{itoa(a.Status), a.Reason, route, a.Sent, "[" + strings.Join(lost, ", ") + "]"}, " ")
			if text != tc.want {
				t.Errorf("got\n%s\nwant\n%s", text, tc.want)
			}
			if got.Routed() != (a.Status == 0) {
				t.Errorf("it is routed: %t", got.Routed())
			}
		})
	}
	if got, err := w.Explain(&Question{Host: "shop.example.com", Target: "/"}); err != nil || len(got.Answers) != 2 {
		t.Errorf("at every listener: %+v, %v", got, err)
	}
	if got, err := w.Explain(&Question{Host: "shop.example.com", Target: "/", Port: 8443}); err != nil || len(got.Answers) != 0 || got.Routed() {
		t.Errorf("at a port that there is not: %+v, %v", got, err)
	}
}

func itoa(n int) string {
	data, _ := json.Marshal(n)
	return string(data)
}

func TestTheJSONFormsKeepTheirSchemas(t *testing.T) {
	t.Parallel()
	w := world(t, shop, secret(t, now.AddDate(1, 0, 0), "shop.example.com"))
	trace, err := w.Explain(&Question{Host: "shop.example.com", Target: "/orders"})
	if err != nil {
		t.Fatal(err)
	}
	none, err := w.Explain(&Question{Host: "shop.example.com", Target: "/%2f", Port: 443})
	if err != nil {
		t.Fatal(err)
	}
	empty := world(t, strings.Split(shop, "\n---\n")[6]).Report()
	for name, tc := range map[string]struct {
		schema  string
		of      any
		replace [2]string
		valid   bool
	}{
		"a report":                     {"exposure-v1", w.Report(), [2]string{}, true},
		"an empty report":              {"exposure-v1", empty, [2]string{}, true},
		"a report of another version":  {"exposure-v1", w.Report(), [2]string{"exposure/v1", "exposure/v2"}, false},
		"a report with another state":  {"exposure-v1", w.Report(), [2]string{`"passed-on"`, `"perhaps"`}, false},
		"a report with another field":  {"exposure-v1", w.Report(), [2]string{`"host":`, `"hosts":`}, false},
		"a trace":                      {"route-v1", trace, [2]string{}, true},
		"a trace of what has no form":  {"route-v1", none, [2]string{}, true},
		"a trace without its answers":  {"route-v1", trace, [2]string{`"answers":`, `"answer_s":`}, false},
		"a trace with another outcome": {"route-v1", trace, [2]string{`"taken":`, `"took":`}, false},
	} {
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile("../../docs/schema/" + tc.schema + ".json")
			if err != nil {
				t.Fatal(err)
			}
			validator, err := gojsonschema.NewSchema(gojsonschema.NewBytesLoader(text))
			if err != nil {
				t.Fatal(err)
			}
			data, err := json.Marshal(tc.of)
			if err != nil {
				t.Fatal(err)
			}
			if tc.replace[0] != "" {
				data = []byte(strings.ReplaceAll(string(data), tc.replace[0], tc.replace[1]))
			}
			result, err := validator.Validate(gojsonschema.NewBytesLoader(data))
			if err != nil {
				t.Fatal(err)
			}
			if result.Valid() != tc.valid {
				t.Errorf("valid: %t, want %t: %v\n%s", result.Valid(), tc.valid, result.Errors(), data)
			}
		})
	}
}
