// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/go-logr/logr"
	"k8s.io/client-go/rest"
)

// TestAKindIsNotTakenForMissingTooSoon: an API server that has just begun does not know
// all definitions, and what guards may be among those.
func TestAKindIsNotTakenForMissingTooSoon(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		ready, whole []bool // at each look
		known        int    // the look after which it is known what there is
	}{
		"all is there at once":        {[]bool{true}, []bool{true}, 1},
		"a kind is there at no look":  {[]bool{true, true}, []bool{false, false}, 2},
		"a kind comes later":          {[]bool{true, true}, []bool{false, true}, 2},
		"the server is not ready yet": {[]bool{false, false, true, true}, []bool{false, false, false, false}, 4},
		"it is ready late, and whole": {[]bool{false, true}, []bool{false, true}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var ready, whole atomic.Bool
			api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				version, _ := strings.CutPrefix(strings.TrimPrefix(r.URL.Path, "/apis/"), "/api/")
				switch {
				case r.URL.Path == "/readyz" && ready.Load():
					fmt.Fprint(w, "ok")
				case r.URL.Path == "/readyz":
					http.Error(w, "[-]poststarthook/crd-informer-synced failed", http.StatusInternalServerError)
				case version == "gatehouse.sh/v1alpha1" && !whole.Load(), strings.Count(version, "/") > 1, r.URL.Query().Has("limit"), r.URL.Query().Has("watch"):
					http.NotFound(w, r)
				default:
					w.Header().Set("Content-Type", "application/json")
					fmt.Fprint(w, `{"kind":"APIResourceList","apiVersion":"v1","resources":[`)
					for i, k := range watched() {
						if i > 0 {
							fmt.Fprint(w, ",")
						}
						fmt.Fprintf(w, `{"name":%q}`, k.resource.Resource)
					}
					fmt.Fprint(w, "]}")
				}
			}))
			defer api.Close()
			c, err := New(&rest.Config{Host: api.URL}, Options{Plane: NewLocal(LocalOptions{Log: logr.Discard()}), Log: logr.Discard()})
			if err != nil {
				t.Fatal(err)
			}
			ctx, stop := contextOf(t)
			defer c.ending.Wait()
			defer stop()
			for i := range tc.ready {
				ready.Store(tc.ready[i])
				whole.Store(tc.whole[i])
				_, err := c.look(ctx)
				if tc.ready[i] != (err == nil) {
					t.Errorf("look %d: %v", i+1, err)
				}
				if want := i+1 >= tc.known; c.known != want {
					t.Errorf("after look %d it is known what there is: %v, want %v", i+1, c.known, want)
				}
			}
		})
	}
}
