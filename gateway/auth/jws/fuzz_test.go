// SPDX-License-Identifier: Apache-2.0

package jws

import (
	"bytes"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/gatehouse-sh/gatehouse/gateway/auth/internal/object"
	"github.com/gatehouse-sh/gatehouse/gateway/auth/jwks"
)

// theirs are the algorithms of go-jose that are ours, too.
var theirs = []jose.SignatureAlgorithm{
	jose.EdDSA, jose.HS256, jose.HS384, jose.HS512, jose.RS256, jose.RS384, jose.RS512,
	jose.ES256, jose.ES384, jose.ES512, jose.PS256, jose.PS384, jose.PS512,
}

func b64(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// tokens are where the fuzzer begins: good ones, and what attackers write.
func tokens() []string {
	good := b64(`{"alg":"HS256","kid":"k"}`) + "." + b64(`{"iss":"a"}`) + "." + b64(strings.Repeat("x", 32))
	parts := strings.Split(good, ".")
	out := []string{good, "", ".", "..", "...", good + ".", good + "=", good + "\n", " " + good, parts[0] + ".." + parts[2], parts[0] + "." + parts[1] + "."}
	for _, header := range []string{
		`{}`, `[]`, `null`, `{"alg":"none"}`, `{"alg":"EdDSA"}`, `{"alg":"Ed25519"}`, `{"alg":"ES256","alg":"ES256"}`, `{"alg":"ES256","crit":["b64"],"b64":false}`,
		`{"alg":"RS256","kid":1}`, `{"alg":"RS256","kid":null}`, `{"alg":"PS256","typ":"JWT","jwk":{"kty":"EC","crv":"P-256"}}`, `{"alg":"ES512","x5c":["MIIB"]}`,
		`{"alg":"HS256","nonce":"n","nested":{"a":[1,{"b":2}]}}`, `{"alg":"HS256","\u0061lg":"HS256"}`, `{"alg":"HS256","x":"\ud800"}`, "{\"alg\":\"HS256\",\"x\":\"\xff\"}", `{"alg":"RSA-OAEP","enc":"A128GCM"}`,
	} {
		out = append(out, b64(header)+"."+parts[1]+"."+parts[2])
	}
	return out
}

// embedded are the parameters that go-jose reads as keys and certificates, and we do
// not look at: it may refuse a token for them.
var embedded = []string{"jwk", "x5c"}

// compare holds what is true for every token, and says whether we take it.
func compare(t *testing.T, token string) bool {
	t.Helper()
	own, err := Parse(token)
	other, otherErr := jose.ParseSignedCompact(token, theirs)
	if err != nil {
		if own != nil || !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrCritical) && !errors.Is(err, ErrAlgorithm) {
			t.Fatalf("%q: %+v, %v", token, own, err)
		}
		if otherErr == nil && restricted(token) {
			t.Fatalf("%q is refused (%v), and go-jose takes it", token, err)
		}
		return false
	}
	// What is taken has one spelling.
	head, rest, _ := strings.Cut(token, ".")
	if again := base64.RawURLEncoding.EncodeToString(own.Payload); string(own.input) != head+"."+again || token != string(own.input)+"."+base64.RawURLEncoding.EncodeToString(own.signature) || rest == "" {
		t.Fatalf("%q is another token when it is written again", token)
	}
	if !jwks.Known(own.Algorithm) || own.Algorithm == "none" {
		t.Fatalf("%q is taken with the algorithm %q", token, own.Algorithm)
	}
	if otherErr != nil {
		if own.Algorithm == "Ed25519" || slices.ContainsFunc(embedded, func(name string) bool { _, is := own.Header[name]; return is }) {
			return true
		}
		t.Fatalf("%q is taken, and go-jose refuses it: %v", token, otherErr)
	}
	h := other.Signatures[0].Header
	if h.Algorithm != own.Algorithm || h.KeyID != own.KeyID || !bytes.Equal(other.UnsafePayloadWithoutVerification(), own.Payload) || !bytes.Equal(other.Signatures[0].Signature, own.signature) {
		t.Fatalf("%q: we read %+v, go-jose %+v", token, own, h)
	}
	return true
}

// restricted says whether a token that go-jose takes is one that we have to take: it
// is written in one way, its header is plain and asks for nothing special.
func restricted(token string) bool {
	parts := strings.Split(token, ".")
	if len(parts) != 3 || parts[2] == "" || strings.ContainsAny(token, "\r\n") {
		return false
	}
	for _, p := range parts {
		if _, err := strict.DecodeString(p); err != nil {
			return false
		}
	}
	header, err := strict.DecodeString(parts[0])
	if err != nil {
		return false
	}
	members, err := object.Parse(header)
	if err != nil { // go-jose takes what is no UTF-8, and any depth
		return false
	}
	for _, name := range []string{"kid", "typ"} {
		if v, is := members[name]; is {
			if _, isText := v.(string); !isText {
				return false
			}
		}
	}
	_, critical := members["crit"]
	_, unencoded := members["b64"]
	return !critical && !unencoded
}

func TestSeedsAreReadAsGoJoseDoes(t *testing.T) {
	t.Parallel()
	taken := 0
	for _, token := range tokens() {
		if compare(t, token) {
			taken++
		}
	}
	if taken < 5 || taken == len(tokens()) {
		t.Errorf("%d of %d are taken", taken, len(tokens()))
	}
}

func FuzzParse(f *testing.F) {
	for _, token := range tokens() {
		f.Add(token)
	}
	f.Fuzz(func(t *testing.T, token string) { compare(t, token) })
}

// FuzzHeader spends no time on base64.
func FuzzHeader(f *testing.F) {
	for _, token := range tokens() {
		head, _, _ := strings.Cut(token, ".")
		if text, err := base64.RawURLEncoding.DecodeString(head); err == nil {
			f.Add(string(text), `{"iss":"a"}`)
		}
	}
	f.Fuzz(func(t *testing.T, header, payload string) {
		compare(t, b64(header)+"."+b64(payload)+"."+b64("signature"))
	})
}
