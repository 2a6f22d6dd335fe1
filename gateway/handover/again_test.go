// SPDX-License-Identifier: Apache-2.0

package handover

import (
	"context"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// TestOnlyWhatIsStillOfferedIsTriedAgain: what was refused may be served later, and what
// was withdrawn since may not.
func TestOnlyWhatIsStillOfferedIsTriedAgain(t *testing.T) {
	t.Parallel()
	good, bad, other := text(t, "good"), text(t, "bad"), text(t, "other")
	refused := report{Live: sumOf(good), Refused: sumOf(bad), Fault: "the port is taken"}
	for what, tc := range map[string]struct {
		offered, serves string
		said            report
	}{
		"it is offered still":      {sumOf(bad), "good bad", report{Live: sumOf(bad)}},
		"what is served is":        {sumOf(good), "good", report{Live: sumOf(good)}},
		"something else is":        {sumOf(other), "good", refused},
		"nobody knows what is now": {"", "good", refused},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if tc.offered != "" {
					w.Header().Set(sumHeader, tc.offered)
				}
				w.WriteHeader(http.StatusNoContent)
			}))
			t.Cleanup(s.Close)
			var a applied
			dir := t.TempDir()
			f := NewFollower(FollowOptions{
				Address: s.Listener.Addr().String(), Token: file(t, filepath.Join(dir, "token"), "edge-1"),
				CA:    file(t, filepath.Join(dir, "ca.crt"), string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}))),
				Apply: func(_ context.Context, s *config.Snapshot) error { return a.apply(s) }, Log: logr.Discard(),
			})
			defer f.way.close()
			if err := f.serve(t.Context(), good); err != nil {
				t.Fatal(err)
			}
			if err := f.serve(t.Context(), bad); err == nil || f.said != refused {
				t.Fatalf("it is not refused: %+v", f.said)
			}
			a.good = true
			if err := f.ask(t.Context()); err != nil {
				t.Fatal(err)
			}
			if a.all() != tc.serves || f.said != tc.said || (f.refused == nil) != (tc.said.Refused == "") {
				t.Errorf("it served %q and says %+v", a.all(), f.said)
			}
		})
	}
}

// TestAHubSaysWhatItStillOffers, and nothing of what it has just withdrawn.
func TestAHubSaysWhatItStillOffers(t *testing.T) {
	t.Parallel()
	for what, tc := range map[string]struct {
		wait    time.Duration
		changes bool
	}{
		"nothing is new": {time.Millisecond, false},
		"something is":   {time.Hour, true},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			h := NewHub(Options{Identify: identify, Changed: func() {}, Log: logr.Discard(), Wait: tc.wait})
			sum := h.Offer("edge", text(t, "a"))
			req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, Path, strings.NewReader(`{"live":"`+sum+`"}`))
			req.Header.Set("Authorization", "Bearer edge-1")
			w, ended := httptest.NewRecorder(), make(chan struct{})
			go func() { defer close(ended); h.ServeHTTP(w, req) }()
			want := sum
			if tc.changes {
				eventually(t, "it is asked", func() bool { return len(h.Replicas("edge")) == 1 })
				h.Offer("edge", text(t, "b"))
				want = ""
			}
			<-ended
			if got := w.Header().Get(sumHeader); w.Code != http.StatusNoContent || got != want {
				t.Errorf("got %d with %q, want %q", w.Code, got, want)
			}
		})
	}
}
