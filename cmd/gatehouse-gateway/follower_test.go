// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/gateway/handover"
	"github.com/gatehouse-sh/gatehouse/test/pki"
	"github.com/gatehouse-sh/gatehouse/test/program"
)

// TestWhatIsHandedOverIsServed: a data plane is ready once it serves something, serves
// what comes after, and nothing any more when that is what is offered.
func TestWhatIsHandedOverIsServed(t *testing.T) {
	t.Parallel()
	authority := pki.New(t, "authority")
	certificate := authority.For(t, "localhost")
	hub := handover.NewHub(handover.Options{
		Identify: func(_ context.Context, _ netip.Addr, token string) (handover.Identity, error) {
			return handover.Identity{Account: token, Replica: "1"}, nil
		},
		Changed: func() {}, Log: logr.Discard(),
	})
	socket, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp4", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	s := hub.Server(func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &certificate, nil })
	go func() { _ = s.ServeTLS(socket, "", "") }() // until the test ends
	t.Cleanup(func() { s.Close() })
	_, port, err := net.SplitHostPort(socket.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	for name, text := range map[string]string{"ca.crt": string(authority.PEM), "token": "shop/edge\n"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	web, side, log := program.Free(t), program.Free(t), &lines{}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{
			"--control", "localhost:" + port, "--ca", filepath.Join(folder, "ca.crt"), "--token", filepath.Join(folder, "token"), "--keep", folder, "--metrics", side, "--drain", "100ms",
		}, log, log)
	}()
	answers := func(url string, want int) {
		t.Helper()
		for deadline := time.Now().Add(time.Minute); ; <-time.After(time.Millisecond) {
			got := 0
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
			if err != nil {
				t.Fatal(err)
			}
			if res, err := http.DefaultClient.Do(req); err == nil {
				got = res.StatusCode
				res.Body.Close()
			}
			if got == want {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s: got %d, want %d\n%s", url, got, want, log)
			}
		}
	}
	answers("http://"+side+"/readyz", 503)
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	t.Cleanup(backend.Close)
	snapshot, err := config.Decode("", []byte(fmt.Sprintf("listeners: [{name: web, address: %q, protocol: HTTP}]\nroutes: [{name: r, backends: [{name: b}]}]\nbackends: [{name: b, endpoints: [%q]}]\n", web, backend.Listener.Addr())))
	if err != nil {
		t.Fatal(err)
	}
	offer := func(s *config.Snapshot) {
		t.Helper()
		text, err := s.Encode()
		if err != nil {
			t.Fatal(err)
		}
		hub.Offer("shop/edge", text)
	}
	offer(snapshot)
	answers("http://"+web+"/", http.StatusTeapot)
	answers("http://"+side+"/readyz", 200)
	answers("http://"+side+"/metrics", 200)
	bad := *snapshot
	bad.Backends = append([]config.Backend(nil), bad.Backends...)
	bad.Backends[0].Endpoints = []netip.AddrPort{{}} // no server would take it
	offer(&bad)
	eventuallyLogged(t, log, "configuration refused, the last good one stays", 1)
	answers("http://"+web+"/", http.StatusTeapot)
	hub.Offer("shop/edge", nil)
	answers("http://"+web+"/", 0)
	answers("http://"+side+"/readyz", 200)
	stop()
	if code := <-ended; code != 0 {
		t.Errorf("it ended with %d: %s", code, log)
	}
	if strings.Contains(log.String(), "shop/edge\n") {
		t.Error("the token is logged")
	}
}
