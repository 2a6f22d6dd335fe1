// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"

	"k8s.io/client-go/rest"

	"github.com/gatehouse-sh/gatehouse/test/controlplane"
)

// road leads to an API server that may be another one later, with other certificates.
type road struct {
	*httptest.Server
	mu    sync.Mutex
	proxy *httputil.ReverseProxy
}

func newRoad(t testing.TB) *road {
	t.Helper()
	r := &road{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.mu.Lock()
		proxy := r.proxy
		r.mu.Unlock()
		proxy.ServeHTTP(w, req)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *road) lead(t testing.TB, config *rest.Config) {
	t.Helper()
	to, err := url.Parse(config.Host)
	if err != nil {
		t.Fatal(err)
	}
	transport, err := rest.TransportFor(config)
	if err != nil {
		t.Fatal(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.proxy = &httputil.ReverseProxy{Transport: transport, FlushInterval: -1, ErrorLog: log.New(io.Discard, "", 0), Rewrite: func(p *httputil.ProxyRequest) { p.SetURL(to) }}
	r.proxy.ErrorHandler = func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) } // as when nobody is there
}

// TestTheAPIServerMayBeAway: what is served stays when it is gone, and when it is back
// the gateway goes on with what is new.
func TestTheAPIServerMayBeAway(t *testing.T) {
	t.Parallel()
	dir, r := t.TempDir(), newRoad(t)
	first := start(t, controlplane.Options{Dir: dir})
	first.install(t, nil)
	r.lead(t, first.RESTConfig())
	first.serveAs(t, &rest.Config{Host: r.URL, Impersonate: first.limited(t).Impersonate}, "127.0.22.1")
	first.apply(t, shop+service(t))
	const at = "http://127.0.22.1:20080/"
	answers(t, http.DefaultClient, at, "shop.example.com", 200, "web")
	if err := first.Stop(); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		if status, text, err := get(t, http.DefaultClient, at, "shop.example.com"); err != nil || status != 200 {
			t.Fatalf("without the API server: %d %s, %v", status, text, err)
		}
	}
	second := start(t, controlplane.Options{Dir: dir})
	r.lead(t, second.RESTConfig())
	second.apply(t, `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: new, namespace: shop}
spec:
  parentRefs: [{name: edge}]
  hostnames: [new.example.com]
  rules: [{backendRefs: [{name: web, port: 80}]}]
`)
	answers(t, http.DefaultClient, at, "new.example.com", 200, "web")
	answers(t, http.DefaultClient, at, "shop.example.com", 200, "web")
	second.says(t, "HTTPRoute", "shop", "new", `["Accepted=True/Accepted","ResolvedRefs=True/ResolvedRefs"]`, "parents", "0", "conditions")
}

// TestKindsMayBeInstalledLater: without a definition its kind is not watched, and with it
// it is.
func TestKindsMayBeInstalledLater(t *testing.T) {
	t.Parallel()
	c := start(t, controlplane.Options{})
	g := c.serve(t, "127.0.23.1")
	c.install(t, func(file string) bool { return strings.Contains(file, "grpcroutes") })
	c.apply(t, shop+service(t))
	const at = "http://127.0.23.1:20080/"
	answers(t, http.DefaultClient, at, "shop.example.com", 200, "web")
	if log := g.log.String(); !strings.Contains(log, "these kinds are not installed") || !strings.Contains(log, "GRPCRoute") {
		t.Errorf("it is not told what is not watched: %s", log)
	}
	c.install(t, nil)
	const call = `
apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: {name: calls, namespace: shop}
spec:
  parentRefs: [{name: edge}]
  hostnames: [calls.example.com]
`
	controlplane.Eventually(t, 60e9, "GRPCRoutes are served", controlplane.Holds(func() bool { return c.has(t, "GRPCRouteList") }))
	c.apply(t, call)
	c.says(t, "GRPCRoute", "shop", "calls", `["Accepted=True/Accepted","ResolvedRefs=True/ResolvedRefs"]`, "parents", "0", "conditions")
}
