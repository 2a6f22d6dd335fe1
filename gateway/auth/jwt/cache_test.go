// SPDX-License-Identifier: Apache-2.0

package jwt

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/auth"
	"github.com/gatehouse-sh/gatehouse/gateway/auth/jwks"
)

// TestAHitIsWhatWasFound, does not verify again, and allocates nothing.
func TestAHitIsWhatWasFound(t *testing.T) { // not beside others: it counts allocations
	s := made()["ES256"]
	a := authenticator(t, inline(t, s.jwk(t, "")), func(o *Options) { o.Cache = newCache(t) })
	r := bearer(s.mint(t, s.header(""), claims(t, nil)))
	first := a.Authenticate(t.Context(), r)
	if second := a.Authenticate(t.Context(), r); first.Verdict != auth.Valid || second.Principal != first.Principal {
		t.Fatalf("got %+v, then %+v", first, second)
	}
	ctx := t.Context()
	if n := testing.AllocsPerRun(1000, func() { a.Authenticate(ctx, r) }); n != 0 {
		t.Errorf("a hit takes %v allocations", n)
	}
}

func TestWhatIsRememberedEnds(t *testing.T) {
	t.Parallel()
	s := made()["EdDSA"]
	cache := newCache(t)
	keys := inline(t, s.jwk(t, ""))
	for name, tc := range map[string]struct {
		expires time.Duration
		after   time.Duration
		change  func(*Options)
		same    bool // it is the principal that was remembered
		verdict auth.Verdict
	}{
		"within a minute":                      {time.Hour, 59 * time.Second, nil, true, auth.Valid},
		"after a minute, it is verified again": {time.Hour, time.Minute, nil, false, auth.Valid},
		"until the token ends":                 {50 * time.Second, 49 * time.Second, nil, true, auth.Valid},
		"not when the token has ended":         {50 * time.Second, 50 * time.Second, nil, false, auth.Invalid},
		"for as long as is asked for":          {time.Hour, 39 * time.Second, func(o *Options) { o.CacheFor = 40 * time.Second }, true, auth.Valid},
		"not longer":                           {time.Hour, 40 * time.Second, func(o *Options) { o.CacheFor = 40 * time.Second }, false, auth.Valid},
		"not when it is too old":               {time.Hour, 31 * time.Second, func(o *Options) { o.MaxAge = 90 * time.Second }, false, auth.Invalid},
		"not by a clock that was turned back":  {time.Hour, -time.Second, nil, false, auth.Valid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := authenticator(t, keys, func(o *Options) {
				o.Name, o.Cache = name, cache
				if tc.change != nil {
					tc.change(o)
				}
			})
			r := bearer(s.mint(t, s.header(""), claims(t, map[string]any{"exp": noon.Add(tc.expires).Unix()})))
			first := a.Authenticate(t.Context(), r)
			r.Now = noon.Add(tc.after)
			second := a.Authenticate(t.Context(), r)
			if first.Verdict != auth.Valid || second.Verdict != tc.verdict || (second.Principal == first.Principal) != tc.same {
				t.Errorf("got %+v, then %+v", first, second)
			}
		})
	}
}

// TestPoliciesDoNotShare what they found: what one takes, another may refuse.
func TestPoliciesDoNotShare(t *testing.T) {
	t.Parallel()
	s := made()["EdDSA"]
	cache, keys := newCache(t), inline(t, s.jwk(t, ""))
	r := bearer(s.mint(t, s.header(""), claims(t, nil)))
	loose := authenticator(t, keys, func(o *Options) { o.Cache = cache })
	if got := loose.Authenticate(t.Context(), r); got.Verdict != auth.Valid {
		t.Fatalf("got %+v", got)
	}
	changes := map[string]func(*Options){
		"another audience":  func(o *Options) { o.Audiences = []string{"other"} },
		"another type":      func(o *Options) { o.Typ = "at+jwt" },
		"another algorithm": func(o *Options) { o.Algorithms = []string{"RS256"} },
		"another subject":   func(o *Options) { o.SubjectClaim = "client_id" },
		"another issuer":    func(o *Options) { o.Issuer = "https://other.example" },
		"another age":       func(o *Options) { o.MaxAge = time.Second },
		"another size":      func(o *Options) { o.MaxBytes = 10 },
		"other keys":        func(o *Options) { o.Keys = inline(t, made()["ES256"].jwk(t, "")) },
	}
	for name, change := range changes {
		strict := authenticator(t, keys, func(o *Options) { o.Cache = cache; change(o) })
		for range 2 {
			if got := strict.Authenticate(t.Context(), r); got.Verdict == auth.Valid {
				t.Errorf("%s: a token is taken that another authenticator has verified", name)
			}
		}
	}
	named := authenticator(t, keys, func(o *Options) { o.Cache, o.Name = cache, "other" })
	if got := named.Authenticate(t.Context(), r); got.Principal == nil || got.Principal.By != "other" {
		t.Errorf("another name: %+v", got)
	}
	if got := loose.Authenticate(t.Context(), r); got.Verdict != auth.Valid {
		t.Errorf("got %+v", got)
	}
}

