// SPDX-License-Identifier: Apache-2.0

package upstream

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/gateway/upstream/http1"
)

func TestUnhealthyEndpointsAreLeftOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, b := &fake{do: says(200)}, &fake{do: says(500)}
		backend := &config.Backend{Balance: "RoundRobin", Health: &config.Health{Path: "/healthz", Unhealthy: 2, Healthy: 2}}
		p := pool(t, backend, a, b)
		well := func() string {
			out := ""
			for _, e := range *p.endpoints.Load() {
				out += fmt.Sprint(!e.unhealthy.Load(), " ")
			}
			return out
		}
		expect := func(what, want string) {
			t.Helper()
			synctest.Wait()
			if got := well(); got != want {
				t.Errorf("%s: got %s, want %s", what, got, want)
			}
		}
		pause := func() { time.Sleep(13 * time.Second) }
		expect("one failure", "true true ")
		pause()
		expect("two failures", "true false ")
		asked := b.times()
		same := *backend
		p.update(&same)
		expect("a new configuration changes nothing", "true false ")
		for range 10 {
			if status, err := send(t.Context(), p, "GET", once); status != 200 || err != nil {
				t.Fatal(status, err)
			}
		}
		if b.times() != asked {
			t.Error("the unhealthy one was asked, or the checks began anew")
		}
		b.set(says(200))
		pause()
		pause()
		expect("it is well again", "true true ")
		a.set(fails(http1.Connecting))
		b.set(fails(http1.Connecting))
		pause()
		pause()
		expect("both are ill", "false false ")
		a.set(says(200))
		b.set(says(200))
		if status, err := send(t.Context(), p, "GET", once); status != 200 || err != nil {
			t.Errorf("all are ill: got %d, %v", status, err)
		}
		refuse := *backend
		refuse.AllUnhealthy = "Refuse"
		p.update(&refuse)
		if _, err := send(t.Context(), p, "GET", once); !errors.Is(err, ErrUnhealthy) {
			t.Errorf("all are ill, and nobody is to be served: got %v", err)
		}
		p.close()
	})
}

// healthOf tells what one check says of an address.
func healthOf(t *testing.T, h config.Health, address string) error {
	t.Helper()
	p := newPool("b", "", nil, Own)
	e := p.newEndpoint(address)
	defer e.sender.Close()
	return (&checker{config: h}).ask(t.Context(), p, e)
}

func TestWhatAnEndpointIsAskedByItsCheck(t *testing.T) {
	t.Parallel()
	var asked atomic.Value
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Store(r.Method + " " + r.Host + r.RequestURI)
		w.WriteHeader(http.StatusTeapot)
	}))
	t.Cleanup(s.Close)
	address := s.Listener.Addr().String()
	for name, tc := range map[string]struct {
		health config.Health
		asked  string
		well   bool
	}{
		"a status that is none of well":  {config.Health{Path: "/healthz"}, "GET " + address + "/healthz", false},
		"one of those that are said":     {config.Health{Path: "/healthz", Statuses: []int{200, 418}}, "GET " + address + "/healthz", true},
		"none of those that are said":    {config.Health{Path: "/healthz", Statuses: []int{200}}, "GET " + address + "/healthz", false},
		"another host":                   {config.Health{Path: "/healthz?deep=1", Host: "shop.example.com"}, "GET shop.example.com/healthz?deep=1", false},
		"a connection, and nothing more": {config.Health{}, "", true},
	} {
		asked.Store("")
		err := healthOf(t, tc.health, address)
		if got := asked.Load(); got != tc.asked || (err == nil) != tc.well {
			t.Errorf("%s: it was asked %q, want %q; %v", name, got, tc.asked, err)
		}
	}
}

func TestAnEndpointThatTakesNoConnectionIsNotWell(t *testing.T) {
	t.Parallel()
	if err := healthOf(t, config.Health{}, "127.0.0.1:1"); err == nil {
		t.Error("it is said to be well")
	}
}
