// SPDX-License-Identifier: Apache-2.0

package basic

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/auth"
)

// costly is how long a check takes in a bubble.
const costly = time.Second

// crowd are clients of one authenticator, whose checks take time.
type crowd struct {
	*Authenticator
	mu      sync.Mutex
	checked []string // passwords, in their order
	answers map[string]auth.Answer
	took    map[string]time.Duration
	all     sync.WaitGroup
}

func newCrowd(t *testing.T, slots, most int) *crowd {
	t.Helper()
	c := &crowd{Authenticator: authenticator(t), answers: map[string]auth.Answer{}, took: map[string]time.Duration{}}
	c.checks.slots, c.checks.most, c.checks.rests = slots, most, false
	c.compare = func(_, password []byte) error {
		c.mu.Lock()
		c.checked = append(c.checked, string(password))
		c.mu.Unlock()
		time.Sleep(costly)
		if string(password) != "hush" {
			return errors.New("wrong")
		}
		return nil
	}
	return c
}

// from asks from an address, and comes back when it waits or is answered.
func (c *crowd) from(ctx context.Context, address, password string) {
	r := asked(encoded("ann:" + password))
	r.Form.Client = netip.MustParseAddr(address)
	c.all.Go(func() {
		began := time.Now()
		answer := c.Authenticate(ctx, r)
		c.mu.Lock()
		defer c.mu.Unlock()
		c.answers[password], c.took[password] = answer, time.Since(began)
	})
	synctest.Wait()
}

// now tells what was checked and answered until now.
func (c *crowd) now() (checked []string, answers map[string]auth.Answer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.checked), maps.Clone(c.answers)
}

const (
	guesser  = "192.0.2.1"
	somebody = "192.0.2.2"
)

// Who guesses passwords must neither take all processors nor be waited for.
func TestNetworksTakeTurns(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		guesser, client string
		want            int // place of the client's check
	}{
		"another address":            {guesser, somebody, 2},
		"the same address":           {guesser, guesser, 5},
		"another network":            {"2001:db8::1", "2001:db8:0:1::1", 2},
		"another one of a network":   {"2001:db8::1", "2001:db8::2", 5},
		"the other family's address": {"::ffff:192.0.2.1", somebody, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := newCrowd(t, 1, 10)
				for i := range 5 {
					c.from(t.Context(), tc.guesser, fmt.Sprint(i))
				}
				c.from(t.Context(), tc.client, "hush")
				c.all.Wait()
				if got := slices.Index(c.checked, "hush"); got != tc.want || len(c.checked) != 6 || c.answers["hush"].Verdict != auth.Valid {
					t.Errorf("got %+v; %v", c.answers, c.checked)
				}
			})
		})
	}
}

func TestSoManyChecksAreMadeAndWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const slots, most = 2, 4
		c := newCrowd(t, slots, most)
		for i := range slots + most {
			c.from(t.Context(), guesser, fmt.Sprint(i))
		}
		if checked, answers := c.now(); len(checked) != slots || len(answers) != 0 {
			t.Errorf("%v are checked, %v are answered", checked, answers)
		}
		c.from(t.Context(), guesser, "one more")
		_, answers := c.now()
		if got := answers["one more"]; got.Verdict != auth.Unavailable || got.Reason != Busy || got.Again <= 0 {
			t.Errorf("one too many: got %+v", got)
		}
		c.checks.cache.add(c.checks.cache.sum("ann", "hush", c.users.hashes["ann"]), now)
		c.from(t.Context(), guesser, "hush")
		_, answers = c.now()
		if got := answers["hush"]; got.Verdict != auth.Valid {
			t.Errorf("one that is remembered: got %+v", got)
		}
		c.from(t.Context(), somebody, "mine")
		_, answers = c.now()
		if got := answers["5"]; got.Verdict != auth.Unavailable || got.Reason != Busy || len(answers) != 3 {
			t.Errorf("the last of the longest line has not gone: got %+v", answers)
		}
		c.all.Wait()
		if got := c.answers["mine"]; got.Verdict != auth.Invalid || c.took["mine"] > 2*costly || len(c.checked) != slots+most {
			t.Errorf("got %+v after %s; %v", got, c.took["mine"], c.checked)
		}
	})
}

func TestAPasswordIsCheckedOnceForAllWhoAsk(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, 1, 10)
		for range 5 {
			c.from(t.Context(), guesser, "hush")
			c.from(t.Context(), somebody, "wrong")
		}
		c.all.Wait()
		if len(c.checked) != 2 || c.answers["hush"].Verdict != auth.Valid || c.answers["wrong"].Verdict != auth.Invalid {
			t.Errorf("got %+v; %v", c.answers, c.checked)
		}
	})
}

