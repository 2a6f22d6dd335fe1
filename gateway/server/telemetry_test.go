// SPDX-License-Identifier: Apache-2.0

package server

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr/testr"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	spans "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// written is an io.Writer that may be read when nobody writes any more.
type written struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (w *written) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.Write(p)
}

// told serves a snapshot, lets use make requests, ends the server, and returns the
// lines of decisions.
func told(t *testing.T, snap *config.Snapshot, use func(addresses map[string]string)) []map[string]any {
	t.Helper()
	var out written
	s := New(testr.NewWithInterface(t, testr.Options{}), &out)
	if err := s.Apply(t.Context(), snap); err != nil {
		t.Fatal(err)
	}
	addresses := map[string]string{}
	for name, a := range s.Addresses() {
		addresses[name] = a.String()
	}
	use(addresses)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	s.Close(ctx)
	var lines []map[string]any
	for line := range strings.Lines(out.b.String()) {
		var decoded map[string]any
		if err := json.Unmarshal([]byte(line), &decoded); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		lines = append(lines, decoded)
	}
	return lines
}

func TestEachRequestIsToldOfOnce(t *testing.T) {
	t.Parallel()
	snap := snapshot(backend(t, echo))
	snap.Routes[0].Matches = []config.Match{{Path: config.PathMatch{Prefix: "/a"}}}
	snap.Telemetry.Decisions = config.Decisions{Query: "Full", Header: []string{"User-Agent"}}
	var answered []string
	lines := told(t, snap, func(at map[string]string) {
		for _, request := range []string{
			"POST /a?q=1&access_token=hush HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer hush\r\nCookie: hush\r\nUser-Agent: me\r\nX-Request-Id: mine\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc",
			"GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
			"GET /a%00 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
			"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
			"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nnone\r\n",
			"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\nabc\r\n",
			"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
		} {
			answered = append(answered, raw(t, at["plain"], request))
		}
	})
	if len(lines) != 7 {
		t.Fatalf("there are %d lines, want 7: %v", len(lines), lines)
	}
	for i, want := range []map[string]any{
		{"status": 200., "route": "all", "backend": "b", "method": "POST", "path": "/a", "query": "q=1&access_token=[redacted]", "host": "x", "client": "127.0.0.1", "received": 3., "header.user-agent": "me", "scheme": "http", "protocol": "HTTP/1.1", "listener": "plain"},
		{"status": 404., "reason": "no-route", "route": nil, "path": "/nowhere"},
		{"status": 400., "reason": "bad-path", "path": nil, "client": "127.0.0.1"},
		{"status": 400., "reason": "two-framings", "path": nil, "client": "127.0.0.1", "listener": "plain"},
		{"status": 400., "reason": "bad-body", "path": "/a", "route": "all"},
		{"status": 400., "reason": "bad-body", "path": "/a", "route": "all"},
		{"status": 400., "reason": "bad-target", "path": nil, "client": "127.0.0.1"},
	} {
		for name, value := range want {
			if lines[i][name] != value {
				t.Errorf("line %d: %s is %v, want %v", i, name, lines[i][name], value)
			}
		}
	}
	id, _ := lines[0]["id"].(string)
	if len(id) != 32 || !strings.Contains(answered[0], "X-Request-Id: "+id) || strings.Count(answered[0], id) != 2 {
		t.Errorf("the request is %q in the log, and client and backend have:\n%s", id, answered[0])
	}
	if sent, seconds := lines[0]["sent"].(float64), lines[0]["seconds"].(float64); sent == 0 || seconds == 0 {
		t.Errorf("got %v bytes in %v s", sent, seconds)
	}
	if all, err := json.Marshal(lines); err != nil || strings.Contains(string(all), "hush") {
		t.Errorf("a secret is told: %s %v", all, err)
	}
}

func TestATrustedProxyNamesRequests(t *testing.T) {
	t.Parallel()
	snap := snapshot(backend(t, echo))
	snap.Listeners[0].Client.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	lines := told(t, snap, func(at map[string]string) {
		raw(t, at["plain"], "GET / HTTP/1.1\r\nHost: x\r\nX-Request-Id: theirs\r\nConnection: close\r\n\r\n")
		raw(t, at["plain"], "GET / HTTP/1.1\r\nHost: x\r\nX-Request-Id: "+strings.Repeat("x", 129)+"\r\nConnection: close\r\n\r\n")
	})
	if len(lines) != 2 || lines[0]["id"] != "theirs" || lines[1]["id"] == strings.Repeat("x", 129) {
		t.Errorf("got %v", lines)
	}
}

