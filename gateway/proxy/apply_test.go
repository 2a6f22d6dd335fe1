// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// TestWhatIsNotAppliedChangesNothing: backends neither, of which requests are under way.
func TestWhatIsNotAppliedChangesNothing(t *testing.T) {
	t.Parallel()
	serve := func(status int) []netip.AddrPort {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		t.Cleanup(s.Close)
		return []netip.AddrPort{netip.MustParseAddrPort(s.Listener.Addr().String())}
	}
	p := New(nil)
	t.Cleanup(func() { p.Close(t.Context()) })
	snapshot := func(endpoints []netip.AddrPort, to string) *config.Snapshot {
		return &config.Snapshot{
			Listeners: []config.Listener{{Name: "l", Protocol: config.HTTP}},
			Routes:    []config.Route{{Name: "r", Target: config.Target{Backends: []config.Weighted{{Name: to}}}}},
			Backends:  []config.Backend{{Name: "b", Endpoints: endpoints}},
		}
	}
	expect := func(when string, want int) {
		t.Helper()
		w, r := httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		if p.Handler("l").ServeHTTP(w, r); w.Code != want {
			t.Errorf("%s: got %d, want %d", when, w.Code, want)
		}
	}
	old, other := serve(http.StatusOK), serve(http.StatusAccepted)
	if err := p.Apply(snapshot(old, "b"), nil, nil); err != nil {
		t.Fatal(err)
	}
	expect("the first", http.StatusOK)
	if err := p.Apply(snapshot(other, "missing"), nil, nil); err == nil {
		t.Fatal("a route to nowhere is applied")
	}
	expect("what could not be applied", http.StatusOK)
	if err := p.Apply(snapshot(other, "b"), nil, nil); err != nil {
		t.Fatal(err)
	}
	expect("what could", http.StatusAccepted)
}
