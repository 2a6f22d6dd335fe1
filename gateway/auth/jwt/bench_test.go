// SPDX-License-Identifier: Apache-2.0

package jwt

import (
	"fmt"
	"slices"
	"syscall"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/gatehouse-sh/gatehouse/gateway/auth"
)

// BenchmarkCold verifies a token that nobody has seen.
func BenchmarkCold(b *testing.B) {
	for _, alg := range []string{"RS256", "PS256", "ES256", "EdDSA", "HS256"} {
		b.Run(alg, func(b *testing.B) {
			s := made()[alg]
			a := authenticator(b, inline(b, s.jwk(b, "")), func(o *Options) { o.Algorithms = []string{alg} })
			r := bearer(s.mint(b, s.header(""), claims(b, nil)))
			defer processor(b)()
			for b.Loop() {
				if got := a.Authenticate(b.Context(), r); got.Verdict != auth.Valid {
					b.Fatal(got)
				}
			}
		})
	}
}

// processor reports allocations, and the processor time of an operation: on a machine
// with other work the clock says little.
func processor(b *testing.B) func() {
	b.Helper()
	b.ReportAllocs()
	used := func() int64 {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return u.Utime.Nano() + u.Stime.Nano()
	}
	before := used()
	return func() { b.ReportMetric(float64(used()-before)/float64(b.N), "cpu-ns/op") }
}

// BenchmarkGoJose is what go-jose takes for the signature alone, for comparison.
func BenchmarkGoJose(b *testing.B) {
	for _, alg := range []string{"RS256", "ES256", "EdDSA"} {
		b.Run(alg, func(b *testing.B) {
			s := made()[alg]
			var key jose.JSONWebKey
			if err := key.UnmarshalJSON([]byte(s.jwk(b, ""))); err != nil {
				b.Fatal(err)
			}
			token := s.mint(b, s.header(""), claims(b, nil))
			defer processor(b)()
			for b.Loop() {
				parsed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(alg)})
				if err != nil {
					b.Fatal(err)
				}
				if _, err := parsed.Verify(key.Key); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkHit asks for tokens that were verified.
func BenchmarkHit(b *testing.B) {
	for _, live := range []int{1, 1000, 100_000} {
		b.Run(fmt.Sprintf("%d-live", live), func(b *testing.B) {
			s := made()["HS256"] // whose tokens are made quickly; a hit does not look at the signature
			cache, err := NewCache(1 << 30)
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(cache.Close)
			a := authenticator(b, inline(b, s.jwk(b, "")), func(o *Options) { o.Algorithms, o.Cache = []string{"HS256"}, cache })
			list := make([]*auth.Request, live)
			for n := range list {
				list[n] = bearer(s.mint(b, s.header(""), claims(b, map[string]any{"sub": fmt.Sprint("user", n)})))
				if got := a.Authenticate(b.Context(), list[n]); got.Verdict != auth.Valid {
					b.Fatal(got)
				}
			}
			ctx, n := b.Context(), 0
			defer processor(b)()
			for b.Loop() {
				if got := a.Authenticate(ctx, list[n]); got.Verdict != auth.Valid {
					b.Fatal(got)
				}
				if n++; n == live {
					n = 0
				}
			}
			b.ReportMetric(float64(cache.verified.WeightedSize())/float64(live), "bytes/token")
		})
	}
}

// BenchmarkInvalid is a flood of tokens that are all refused.
func BenchmarkInvalid(b *testing.B) {
	s := made()["RS256"]
	good := s.mint(b, s.header(""), claims(b, nil))
	flood := func(change func(n int) string) []*auth.Request {
		out := make([]*auth.Request, 50_000) // more than are remembered
		for n := range out {
			out[n] = bearer(change(n))
		}
		return out
	}
	head, rest := good[:len(good)-8], "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	forge := func(n int) string { // another signature each time
		return head + string([]byte{rest[n&63], rest[n>>6&63], rest[n>>12&63]}) + good[len(good)-5:]
	}
	for name, list := range map[string][]*auth.Request{
		"signatures that differ": flood(forge),
		"the same signature":     slices.Repeat([]*auth.Request{bearer(forge(0))}, 2),
		"other issuers": flood(func(n int) string {
			return mix(good, claims(b, map[string]any{"iss": fmt.Sprint("https://", n)}))
		}),
		"no key":      flood(func(n int) string { return unsigned(fmt.Sprintf(`{"alg":"RS256","kid":"%d"}`, n), claims(b, nil), "x") }),
		"no token":    flood(func(n int) string { return fmt.Sprint("opaque", n) }),
		"alg none":    flood(func(n int) string { return unsigned(fmt.Sprintf(`{"alg":"none","n":%d}`, n), claims(b, nil), "x") }),
		"16 KiB of [": flood(func(int) string { return unsigned(string(slices.Repeat([]byte("["), 12_000)), "x", "x") })[:2],
		"16 KiB of members": flood(func(int) string {
			members := []byte(`{"alg":"RS256"`)
			for n := range 1000 {
				members = fmt.Appendf(members, `,"%d":{}`, n)
			}
			return unsigned(string(append(members, '}')), "x", "x")
		})[:2],
	} {
		b.Run(name, func(b *testing.B) {
			a := authenticator(b, inline(b, s.jwk(b, "")), func(o *Options) { o.Cache = newCache(b) })
			n := 0
			defer processor(b)()
			for b.Loop() {
				if got := a.Authenticate(b.Context(), list[n]); got.Verdict == auth.Valid {
					b.Fatal(got)
				}
				if n++; n == len(list) {
					n = 0
				}
			}
		})
	}
}
