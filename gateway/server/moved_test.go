// SPDX-License-Identifier: Apache-2.0

package server

import (
	"net"
	"net/http"
	"net/netip"
	"testing"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/test/pki"
)

// TestAnAddressGoesOverToAListenerOfAnotherName: at once, with what it says now, and
// without a moment in which nobody listens.
func TestAnAddressGoesOverToAListenerOfAnotherName(t *testing.T) {
	t.Parallel()
	free, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := netip.MustParseAddrPort(free.Addr().String())
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	servers := pki.New(t, "servers")
	b := backend(t, echo)
	plain := &config.Snapshot{
		Listeners: []config.Listener{{Name: "http", Address: at, Protocol: config.HTTP}},
		Routes:    []config.Route{{Name: "all", Target: config.Target{Backends: []config.Weighted{{Name: "b"}}}}}, Backends: []config.Backend{b},
	}
	secure := *plain
	secure.Certificates = []config.Certificate{certificate(t, "a", servers.For(t, "a.example.com"))}
	secure.Listeners = []config.Listener{{Name: "https", Address: at, Protocol: config.HTTPS, TLS: &config.TLS{Certificates: []string{"a"}}}}
	s, _ := start(t, plain)
	for range 20 {
		if err := s.Apply(t.Context(), &secure); err != nil {
			t.Fatal(err)
		}
		if got, err := ask(t, newPeer(at.String(), servers).transport(t), "https://a.example.com/"); err != nil || got.status != http.StatusOK {
			t.Fatalf("by TLS: got %+v, %v", got, err)
		}
		if err := s.Apply(t.Context(), plain); err != nil {
			t.Fatal(err)
		}
		if got, err := ask(t, newPeer(at.String(), servers).transport(t), "http://a.example.com/"); err != nil || got.status != http.StatusOK {
			t.Fatalf("in clear: got %+v, %v", got, err)
		}
	}
	// What cannot be served does not take it.
	faulty := secure
	faulty.Listeners = append([]config.Listener{}, secure.Listeners[0], config.Listener{Name: "taken", Address: b.Endpoints[0], Protocol: config.HTTP})
	if err := s.Apply(t.Context(), &faulty); err == nil {
		t.Fatal("an address that somebody else has is listened on")
	}
	if got, err := ask(t, newPeer(at.String(), servers).transport(t), "http://a.example.com/"); err != nil || got.status != http.StatusOK {
		t.Errorf("after that: got %+v, %v", got, err)
	}
}
