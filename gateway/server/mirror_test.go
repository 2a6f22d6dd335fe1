// SPDX-License-Identifier: Apache-2.0

package server

import (
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// TestMirrorsGetCopies: what they get, and that it changes nothing for the client.
func TestMirrorsGetCopies(t *testing.T) {
	t.Parallel()
	got := make(chan string, 1000)
	mirror := backend(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusTeapot) // nobody learns of it
		got <- fmt.Sprintf("%s %s %s %s %d", r.Method, r.RequestURI, r.Host, r.Header.Get("X-A"), len(body))
	})
	mirror.Name = "mirror"
	snap := snapshot(backend(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/late" {
			_ = http.NewResponseController(w).EnableFullDuplex() // or nothing more is read
			w.WriteHeader(http.StatusOK)
			_ = http.NewResponseController(w).Flush() // before it has read anything
		}
		echo(w, r)
	}))
	all := snap.Routes[0].Target
	half, none := 1, 0
	at := func(path string, mirrors ...config.Mirror) config.Route {
		r := config.Route{Name: strings.TrimPrefix(path, "/"), Matches: []config.Match{{Path: config.PathMatch{Prefix: path}}}, Target: all}
		r.Mirrors, r.Request = mirrors, config.HeaderEdit{Set: map[string]string{"X-A": "set"}}
		return r
	}
	shared := at("/share", config.Mirror{Backend: "mirror"})
	shared.Backends = []config.Weighted{{Name: "b", Request: config.HeaderEdit{Set: map[string]string{"X-A": "of one backend"}}}}
	gone := at("/gone", config.Mirror{Backend: "mirror"})
	gone.Backends = []config.Weighted{{Name: "gone"}}
	snap.Backends = append(snap.Backends, mirror, config.Backend{Name: "gone"}, config.Backend{Name: "dead", Endpoints: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:1")}})
	snap.Routes = []config.Route{
		at("/every", config.Mirror{Backend: "mirror"}), at("/late", config.Mirror{Backend: "mirror"}),
		at("/both", config.Mirror{Backend: "mirror"}, config.Mirror{Backend: "mirror"}), at("/half", config.Mirror{Backend: "mirror", Numerator: &half, Denominator: 2}),
		at("/none", config.Mirror{Backend: "mirror", Numerator: &none}), at("/dead", config.Mirror{Backend: "dead"}), gone, shared,
	}
	snap.Telemetry.Metrics = netip.MustParseAddrPort("127.0.0.1:0")
	_, addresses := start(t, snap)
	ask := func(method, path string, body int) int {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, "http://"+addresses["plain"]+path, strings.NewReader(strings.Repeat("x", body)))
		if err != nil {
			t.Fatal(err)
		}
		req.Host = "shop.example"
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, res.Body); err != nil {
			t.Error(err)
		}
		_ = res.Body.Close()
		return res.StatusCode
	}
	for name, tc := range map[string]struct {
		method, path string
		body, status int
		want         []string
	}{
		"without a body":            {"GET", "/every?a=b", 0, 200, []string{"GET /every?a=b shop.example set 0"}},
		"with a body":               {"POST", "/every", 5, 200, []string{"POST /every shop.example set 5"}},
		"with a body that is sent":  {"POST", "/every", 60 << 10, 200, []string{"POST /every shop.example set 61440"}},
		"after the answer":          {"POST", "/late", 60 << 10, 200, []string{"POST /late shop.example set 61440"}},
		"to two":                    {"PUT", "/both", 3, 200, []string{"PUT /both shop.example set 3", "PUT /both shop.example set 3"}},
		"without what is another's": {"GET", "/share", 0, 200, []string{"GET /share shop.example set 0"}},
		"what could not be sent":    {"GET", "/gone", 0, 503, []string{"GET /gone shop.example set 0"}},
	} {
		if status := ask(tc.method, tc.path, tc.body); status != tc.status {
			t.Errorf("%s: got %d, want %d", name, status, tc.status)
		}
		for _, want := range tc.want {
			if g := <-got; g != want {
				t.Errorf("%s: the mirror got %q, want %q", name, g, want)
			}
		}
	}
	for path, want := range map[string]int{"/none": 200, "/dead": 200} {
		if status := ask("GET", path, 0); status != want {
			t.Errorf("%s: got %d", path, status)
		}
	}
	if status := ask("POST", "/every", 70<<10); status != 200 {
		t.Errorf("a long body: got %d", status)
	}
	const tries = 400
	for range tries {
		ask("GET", "/half", 0)
	}
	for deadline := time.Now().Add(10 * time.Second); ; {
		text := raw(t, addresses["metrics"], "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		missing := ""
		for _, want := range []string{`"mirror",outcome="dropped"} 1`, `"dead",outcome="failed"} 1`, fmt.Sprintf(`"mirror",outcome="sent"} %d`, 8+len(got))} {
			if !strings.Contains(text, "gatehouse_gateway_mirrored_total{backend="+want+"\n") {
				missing = want
			}
		}
		if missing == "" {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("there is no %s in\n%s", missing, text)
		}
	}
	// Outside of these bounds is one of 10^20 runs.
	if n := len(got); n < tries/4 || n > tries*3/4 {
		t.Errorf("the mirror got %d of %d, want a half", n, tries)
	}
}
