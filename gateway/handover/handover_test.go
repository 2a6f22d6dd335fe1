// SPDX-License-Identifier: Apache-2.0

package handover

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/test/pki"
)

// tokens are of accounts: "edge-1" is of the replica 1 of the account edge.
func identify(_ context.Context, _ netip.Addr, token string) (Identity, error) {
	account, replica, is := strings.Cut(token, "-")
	switch {
	case token == "unclear":
		return Identity{}, errors.New("the one to ask is away")
	case !is:
		return Identity{}, ErrUnknown
	}
	return Identity{Account: account, Replica: replica}, nil
}

// place is a Hub at an address that stays, over restarts.
type place struct {
	hub     *Hub
	address string
	ca      string // file
	cert    tls.Certificate
	stop    func()
}

func newPlace(t *testing.T) *place {
	t.Helper()
	authority := pki.New(t, "authority")
	p := &place{address: "localhost:0", ca: filepath.Join(t.TempDir(), "ca.crt"), cert: authority.For(t, "localhost")}
	file(t, p.ca, string(authority.PEM))
	p.start(t)
	return p
}

// start makes a new Hub, which offers nothing yet.
func (p *place) start(t *testing.T) {
	t.Helper()
	p.hub = NewHub(Options{Identify: identify, Changed: func() {}, Log: logr.Discard(), Wait: 100 * time.Millisecond, Gone: 100 * time.Millisecond})
	socket, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp4", p.address)
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(socket.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	p.address = net.JoinHostPort("localhost", port)
	s := p.hub.Server(func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &p.cert, nil })
	ended := make(chan struct{})
	go func() { defer close(ended); _ = s.ServeTLS(socket, "", "") }()
	p.stop = sync.OnceFunc(func() { _ = s.Close(); <-ended })
	t.Cleanup(p.stop)
}

func file(t *testing.T, name, text string) string {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// follow runs a Follower until the returned function is called, or the test ends.
func (p *place) follow(t *testing.T, token, keep string, apply func(*config.Snapshot) error) (*Follower, func()) {
	t.Helper()
	f := NewFollower(FollowOptions{
		Address: p.address, CA: p.ca, Token: file(t, filepath.Join(t.TempDir(), "token"), token+"\n"), Keep: keep,
		Apply: func(_ context.Context, s *config.Snapshot) error { return apply(s) }, Log: logr.Discard(),
		Wait: time.Second, Least: time.Millisecond, Most: 20 * time.Millisecond,
	})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); f.Run(ctx) }()
	stop := sync.OnceFunc(func() { cancel(); <-ended })
	t.Cleanup(stop)
	return f, stop
}

// applied remembers what a data plane serves. What has the name "bad" it refuses.
type applied struct {
	mu    sync.Mutex
	names []string
	tries int
	good  bool // "bad" is taken, too
}

func (a *applied) apply(s *config.Snapshot) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	name := ""
	if s != nil {
		name = s.Listeners[0].Name
	}
	if name == "bad" && !a.good {
		a.tries++
		return errors.New("the port is taken")
	}
	a.names = append(a.names, name)
	return nil
}

func (a *applied) all() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return strings.Join(a.names, " ")
}

