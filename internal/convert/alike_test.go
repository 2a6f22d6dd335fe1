// SPDX-License-Identifier: Apache-2.0

package convert

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr/testr"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/gateway/server"
	"github.com/gatehouse-sh/gatehouse/gateway/translate"
)

// alike are Ingresses that the gateway reads itself, too, and requests that must be
// answered in the same way by what they are converted to.
const alike = `
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: nginx}
spec: {controller: gatehouse.sh/gateway}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: orders
  namespace: shop
  annotations:
    nginx.ingress.kubernetes.io/app-root: /start
    nginx.ingress.kubernetes.io/upstream-vhost: orders.internal
    nginx.ingress.kubernetes.io/server-alias: alias.example.com
    nginx.ingress.kubernetes.io/denylist-source-range: 192.0.2.0/24
    nginx.ingress.kubernetes.io/enable-cors: "true"
    nginx.ingress.kubernetes.io/cors-allow-origin: "https://app.example.com"
spec:
  ingressClassName: nginx
  rules:
  - host: orders.example.com
    http:
      paths:
      - {path: /orders, pathType: Prefix, backend: {service: {name: orders, port: {number: 80}}}}
      - {path: /exact, pathType: Exact, backend: {service: {name: next, port: {number: 80}}}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: orders-canary
  namespace: shop
  annotations: {nginx.ingress.kubernetes.io/canary: "true", nginx.ingress.kubernetes.io/canary-by-header: X-Canary, nginx.ingress.kubernetes.io/canary-by-cookie: canary}
spec:
  ingressClassName: nginx
  rules:
  - host: orders.example.com
    http: {paths: [{path: /orders, pathType: Prefix, backend: {service: {name: next, port: {number: 80}}}}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: rewritten, namespace: shop, annotations: {nginx.ingress.kubernetes.io/rewrite-target: /v2/$2}}
spec:
  ingressClassName: nginx
  rules:
  - host: rewritten.example.com
    http: {paths: [{path: "/api(/|$)(.*)", pathType: ImplementationSpecific, backend: {service: {name: orders, port: {number: 80}}}}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: moved, namespace: shop, annotations: {nginx.ingress.kubernetes.io/permanent-redirect: "https://new.example.com/there"}}
spec:
  ingressClassName: nginx
  rules:
  - host: moved.example.com
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: orders, port: {number: 80}}}}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: inside, namespace: shop, annotations: {nginx.ingress.kubernetes.io/whitelist-source-range: 10.0.0.0/8}}
spec:
  ingressClassName: nginx
  rules:
  - host: inside.example.com
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: orders, port: {number: 80}}}}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: password, namespace: shop, annotations: {nginx.ingress.kubernetes.io/auth-type: basic, nginx.ingress.kubernetes.io/auth-secret: users, nginx.ingress.kubernetes.io/auth-realm: shop}}
spec:
  ingressClassName: nginx
  rules:
  - host: password.example.com
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: orders, port: {number: 80}}}}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: few, namespace: shop, annotations: {nginx.ingress.kubernetes.io/limit-rpm: "1", nginx.ingress.kubernetes.io/limit-burst-multiplier: "2"}}
spec:
  ingressClassName: nginx
  rules:
  - host: few.example.com
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: orders, port: {number: 80}}}}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: snippet, namespace: shop, annotations: {nginx.ingress.kubernetes.io/configuration-snippet: "deny all;"}}
spec:
  ingressClassName: nginx
  rules:
  - host: snippet.example.com
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: orders, port: {number: 80}}}}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: secure, namespace: shop}
spec:
  ingressClassName: nginx
  tls: [{hosts: [secure.example.com], secretName: secure}]
  rules:
  - host: secure.example.com
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: orders, port: {number: 80}}}}]}
`

