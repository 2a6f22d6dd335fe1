// SPDX-License-Identifier: Apache-2.0

package server

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// TestDecisionsAreToldWithWhoAskedAndWhatDecided: of requests that were let in, and of
// those that were not; never who it was.
func TestDecisionsAreToldWithWhoAskedAndWhatDecided(t *testing.T) {
	t.Parallel()
	snap := load(t)
	snap.TrafficPolicies = []config.TrafficPolicy{{Name: "few", RateLimits: []config.RateLimit{{
		Name: "one", Key: []string{"host"}, Limit: config.Limit{Requests: 1, Per: config.Duration(time.Hour)}, OnExceed: config.OnExceed{Action: config.Shadow},
	}}}}
	for i := range snap.Routes {
		snap.Routes[i].Traffic = []string{"few"}
	}
	type sent struct {
		host, target string
		lines        []string
		want         map[string]any // nil: not there
		who          bool
	}
	cases := []sent{
		{"tokens", "GET /", []string{bearer(t, nil)}, map[string]any{"status": 200., "by": "idp", "policy": "tokens", "rule": "any", "reason": nil, "shadow": nil}, true},
		{"tokens", "GET /", []string{bearer(t, nil)}, map[string]any{"status": 200., "by": "idp", "shadow": "few/one"}, true},
		{"tokens", "GET /", []string{"Authorization: Bearer no.to.ken"}, map[string]any{"status": 401., "policy": "tokens", "rule": nil, "reason": "token-malformed", "by": nil}, false},
		{"rules", "GET /build", []string{bearer(t, map[string]any{"banned": "true"})}, map[string]any{"status": 403., "by": "idp", "policy": "rules", "rule": "banned", "reason": "denied"}, true},
		{"rules", "GET /build", []string{"X-API-Key: open"}, map[string]any{"status": 200., "by": "keys", "policy": "rules", "rule": "ci"}, true},
		{"rules", "GET /health", nil, map[string]any{"status": 200., "policy": "rules", "rule": "health"}, false},
		{"rules", "GET /admin/closed/x", []string{"X-API-Key: open"}, map[string]any{"status": 403., "by": nil, "policy": "rules", "rule": "closed", "reason": "denied"}, false}, // nobody had to be asked for
		{"open", "GET /", nil, map[string]any{"status": 200., "policy": nil, "rule": nil, "by": nil}, false},
	}
	lines := told(t, snap, func(at map[string]string) {
		for _, c := range cases {
			raw(t, at["plain"], c.target+" HTTP/1.1\r\nHost: "+c.host+"\r\n"+strings.Join(append(c.lines, "Connection: close"), "\r\n")+"\r\n\r\n")
		}
	})
	if len(lines) != len(cases) {
		t.Fatalf("%d lines, want %d", len(lines), len(cases))
	}
	hash := regexp.MustCompile(`^[0-9a-f]{16}$`)
	for i, c := range cases {
		for name, want := range c.want {
			if lines[i][name] != want {
				t.Errorf("line %d: %s is %v, want %v", i, name, lines[i][name], want)
			}
		}
		if who, _ := lines[i]["principal"].(string); c.who && !hash.MatchString(who) {
			t.Errorf("line %d: the principal is %q", i, who)
		}
	}
	if lines[0]["principal"] != lines[1]["principal"] || lines[0]["principal"] == lines[4]["principal"] {
		t.Error("who is who cannot be told")
	}
	if all, err := json.Marshal(lines); err != nil || strings.Contains(string(all), `"ann"`) || strings.Contains(string(all), "no.to.ken") {
		t.Errorf("a name or a token is told: %s %v", all, err)
	}
}

// TestReadinessEndsFirst: while requests under way finish, nobody is to send more.
func TestReadinessEndsFirst(t *testing.T) {
	t.Parallel()
	arrived, hold := make(chan struct{}), make(chan struct{})
	snap := snapshot(backend(t, func(http.ResponseWriter, *http.Request) {
		close(arrived)
		<-hold
	}))
	snap.Telemetry.Metrics = snap.Listeners[0].Address
	s, at := start(t, snap)
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", at["plain"])
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	<-arrived
	const probe = " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
	if got := raw(t, at["metrics"], "GET /readyz"+probe); !strings.HasPrefix(got, "HTTP/1.1 200 ") {
		t.Errorf("before: %s", got)
	}
	ended := make(chan struct{})
	go func() { defer close(ended); s.Close(t.Context()) }()
	for deadline := time.Now().Add(20 * time.Second); ; <-time.After(time.Millisecond) {
		got := raw(t, at["metrics"], "GET /readyz"+probe)
		if strings.HasPrefix(got, "HTTP/1.1 503 ") && strings.Contains(got, "it is ending") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("it ends, and is ready: %s", got)
		}
	}
	if got := raw(t, at["metrics"], "GET /healthz"+probe); !strings.HasPrefix(got, "HTTP/1.1 200 ") {
		t.Errorf("it ends, and is not healthy: %s", got)
	}
	close(hold)
	<-ended
}

// TestWhoDecidesWhatIsTraced: who is trusted, and for all others the ratio.
func TestWhoDecidesWhatIsTraced(t *testing.T) {
	t.Parallel()
	const theirs = "4bf92f3577b34da6a3ce929d0e0e4736"
	for name, tc := range map[string]struct {
		ratio   float64
		trusted bool
		flags   string // "" is no trace of theirs
		spans   int
		own     bool // the trace is another one than theirs
	}{
		"a trusted proxy that samples":       {0, true, "01", 2, false},
		"a trusted proxy that does not":      {1, true, "00", 0, false},
		"a stranger who would":               {0, false, "01", 0, true},
		"a stranger who would not":           {1, false, "00", 2, true},
		"nobody, and all are to be sampled":  {1, true, "", 2, true},
		"nobody, and none are to be sampled": {0, true, "", 0, true},
	} {
		otlp, resources := collecting(t)
		snap := snapshot(backend(t, echo))
		snap.Telemetry.Tracing = &config.Tracing{Endpoint: otlp.URL, Ratio: tc.ratio, Service: "door"}
		if tc.trusted {
			snap.Listeners[0].Client.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
		}
		header := ""
		if tc.flags != "" {
			header = "Traceparent: 00-" + theirs + "-00f067aa0ba902b7-" + tc.flags + "\r\n"
		}
		answered := ""
		lines := told(t, snap, func(at map[string]string) {
			answered = raw(t, at["plain"], "GET /a HTTP/1.1\r\nHost: x\r\n"+header+"Connection: close\r\n\r\n")
		})
		otlp.Close()
		spans, service := len(spansOf(*resources)), ""
		if spans > 0 {
			service = (*resources)[0].GetResource().GetAttributes()[0].GetValue().GetStringValue()
		}
		if len(lines) != 1 || spans != tc.spans || tc.spans > 0 && service != "door" {
			t.Errorf("%s: %d lines and %d spans of %q, want 1 and %d", name, len(lines), spans, service, tc.spans)
			continue
		}
		trace, _ := lines[0]["trace"].(string)
		if (trace != theirs) != tc.own || !strings.Contains(answered, "Traceparent: 00-"+trace+"-") {
			t.Errorf("%s: the trace is %s, and the backend got\n%s", name, trace, answered)
		}
	}
}
