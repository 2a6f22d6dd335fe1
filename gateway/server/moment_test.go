// SPDX-License-Identifier: Apache-2.0

package server

import (
	"crypto/sha256"
	"fmt"
	"testing"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/test/pki"
)

// TestNobodySlipsThroughAChange from keys to certificates of clients or back: between the
// moment in which policies change and the one in which handshakes do, whichever is first,
// who has shown neither is let in by neither.
func TestNobodySlipsThroughAChange(t *testing.T) {
	t.Parallel()
	servers, clients := pki.New(t, "servers"), pki.New(t, "clients")
	byKey := secureSnapshot(t, servers, nil)
	byKey.Listeners = byKey.Listeners[:2]
	byCertificate := *byKey
	byCertificate.Listeners = append([]config.Listener{}, byKey.Listeners...)
	byCertificate.Listeners[1].TLS = &config.TLS{Certificates: []string{"ab", "c"}, Client: &config.ClientCertificates{CAs: [][]byte{clients.PEM}}}
	byKey.Listeners[1].Access = []string{"keys"}
	keys := config.Authenticator{Name: "keys", APIKey: &config.APIKey{From: config.HeaderSource{Header: "X-API-Key"}, Keys: fmt.Appendf(nil, "ci:%x\n", sha256.Sum256([]byte("open")))}}
	byKey.AccessPolicies = []config.AccessPolicy{{
		Name: "keys", Authentication: config.Authentication{AnyOf: []config.Authenticator{keys}},
		Authorization: config.Authorization{Rules: []config.AccessRule{{Name: "any", Allow: &config.Condition{}}}},
	}}
	s, at := start(t, byKey)
	made := func(snap *config.Snapshot) ([]*settings, map[string]any) {
		t.Helper()
		out, terms := make([]*settings, 2), map[string]any{}
		for i := range out {
			var err error
			if out[i], err = s.settings(snap, &snap.Listeners[i], s.store); err != nil {
				t.Fatal(err)
			}
		}
		terms["secure"] = out[1].secure
		return out, terms
	}
	status := func(when string, want int) {
		t.Helper()
		got, err := ask(t, newPeer(at["secure"], servers).transport(t), "https://a.example.com/")
		if got.status != want {
			t.Errorf("%s: got %d %v, want %d", when, got.status, err, want)
		}
	}
	apply := func(snap *config.Snapshot) {
		t.Helper()
		if err := s.Apply(t.Context(), snap); err != nil {
			t.Fatal(err)
		}
	}
	status("by keys", 401)
	_, terms := made(&byCertificate)
	if err := s.proxy.Apply(&byCertificate, s.store, terms); err != nil {
		t.Fatal(err)
	}
	status("policies have changed, handshakes have not", 421)
	apply(&byCertificate)
	status("by certificates", 0) // refused in the handshake
	handshakes, _ := made(byKey)
	s.mu.Lock()
	s.replace(byKey, handshakes, nil)
	s.mu.Unlock()
	status("handshakes have changed, policies have not", 421)
	apply(byKey)
	status("by keys again", 401)
}
