// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// asking is a route of which a filter has a service asked.
func asking(filter string) string {
	return openEdge + `---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: r, namespace: shop}
spec:
  parentRefs: [{name: edge, namespace: infra}]
  rules:
  - filters: [{type: ExternalAuth, externalAuth: {` + filter + `}}]
    backendRefs: [{name: a, port: 80}]
`
}

// callee is a Service that answers calls of gRPC (envoy.service.auth.v3) with a message.
func callee(t *testing.T, answer func(question string) []byte) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Protocols: new(http.Protocols), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		question := make([]byte, r.ContentLength)
		for n := 0; n < len(question); {
			more, err := r.Body.Read(question[n:])
			if n += more; err != nil {
				break
			}
		}
		m := answer(string(question))
		w.Header().Set("Content-Type", "application/grpc")
		w.Header().Set("Trailer", "Grpc-Status")
		_, _ = w.Write(append([]byte{0, 0, 0, 0, byte(len(m))}, m...)) // to a client that waits for it
		w.Header().Set("Grpc-Status", "0")
	})}
	s.Protocols.SetUnencryptedHTTP2(true)
	go func() { _ = s.Serve(l) }() // it is closed
	t.Cleanup(func() { _ = s.Close() })
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(`---
apiVersion: v1
kind: Service
metadata: {name: judge, namespace: shop}
spec: {ports: [{name: http, port: 80}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: judge-1, namespace: shop, labels: {kubernetes.io/service-name: judge}}
addressType: IPv4
ports: [{name: http, port: PORT, protocol: TCP}]
endpoints: [{addresses: [127.0.0.1]}]
`, "PORT", port)
}

// TestAServiceOfAFilterIsAsked through the data plane, by HTTP: 200 is a yes and nothing else
// is, what it names reaches the backend and no client can say it, and a Default of the Gateway
// holds beside it.
func TestAServiceOfAFilterIsAsked(t *testing.T) {
	t.Parallel()
	const byHTTP = "protocol: HTTP, backendRef: {name: judge, port: 80}, http: {path: /check/, allowedHeaders: [X-Say], allowedResponseHeaders: [X-User]}"
	objects := asking(byHTTP) + holding(t).objects + answering(t, "shop", "judge", func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/check/") || r.ContentLength != 0 || r.Header.Get("X-Other") != "" || r.Host != "a.example.com" || r.Header.Get("Authorization") == "" {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		w.Header().Set("X-Secret", "not for the backend")
		status, err := strconv.Atoi(r.Header.Get("X-Say"))
		if err != nil {
			status = http.StatusOK
		}
		if r.URL.Path == "/check/known" {
			w.Header().Set("X-User", "ann")
		}
		w.WriteHeader(status)
	})
	usual := policyFor("AccessPolicy", "infra", "p", "{group: gateway.networking.k8s.io, kind: Gateway, name: edge}", "mode: Default, "+nobodyIs+"authorization: {rules: [{name: most, deny: {paths: [/denied]}}, {name: all, allow: {}}]}")
	ask, r := served(t, Name{Namespace: "infra", Name: "edge"}, objects+usual)
	for name, tc := range map[string]struct {
		path, say string
		status    int
		has, not  string
	}{
		"a yes":                      {"/a", "200", 200, "Authorization: Basic eA==", "X-User"},
		"a yes with a name":          {"/known", "200", 200, "X-User: ann", "forged"},
		"a yes of another kind":      {"/a", "204", 503, "external-unavailable", ""},
		"a no":                       {"/a", "403", 403, "external-refused", ""},
		"a fault":                    {"/a", "500", 503, "external-unavailable", ""},
		"what the usual policy says": {"/denied", "200", 403, `"denied"`, ""},
	} {
		status, text := ask("http-80", "a.example.com", tc.path, "X-Say: "+tc.say, "X-User: forged", "X-Other: mine", "Authorization: Basic eA==")
		if status != tc.status || !strings.Contains(text, tc.has) || tc.not != "" && strings.Contains(text, tc.not) || strings.Contains(text, "X-Secret") {
			t.Errorf("%s: %d, want %d with %s: %s", name, status, tc.status, tc.has, text)
		}
	}
	for _, p := range r.Routes[Route{"HTTPRoute", Name{Namespace: "shop", Name: "r"}}] {
		for _, c := range p.Conditions {
			if c.Status != "True" {
				t.Errorf("%s: %s: %s", c.Type, c.Reason, c.Message)
			}
		}
	}
}

