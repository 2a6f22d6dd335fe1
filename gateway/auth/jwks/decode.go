// SPDX-License-Identifier: Apache-2.0

package jwks

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"slices"

	"github.com/gatehouse-sh/gatehouse/gateway/auth/internal/object"
)

// Bounds of what a set says.
const (
	minRSA  = 2048 // bits: RFC 7518, section 3.3
	maxRSA  = 4096 // bits: beyond them a verification takes milliseconds
	minE    = 1<<16 + 1
	maxE    = 1<<31 - 1 // what crypto/rsa takes
	maxID   = 512       // bytes of a "kid"; certificate thumbprints have 44
	maxText = 16 << 10  // of base64url: a 4096-bit modulus has 683
)

// origin is where keys come from.
type origin uint8

const (
	fetched origin = iota // anybody may have read them: public keys only
	inline
)

// Faults of keys. None repeats key material.
var (
	errPrivate    = errors.New("holds a private key, which is not to be given to who only verifies")
	errUse        = errors.New(`is not for signatures ("use")`)
	errOperations = errors.New(`is not for verification ("key_ops")`)
	errKind       = errors.New(`is of an unknown kind ("kty", "crv")`)
	errMember     = errors.New("lacks a member, or has one that is no base64url")
	errAlgorithm  = errors.New(`is not for its algorithm ("alg")`)
	errSymmetric  = errors.New("is a symmetric key in a set that is published")
	errShort      = errors.New("is too short")
	errLong       = errors.New("is longer than 4096 bits")
	errExponent   = errors.New("has a public exponent that is even, less than 65537 or more than 31 bits")
	errModulus    = errors.New("has an even modulus")
	errROCA       = errors.New("was made by a faulty generator (CVE-2017-15361)")
	errPoint      = errors.New("is no point of its curve, or one of small order")
	errID         = errors.New(`has a "kid" that is no string or too long`)
	errTwice      = errors.New(`has a "kid" that another key has, too`)
	errNoKeys     = errors.New("the set has no key that can be used")
)

// decodeSet reads a JWK Set. Of a fetched one, keys that cannot be used are left
// out, as RFC 7517, section 5, wants it; the faults tell which.
func decodeSet(data []byte, from origin, most int) (keys []*Key, faults []error, err error) {
	doc, err := object.Parse(data)
	if err != nil {
		return nil, nil, fmt.Errorf("the key set %w", err)
	}
	list, isList := doc["keys"].([]any)
	if _, isKey := doc["kty"]; isKey && doc["keys"] == nil && from == inline {
		list, isList = []any{doc}, true
	}
	if !isList {
		return nil, nil, errors.New(`the key set has no list "keys"`)
	}
	if len(list) > most {
		return nil, nil, fmt.Errorf("the key set has %d keys, which is more than %d", len(list), most)
	}
	for i, item := range list {
		members, isObject := item.(map[string]any)
		if !isObject {
			return nil, nil, fmt.Errorf("key %d %w", i, object.ErrObject)
		}
		k, err := decodeKey(members, from)
		if err != nil {
			faults = append(faults, fmt.Errorf("key %d %w", i, err))
			continue
		}
		keys = append(keys, k)
	}
	keys, twice := distinct(keys)
	faults = append(faults, twice...)
	if len(keys) == 0 {
		return nil, faults, errors.Join(append([]error{errNoKeys}, faults...)...)
	}
	return keys, faults, nil
}

// distinct leaves out keys that are named as another one of their kind: nobody can
// say which of them is meant (RFC 7517, section 4.5). The same key twice is one.
func distinct(keys []*Key) (out []*Key, faults []error) {
	for i, k := range keys {
		same := func(o *Key) bool { return o.sum == k.sum }
		if slices.ContainsFunc(keys[:i], same) {
			continue
		}
		if k.ID != "" && slices.ContainsFunc(keys, func(o *Key) bool { return !same(o) && o.ID == k.ID && o.kty() == k.kty() }) {
			faults = append(faults, fmt.Errorf("key %d %w", i, errTwice))
			continue
		}
		out = append(out, k)
	}
	return out, faults
}

// kty is the kind of a key.
func (k *Key) kty() string {
	switch k.public.(type) {
	case *rsa.PublicKey:
		return "RSA"
	case *ecdsa.PublicKey:
		return "EC"
	case ed25519.PublicKey:
		return "OKP"
	}
	return "oct"
}

// private are the members of private keys (RFC 7518, section 6; RFC 9964).
var private = []string{"d", "p", "q", "dp", "dq", "qi", "oth", "priv"}

