// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/go-logr/logr/funcr"

	"github.com/gatehouse-sh/gatehouse/gateway/auth/jwks"
	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// faulty is a filter with a fault of ours.
type faulty struct{}

func (faulty) Judge(*Exchange) Decision {
	var x *Exchange
	return Decision{Reason: x.Route}
}

// told makes a proxy whose log is read.
func told(t *testing.T) (*Proxy, *strings.Builder) {
	t.Helper()
	p, log := New(nil), &strings.Builder{}
	p.Log = funcr.New(func(_, args string) { log.WriteString(args + "\n") }, funcr.Options{})
	return p, log
}

// What is wrong with the gateway is its operators' to know, and lets nobody in.
func TestFaultsOfOursAreTold(t *testing.T) {
	t.Parallel()
	p, log := told(t)
	if err := p.Apply(&config.Snapshot{
		Listeners: []config.Listener{{Name: "l", Address: netip.MustParseAddrPort("127.0.0.1:1"), Protocol: config.HTTP}},
		Routes:    []config.Route{{Name: "r", Target: config.Target{Redirect: &config.Redirect{Scheme: "https"}}}},
	}, nil, nil); err != nil {
		t.Fatal(err)
	}
	p.current.Load().listeners["l"].guard.traffic.enforced = []Filter{faulty{}}
	s := httptest.NewServer(p.Handler("l"))
	defer s.Close()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusInternalServerError || !strings.Contains(string(body), `"reason":"fault"`) || !res.Close {
		t.Errorf("got %d %s %v", res.StatusCode, body, err)
	}
	for _, want := range []string{"a fault of the gateway", "nil pointer dereference", "operate_test.go"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("there is no %q in %s", want, log)
		}
	}
}

func TestOperatorsAreToldOfKeysAndStores(t *testing.T) {
	t.Parallel()
	p, log := told(t)
	p.fetched("idp", jwks.Status{Keys: 2})
	if log.Len() > 0 {
		t.Errorf("what goes well is told: %s", log)
	}
	p.fetched("idp", jwks.Status{Keys: 2, Err: errors.New("the answer is 500")})
	p.found("redis", errors.New("refused"))
	p.found("redis", nil)
	for _, want := range []string{`"keySet"="idp" "keysInUse"=2 "reason"="the answer is 500"`, `"store lost" "store"="redis" "reason"="refused"`, `"store found" "store"="redis"`} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("there is no %s in\n%s", want, log)
		}
	}
}
