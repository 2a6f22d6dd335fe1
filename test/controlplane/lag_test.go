// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"k8s.io/client-go/rest"
)

// TestWatchesLagAndOtherRequestsDoNot: the pieces come whole, in order and late.
func TestWatchesLagAndOtherRequestsDoNot(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		for _, piece := range []string{"one ", "two ", "three"} {
			_, _ = io.WriteString(w, piece) // the client says what is missing
			_ = http.NewResponseController(w).Flush()
		}
		if req.URL.Query().Has("hold") {
			<-req.Context().Done()
		}
	}))
	t.Cleanup(server.Close)
	const late = 300 * time.Millisecond
	lag := &Lag{}
	lag.Set(func(resource string) time.Duration {
		if resource == "pods" {
			return late
		}
		return 0
	})
	client, err := rest.HTTPClientFor(lag.Slow(&rest.Config{Host: server.URL}))
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		path string
		late bool
	}{
		"a watch that lags":               {"/api/v1/pods?watch=true", true},
		"a watch of another kind":         {"/api/v1/services?watch=true", false},
		"a list":                          {"/api/v1/pods", false},
		"a list that says it is no watch": {"/api/v1/pods?watch=false", false},
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			resp := get(t, client, server.URL+tc.path)
			body, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if took := time.Since(start); err != nil || string(body) != "one two three" || (took >= late) != tc.late {
				t.Errorf("%q %v after %s", body, err, took)
			}
		})
	}
	t.Run("what waits is let go when the lag ends", func(t *testing.T) {
		lag.SetAll(time.Hour)
		resp := get(t, client, server.URL+"/api/v1/pods?watch=true")
		defer resp.Body.Close()
		time.AfterFunc(50*time.Millisecond, func() { lag.SetAll(0) })
		if body, err := io.ReadAll(resp.Body); err != nil || string(body) != "one two three" {
			t.Errorf("%q %v", body, err)
		}
	})
	t.Run("a watch that is given up returns at once", func(t *testing.T) {
		lag.SetAll(time.Hour)
		resp := get(t, client, server.URL+"/api/v1/pods?watch=true&hold=1")
		time.AfterFunc(50*time.Millisecond, func() { resp.Body.Close() })
		if n, err := io.ReadAll(resp.Body); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("%q %v", n, err)
		}
	})
}

func get(t *testing.T, client *http.Client, url string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	return resp
}
