// SPDX-License-Identifier: Apache-2.0

package server

import (
	"bufio"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// TestLimitsOfWhoAsks: those that need to know come after authentication, those that
// do not come before, and both hold for what there is no route to.
func TestLimitsOfWhoAsks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) string {
		t.Helper()
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	secret := func(who string) string { return who + "-0123456789abcdef0123456789abcdef" }
	write("keys.txt", fmt.Sprintf("ann:%x claims=tier=gold\nbob:%x\n", sha256.Sum256([]byte(secret("ann"))), sha256.Sum256([]byte(secret("bob")))))
	file := write("gateway.yaml", strings.ReplaceAll(`
listeners: [{name: plain, address: "127.0.0.1:0", protocol: HTTP, access: [keys], traffic: [floor], client: {trustedProxies: [127.0.0.0/8]}}]
routes: [{name: r, hosts: [a], backends: [{name: b}]}]
backends: [{name: b, endpoints: [BACKEND]}]
accessPolicies:
- name: keys
  authentication: {anyOf: [{name: keys, apiKey: {from: {header: X-API-Key}, keysFile: keys.txt}}]}
  authorization: {rules: [{name: any, allow: {}}]}
trafficPolicies:
- name: floor
  rateLimits:
  - {name: address, key: [client.ip], limit: {requests: 6, per: 1h}}
  - name: who
    key: [principal]
    limit: {requests: 2, per: 1h}
    tiers: [{when: "principal.subject == 'ann'", requests: 3, per: 1h}]
`, "BACKEND", fmt.Sprintf("%q", backend(t, echo).Endpoints[0])))
	loaded, err := config.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	_, at := start(t, loaded.Snapshot)
	for i, tc := range []struct{ from, host, key, want string }{
		{"1", "a", "", "401 missing"},
		{"1", "a", "wrong", "401 "},
		{"1", "a", secret("bob"), "200"},
		{"1", "none", secret("bob"), "404 no-route"}, // which counts
		{"1", "a", secret("bob"), "429 rate-limit"},
		{"1", "none", secret("bob"), "429 rate-limit"},
		{"1", "a", secret("ann"), "429 rate-limit"}, // the address is one too many, whoever asks
		{"1", "a", "", "429 rate-limit"},            // and before anybody is asked
		{"2", "a", secret("bob"), "429 rate-limit"}, // who is who from everywhere
		{"2", "a", secret("ann"), "200"},
		{"2", "a", secret("ann"), "200"},
		{"2", "a", secret("ann"), "200"},
		{"2", "a", secret("ann"), "429 rate-limit"},
	} {
		lines := ""
		if tc.key != "" {
			lines = "X-API-Key: " + tc.key + "\r\n"
		}
		got := raw(t, at["plain"], "GET / HTTP/1.1\r\nHost: "+tc.host+"\r\nX-Forwarded-For: 192.0.2."+tc.from+"\r\nConnection: close\r\n"+lines+"\r\n")
		status, reason, _ := strings.Cut(tc.want, " ")
		if reason == "missing" {
			reason = "" // the word is the access policy's
		}
		if got[9:12] != status || !strings.Contains(got, `"reason":"`+reason) && reason != "" {
			t.Errorf("request %d: got %s, want %s", i, got, tc.want)
		}
	}
}

// TestWhatIsUnderWayIsGivenBack: however a request ends.
func TestWhatIsUnderWayIsGivenBack(t *testing.T) {
	t.Parallel()
	arrived, hold := make(chan struct{}, 1), make(chan struct{})
	snap := snapshot(backend(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/cut": // a response that cannot be completed: the handler of the gateway panics
			w.Header().Set("Content-Length", "10")
			fmt.Fprint(w, "half")
			panic(http.ErrAbortHandler)
		case "/hold":
			arrived <- struct{}{}
			<-hold
		case "/wait":
			arrived <- struct{}{}
			<-r.Context().Done()
		case "/socket":
			c, in, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			fmt.Fprint(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
			_, _ = io.Copy(c, in) // until the client goes
		}
	}))
	snap.TrafficPolicies = []config.TrafficPolicy{{Name: "p", Concurrency: &config.Concurrency{Requests: 1, Key: []string{"host"}}}}
	snap.Listeners[0].Traffic = []string{"p"}
	_, at := start(t, snap)
	const end = " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
	// free waits until another request may come: what has ended for a client may end a
	// moment later in the gateway.
	free := func(after string) {
		t.Helper()
		for deadline := time.Now().Add(20 * time.Second); ; <-time.After(time.Millisecond) {
			got := raw(t, at["plain"], "GET /"+end)
			if got[9:12] == "200" {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("after %s: %s", after, got)
			}
		}
	}
	busy := func(while string) {
		t.Helper()
		if got := raw(t, at["plain"], "GET /"+end); !strings.Contains(got, `"reason":"concurrency-limit"`) || got[9:12] != "429" || !strings.Contains(got, "\r\nRetry-After: 1\r\n") {
			t.Errorf("while %s: %s", while, got)
		}
	}
	dial := func(request string) net.Conn {
		t.Helper()
		c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", at["plain"])
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(c, request)
		return c
	}
	free("nothing")
	raw(t, at["plain"], "GET /cut"+end)
	free("a panic")
	c := dial("GET /wait" + end)
	<-arrived
	busy("a request is under way")
	c.Close()
	free("a client that went")
	c = dial("GET /hold" + end)
	<-arrived
	hold <- struct{}{}
	if _, err := io.ReadAll(c); err != nil {
		t.Fatal(err)
	}
	free("an answer")
	c = dial("GET /socket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n\r\n")
	if line, err := bufio.NewReader(c).ReadString('\n'); err != nil || !strings.Contains(line, "101") {
		t.Fatalf("the socket: %q %v", line, err)
	}
	busy("a socket is open")
	c.Close()
	free("a socket")
}

// TestTheEndOfTheProcessEndsWaiting, and nobody waits longer than it takes.
func TestTheEndOfTheProcessEndsWaiting(t *testing.T) {
	t.Parallel()
	snap := snapshot(backend(t, echo))
	hour := config.Duration(time.Hour)
	snap.TrafficPolicies = []config.TrafficPolicy{{Name: "p", RateLimits: []config.RateLimit{
		{Name: "l", Limit: config.Limit{Requests: 60, Per: hour, Burst: 1}, OnExceed: config.OnExceed{Action: config.Queue, MaxWait: config.Duration(5 * time.Minute)}},
	}}}
	snap.Listeners[0].Traffic = []string{"p"}
	s, at := start(t, snap)
	const request = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
	if got := raw(t, at["plain"], request); got[9:12] != "200" {
		t.Fatal(got)
	}
	var all sync.WaitGroup
	for range 3 {
		c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", at["plain"])
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(c, request)
		all.Go(func() {
			defer c.Close()
			if err := c.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
				t.Error(err)
			}
			if got, err := io.ReadAll(c); err != nil || len(got) < 12 || string(got[9:12]) != "429" {
				t.Errorf("%s %v", got, err)
			}
		})
	}
	for deadline := time.Now().Add(20 * time.Second); s.proxy.Waiting() < 3; <-time.After(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("they do not wait")
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	s.Close(ctx)
	all.Wait()
}
