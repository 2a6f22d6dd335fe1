// SPDX-License-Identifier: Apache-2.0

package jwt

import (
	"encoding/json"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/auth"
)

// FuzzClaims signs whatever it gets as the issuer would: only what a policy wants is
// taken.
func FuzzClaims(f *testing.F) {
	s := made()["HS256"]
	a := authenticator(f, inline(f, s.jwk(f, "")), func(o *Options) { o.Algorithms = []string{"HS256"} })
	f.Add(s.header(""), claims(f, nil))
	for _, change := range []map[string]any{{"aud": []string{"x", audience}}, {"scope": []string{"a"}}, {"nbf": 1.5}, {"iss": "x"}, {"exp": "1"}, {"sub": ""}} {
		f.Add(s.header(`,"x":1`), claims(f, change))
	}
	f.Fuzz(func(t *testing.T, header, payload string) {
		got := a.Authenticate(t.Context(), bearer(s.mint(t, header, payload)))
		switch got.Verdict {
		case auth.Valid:
			p := got.Principal
			if p == nil || p.Issuer != issuer || p.Claims["iss"] != issuer || p.Subject == "" || p.Claims["sub"] != p.Subject || !noon.Before(p.Expires) || got.Reason != "" {
				t.Fatalf("%q is taken: %+v", payload, p)
			}
			var loose map[string]any
			if err := json.Unmarshal([]byte(payload), &loose); err != nil || loose["iss"] != issuer {
				t.Fatalf("%q is taken, and encoding/json reads %v, %v", payload, loose, err)
			}
		case auth.Invalid, auth.Absent:
			if got.Principal != nil || got.Reason == "" || strings.ContainsAny(got.Reason, " \"") {
				t.Fatalf("%q: %+v", payload, got)
			}
		case auth.Unavailable:
			t.Fatalf("%q: keys that are given are not available", payload)
		}
	})
}

// FuzzDate compares with exact arithmetic.
func FuzzDate(f *testing.F) {
	for _, text := range []string{"0", "-0", "1.5", "1e9", "1e400", "1e-400", "253402300799", "253402300800", "-1", "0.1893456e10", "1793620800.999999999999"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !json.Valid([]byte(text)) || len(text) > 100 {
			return
		}
		if i := strings.IndexAny(text, "eE"); i >= 0 && len(text)-i > 5 {
			return // big.Rat would write it out
		}
		exact, isNumber := new(big.Rat).SetString(text)
		got, ok := date(json.Number(text))
		if !isNumber {
			return
		}
		inside := exact.Sign() >= 0 && exact.Cmp(new(big.Rat).SetInt64(latest)) <= 0
		if !ok {
			if inside {
				t.Fatalf("%s is no date", text)
			}
			return
		}
		difference := new(big.Rat).Sub(exact, new(big.Rat).SetFrac64(got.Unix(), 1))
		difference.Sub(difference, new(big.Rat).SetFrac64(int64(got.Nanosecond()), int64(time.Second)))
		if difference.Abs(difference).Cmp(big.NewRat(1, 10_000)) > 0 || got.Before(time.Unix(0, 0)) || got.Unix() > latest {
			t.Fatalf("%s is %s", text, got)
		}
	})
}
