// SPDX-License-Identifier: Apache-2.0

package jwks

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/gatehouse-sh/gatehouse/gateway/auth/internal/object"
)

// FuzzDecodeSet: whatever an issuer publishes, nothing panics, what is taken is a key
// that go-jose reads in the same way, and is strong.
func FuzzDecodeSet(f *testing.F) {
	_, good := newKey(f, "good")
	_, other := newKey(f, "good")
	for _, text := range []string{
		document(), document(good), document(good, other), document(good, good), good, `{"keys":[{"kty":"EC","crv":["P-256"],"x":{},"y":null}]}`,
		document(strings.TrimSuffix(good, "}") + `,"use":"sig","key_ops":["verify"],"alg":"ES256","x5c":["MIIB"]}`),
		document(rsaJWK(2048, "AQAB", `,"alg":"RS256"`)), document(rsaJWK(1024, "AQAB", ``)), document(rsaJWK(4096, "Aw", ``)),
		document(`{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`),
		document(`{"kty":"oct","k":"` + strings.Repeat("A", 86) + `"}`),
		"-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----\n",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		keys, _, err := decodeSet(data, fetched, 8)
		if (err == nil) != (len(keys) > 0) || len(keys) > 8 {
			t.Fatalf("%d keys, %v", len(keys), err)
		}
		for _, k := range keys {
			if k.kty() == "oct" {
				t.Fatal("a secret is taken that was published")
			}
			sound(t, k)
		}
		byHand, err := decodeInline(data, 8)
		if (err == nil) != (len(byHand) > 0) {
			t.Fatalf("%d keys, %v", len(byHand), err)
		}
		for _, k := range byHand {
			sound(t, k)
		}
		doc, err := object.Parse(data)
		if err != nil {
			return
		}
		list, _ := doc["keys"].([]any)
		for _, item := range list {
			members, isObject := item.(map[string]any)
			if !isObject {
				return
			}
			differ(t, members)
		}
	})
}

// sound holds what every key has to be.
func sound(t *testing.T, k *Key) {
	t.Helper()
	fits := 0
	for name := range algorithms {
		if k.Fits(name) {
			fits++
			if (k.kty() == "oct") != Symmetric(name) {
				t.Fatalf("a key of kind %s is for %s", k.kty(), name)
			}
		}
		if k.Verify(name, []byte("input"), make([]byte, 64)) || k.Verify(name, nil, nil) {
			t.Fatalf("a key of kind %s takes a signature of zeros by %s", k.kty(), name)
		}
	}
	if fits == 0 || len(k.ID) > maxID {
		t.Fatalf("a key is for %d algorithms, its name has %d bytes", fits, len(k.ID))
	}
	if p, is := k.public.(*rsa.PublicKey); is && (p.N.BitLen() < minRSA || p.N.BitLen() > maxRSA || p.E < minE) {
		t.Fatalf("an RSA key of %d bits, exponent %d", p.N.BitLen(), p.E)
	}
}

// differ compares one key with what go-jose makes of it, as far as it is a key and not
// what is around it.
func differ(t *testing.T, members map[string]any) {
	t.Helper()
	bare := map[string]any{}
	for _, name := range []string{"kty", "crv", "n", "e", "x", "y"} {
		if v, is := members[name]; is {
			bare[name] = v
		}
	}
	text, err := json.Marshal(bare)
	if err != nil {
		t.Fatal(err)
	}
	own, err := decodeKey(bare, fetched)
	var theirs jose.JSONWebKey
	otherErr := theirs.UnmarshalJSON(text)
	if err == nil {
		if otherErr != nil {
			t.Fatalf("%s is taken, and go-jose refuses it: %v", text, otherErr)
		}
		same := false
		switch p := own.public.(type) {
		case *rsa.PublicKey:
			o, is := theirs.Key.(*rsa.PublicKey)
			same = is && o.Equal(p)
		case *ecdsa.PublicKey:
			o, is := theirs.Key.(*ecdsa.PublicKey)
			same = is && o.Equal(p)
		case ed25519.PublicKey:
			o, is := theirs.Key.(ed25519.PublicKey)
			same = is && o.Equal(p)
		}
		if !same {
			t.Fatalf("%s is another key to go-jose", text)
		}
		return
	}
	if otherErr != nil || !theirs.Valid() || !theirs.IsPublic() {
		return
	}
	// What go-jose takes is refused for a reason that it does not know, or for the way it
	// is written.
	for _, name := range []string{"n", "e", "x", "y"} {
		v, is := bare[name].(string)
		if _, err := base64.RawURLEncoding.Strict().DecodeString(v); is && (err != nil || strings.ContainsAny(v, "\r\n") || len(v) > maxText) {
			return
		}
	}
	weak := []error{errShort, errLong, errExponent, errModulus, errROCA}
	if p, is := theirs.Key.(ed25519.PublicKey); is && smallOrder(p) {
		weak = append(weak, errPoint)
	}
	if !slices.ContainsFunc(weak, func(w error) bool { return errors.Is(err, w) }) {
		t.Fatalf("%s is refused (%v), and go-jose takes it", text, err)
	}
}