// TestAServiceOfAFilterIsCalled by gRPC: with all lines of the client or those that are named,
// and an answer that sets lines, which nobody could have named, is none.
func TestAServiceOfAFilterIsCalled(t *testing.T) {
	t.Parallel()
	const judge = "protocol: GRPC, backendRef: {name: judge, port: 80}, grpc: {"
	yes, no := []byte{0x0a, 0}, []byte{0x0a, 2, 0x08, 7}                                        // status {}, status { code: 7 }
	line := append([]byte{0x0a, 0, 0x1a, 11, 0x12, 9, 0x0a, 7}, "\x0a\x02\x78\x2d\x12\x01a"...) // ok_response { headers { header { key: "x-" value: "a" } } }
	for name, tc := range map[string]struct {
		filter string
		answer func(question string) []byte
		want   int
	}{
		"a yes":                      {judge + "}", func(string) []byte { return yes }, 200},
		"a no":                       {judge + "}", func(string) []byte { return no }, 403},
		"an answer that sets a line": {judge + "}", func(string) []byte { return line }, 503},
		"nothing":                    {judge + "}", func(string) []byte { return nil }, 503},
		"all lines": {judge + "}", func(question string) []byte {
			if strings.Contains(question, "x-first") && strings.Contains(question, "x-second") && strings.Contains(question, "authorization") {
				return yes
			}
			return no
		}, 200},
		"a line that is named": {judge + "allowedHeaders: [X-First]}", func(question string) []byte {
			if strings.Contains(question, "x-first") && !strings.Contains(question, "x-second") && !strings.Contains(question, "authorization") {
				return yes
			}
			return no
		}, 200},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ask, _ := served(t, Name{Namespace: "infra", Name: "edge"}, asking(tc.filter)+holding(t).objects+callee(t, tc.answer))
			if status, text := ask("http-80", "a.example.com", "/", "X-First: 1", "X-Second: 2", "Authorization: Basic eA=="); status != tc.want {
				t.Errorf("%d, want %d: %s", status, tc.want, text)
			}
		})
	}
}

// TestARuleIsGuardedByItsFilterInEveryState: what is remembered of a rule is not to leave out
// whom it asks, and a service that comes or goes is noticed.
func TestARuleIsGuardedByItsFilterInEveryState(t *testing.T) {
	t.Parallel()
	const service = "---\napiVersion: v1\nkind: Service\nmetadata: {name: NAME, namespace: shop}\nspec: {ports: [{port: 80}]}\n"
	a, judge := strings.Replace(service, "NAME", "a", 1), strings.Replace(service, "NAME", "judge", 1)
	with := func(refs string) string {
		return strings.Replace(asking("protocol: GRPC, backendRef: {name: judge, port: 80}, grpc: {}"), "backendRefs: [{name: a, port: 80}]", refs, 1)
	}
	for name, route := range map[string]string{
		"a backend":        with("backendRefs: [{name: a, port: 80}]"),
		"two backends":     with("backendRefs: [{name: a, port: 80}, {name: none, port: 80}]"),
		"the same backend": with("backendRefs: [{name: judge, port: 80}]"),
		"no backend":       with(""),
	} {
		var remembers Translator
		all := read(t, []byte(route+a+judge))
		without := *all
		without.Services = without.Services[:1]
		for turn, services := range []bool{true, true, false, false, true} {
			o := all
			if !services {
				o = &without
			}
			r := remembers.Translate(o, options)
			s := r.Snapshots[Name{Namespace: "infra", Name: "edge"}]
			if len(s.Routes) != 1 {
				t.Fatalf("%s: %d routes", name, len(s.Routes))
			}
			guarded := len(s.Routes[0].AccessBeside) == 1 && len(s.AccessPolicies) == 1
			refused := len(s.Routes[0].Backends) == 1 && s.Routes[0].Backends[0].Status == 500
			if services && !guarded || !services && !refused {
				t.Errorf("%s, turn %d: it asks: %t, and is refused: %t", name, turn, guarded, refused)
			}
			resolved := true
			for _, c := range r.Routes[Route{"HTTPRoute", Name{Namespace: "shop", Name: "r"}}][0].Conditions {
				resolved = resolved && (c.Type != string(gatewayv1.RouteConditionResolvedRefs) || c.Status == "True")
			}
			if !services && resolved {
				t.Errorf("%s, turn %d: nothing is said of it", name, turn)
			}
		}
	}
}
