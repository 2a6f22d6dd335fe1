// SPDX-License-Identifier: Apache-2.0

package jwt

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/auth"
	"github.com/gatehouse-sh/gatehouse/gateway/auth/jwks"
	"github.com/gatehouse-sh/gatehouse/gateway/request"
)

// noon is when the tests take place.
var noon = time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)

const (
	issuer   = "https://idp.example"
	audience = "shop"
)

// signer has a private key, or a secret ([]byte).
type signer struct {
	kid, alg string
	key      any
}

// made are the keys of the tests: an RSA key takes a second to make.
var made = sync.OnceValue(func() map[string]signer {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	out := map[string]signer{
		"RS256": {"rsa", "RS256", rsaKey}, "RS384": {"rsa", "RS384", rsaKey}, "RS512": {"rsa", "RS512", rsaKey},
		"PS256": {"rsa", "PS256", rsaKey}, "PS384": {"rsa", "PS384", rsaKey}, "PS512": {"rsa", "PS512", rsaKey},
		"HS256": {"mac", "HS256", []byte(strings.Repeat("0123456789abcdef", 4))},
		"HS384": {"mac", "HS384", []byte(strings.Repeat("0123456789abcdef", 4))},
		"HS512": {"mac", "HS512", []byte(strings.Repeat("0123456789abcdef", 4))},
	}
	for alg, curve := range map[string]elliptic.Curve{"ES256": elliptic.P256(), "ES384": elliptic.P384(), "ES512": elliptic.P521()} {
		k, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			panic(err)
		}
		out[alg] = signer{"ec-" + alg, alg, k}
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	out["EdDSA"], out["Ed25519"] = signer{"ed", "EdDSA", ed}, signer{"ed", "Ed25519", ed}
	return out
})

func hashOf(alg string) crypto.Hash {
	return map[string]crypto.Hash{"256": crypto.SHA256, "384": crypto.SHA384, "512": crypto.SHA512}[alg[2:]]
}

// sign signs bytes as an algorithm says.
func (s signer) sign(tb testing.TB, input []byte) []byte {
	tb.Helper()
	if k, is := s.key.(ed25519.PrivateKey); is {
		return ed25519.Sign(k, input)
	}
	hash := hashOf(s.alg)
	h := hash.New()
	h.Write(input)
	digest := h.Sum(nil)
	var out []byte
	var err error
	switch k := s.key.(type) {
	case []byte:
		m := hmac.New(hash.New, k)
		m.Write(input)
		return m.Sum(nil)
	case *rsa.PrivateKey:
		if s.alg[0] == 'P' {
			out, err = rsa.SignPSS(rand.Reader, k, hash, digest, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
		} else {
			out, err = rsa.SignPKCS1v15(rand.Reader, k, hash, digest)
		}
	case *ecdsa.PrivateKey:
		r, v, e := ecdsa.Sign(rand.Reader, k, digest)
		size := (k.Curve.Params().BitSize + 7) / 8
		out, err = make([]byte, 2*size), e
		if err == nil {
			r.FillBytes(out[:size])
			v.FillBytes(out[size:])
		}
	}
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

func b64(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }

// mint writes a token of a header and a payload as they are given.
func (s signer) mint(tb testing.TB, header, payload string) string {
	tb.Helper()
	input := b64([]byte(header)) + "." + b64([]byte(payload))
	return input + "." + b64(s.sign(tb, []byte(input)))
}

// header is an ordinary one, with more members.
func (s signer) header(more string) string {
	return fmt.Sprintf(`{"alg":%q,"kid":%q,"typ":"JWT"%s}`, s.alg, s.kid, more)
}

// jwk is the public key, or the secret.
func (s signer) jwk(tb testing.TB, more string) string {
	tb.Helper()
	switch k := s.key.(type) {
	case []byte:
		return fmt.Sprintf(`{"kty":"oct","kid":%q,"k":%q%s}`, s.kid, b64(k), more)
	case *rsa.PrivateKey:
		return fmt.Sprintf(`{"kty":"RSA","kid":%q,"n":%q,"e":"AQAB"%s}`, s.kid, b64(k.N.Bytes()), more)
	case *ecdsa.PrivateKey:
		point, err := k.PublicKey.Bytes()
		if err != nil {
			tb.Fatal(err)
		}
		size := len(point) / 2
		return fmt.Sprintf(`{"kty":"EC","kid":%q,"crv":%q,"x":%q,"y":%q%s}`, s.kid, k.Curve.Params().Name, b64(point[1:1+size]), b64(point[1+size:]), more)
	case ed25519.PrivateKey:
		return fmt.Sprintf(`{"kty":"OKP","kid":%q,"crv":"Ed25519","x":%q%s}`, s.kid, b64(k[32:]), more)
	}
	tb.Fatalf("no such key: %T", s.key)
	return ""
}

func set(list ...string) []byte { return []byte(`{"keys":[` + strings.Join(list, ",") + `]}`) }

// inline opens a set of keys.
func inline(tb testing.TB, list ...string) *jwks.Set {
	tb.Helper()
	s, err := jwks.Open(jwks.Options{Inline: set(list...)})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(s.Close)
	return s
}

// claims are ordinary ones, changed: a value of nil takes a claim away.
func claims(tb testing.TB, change map[string]any) string {
	tb.Helper()
	c := map[string]any{"iss": issuer, "aud": audience, "sub": "alice", "iat": noon.Add(-time.Minute).Unix(), "exp": noon.Add(time.Hour).Unix(), "scope": "read write"}
	for k, v := range change {
		if c[k] = v; v == nil {
			delete(c, k)
		}
	}
	out, err := json.Marshal(c)
	if err != nil {
		tb.Fatal(err)
	}
	return string(out)
}

// authenticator is one of ordinary options, changed.
func authenticator(tb testing.TB, keys *jwks.Set, change func(*Options)) *Authenticator {
	tb.Helper()
	o := Options{Name: "idp", Issuer: issuer, Audiences: []string{audience}, Keys: keys}
	if change != nil {
		change(&o)
	}
	a, err := New(o)
	if err != nil {
		tb.Fatal(err)
	}
	return a
}

func bearer(token string) *auth.Request {
	return &auth.Request{Form: &request.Form{Header: http.Header{"Authorization": {"Bearer " + token}}}, Now: noon}
}

func newCache(tb testing.TB) *Cache {
	tb.Helper()
	c, err := NewCache(0)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(c.Close)
	return c
}