// TestAKeyThatGoes takes along what it has verified, and nothing else; and one that
// comes makes right what was wrong.
func TestAKeyThatGoes(t *testing.T) {
	t.Parallel()
	stays, goes := made()["EdDSA"], made()["ES256"]
	var body atomic.Pointer[[]byte]
	publish := func(list ...string) { b := set(list...); body.Store(&b) }
	publish(stays.jwk(t, ""), goes.jwk(t, ""))
	idp := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(*body.Load()) }))
	t.Cleanup(idp.Close)
	keys, err := jwks.Open(jwks.Options{URL: idp.URL, Plaintext: jwks.AllowPlaintext, Cooldown: time.Nanosecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(keys.Close)
	a := authenticator(t, keys, func(o *Options) { o.Cache = newCache(t) })
	by := func(s signer) *auth.Request { return bearer(s.mint(t, s.header(""), claims(t, nil))) }
	staying, going := by(stays), by(goes)
	forged := newWorld(t).other
	forged.kid = goes.kid
	next := by(forged) // by a key that comes under the name of the one that goes
	kept := a.Authenticate(t.Context(), staying)
	if got := a.Authenticate(t.Context(), going); kept.Verdict != auth.Valid || got.Verdict != auth.Valid {
		t.Fatalf("got %+v and %+v", kept, got)
	}
	if got := a.Authenticate(t.Context(), next); got.Reason != Signature {
		t.Fatalf("got %+v", got)
	}
	publish(stays.jwk(t, ""), forged.jwk(t, ""))
	fetch := by(signer{"unknown", "EdDSA", stays.key}) // which makes the set ask
	if got := a.Authenticate(t.Context(), fetch); got.Reason != KeyName {
		t.Fatalf("got %+v", got)
	}
	if got := a.Authenticate(t.Context(), going); got.Verdict != auth.Invalid || got.Reason != Signature {
		t.Errorf("by the key that has gone: %+v", got)
	}
	if got := a.Authenticate(t.Context(), next); got.Verdict != auth.Valid {
		t.Errorf("by the key that has come: %+v", got)
	}
	if got := a.Authenticate(t.Context(), staying); got.Principal != kept.Principal {
		t.Errorf("by the key that stays: %+v, which is not what was remembered", got)
	}
	keys.Close()
	if got := a.Authenticate(t.Context(), staying); got.Principal == kept.Principal {
		t.Error("a set is closed, and what it has verified is remembered")
	}
}

// TestTheCacheIsBounded in bytes, also when all tokens differ.
func TestTheCacheIsBounded(t *testing.T) {
	t.Parallel()
	s := made()["HS256"]
	const most = 1 << 20
	cache, err := NewCache(most)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cache.Close)
	a := authenticator(t, inline(t, s.jwk(t, "")), func(o *Options) { o.Algorithms, o.Cache = []string{"HS256"}, cache })
	for n := range 2000 {
		good := s.mint(t, s.header(""), claims(t, map[string]any{"sub": fmt.Sprint("user", n)}))
		if got := a.Authenticate(t.Context(), bearer(good)); got.Verdict != auth.Valid {
			t.Fatalf("got %+v", got)
		}
		a.Authenticate(t.Context(), bearer(good[:len(good)-4]+"AAAA"))
	}
	cache.verified.CleanUp()
	if used := cache.verified.WeightedSize(); used > most || used < most/2 {
		t.Errorf("%d bytes are used of %d", used, most)
	}
	if n := cache.refused.EstimatedSize(); n == 0 || n > refusedEntries {
		t.Errorf("%d refused tokens are remembered", n)
	}
}

// TestTheCostOfClaims is not that of their text: an object of a few bytes takes
// hundreds.
func TestTheCostOfClaims(t *testing.T) {
	t.Parallel()
	objects := make([]any, 1000)
	for n := range objects {
		objects[n] = map[string]any{"a": json.Number("1")}
	}
	for name, tc := range map[string]struct {
		claims      map[string]any
		least, most int
	}{
		"nothing":           {map[string]any{}, 48, 48},
		"a long text":       {map[string]any{"a": strings.Repeat("x", 10_000)}, 10_000, 10_500},
		"a number":          {map[string]any{"a": json.Number("1")}, 300, 400},
		"true and null":     {map[string]any{"a": true, "b": nil}, 300, 400},
		"9,000 bytes of it": {map[string]any{"a": objects}, 300_000, 400_000},
	} {
		if got := cost(tc.claims); got < tc.least || got > tc.most {
			t.Errorf("%s costs %d bytes, want between %d and %d", name, got, tc.least, tc.most)
		}
	}
}