func TestWhatNobodyWaitsForIsNotChecked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, 1, 10)
		ctx, cancel := context.WithCancel(t.Context())
		c.from(t.Context(), guesser, "first")
		c.from(ctx, guesser, "gone")
		c.from(ctx, guesser, "hush") // one of two who ask for it
		c.from(t.Context(), somebody, "hush")
		cancel()
		synctest.Wait()
		_, answers := c.now()
		if got := answers["gone"]; got.Verdict != auth.Unavailable || got.Reason != Busy {
			t.Errorf("a client that has gone: got %+v", got)
		}
		c.all.Wait()
		if !slices.Equal(c.checked, []string{"first", "hush"}) || c.answers["hush"].Verdict != auth.Valid {
			t.Errorf("got %+v; %v", c.answers, c.checked)
		}
		if k := c.checks; k.running != 0 || k.waiting != 0 || len(k.byKey) != 0 || len(k.lines) != 0 || k.turns.Len() != 0 {
			t.Errorf("something is left: %+v", k)
		}
	})
}

func TestTheOnlyProcessorIsEverybodys(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		rests bool
		want  time.Duration // until the third is checked
	}{
		"it is shared":           {true, 5 * costly},
		"there are more of them": {false, 3 * costly},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := newCrowd(t, 1, 10)
				c.checks.rests = tc.rests
				for i := range 3 {
					c.from(t.Context(), guesser, fmt.Sprint(i))
				}
				c.all.Wait()
				if got := c.took["2"]; got != tc.want {
					t.Errorf("the third took %s, want %s", got, tc.want)
				}
				time.Sleep(costly)
				synctest.Wait()
			})
		})
	}
}

func TestAnotherFileOfUsersForgetsNoPassword(t *testing.T) {
	t.Parallel()
	a := authenticator(t)
	right := asked(encoded("ann:hush"))
	if got := a.Authenticate(t.Context(), right); got.Verdict != auth.Valid {
		t.Fatalf("got %+v", got)
	}
	for name, tc := range map[string]struct {
		change func(u *Users)
		want   auth.Verdict
		checks int
	}{
		"with somebody else": {func(u *Users) { u.hashes["bob"] = u.hashes["ann"] }, auth.Valid, 0},
		"without him":        {func(u *Users) { u.hashes["bob"] = u.hashes["ann"]; delete(u.hashes, "ann") }, auth.Invalid, 1},
		"with another hash":  {func(u *Users) { u.hashes["ann"] = append([]byte("$2a"), u.hashes["ann"][3:]...) }, auth.Valid, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			users, err := Parse([]byte(ann()))
			if err != nil {
				t.Fatal(err)
			}
			tc.change(users)
			b, err := New("people", users, a.checks)
			if err != nil {
				t.Fatal(err)
			}
			checks, compare := 0, b.compare
			b.compare = func(hash, password []byte) error { checks++; return compare(hash, password) }
			if got := b.Authenticate(t.Context(), right); got.Verdict != tc.want || checks != tc.checks {
				t.Errorf("got %+v after %d checks", got, checks)
			}
		})
	}
}

func TestWhatIsRememberedIsBounded(t *testing.T) {
	t.Parallel()
	c := newCache()
	for i := range maxCached + 100 {
		c.add(c.sum(fmt.Sprint(i), "x", nil), now)
	}
	if len(c.until) != maxCached || !c.has(c.sum(fmt.Sprint(maxCached+99), "x", nil), now) {
		t.Errorf("%d are remembered", len(c.until))
	}
	if c.sum("a", "bc", nil) == c.sum("ab", "c", nil) || c.sum("a", "b", []byte("c")) == c.sum("a", "bc", nil) {
		t.Error("a name, a password and a hash are mixed up")
	}
}

// Who comes to a full room, where all wait with one check each, has the place of a
// network that has guessed, unless it has guessed itself.
func TestWhoGuessesMakesRoom(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		client string
		want   auth.Verdict
	}{
		"one that has not guessed": {somebody, auth.Valid},
		"one that has":             {"192.0.2.10", auth.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := newCrowd(t, 1, 3)
				for round := range 2 { // one is checked and three wait; the first round makes guessers of all
					for i := range 4 {
						c.from(t.Context(), fmt.Sprintf("192.0.2.%d", 10+i), fmt.Sprint(round, i))
					}
					if round == 0 {
						c.all.Wait()
					}
				}
				c.from(t.Context(), tc.client, "hush")
				c.all.Wait()
				if got := c.answers["hush"].Verdict; got != tc.want {
					t.Errorf("got %v, want %v; %v", got, tc.want, c.checked)
				}
			})
		})
	}
}

func TestGuessersAreBoundedAndForgotten(t *testing.T) {
	t.Parallel()
	g, now := guessers{}, time.Now()
	for i := range mostGuessers + 100 {
		g.add(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), now)
	}
	if len(g) != mostGuessers {
		t.Errorf("%d are remembered", len(g))
	}
	last := netip.MustParseAddr("192.0.2.1")
	g.add(last, now)
	if !g.has(last, now) || g.has(last, now.Add(guesserFor)) {
		t.Error("one is remembered for another time than it should")
	}
}
