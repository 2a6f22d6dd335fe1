// SPDX-License-Identifier: Apache-2.0

package jwt

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-sh/gatehouse/gateway/auth"
)

func TestATokenOfEachAlgorithmIsTaken(t *testing.T) {
	t.Parallel()
	for alg, s := range made() {
		t.Run(alg, func(t *testing.T) {
			t.Parallel()
			a := authenticator(t, inline(t, s.jwk(t, "")), func(o *Options) { o.Algorithms, o.Cache = []string{alg}, newCache(t) })
			token := s.mint(t, s.header(""), claims(t, map[string]any{"n": 1}))
			want := auth.Answer{Verdict: auth.Valid, Principal: &auth.Principal{
				By: "idp", Issuer: issuer, Subject: "alice", Scopes: []string{"read", "write"}, Expires: noon.Add(time.Hour).Local(),
				Claims: map[string]any{
					"iss": issuer, "aud": audience, "sub": "alice", "scope": "read write", "n": json.Number("1"),
					"iat": json.Number("1793620740"), "exp": json.Number("1793624400"),
				},
			}}
			for range 2 { // the second is from the cache
				if diff := cmp.Diff(want, a.Authenticate(t.Context(), bearer(token))); diff != "" {
					t.Error(diff)
				}
			}
			last := token[len(token)-6:]
			forged := token[:len(token)-6] + map[bool]string{true: "BAAAAA", false: "AAAAAA"}[last == "AAAAAA"]
			for range 2 {
				if got := a.Authenticate(t.Context(), bearer(forged)); got.Verdict != auth.Invalid || got.Principal != nil {
					t.Errorf("a forged signature: %+v", got)
				}
			}
		})
	}
}