func TestMetricsAndProbesAreAnswered(t *testing.T) {
	t.Parallel()
	snap := snapshot(backend(t, echo))
	local := netip.MustParseAddrPort("127.0.0.1:0")
	snap.Telemetry.Metrics, snap.Telemetry.Admin = local, local
	told(t, snap, func(at map[string]string) {
		raw(t, at["plain"], "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		for _, tc := range []struct{ side, path, host, want string }{
			{"metrics", "/metrics", "x", `gatehouse_gateway_requests_total{listener="plain",route="all",status="2xx"} 1`},
			{"metrics", "/metrics", "x", `gatehouse_gateway_backend_seconds_count{backend="b"} 1`},
			{"metrics", "/metrics", "x", `gatehouse_gateway_configuration_refused_total 0`},
			{"metrics", "/healthz", "x", "200 OK"},
			{"metrics", "/readyz", "x", "200 OK"},
			{"metrics", "/configuration", "x", "404 Not Found"},
			{"admin", "/configuration", "127.0.0.1", "redirectToHTTPS: 443"},
			{"admin", "/configuration", "evil.example", "421 Misdirected Request"},
			{"admin", "/debug/pprof/goroutine?debug=1", "localhost:1", "goroutine profile: total"},
			{"admin", "/debug/pprof/nothing", "[::1]", "404 Not Found"},
			{"admin", "/debug/pprof/profile?seconds=1", "localhost", "200 OK"},
		} {
			if got := raw(t, at[tc.side], "GET "+tc.path+" HTTP/1.1\r\nHost: "+tc.host+"\r\nConnection: close\r\n\r\n"); !strings.Contains(got, tc.want) {
				t.Errorf("%s %s of %s: there is no %q in\n%.400s", tc.side, tc.path, tc.host, tc.want, got)
			}
		}
	})
}

// collecting is a collector that speaks OTLP over HTTP. What it got may be read when it is
// closed.
func collecting(t *testing.T) (*httptest.Server, *[]*spans.ResourceSpans) {
	t.Helper()
	var mu sync.Mutex
	got := new([]*spans.ResourceSpans)
	otlp := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var sent collector.ExportTraceServiceRequest
		if err != nil || proto.Unmarshal(body, &sent) != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		*got = append(*got, sent.GetResourceSpans()...)
	}))
	t.Cleanup(otlp.Close)
	return otlp, got
}

// spansOf are those of all resources, in their order.
func spansOf(resources []*spans.ResourceSpans) (out []*spans.Span) {
	for _, resource := range resources {
		for _, scope := range resource.GetScopeSpans() {
			out = append(out, scope.GetSpans()...)
		}
	}
	return out
}

func TestSpansAreSent(t *testing.T) {
	t.Parallel()
	otlp, resources := collecting(t)
	snap := snapshot(backend(t, echo))
	snap.Telemetry.Tracing = &config.Tracing{Endpoint: otlp.URL, Ratio: 1}
	const theirs = "4bf92f3577b34da6a3ce929d0e0e4736"
	answered := ""
	lines := told(t, snap, func(at map[string]string) {
		answered = raw(t, at["plain"], "GET /a HTTP/1.1\r\nHost: x\r\nTraceparent: 00-"+theirs+"-00f067aa0ba902b7-01\r\nConnection: close\r\n\r\n")
	})
	otlp.Close()
	got := spansOf(*resources)
	if len(lines) != 1 || len(got) != 2 {
		t.Fatalf("there are %d lines and %d spans, want 1 and 2", len(lines), len(got))
	}
	backend, server := got[0], got[1] // in the order in which they ended
	trace, _ := lines[0]["trace"].(string)
	if !bytes.Equal(backend.GetParentSpanId(), server.GetSpanId()) || !bytes.Equal(backend.GetTraceId(), server.GetTraceId()) {
		t.Error("the backend's span is not part of the request's")
	}
	if trace == theirs || len(trace) != 32 || !strings.Contains(answered, "Traceparent: 00-"+trace+"-") {
		t.Errorf("the trace is %q in the log, and the backend has:\n%s", trace, answered)
	}
	if len(server.GetLinks()) != 1 {
		t.Error("the client's trace is not linked to")
	}
}

func TestDecisionsGoWhereTheConfigurationSays(t *testing.T) {
	t.Parallel()
	snap := snapshot(backend(t, echo))
	file := t.TempDir() + "/decisions"
	var out written
	s := New(testr.NewWithInterface(t, testr.Options{}), &out)
	ask := func(path string) {
		t.Helper()
		if err := s.Apply(t.Context(), snap); err != nil {
			t.Fatal(err)
		}
		a := s.Addresses()["plain"]
		raw(t, a.String(), "GET "+path+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	}
	ask("/first")
	next := *snap
	snap = &next
	snap.Telemetry.Decisions.To = file
	ask("/second")
	after := next
	snap = &after
	snap.Telemetry.Decisions.To = "off"
	ask("/third")
	bad := after
	bad.Telemetry.Decisions.To = "/nowhere/x"
	if err := s.Apply(t.Context(), &bad); err == nil {
		t.Error("a file that cannot be opened is no error")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	s.Close(ctx)
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	in := string(content)
	for path, want := range map[string]struct{ out, file bool }{"/first": {out: true}, "/second": {file: true}, "/third": {}} {
		if strings.Contains(out.b.String(), path) != want.out || strings.Contains(in, path) != want.file {
			t.Errorf("%s: stdout has\n%sand the file has\n%s", path, out.b.String(), in)
		}
	}
}
