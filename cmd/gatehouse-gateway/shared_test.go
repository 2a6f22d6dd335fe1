// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/ratelimit/shared/redistest"
	"github.com/gatehouse-sh/gatehouse/test/program"
)

// eventuallyLogged waits until a log has a text so many times.
func eventuallyLogged(t *testing.T, log *lines, text string, times int) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); strings.Count(log.String(), text) < times; <-time.After(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%q is not logged %d times: %s", text, times, log)
		}
	}
}

const (
	sharedLimit = 2000
	fewLimit    = 50
	shared      = `
listeners: [{name: web, address: "ADDRESS", protocol: HTTP}]
routes:
- {name: r, backends: [{name: b}], traffic: [p]}
- {name: few, matches: [{path: {exact: /few}}], backends: [{name: b}], traffic: [few]}
backends: [{name: b, endpoints: [%q]}]
stores: [{name: s, redis: {address: %q, timeout: 10s}}]
trafficPolicies:
- {name: p, store: s, onStoreFailure: %[3]s, rateLimits: [{name: all, key: [host], scope: Gateway, limit: {requests: %[4]d, per: 24h}}]}
- {name: few, store: s, onStoreFailure: %[3]s, rateLimits: [{name: all, key: [host], scope: Gateway, limit: {requests: %[5]d, per: 24h}}]}
`
)

// sharers are two gateways with one store.
type sharers struct {
	both   [2]*process
	client *http.Client
	began  time.Time
}

// flood sends n requests for a host and a path to each, and counts the answers. When
// half of them were sent it calls a function, if there is one.
func (s *sharers) flood(t *testing.T, host, path string, n int, half func()) map[int]int {
	t.Helper()
	var mu sync.Mutex
	got := map[int]int{}
	var sent [2]atomic.Int64
	var all sync.WaitGroup
	for i := range 16 {
		to := i % 2
		all.Go(func() {
			for {
				count := sent[to].Add(1)
				if count > int64(n) {
					return
				}
				if half != nil && to == 0 && count == int64(n/2) {
					half()
				}
				status, err := s.ask(t.Context(), s.both[to].address, host, path)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				got[status]++
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return got
}

func (s *sharers) ask(ctx context.Context, address, host, path string) (status int, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+path, nil)
	if err != nil {
		return 0, err
	}
	req.Host = host
	res, err := s.client.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body) // there is a problem document or nothing
	return res.StatusCode, err
}

// exceed sends half as many requests again as the limit lets in.
func (s *sharers) exceed(t *testing.T, host string) {
	t.Helper()
	got := s.flood(t, host, "/", sharedLimit*3/4, nil)
	free := int(time.Since(s.began)/(24*time.Hour/sharedLimit)) + 1 // what has become free meanwhile
	if got[204] < sharedLimit*99/100 || got[204] > sharedLimit*101/100+free || got[204]+got[429] != sharedLimit*3/2 {
		t.Errorf("%v of %d requests, want %d of 204 and the rest of 429", got, sharedLimit*3/2, sharedLimit)
	}
	t.Logf("%d of %d were let in by a limit of %d", got[204], sharedLimit*3/2, sharedLimit)
}

// logged waits until both have logged a text so many times.
func (s *sharers) logged(t *testing.T, text string, times int) {
	t.Helper()
	for _, p := range s.both {
		eventuallyLogged(t, p.log, text, times)
	}
}

// TestTwoProcessesShareALimit: of what is sent to both, they let in what one limit
// lets in, within one percent. Then their store is killed under load, and started again.
func TestTwoProcessesShareALimit(t *testing.T) {
	t.Parallel()
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	t.Cleanup(backend.Close)
	for _, failure := range []string{"Deny", "Local"} {
		t.Run(failure, func(t *testing.T) {
			t.Parallel()
			redis := redistest.Start(t)
			text := fmt.Sprintf(shared, backend.Listener.Addr(), redis.Address, failure, sharedLimit, fewLimit)
			s := &sharers{client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}}, began: time.Now()}
			t.Cleanup(s.client.CloseIdleConnections)
			for i := range s.both {
				s.both[i] = begin(t, program.Free(t), text, "1s")
			}
			s.exceed(t, "a")

			// Both together are within the limit of one of them, so all that is refused is
			// refused for want of the store.
			const n = sharedLimit / 4
			got := s.flood(t, "b", "/", n, redis.Kill)
			t.Logf("killed under load: %v", got)
			switch let := got[204]; {
			case failure == "Local" && let != 2*n:
				t.Errorf("killed under load: %v, want 204 for all", got)
			case failure == "Deny" && (let == 0 || got[503] == 0 || let+got[503] != 2*n):
				t.Errorf("killed under load: %v, want 204 first and then 503", got)
			}
			s.logged(t, "store lost", 1)
			got = s.flood(t, "c", "/few", 2*fewLimit, nil)
			switch let := got[204]; {
			case failure == "Local" && (let != 2*fewLimit || got[429] != 2*fewLimit):
				t.Errorf("without the store: %v, want 204 for %d of each process, and then 429", got, fewLimit)
			case failure == "Deny" && got[503] != 4*fewLimit:
				t.Errorf("without the store: %v, want 503 for all", got)
			}
			redis.Restart()
			s.logged(t, "store found", 2)
			s.exceed(t, "d")
		})
	}
}