// decodeKey reads one key. Certificates in it ("x5c", "x5u", "x5t") are not looked
// at: they could only say less or other than the key itself.
func decodeKey(m map[string]any, from origin) (*Key, error) {
	for _, name := range private {
		if _, is := m[name]; is {
			return nil, errPrivate
		}
	}
	if use, is := m["use"]; is && use != "sig" {
		return nil, errUse
	}
	if ops, is := m["key_ops"]; is {
		list, _ := ops.([]any)
		if !slices.Contains(list, any("verify")) {
			return nil, errOperations
		}
	}
	k := &Key{}
	if id, is := m["kid"]; is {
		text, isText := id.(string)
		if !isText || len(text) > maxID {
			return nil, errID
		}
		k.ID = text
	}
	var err error
	switch m["kty"] {
	case "RSA":
		k.public, err = decodeRSA(m)
	case "EC":
		k.public, err = decodeEC(m)
	case "OKP":
		k.public, err = decodeEd(m)
	case "oct":
		k.public, err = decodeSecret(m, from)
	default:
		err = errKind
	}
	if err != nil {
		return nil, err
	}
	if alg, is := m["alg"]; is {
		name, _ := alg.(string)
		if !k.Fits(name) { // which no key does for ""
			return nil, errAlgorithm
		}
		k.algorithm = name
	}
	k.seal()
	return k, nil
}

// seal computes what tells the key from all others.
func (k *Key) seal() {
	h := sha256.New()
	material := []byte{}
	switch p := k.public.(type) {
	case *rsa.PublicKey:
		material = fmt.Appendf(p.N.Bytes(), "/%d", p.E)
	case *ecdsa.PublicKey:
		material, _ = p.Bytes() // decodeEC has made it of such bytes
		material = append(material, p.Curve.Params().Name...)
	case ed25519.PublicKey:
		material = p
	case secret:
		material = p
	}
	_, _ = fmt.Fprintf(h, "%s\x00%d\x00%s\x00%s\x00", k.kty(), len(k.ID), k.ID, k.algorithm) // a hash takes everything
	_, _ = h.Write(material)                                                                 // and this
	h.Sum(k.sum[:0])
}

// number is a member that is base64url without padding (RFC 7515, section 2).
func number(m map[string]any, name string) ([]byte, error) {
	text, isText := m[name].(string)
	if !isText || text == "" || len(text) > maxText || bytes.ContainsAny([]byte(text), "\r\n") {
		return nil, errMember
	}
	out, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return nil, errMember
	}
	return out, nil
}

func decodeRSA(m map[string]any) (*rsa.PublicKey, error) {
	n, err := number(m, "n")
	if err != nil {
		return nil, err
	}
	e, err := number(m, "e")
	if err != nil {
		return nil, err
	}
	return checkRSA(new(big.Int).SetBytes(n), new(big.Int).SetBytes(e))
}

func checkRSA(n, e *big.Int) (*rsa.PublicKey, error) {
	switch {
	case n.BitLen() < minRSA:
		return nil, errShort
	case n.BitLen() > maxRSA:
		return nil, errLong
	case n.Bit(0) == 0:
		return nil, errModulus
	case !e.IsInt64() || e.Int64() < minE || e.Int64() > maxE || e.Bit(0) == 0:
		return nil, errExponent
	case roca(n):
		return nil, errROCA
	}
	return &rsa.PublicKey{N: n, E: int(e.Int64())}, nil
}

func decodeEC(m map[string]any) (*ecdsa.PublicKey, error) {
	var curve elliptic.Curve
	switch m["crv"] {
	case "P-256":
		curve = elliptic.P256()
	case "P-384":
		curve = elliptic.P384()
	case "P-521":
		curve = elliptic.P521()
	default:
		return nil, errKind
	}
	x, err := number(m, "x")
	if err != nil {
		return nil, err
	}
	y, err := number(m, "y")
	if err != nil {
		return nil, err
	}
	if size := (curve.Params().BitSize + 7) / 8; len(x) != size || len(y) != size { // RFC 7518, section 6.2.1.2
		return nil, errPoint
	}
	key, err := ecdsa.ParseUncompressedPublicKey(curve, slices.Concat([]byte{4}, x, y))
	if err != nil {
		return nil, errPoint
	}
	return key, nil
}

func decodeEd(m map[string]any) (ed25519.PublicKey, error) {
	if m["crv"] != "Ed25519" {
		return nil, errKind
	}
	x, err := number(m, "x")
	if err != nil {
		return nil, err
	}
	return checkEd(x)
}

func checkEd(x []byte) (ed25519.PublicKey, error) {
	if len(x) != ed25519.PublicKeySize || smallOrder(x) {
		return nil, errPoint
	}
	return x, nil
}

func decodeSecret(m map[string]any, from origin) (secret, error) {
	if from != inline {
		return nil, errSymmetric
	}
	k, err := number(m, "k")
	if err != nil {
		return nil, err
	}
	if len(k) < sha256.Size { // RFC 7518, section 3.2
		return nil, errShort
	}
	return k, nil
}
