// SPDX-License-Identifier: Apache-2.0

package handover

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// comes makes a guest of somebody, and returns who gives way to him.
func (c *crowd) comes(account string, replica int) (who, gone *caller) {
	who = c.arrive("192.0.2.1:1")
	gone, _ = c.know(who, Identity{Account: account, Replica: fmt.Sprint(replica)}).(*caller)
	return who, gone
}

// fill has so many guests of an account come, one of each replica.
func (c *crowd) fill(t *testing.T, account string, number int) (first *caller) {
	t.Helper()
	for i := range number {
		who, gone := c.comes(account, i)
		if gone != nil {
			t.Fatalf("there is no room for the one of %s that came as %d", account, i)
		}
		if first == nil {
			first = who
		}
	}
	return first
}

// TestNobodyTakesTheRoomOfAllGuests: beyond what a replica and an account have the oldest of
// their own gives way, and beyond what all have, the oldest of the account that has most.
func TestNobodyTakesTheRoomOfAllGuests(t *testing.T) {
	t.Parallel()
	for what, tc := range map[string]struct {
		there   func(*testing.T, *crowd) (oldest *caller) // of who is to give way
		account string
		replica int
		yields  bool
	}{
		"a replica has as many as it may": {func(t *testing.T, c *crowd) *caller {
			c.fill(t, "other", 1)
			first, _ := c.comes("edge", 0)
			for range maxOfReplica - 1 {
				c.comes("edge", 0)
			}
			return first
		}, "edge", 0, true},
		"another of its account comes": {func(_ *testing.T, c *crowd) *caller {
			first, _ := c.comes("edge", 0)
			for range maxOfReplica - 1 {
				c.comes("edge", 0)
			}
			return first
		}, "edge", 1, false},
		"an account has as many as it may": {func(t *testing.T, c *crowd) *caller {
			c.fill(t, "other", 1)
			return c.fill(t, "edge", maxOfAccount)
		}, "edge", maxOfAccount, true},
		"one of another account comes": {func(t *testing.T, c *crowd) *caller {
			return c.fill(t, "edge", maxOfAccount)
		}, "other", 0, false},
		"all are as many as they may, and it has few": {func(t *testing.T, c *crowd) *caller {
			c.fill(t, "a", 200)
			most := c.fill(t, "b", 201)
			for i := range (maxGuests - 401) / 61 {
				c.fill(t, fmt.Sprint("c", i), 61)
			}
			return most
		}, "edge", 0, true},
		"all are as many as they may, and it has as many as another": {func(t *testing.T, c *crowd) *caller {
			c.fill(t, "other", 128)
			own := c.fill(t, "edge", 128)
			for i := range maxGuests/128 - 2 {
				c.fill(t, fmt.Sprint("c", i), 128)
			}
			return own
		}, "edge", 128, true},
		"all have one": {func(t *testing.T, c *crowd) *caller {
			first := c.fill(t, "other", 1)
			for i := range maxGuests - 1 {
				c.fill(t, fmt.Sprint("c", i), 1)
			}
			return first
		}, "edge", 0, true},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			c := newCrowd()
			oldest := tc.there(t, c)
			before := len(c.all)
			who, gone := c.comes(tc.account, tc.replica)
			switch {
			case !tc.yields && gone != nil:
				t.Error("somebody gives way for whom there is room")
			case tc.yields && (gone == nil || gone != oldest):
				t.Errorf("it is not the oldest who gives way, but %v", gone)
			case tc.yields && len(c.all) != before:
				t.Errorf("%d are counted where %d were", len(c.all), before)
			case c.all[who] == nil || c.strangers != 0:
				t.Error("who has come is not counted as a guest")
			}
			c.state(oldest, http.StateClosed) // as the server says of it then
			if _, gone := c.comes(tc.account, tc.replica); tc.yields && gone == nil {
				t.Error("who has given way leaves room twice")
			}
		})
	}
}

// TestAGuestWhoHasGoneLeavesRoom, and one who asks again is none twice.
func TestAGuestWhoHasGoneLeavesRoom(t *testing.T) {
	t.Parallel()
	c := newCrowd()
	var all []*caller
	for range maxOfReplica {
		who, _ := c.comes("edge", 0)
		all = append(all, who)
	}
	for _, one := range all {
		if c.know(one, Identity{Account: "edge", Replica: "0"}) != nil {
			t.Error("who is a guest needs room again")
		}
	}
	c.state(all[1], http.StateClosed)
	if _, gone := c.comes("edge", 0); gone != nil {
		t.Error("there is no room after one has gone")
	}
	if _, gone := c.comes("edge", 0); gone != all[0] {
		t.Error("the oldest does not give way")
	}
}

// TestWhoIsRefusedKeepsNoConnection, and who is answered does.
func TestWhoIsRefusedKeepsNoConnection(t *testing.T) {
	t.Parallel()
	asks := func(h *Hub, token, said string) *httptest.ResponseRecorder {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, Path, strings.NewReader(said))
		req.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, req)
		return w
	}
	for what, tc := range map[string]struct {
		token, said string
		asking      int // questions of it that are kept
		status      int
		close       bool
	}{
		"it is answered":           {"edge-1", `{}`, maxAsking - 1, 200, false},
		"it asks too much":         {"edge-1", `{}`, maxAsking, 429, true},
		"nothing is offered to it": {"inner-1", `{}`, 0, 404, true},
		"it says nothing":          {"edge-1", ``, 0, 400, true},
		"it is nobody":             {"edge", `{}`, 0, 401, true},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			p := NewHub(Options{Identify: identify, Changed: func() {}})
			p.Offer("edge", text(t, "a"))
			for range tc.asking {
				if _, _, _, _, busy := p.begin(Identity{Account: "edge", Replica: "1"}, &report{}); busy {
					t.Fatal("it is refused before")
				}
			}
			w := asks(p, tc.token, tc.said)
			if got := w.Header().Get("Connection") == "close"; w.Code != tc.status || got != tc.close {
				t.Errorf("got %d, with the connection closed: %v", w.Code, got)
			}
		})
	}
}
