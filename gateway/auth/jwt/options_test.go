// SPDX-License-Identifier: Apache-2.0

package jwt

import (
	"testing"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/auth"
	"github.com/gatehouse-sh/gatehouse/gateway/auth/jwks"
)

func TestOptionsThatAreRefused(t *testing.T) {
	t.Parallel()
	keys := inline(t, made()["EdDSA"].jwk(t, ""))
	published, err := jwks.Open(jwks.Options{URL: "https://127.0.0.1:1/keys"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(published.Close)
	discovered, err := jwks.Open(jwks.Options{Issuer: "https://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(discovered.Close)
	ordinary := Options{Name: "idp", Issuer: issuer, Audiences: []string{audience}, Keys: keys}
	if _, err := New(ordinary); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Options){
		"nothing at all":                   func(o *Options) { *o = Options{} },
		"no name":                          func(o *Options) { o.Name = "" },
		"no issuer":                        func(o *Options) { o.Issuer = "" },
		"no keys":                          func(o *Options) { o.Keys = nil },
		"no audience":                      func(o *Options) { o.Audiences = nil },
		"an empty audience":                func(o *Options) { o.Audiences = []string{""} },
		"audiences beside any":             func(o *Options) { o.AnyAudience = IgnoreAudience },
		"none":                             func(o *Options) { o.Algorithms = []string{"none"} },
		"an algorithm that does not exist": func(o *Options) { o.Algorithms = []string{"RS256", "RS255"} },
		"an empty algorithm":               func(o *Options) { o.Algorithms = []string{""} },
		"symmetric ones beside others":     func(o *Options) { o.Algorithms = []string{"HS256", "RS256"} },
		"symmetric ones by published keys": func(o *Options) { o.Algorithms, o.Keys = []string{"HS256"}, published },
		"another issuer's keys":            func(o *Options) { o.Keys = discovered },
		"a negative skew":                  func(o *Options) { o.ClockSkew = -1 },
		"a skew of more than 5 minutes":    func(o *Options) { o.ClockSkew = MaxClockSkew + 1 },
		"a negative age":                   func(o *Options) { o.MaxAge = -1 },
		"a negative time to remember":      func(o *Options) { o.CacheFor = -time.Second },
		"a negative size":                  func(o *Options) { o.MaxBytes = -1 },
		"a cookie and a header":            func(o *Options) { o.From = From{Cookie: "a", Header: "B"} },
		"a header that is no name":         func(o *Options) { o.From.Header = "a b" },
		"a scheme that is no name":         func(o *Options) { o.From.Scheme = "Bearer " },
		"a cookie that is no name":         func(o *Options) { o.From.Cookie = "a;b" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := ordinary
			change(&o)
			if a, err := New(o); err == nil || a != nil {
				t.Errorf("taken: %v", a)
			}
		})
	}
}

// TestAKeyOfAnotherIssuer: two issuers, each with a key of the same name. Neither can
// speak for the other one, and each token is left to who may know it.
func TestAKeyOfAnotherIssuer(t *testing.T) {
	t.Parallel()
	ours := made()["ES256"]
	theirs := newWorld(t).other
	theirs.kid = ours.kid
	cache := newCache(t)
	a := authenticator(t, inline(t, ours.jwk(t, "")), func(o *Options) { o.Name, o.Cache = "ours", cache })
	b := authenticator(t, inline(t, theirs.jwk(t, "")), func(o *Options) { o.Name, o.Issuer, o.Cache = "theirs", "https://other.example", cache })
	for name, tc := range map[string]struct {
		signer signer
		issuer string
		want   [2]auth.Verdict
	}{
		"our key for our issuer":            {ours, issuer, [2]auth.Verdict{auth.Valid, auth.Absent}},
		"their key for their issuer":        {theirs, "https://other.example", [2]auth.Verdict{auth.Absent, auth.Valid}},
		"their key for our issuer":          {theirs, issuer, [2]auth.Verdict{auth.Invalid, auth.Absent}},
		"our key for their issuer":          {ours, "https://other.example", [2]auth.Verdict{auth.Absent, auth.Invalid}},
		"our key for an issuer of nobody's": {ours, "https://third.example", [2]auth.Verdict{auth.Absent, auth.Absent}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := bearer(tc.signer.mint(t, tc.signer.header(""), claims(t, map[string]any{"iss": tc.issuer})))
			for range 2 { // the second is from the cache
				if got := [2]auth.Verdict{a.Authenticate(t.Context(), r).Verdict, b.Authenticate(t.Context(), r).Verdict}; got != tc.want {
					t.Errorf("got %v, want %v", got, tc.want)
				}
			}
		})
	}
}

// TestSymmetricKeys are for their own algorithms only, if they are long enough.
func TestSymmetricKeys(t *testing.T) {
	t.Parallel()
	short := signer{"short", "HS512", []byte("0123456789abcdef0123456789abcdef")}
	a := authenticator(t, inline(t, short.jwk(t, "")), func(o *Options) { o.Algorithms = []string{"HS256", "HS512"} })
	if got := a.Authenticate(t.Context(), bearer(short.mint(t, short.header(""), claims(t, nil)))); got.Verdict != auth.Invalid || got.Reason != KeyName {
		t.Errorf("HS512 by 32 bytes: %+v", got)
	}
	fits := signer{"short", "HS256", short.key}
	if got := a.Authenticate(t.Context(), bearer(fits.mint(t, fits.header(""), claims(t, nil)))); got.Verdict != auth.Valid {
		t.Errorf("HS256 by 32 bytes: %+v", got)
	}
	unnamed := authenticator(t, inline(t, short.jwk(t, "")), nil)
	if got := unnamed.Authenticate(t.Context(), bearer(fits.mint(t, fits.header(""), claims(t, nil)))); got.Reason != Algorithm {
		t.Errorf("HS256 where it was not named: %+v", got)
	}
}
