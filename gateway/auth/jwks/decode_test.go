// SPDX-License-Identifier: Apache-2.0

package jwks

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"testing"
)

// rsaKeys are public keys of sizes in bits, of which nobody needs the private ones:
// any odd number is a modulus to who only looks at it.
var modulus = sync.OnceValue(func() func(bits int) string {
	return func(bits int) string {
		n := new(big.Int).Lsh(big.NewInt(1), uint(bits-1))
		return b64(n.Add(n, big.NewInt(12345)).Bytes())
	}
})

func rsaJWK(bits int, e string, more string) string {
	return fmt.Sprintf(`{"kty":"RSA","kid":"r","n":%q,"e":%q%s}`, modulus()(bits), e, more)
}

// rocaModulus is one of the faulty generator's form: both primes are powers of 65537
// modulo all small primes. Any product of such numbers will do.
func rocaModulus(tb testing.TB) *big.Int {
	tb.Helper()
	primorial := big.NewInt(1)
	for _, p := range rocaPrimes {
		primorial.Mul(primorial, big.NewInt(p))
	}
	half := func(power int64) *big.Int {
		n := new(big.Int).Exp(big.NewInt(65537), big.NewInt(power), primorial)
		high := new(big.Int).Lsh(big.NewInt(1), 1024)
		high.Sub(high, new(big.Int).Mod(high, primorial))
		n.Add(n, high)
		if n.Bit(0) == 0 {
			n.Add(n, primorial)
		}
		return n
	}
	return new(big.Int).Mul(half(1234567), half(7654321))
}