func text(t *testing.T, name string) []byte {
	t.Helper()
	out, err := (&config.Snapshot{Listeners: []config.Listener{{Name: name}}}).Encode()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !is(); <-time.After(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

func TestEachAccountServesWhatIsOfferedToIt(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	var first, second, other applied
	f, _ := p.follow(t, "edge-1", "", first.apply)
	p.follow(t, "edge-2", "", second.apply)
	p.follow(t, "inner-1", "", other.apply)
	if f.Ready() {
		t.Error("it is ready before anything was offered")
	}
	p.hub.Offer("edge", text(t, "a"))
	p.hub.Offer("inner", text(t, "z"))
	eventually(t, "all serve it", func() bool { return first.all() == "a" && second.all() == "a" && other.all() == "z" })
	sum := p.hub.Offer("edge", text(t, "b"))
	eventually(t, "both say that they serve it", func() bool {
		all := p.hub.Replicas("edge")
		return len(all) == 2 && all[0] == Replica{Name: "1", Live: sum} && all[1] == Replica{Name: "2", Live: sum}
	})
	nothing := p.hub.Offer("edge", nil)
	eventually(t, "both serve nothing", func() bool {
		all := p.hub.Replicas("edge")
		return len(all) == 2 && all[0].Live == nothing && all[1].Live == nothing
	})
	if !f.Ready() || first.all() != "a b " || other.all() != "z" {
		t.Errorf("ready: %v; served %q and %q", f.Ready(), first.all(), other.all())
	}
}

func TestWhatIsRefusedLeavesTheLastOne(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	var a applied
	good := p.hub.Offer("edge", text(t, "good"))
	f, _ := p.follow(t, "edge-1", "", a.apply)
	eventually(t, "the good one is served", func() bool { return a.all() == "good" })
	bad := p.hub.Offer("edge", text(t, "bad"))
	eventually(t, "the bad one is refused", func() bool {
		all := p.hub.Replicas("edge")
		return len(all) == 1 && all[0] == Replica{Name: "1", Live: good, Refused: bad, Fault: "the port is taken"}
	})
	eventually(t, "it is tried again", func() bool { a.mu.Lock(); defer a.mu.Unlock(); return a.tries > 2 })
	if !f.Ready() || a.all() != "good" {
		t.Errorf("ready: %v; served %q", f.Ready(), a.all())
	}
	a.mu.Lock()
	a.good = true
	a.mu.Unlock()
	eventually(t, "it is served once it can be", func() bool {
		all := p.hub.Replicas("edge")
		return len(all) == 1 && all[0] == Replica{Name: "1", Live: bad}
	})
}

func TestWhatIsServedStaysWhileTheHubIsAway(t *testing.T) {
	t.Parallel()
	p, folder := newPlace(t), t.TempDir()
	var a, b applied
	p.hub.Offer("edge", text(t, "a"))
	f, stop := p.follow(t, "edge-1", folder, a.apply)
	eventually(t, "it is served", func() bool { return a.all() == "a" })
	p.stop()
	stop() // and so does the process
	if !f.Ready() {
		t.Error("it is not ready any more")
	}
	next, _ := p.follow(t, "edge-1", folder, b.apply)
	eventually(t, "the next process begins with it", next.Ready)
	p.start(t) // it knows of nothing yet
	if p.hub.Offer("edge", text(t, "b")); !next.Ready() {
		t.Error("the next process is not ready")
	}
	eventually(t, "what is new is served", func() bool { return b.all() == "a b" })
	if info, err := os.Stat(filepath.Join(folder, keptName)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("what was kept: %v, %v", info, err)
	}
}

func TestReplicasThatEndAreGone(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	var a applied
	p.hub.Offer("edge", text(t, "a"))
	_, stop := p.follow(t, "edge-1", "", a.apply)
	eventually(t, "it is known", func() bool { return len(p.hub.Replicas("edge")) == 1 })
	stop()
	eventually(t, "it is gone", func() bool { return len(p.hub.Replicas("edge")) == 0 })
	p.hub.Keep(map[string]bool{"inner": true})
	if sum := p.hub.Replicas("edge"); sum != nil {
		t.Errorf("got %v", sum)
	}
}

func TestAHubThatNobodyVouchesForIsNotFollowed(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	own := p.ca
	p.ca = file(t, filepath.Join(t.TempDir(), "ca.crt"), string(pki.New(t, "another").PEM))
	var a applied
	p.hub.Offer("edge", text(t, "a"))
	f, _ := p.follow(t, "edge-1", "", a.apply)
	<-time.After(50 * time.Millisecond)
	if f.Ready() || len(p.hub.Replicas("edge")) != 0 {
		t.Error("it is followed")
	}
	trusted, err := os.ReadFile(own)
	if err != nil {
		t.Fatal(err)
	}
	file(t, p.ca, string(trusted)) // it is replaced while the process runs
	eventually(t, "it is followed once somebody vouches for it", f.Ready)
}

func TestWhoMayNotAskIsToldNothing(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.hub.Offer("edge", text(t, "a"))
	for name, tc := range map[string]struct {
		method, token, body string
		status              int
	}{
		"who may":               {"POST", "Bearer edge-1", `{}`, 200},
		"no token":              {"POST", "", `{}`, 401},
		"an empty token":        {"POST", "Bearer ", `{}`, 401},
		"a token of nobody":     {"POST", "Bearer edge", `{}`, 401},
		"no account":            {"POST", "Bearer -1", `{}`, 401},
		"no replica":            {"POST", "Bearer edge-", `{}`, 401},
		"another scheme":        {"POST", "Basic edge-1", `{}`, 401},
		"nobody to ask":         {"POST", "Bearer unclear", `{}`, 503},
		"another account":       {"POST", "Bearer inner-1", `{}`, 404},
		"another method":        {"GET", "Bearer edge-1", ``, 405},
		"no report":             {"POST", "Bearer edge-1", ``, 400},
		"a report that is long": {"POST", "Bearer edge-1", `{"fault":"` + strings.Repeat("x", maxReport) + `"}`, 400},
		"a fault that is long":  {"POST", "Bearer edge-1", `{"fault":"` + strings.Repeat("x", maxFault+1) + `"}`, 400},
	} {
		req, err := http.NewRequestWithContext(t.Context(), tc.method, "https://"+p.address+Path, strings.NewReader(tc.body))
		if err != nil {
			t.Fatal(err)
		}
		if tc.token != "" {
			req.Header.Set("Authorization", tc.token)
		}
		client, err := (&way{ca: p.ca}).client()
		if err != nil {
			t.Fatal(err)
		}
		res, err := client.Do(req)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		res.Body.Close()
		client.CloseIdleConnections()
		if res.StatusCode != tc.status {
			t.Errorf("%s: got %d, want %d", name, res.StatusCode, tc.status)
		}
	}
	old := &tls.Config{MaxVersion: tls.VersionTLS12, InsecureSkipVerify: true}
	if c, err := (&tls.Dialer{Config: old}).DialContext(t.Context(), "tcp", p.address); err == nil {
		c.Close()
		t.Error("TLS 1.2 is spoken")
	}
}