// TestConvertedIngressesAnswerAsTheGatewayDoesItself sends the same requests to the
// gateway that reads Ingresses and to the one that reads what they are converted to.
func TestConvertedIngressesAnswerAsTheGatewayDoesItself(t *testing.T) {
	t.Parallel()
	objects := decode(t, []byte(alike))
	converted := Convert(objects, Options{Controller: "ingress-nginx"})
	if want := []Name{{Namespace: "shop", Name: "snippet"}}; !slices.Equal(converted.Closed, want) {
		t.Fatalf("closed are %v:\n%s", converted.Closed, told(converted))
	}
	with := clusterOf(t, objects, converted)
	native := clusterOf(t, objects, converted)
	native.Classes, native.Gateways, native.HTTPRoutes, native.AccessPolicies, native.TrafficPolicies, native.ClientPolicies = nil, nil, nil, nil, nil, nil
	native.IngressClasses, native.Ingresses = objects.Classes, objects.Ingresses
	with.EndpointSlices = backends(t, "orders", "next")
	native.EndpointSlices = with.EndpointSlices
	a, b := serve(t, native, translate.Builtin("nginx")), serve(t, with, translate.Name{Namespace: "shop", Name: "nginx"})
	for name, r := range map[string]request{
		"a path below a prefix":                    {"orders.example.com", "/orders/1?q=1", nil},
		"the prefix itself":                        {"orders.example.com", "/orders", nil},
		"a path that only begins so":               {"orders.example.com", "/ordersx", nil},
		"an exact path":                            {"orders.example.com", "/exact", nil},
		"a path below an exact one":                {"orders.example.com", "/exact/1", nil},
		"the root of the application":              {"orders.example.com", "/", nil},
		"another name of the host":                 {"alias.example.com", "/orders", nil},
		"a host that nobody has":                   {"nobody.example.com", "/", nil},
		"a page of an allowed origin":              {"orders.example.com", "/orders", []string{"Origin: https://app.example.com"}},
		"a page of another origin":                 {"orders.example.com", "/orders", []string{"Origin: https://evil.example.com"}},
		"a canary by header":                       {"orders.example.com", "/orders", []string{"X-Canary: always"}},
		"no canary by header":                      {"orders.example.com", "/orders", []string{"X-Canary: never", "Cookie: canary=always"}},
		"a canary by cookie":                       {"orders.example.com", "/orders", []string{"Cookie: a=b; canary=always; c=d"}},
		"a cookie that only begins so":             {"orders.example.com", "/orders", []string{"Cookie: xcanary=always"}},
		"a rewritten path":                         {"rewritten.example.com", "/api/a/b?q", nil},
		"a rewritten path with nothing behind it":  {"rewritten.example.com", "/api/", nil},
		"beside a rewritten path":                  {"rewritten.example.com", "/other", nil},
		"what has moved":                           {"moved.example.com", "/a/b", nil},
		"an address that is not let in":            {"inside.example.com", "/", nil},
		"no password":                              {"password.example.com", "/", nil},
		"the right password":                       {"password.example.com", "/", []string{"Authorization: Basic YW5uOm9wZW4gc2VzYW1l"}},
		"a wrong password":                         {"password.example.com", "/", []string{"Authorization: Basic YW5uOndyb25n"}},
		"a plain request for a host that has TLS":  {"secure.example.com", "/a?b", nil},
		"one of few requests":                      {"few.example.com", "/", nil},
		"a request that a snippet would have kept": {"snippet.example.com", "/", nil},
	} {
		t.Run(name, func(t *testing.T) {
			for range 3 { // more than a limit lets in
				got, want := b.ask(t, r), a.ask(t, r)
				if r.host == "snippet.example.com" { // 500 for a route without backends, 503 for an Ingress that cannot be kept
					got, want = strings.Replace(got, "500", "503", 1)[:3], want[:3]
				}
				if got != want {
					t.Fatalf("converted\n%s\nitself\n%s", got, want)
				}
			}
		})
	}
}

type request struct {
	host, path string
	lines      []string
}

// gatewayServer is one that serves.
type gatewayServer struct{ http netip.AddrPort }

func serve(t *testing.T, o *translate.Objects, of translate.Name) gatewayServer {
	t.Helper()
	r := translate.Translate(o, translate.Options{Controller: controllerName, Address: netip.MustParseAddr("127.0.0.1"), Port: func(gatewayv1.PortNumber) uint16 { return 0 }})
	snapshot := r.Snapshots[of]
	if snapshot == nil {
		t.Fatalf("there is no snapshot of %s: %v %v", of, r.Faults, r.Events)
	}
	s := server.New(testr.NewWithInterface(t, testr.Options{}), io.Discard)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		s.Close(ctx)
	})
	if err := s.Apply(t.Context(), snapshot); err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(snapshot.Listeners, func(l config.Listener) bool { return l.Protocol == config.HTTP })
	if i < 0 {
		t.Fatal("nothing listens for HTTP")
	}
	return gatewayServer{s.Addresses()[snapshot.Listeners[i].Name]}
}

// ask sends a request, and returns the status, what matters of the head, and the body of
// an answer of a backend.
func (g gatewayServer) ask(t *testing.T, r request) string {
	t.Helper()
	client := &http.Client{
		Timeout: 5 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}, DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, g.http.String())
		}},
	}
	q, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+r.host+r.path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range r.lines {
		name, value, _ := strings.Cut(l, ": ")
		q.Header.Set(name, value)
	}
	answer, err := client.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var out strings.Builder
	fmt.Fprintln(&out, answer.StatusCode)
	for _, name := range []string{"Location", "Www-Authenticate", "Access-Control-Allow-Origin", "Access-Control-Allow-Credentials"} {
		fmt.Fprintln(&out, name, answer.Header.Values(name))
	}
	if answer.StatusCode == http.StatusOK {
		_, _ = io.Copy(&out, answer.Body)
	}
	return out.String()
}

// backends are the endpoints of Services of the namespace shop, which tell who they are and
// what they were asked for.
func backends(t *testing.T, names ...string) []*discoveryv1.EndpointSlice {
	t.Helper()
	var out []*discoveryv1.EndpointSlice
	for _, name := range names {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintln(w, name, r.Method, r.Host, r.RequestURI, r.Header.Get("Authorization"))
		}))
		t.Cleanup(s.Close)
		at := netip.MustParseAddrPort(s.Listener.Addr().String())
		port, protocol, portName := int32(at.Port()), corev1.ProtocolTCP, "p80"
		out = append(out, &discoveryv1.EndpointSlice{
			ObjectMeta:  metav1.ObjectMeta{Namespace: "shop", Name: name, Labels: map[string]string{discoveryv1.LabelServiceName: name}},
			AddressType: discoveryv1.AddressTypeIPv4, Ports: []discoveryv1.EndpointPort{{Name: &portName, Port: &port, Protocol: &protocol}},
			Endpoints: []discoveryv1.Endpoint{{Addresses: []string{at.Addr().String()}}},
		})
	}
	return out
}