func TestKeysThatAreRefused(t *testing.T) {
	t.Parallel()
	_, good := newKey(t, "good")
	if keys, faults, err := decodeSet([]byte(document(good)), fetched, 10); err != nil || len(faults) > 0 || len(keys) != 1 {
		t.Fatalf("a good key: %v, %v", faults, err)
	}
	with := func(more string) string { return strings.TrimSuffix(good, "}") + more + "}" }
	zeros := b64(make([]byte, 32))
	for name, tc := range map[string]struct {
		key  string
		want error
	}{
		"for encryption":                        {with(`,"use":"enc"`), errUse},
		"for a use that is null":                {with(`,"use":null`), errUse},
		"for a use in upper case":               {with(`,"use":"SIG"`), errUse},
		"for encryption, by its operations":     {with(`,"key_ops":["encrypt"]`), errOperations},
		"for signing only":                      {with(`,"key_ops":["sign"]`), errOperations},
		"for no operation":                      {with(`,"key_ops":[]`), errOperations},
		"for operations that are no list":       {with(`,"key_ops":"verify"`), errOperations},
		"for signatures, and not to verify":     {with(`,"use":"sig","key_ops":["sign"]`), errOperations},
		"for another algorithm":                 {with(`,"alg":"ES384"`), errAlgorithm},
		"for another kind of algorithm":         {with(`,"alg":"RS256"`), errAlgorithm},
		"for HS256":                             {with(`,"alg":"HS256"`), errAlgorithm},
		"for none":                              {with(`,"alg":"none"`), errAlgorithm},
		"for an algorithm that is null":         {with(`,"alg":null`), errAlgorithm},
		"for an algorithm that is empty":        {with(`,"alg":""`), errAlgorithm},
		"a private one":                         {with(`,"d":"AQAB"`), errPrivate},
		"a private one, null":                   {with(`,"d":null`), errPrivate},
		"a private one of RSA":                  {rsaJWK(2048, "AQAB", `,"p":"AQAB"`), errPrivate},
		"a name that is a number":               {strings.Replace(good, `"good"`, `7`, 1), errID},
		"a name that is too long":               {strings.Replace(good, `"good"`, `"`+strings.Repeat("k", maxID+1)+`"`, 1), errID},
		"no kind":                               {strings.Replace(good, `"EC"`, `""`, 1), errKind},
		"a kind in lower case":                  {strings.Replace(good, `"EC"`, `"ec"`, 1), errKind},
		"an unknown kind":                       {`{"kty":"AKP","alg":"ML-DSA-44","pub":"AAAA"}`, errKind},
		"a weak curve":                          {strings.Replace(good, "P-256", "P-224", 1), errKind},
		"a curve of Bitcoin":                    {strings.Replace(good, "P-256", "secp256k1", 1), errKind},
		"a curve that is a list":                {strings.Replace(good, `"P-256"`, `["P-256"]`, 1), errKind},
		"a larger curve than its numbers":       {strings.Replace(good, "P-256", "P-384", 1), errPoint},
		"no point of the curve":                 {fmt.Sprintf(`{"kty":"EC","crv":"P-256","x":%q,"y":%q}`, zeros, b64(append(make([]byte, 31), 1))), errPoint},
		"the point at infinity":                 {fmt.Sprintf(`{"kty":"EC","crv":"P-256","x":%q,"y":%q}`, zeros, zeros), errPoint},
		"a coordinate without leading zeros":    {fmt.Sprintf(`{"kty":"EC","crv":"P-256","x":%q,"y":"AQ"}`, zeros), errPoint},
		"no coordinate":                         {`{"kty":"EC","crv":"P-256","x":"AQ"}`, errMember},
		"a coordinate with padding":             {strings.Replace(good, `","y":`, `=","y":`, 1), errMember},
		"a coordinate that is a number":         {`{"kty":"EC","crv":"P-256","x":1,"y":2}`, errMember},
		"RSA of 1024 bits":                      {rsaJWK(1024, "AQAB", ""), errShort},
		"RSA of 2047 bits":                      {rsaJWK(2047, "AQAB", ""), errShort},
		"RSA of 4097 bits":                      {rsaJWK(4097, "AQAB", ""), errLong},
		"RSA of 16384 bits":                     {rsaJWK(16384, "AQAB", ""), errLong},
		"RSA, exponent 1":                       {rsaJWK(2048, "AQ", ""), errExponent},
		"RSA, exponent 3":                       {rsaJWK(2048, "Aw", ""), errExponent},
		"RSA, an even exponent":                 {rsaJWK(2048, "AQAC", ""), errExponent},
		"RSA, exponent 2 to 31 and 1":           {rsaJWK(2048, "gAAAAQ", ""), errExponent},
		"RSA, an exponent of 100 bytes":         {rsaJWK(2048, b64(append(make([]byte, 99), 255)), "") + " ", errExponent},
		"RSA, exponent 0":                       {rsaJWK(2048, "AA", ""), errExponent},
		"RSA, no exponent":                      {`{"kty":"RSA","n":"` + modulus()(2048) + `"}`, errMember},
		"RSA, an even modulus":                  {fmt.Sprintf(`{"kty":"RSA","n":%q,"e":"AQAB"}`, b64(new(big.Int).Lsh(big.NewInt(3), 2047).Bytes())), errModulus},
		"RSA, of the generator of ROCA":         {fmt.Sprintf(`{"kty":"RSA","n":%q,"e":"AQAB"}`, b64(rocaModulus(t).Bytes())), errROCA},
		"Ed448":                                 {`{"kty":"OKP","crv":"Ed448","x":"` + b64(make([]byte, 57)) + `"}`, errKind},
		"X25519, which is for encryption":       {`{"kty":"OKP","crv":"X25519","x":"` + b64([]byte(strings.Repeat("x", 32))) + `"}`, errKind},
		"Ed25519 of 31 bytes":                   {`{"kty":"OKP","crv":"Ed25519","x":"` + b64([]byte(strings.Repeat("x", 31))) + `"}`, errPoint},
		"Ed25519 that was never filled in":      {`{"kty":"OKP","crv":"Ed25519","x":"` + zeros + `"}`, errPoint},
		"a secret that is published":            {`{"kty":"oct","k":"` + b64([]byte(strings.Repeat("x", 64))) + `"}`, errSymmetric},
		"a secret for a public key's algorithm": {`{"kty":"oct","alg":"RS256","k":"` + b64([]byte(strings.Repeat("x", 64))) + `"}`, errSymmetric},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			keys, faults, err := decodeSet([]byte(document(tc.key, good)), fetched, 10)
			if err != nil || len(keys) != 1 || keys[0].ID != "good" || len(faults) != 1 || !errors.Is(faults[0], tc.want) {
				t.Errorf("beside a good one: %d keys, %v, %v, want %v", len(keys), faults, err, tc.want)
			}
			if _, _, err := decodeSet([]byte(document(tc.key)), fetched, 10); !errors.Is(err, errNoKeys) || !errors.Is(err, tc.want) {
				t.Errorf("alone: %v", err)
			}
			if !errors.Is(tc.want, errSymmetric) { // given by hand, each fault is one
				if _, err := decodeInline([]byte(document(tc.key, good)), 10); !errors.Is(err, tc.want) {
					t.Errorf("inline: %v", err)
				}
			}
		})
	}
}

