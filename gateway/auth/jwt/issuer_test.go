// SPDX-License-Identifier: Apache-2.0

package jwt

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/auth"
	"github.com/gatehouse-sh/gatehouse/gateway/auth/jwks"
)

// idp is a real HTTP server that publishes keys; nil: it answers 500.
type idp struct {
	*httptest.Server
	body    atomic.Pointer[[]byte]
	fetches atomic.Int64
}

func newIDP(tb testing.TB, list ...string) *idp {
	tb.Helper()
	i := &idp{}
	i.publish(list...)
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		i.fetches.Add(1)
		body := i.body.Load()
		if body == nil {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		_, _ = w.Write(*body)
	}))
	tb.Cleanup(i.Close)
	return i
}

func (i *idp) publish(list ...string) {
	if len(list) == 0 {
		i.body.Store(nil)
		return
	}
	b := set(list...)
	i.body.Store(&b)
}

// keys are those that it publishes.
func (i *idp) keys(tb testing.TB, cooldown time.Duration) *jwks.Set {
	tb.Helper()
	s, err := jwks.Open(jwks.Options{URL: i.URL, Plaintext: jwks.AllowPlaintext, Cooldown: cooldown})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(s.Close)
	return s
}

// TestAnIssuerThroughItsDays: down at the start, up, rotating, down, gone.
func TestAnIssuerThroughItsDays(t *testing.T) {
	t.Parallel()
	first, second, third := made()["ES256"], made()["EdDSA"], newWorld(t).other
	i := newIDP(t)
	a := authenticator(t, i.keys(t, time.Nanosecond), func(o *Options) { o.Cache = newCache(t) })
	step := func(name string, s signer, verdict auth.Verdict, reason string) {
		t.Helper()
		token := s.mint(t, s.header(""), claims(t, map[string]any{"step": name}))
		for range 2 {
			if got := a.Authenticate(t.Context(), bearer(token)); got.Verdict != verdict || got.Reason != reason {
				t.Errorf("%s: %+v", name, got)
			}
		}
	}
	step("down at the start", first, auth.Unavailable, NoKeys)
	if got := a.Authenticate(t.Context(), bearer("nonsense")); got.Verdict != auth.Invalid {
		t.Errorf("nonsense needs no keys: %+v", got)
	}
	i.publish(first.jwk(t, ""))
	_ = a.Authenticate(t.Context(), bearer(first.mint(t, first.header(""), claims(t, nil)))) // a fetch that failed may still be under way
	step("up", first, auth.Valid, "")
	step("a key that is not published yet", second, auth.Invalid, KeyName)
	i.publish(first.jwk(t, ""), second.jwk(t, ""))
	step("asked for in the minute after", third, auth.Invalid, KeyName) // which brings the second, too
	step("rotating, the new key", second, auth.Valid, "")
	step("rotating, the old key", first, auth.Valid, "")
	i.publish(second.jwk(t, ""))
	_ = a.Authenticate(t.Context(), bearer(signer{"fourth", "EdDSA", second.key}.mint(t, `{"alg":"EdDSA","kid":"fourth"}`, claims(t, nil)))) // makes the set ask
	step("rotated, the old key", first, auth.Invalid, KeyName)
	step("rotated, the new key", second, auth.Valid, "")
	i.publish()
	step("down, the key that is there", second, auth.Valid, "")
	step("down, a key that may be new", signer{"fifth", "EdDSA", second.key}, auth.Unavailable, NoKeys)
	i.Close()
	step("gone, the key that is there", second, auth.Valid, "")
	step("gone, a key that may be new", signer{"sixth", "EdDSA", second.key}, auth.Unavailable, NoKeys)
}

// TestAStormOfTokens with unknown keys, from 64 clients at once, among which good ones
// go on.
func TestAStormOfTokens(t *testing.T) {
	t.Parallel()
	s := made()["EdDSA"]
	i := newIDP(t, s.jwk(t, ""))
	a := authenticator(t, i.keys(t, 0), func(o *Options) { o.Cache = newCache(t) })
	good := bearer(s.mint(t, s.header(""), claims(t, nil)))
	said := claims(t, nil)
	const tokens, clients = 10_000, 64
	var unknown, taken atomic.Int64
	var all sync.WaitGroup
	for c := range clients {
		all.Go(func() {
			for n := c; n < tokens; n += clients {
				token := unsigned(fmt.Sprintf(`{"alg":"EdDSA","kid":"k%d"}`, n), said, "signature")
				if got := a.Authenticate(t.Context(), bearer(token)); got.Verdict == auth.Invalid && got.Reason == KeyName {
					unknown.Add(1)
				}
				if got := a.Authenticate(t.Context(), good); got.Verdict == auth.Valid {
					taken.Add(1)
				}
			}
		})
	}
	all.Wait()
	if unknown.Load() != tokens || taken.Load() != tokens {
		t.Errorf("of %d unknown keys %d are refused, of as many good tokens %d are taken", tokens, unknown.Load(), taken.Load())
	}
	// At the start, and at most one in each 10 seconds, however slow the machine is.
	if n := i.fetches.Load(); n < 2 || n > 10 {
		t.Errorf("%d fetches", n)
	}
	t.Logf("%d tokens with unknown keys: %d fetches", tokens, i.fetches.Load())
}
