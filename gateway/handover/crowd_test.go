// SPDX-License-Identifier: Apache-2.0

package handover

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
)

// caller is a connection from an address.
type caller struct {
	net.Conn
	from   string
	closed atomic.Bool
}

func (c *caller) RemoteAddr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(c.from))
}
func (c *caller) Close() error { c.closed.Store(true); return nil }

// arrive has a connection counted.
func (c *crowd) arrive(from string) *caller {
	out := &caller{from: from}
	c.state(out, http.StateNew)
	return out
}

// TestStrangersOfAnAddressAreFew, and those who are known do not count.
func TestStrangersOfAnAddressAreFew(t *testing.T) {
	t.Parallel()
	c := newCrowd()
	var all []*caller
	for i := range maxOfAddress {
		all = append(all, c.arrive(fmt.Sprintf("192.0.2.1:%d", 1000+i)))
	}
	if more := c.arrive("192.0.2.1:1"); !more.closed.Load() {
		t.Error("one more of the address is let in")
	}
	if other := c.arrive("192.0.2.2:1"); other.closed.Load() {
		t.Error("one of another address is not")
	}
	c.know(all[0], Identity{Account: "edge", Replica: "1"})
	if more := c.arrive("192.0.2.1:2"); more.closed.Load() {
		t.Error("one who is known still counts")
	}
	c.state(all[1], http.StateClosed)
	if more := c.arrive("192.0.2.1:3"); more.closed.Load() {
		t.Error("one who has gone still counts")
	}
	for i, one := range all {
		if one.closed.Load() {
			t.Errorf("the one that came as %d is hung up on", i)
		}
	}
}

// TestTheOldestStrangerGivesWay, and nobody who is known does.
func TestTheOldestStrangerGivesWay(t *testing.T) {
	t.Parallel()
	c := newCrowd()
	guest := c.arrive("192.0.2.1:1")
	c.know(guest, Identity{Account: "edge", Replica: "1"})
	var all []*caller
	for i := range maxStrangers {
		all = append(all, c.arrive(fmt.Sprintf("198.51.100.%d:1", i)))
	}
	if all[0].closed.Load() {
		t.Fatal("there is no room for as many")
	}
	c.state(all[1], http.StateClosed)
	c.arrive("203.0.113.1:1")
	if all[0].closed.Load() {
		t.Error("one gives way for whom there is room")
	}
	last := c.arrive("203.0.113.2:1")
	if !all[0].closed.Load() || all[2].closed.Load() || last.closed.Load() || guest.closed.Load() {
		t.Error("it is not the oldest stranger who gives way")
	}
	c.state(all[0], http.StateClosed) // as the server says of it then
	if c.strangers != maxStrangers {
		t.Errorf("%d strangers are counted", c.strangers)
	}
}

// TestWhoSaysNothingKeepsNobodyElseOut: connections that send nothing are bounded, and who is
// known stays beside them.
func TestWhoSaysNothingKeepsNobodyElseOut(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	var a applied
	p.hub.Offer("edge", text(t, "a"))
	p.follow(t, "edge-1", "", a.apply)
	eventually(t, "it is served", func() bool { return a.all() == "a" })
	strangers := func() int {
		p.hub.crowd.mu.Lock()
		defer p.hub.crowd.mu.Unlock()
		return p.hub.crowd.strangers
	}
	eventually(t, "it is known", func() bool { return strangers() == 0 })
	var idle []net.Conn
	for range maxOfAddress {
		c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", p.address)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		idle = append(idle, c)
	}
	eventually(t, "all are counted", func() bool { return strangers() == maxOfAddress })
	ask := func() error {
		client, err := (&way{ca: p.ca}).client()
		if err != nil {
			return err
		}
		defer client.CloseIdleConnections()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+p.address+Path, strings.NewReader("{}"))
		if err != nil {
			return err
		}
		req.Header.Set("Authorization", "Bearer edge-2")
		res, err := client.Do(req)
		if err == nil {
			res.Body.Close()
		}
		return err
	}
	if ask() == nil {
		t.Error("one more of the address is answered")
	}
	p.hub.Offer("edge", text(t, "b"))
	eventually(t, "who is known is told on", func() bool { return a.all() == "a b" })
	idle[0].Close()
	eventually(t, "there is room again", func() bool { return strangers() < maxOfAddress })
	if err := ask(); err != nil {
		t.Error(err)
	}
}

// TestNobodyIsAskedOfWhatCannotBe: a token that says of itself that nothing is offered by it
// is refused, and one that says otherwise is looked at.
func TestNobodyIsAskedOfWhatCannotBe(t *testing.T) {
	t.Parallel()
	for what, tc := range map[string]struct {
		token         string
		status, asked int
	}{
		"it can be":             {"edge-1", 200, 1},
		"it is none":            {"none", 401, 0},
		"nothing is offered":    {"inner-1", 404, 0},
		"it says what is wrong": {"edge", 401, 1}, // identify does not know it
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			asked := 0
			h := NewHub(Options{
				Identify: func(ctx context.Context, from netip.Addr, token string) (Identity, error) {
					asked++
					return identify(ctx, from, token)
				},
				Claimed: func(token string) (string, error) {
					if token == "none" {
						return "", ErrUnknown
					}
					account, _, _ := strings.Cut(token, "-")
					return account, nil
				},
				Changed: func() {}, Log: logr.Discard(),
			})
			h.Offer("edge", text(t, "a"))
			if w := h.questioned(t, tc.token); w.Code != tc.status || asked != tc.asked {
				t.Errorf("got %d, and %d were asked; want %d and %d", w.Code, asked, tc.status, tc.asked)
			}
		})
	}
}

// questioned is what a Hub answers to a token.
func (h *Hub) questioned(t *testing.T, token string) *httptest.ResponseRecorder {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, Path, strings.NewReader("{}"))
	req.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	return w
}

// TestStrangersDoNotFillTheLog: what was said of one is said again of others when a minute
// is over.
func TestStrangersDoNotFillTheLog(t *testing.T) {
	t.Parallel()
	var lines []string
	fault := ErrBusy
	h := NewHub(Options{
		Identify: func(context.Context, netip.Addr, string) (Identity, error) { return Identity{}, fault },
		Changed:  func() {}, Log: funcr.New(func(_, args string) { lines = append(lines, args) }, funcr.Options{}),
	})
	for range 100 {
		if w := h.questioned(t, "x"); w.Code != http.StatusServiceUnavailable || w.Header().Get("Connection") != "close" {
			t.Fatalf("got %d %v", w.Code, w.Header())
		}
	}
	if len(lines) != 1 || !strings.Contains(lines[0], ErrBusy.Error()) || strings.Contains(lines[0], `"error"`) {
		t.Errorf("of 100 it is said %q", lines)
	}
	fault = ErrUnknown
	if h.questioned(t, "x"); len(lines) != 2 {
		t.Errorf("of another kind nothing is said: %q", lines)
	}
	var s seldom
	began := time.Now()
	if _, is := s.say(began); !is {
		t.Error("the first time it is not said")
	}
	if _, is := s.say(began.Add(quietFor - 1)); is {
		t.Error("it is said again at once")
	}
	if more, is := s.say(began.Add(quietFor)); !is || more != 1 {
		t.Errorf("after a while it is said: %v, of %d", is, more)
	}
}