func TestKeysThatAreTaken(t *testing.T) {
	t.Parallel()
	_, good := newKey(t, "good")
	with := func(more string) string { return strings.TrimSuffix(good, "}") + more + "}" }
	for name, key := range map[string]string{
		"for signatures":                       with(`,"use":"sig"`),
		"to verify":                            with(`,"key_ops":["verify"]`),
		"to sign and verify":                   with(`,"use":"sig","key_ops":["sign","verify"]`),
		"for its algorithm":                    with(`,"alg":"ES256"`),
		"with certificates that are not read":  with(`,"x5c":["nonsense"],"x5t":7,"x5t#S256":"","x5u":"file:///etc/passwd"`),
		"with members that nobody knows":       with(`,"exp":1,"nested":{"a":[1,2,{"b":null}]}`),
		"without a name":                       strings.Replace(good, `"kid":"good",`, ``, 1),
		"RSA of 2048 bits":                     rsaJWK(2048, "AQAB", ""),
		"RSA of 4096 bits":                     rsaJWK(4096, "AQAB", `,"alg":"PS512"`),
		"RSA with zeros before the modulus":    `{"kty":"RSA","n":"` + b64(append([]byte{0}, new(big.Int).SetBit(big.NewInt(12345), 2047, 1).Bytes()...)) + `","e":"AAEAAQ"}`,
		"Ed25519":                              `{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`,
		"Ed25519 by the newer name (RFC 9864)": `{"kty":"OKP","crv":"Ed25519","alg":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			keys, faults, err := decodeSet([]byte(document(key)), fetched, 10)
			if err != nil || len(faults) > 0 || len(keys) != 1 {
				t.Errorf("%d keys, %v, %v", len(keys), faults, err)
			}
		})
	}
}

func TestSetsThatAreRefused(t *testing.T) {
	t.Parallel()
	_, a := newKey(t, "a")
	_, otherA := newKey(t, "a")
	for name, text := range map[string]string{
		"nothing":                    ``,
		"an HTML page":               `<html><body>Sign in</body></html>`,
		"null":                       `null`,
		"a list":                     `[` + a + `]`,
		"one key, not in a set":      a,
		"no keys":                    `{}`,
		"keys that are an object":    `{"keys":` + a + `}`,
		"keys that are null":         `{"keys":null}`,
		"an empty list":              `{"keys":[]}`,
		"a key that is a text":       `{"keys":["a"]}`,
		"a key that is null":         `{"keys":[null,` + a + `]}`,
		"keys twice":                 `{"keys":[` + a + `],"keys":[` + a + `]}`,
		"a member of a key twice":    `{"keys":[` + strings.Replace(a, `"kid":"a"`, `"kid":"a","kid":"b"`, 1) + `]}`,
		"something behind it":        document(a) + "x",
		"cut off":                    document(a)[:40],
		"two keys of one name":       document(a, otherA),
		"more keys than are allowed": document(a, a, a, a),
		"nested too deeply":          `{"keys":[` + strings.Repeat(`{"a":`, 5000) + `1` + strings.Repeat(`}`, 5000) + `]}`,
		"not UTF-8":                  strings.Replace(document(a), `"kid":"a"`, "\"kid\":\"\xff\"", 1),
	} {
		if keys, _, err := decodeSet([]byte(text), fetched, 3); err == nil {
			t.Errorf("%s: %d keys are taken", name, len(keys))
		}
	}
	_, b := newKey(t, "b")
	keys, faults, err := decodeSet([]byte(document(a, otherA, b, b)), fetched, 4)
	if err != nil || len(keys) != 1 || keys[0].ID != "b" || len(faults) != 2 || !errors.Is(faults[0], errTwice) {
		t.Errorf("two keys of one name, and one that is there twice: %d keys, %v, %v", len(keys), faults, err)
	}
	rsaA := rsaJWK(2048, "AQAB", "")
	if keys, _, err := decodeSet([]byte(document(strings.Replace(rsaA, `"r"`, `"a"`, 1), a)), fetched, 4); err != nil || len(keys) != 2 {
		t.Errorf("two keys of one name and different kinds (RFC 7517, section 4.5): %d keys, %v", len(keys), err)
	}
}

// block is a public key as PEM.
func block(tb testing.TB, kind string, public any) []byte {
	tb.Helper()
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		tb.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func TestInlineKeys(t *testing.T) {
	t.Parallel()
	ecKey, ecJWK := newKey(t, "ec")
	edPublic, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	weak, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	secretJWK := `{"kty":"oct","kid":"s","k":"` + b64([]byte(strings.Repeat("x", 32))) + `"}`
	ecPEM, edPEM := string(block(t, "PUBLIC KEY", &ecKey.PublicKey)), string(block(t, "PUBLIC KEY", edPublic))
	n, _ := new(big.Int).SetString(strings.Repeat("f", 255)+"1", 16)
	for name, tc := range map[string]struct {
		text string
		keys int // 0: refused
	}{
		"a set":                           {document(ecJWK), 1},
		"one key":                         {ecJWK, 1},
		"a secret":                        {secretJWK, 1},
		"a secret of 31 bytes":            {`{"kty":"oct","k":"` + b64([]byte(strings.Repeat("x", 31))) + `"}`, 0},
		"a secret beside a public key":    {document(ecJWK, secretJWK), 0},
		"a good key beside a bad one":     {document(ecJWK, `{"kty":"X"}`), 0},
		"PEM":                             {ecPEM, 1},
		"two blocks of PEM, and a remark": {"# of our issuer\n" + ecPEM + edPEM, 2},
		"the same block twice":            {ecPEM + ecPEM, 1},
		"five blocks":                     {strings.Repeat(ecPEM, 5), 0},
		"PEM and something behind it":     {ecPEM + "x", 0},
		"PEM of a weak curve":             {string(block(t, "PUBLIC KEY", &weak.PublicKey)), 0},
		"PEM of RSA with 1020 bits":       {string(block(t, "PUBLIC KEY", &rsa.PublicKey{N: n, E: 65537})), 0},
		"PEM that says something else":    {string(block(t, "CERTIFICATE", edPublic)), 0},
		"PEM of a private key":            {string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("x")})), 0},
		"PEM that is broken":              {string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: []byte("x")})), 0},
		"PEM that is cut off":             {ecPEM[:60], 0},
		"nothing":                         {"", 0},
	} {
		keys, err := decodeInline([]byte(tc.text), 4)
		if len(keys) != tc.keys || (err == nil) != (tc.keys > 0) {
			t.Errorf("%s: %d keys, %v", name, len(keys), err)
		}
	}
}

// TestPointsOfSmallOrder are keys by which anybody can sign: for each there is a
// message that an empty signature fits.
func TestPointsOfSmallOrder(t *testing.T) {
	t.Parallel()
	signature := make([]byte, 64)
	signature[0] = 1 // the neutral element, and zero
	forged := 0
	for _, text := range smallPoints {
		point, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		for n := range 500 {
			if ed25519.Verify(point, fmt.Append(nil, n), signature) {
				forged++
				break
			}
		}
		if _, err := checkEd(point); !errors.Is(err, errPoint) {
			t.Errorf("%s is taken", text)
		}
		point[31] |= 0x80
		if _, err := checkEd(point); !errors.Is(err, errPoint) {
			t.Errorf("%s with the other sign is taken", text)
		}
	}
	if forged < 5 {
		t.Errorf("%d points of small order let anybody sign, want 5 at least: the list is wrong", forged)
	}
}
