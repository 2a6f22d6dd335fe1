// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"

	"github.com/gatehouse-sh/gatehouse/test/program"
)

// TestManyRoutesFitIntoASmallProcess: with 5,000 routes to 500 backends, the process never
// holds more than 64 MiB, its start and 1,000 requests included.
func TestManyRoutesFitIntoASmallProcess(t *testing.T) {
	t.Parallel()
	const routes, backends, requests, most = 5000, 500, 1000, 64 << 10
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	t.Cleanup(backend.Close)
	var text strings.Builder
	text.WriteString("listeners: [{name: web, address: \"ADDRESS\", protocol: HTTP}]\ntelemetry: {decisions: {to: \"off\"}}\nbackends:\n")
	for i := range backends {
		fmt.Fprintf(&text, "- {name: b%d, endpoints: [%q]}\n", i, backend.Listener.Addr())
	}
	text.WriteString("routes:\n")
	for i := range routes {
		fmt.Fprintf(&text, "- {name: r%d, hosts: [h%d.example.com], matches: [{path: {prefix: /p%d}}], backends: [{name: b%d}]}\n", i, i%backends, i, i%backends)
	}
	address := program.Free(t)
	// The program as it is released: a test's own binary has symbols, and links the tests.
	p := program.Start(t, address, syscall.SIGTERM, program.Gateway(t), "--config", write(t, strings.Replace(text.String(), "ADDRESS", address, 1)), "--drain", "1s")
	for i := range requests {
		n := i * (routes / requests)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, fmt.Sprintf("http://%s/p%d", address, n), nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = fmt.Sprintf("h%d.example.com", n%backends)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close() // there is none
		if res.StatusCode != http.StatusNoContent {
			t.Fatalf("route %d answers %s", n, res.Status)
		}
	}
	if held := program.Peak(t, p.Pid()); held > most {
		t.Errorf("it held %d KiB", held)
	} else {
		t.Logf("it held %d KiB", held)
	}
}
