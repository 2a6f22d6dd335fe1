// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/go-logr/logr"

	"github.com/gatehouse-sh/gatehouse/gateway/handover"
	"github.com/gatehouse-sh/gatehouse/gateway/translate"
)

// TestWhatIsWithdrawnIsListenedForNoMore, where its objects cannot be deleted, too; and who
// is nobody's is told nothing.
func TestWhatIsWithdrawnIsListenedForNoMore(t *testing.T) {
	t.Parallel()
	edge, other := https(nil), https(nil)
	other.Gateway.Name = "other"
	for what, tc := range map[string]struct {
		left   []translate.Name
		now    []Served
		status int
		empty  bool
	}{
		"it is served":     {nil, []Served{edge}, 200, false},
		"it is left":       {[]translate.Name{edge.Gateway}, []Served{other}, 200, true},
		"it is gone":       {nil, []Served{other}, 404, true},
		"another one left": {[]translate.Name{other.Gateway}, []Served{edge}, 200, false},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			r := newIdle(t)
			r.hub = handover.NewHub(handover.Options{
				Identify: func(context.Context, netip.Addr, string) (handover.Identity, error) {
					return handover.Identity{Account: accountFor(edge.Gateway), Replica: "1"}, nil
				},
				Changed: func() {}, Log: logr.Discard(),
			})
			r.Serve(t.Context(), []Served{edge, other})
			r.Leftover(tc.left)
			r.Serve(t.Context(), tc.now)
			req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, handover.Path, strings.NewReader("{}"))
			req.Header.Set("Authorization", "Bearer t")
			w := httptest.NewRecorder()
			r.hub.ServeHTTP(w, req)
			if w.Code != tc.status || (w.Body.Len() == 0) != tc.empty {
				t.Errorf("got %d with %d bytes", w.Code, w.Body.Len())
			}
		})
	}
}
