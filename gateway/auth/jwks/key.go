// SPDX-License-Identifier: Apache-2.0

package jwks

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	_ "crypto/sha512" // crypto.SHA384 and crypto.SHA512
	"math/big"
	"sync/atomic"
)

// Key verifies signatures. It does not change, but it can go.
type Key struct {
	ID string // "kid", or ""

	algorithm string // the only one that it is for, "" for all of its kind
	public    any    // *rsa.PublicKey, *ecdsa.PublicKey, ed25519.PublicKey or secret
	sum       [sha256.Size]byte
	gone      atomic.Bool
}

// secret is a symmetric key.
type secret []byte

// Gone says that the key is in its set no more: what it has verified is to be
// forgotten.
func (k *Key) Gone() bool { return k.gone.Load() }

// algorithm is a way to sign (RFC 7518, section 3.1; RFC 8037; RFC 9864).
type algorithm struct {
	kind  kind
	hash  crypto.Hash
	curve elliptic.Curve // of kind ec
}

type kind uint8

const (
	pkcs1 kind = iota + 1
	pss
	ec
	ed
	mac
)

// algorithms are all that exist for us. There is no "none".
var algorithms = map[string]algorithm{
	"RS256": {kind: pkcs1, hash: crypto.SHA256}, "RS384": {kind: pkcs1, hash: crypto.SHA384}, "RS512": {kind: pkcs1, hash: crypto.SHA512},
	"PS256": {kind: pss, hash: crypto.SHA256}, "PS384": {kind: pss, hash: crypto.SHA384}, "PS512": {kind: pss, hash: crypto.SHA512},
	"ES256": {kind: ec, hash: crypto.SHA256, curve: elliptic.P256()}, "ES384": {kind: ec, hash: crypto.SHA384, curve: elliptic.P384()}, "ES512": {kind: ec, hash: crypto.SHA512, curve: elliptic.P521()},
	"EdDSA": {kind: ed}, "Ed25519": {kind: ed},
	"HS256": {kind: mac, hash: crypto.SHA256}, "HS384": {kind: mac, hash: crypto.SHA384}, "HS512": {kind: mac, hash: crypto.SHA512},
}

// Known says whether there is such an algorithm, and Symmetric whether who
// verifies by it can sign by it, too.
func Known(name string) bool { return algorithms[name].kind != 0 }

// Symmetric says whether who verifies by an algorithm can sign by it, too.
func Symmetric(name string) bool { return algorithms[name].kind == mac }

// Fits says whether the key is for an algorithm: each key is for those of its own
// kind only, whatever a token says (RFC 8725, section 3.1).
func (k *Key) Fits(name string) bool {
	if k.algorithm != "" && k.algorithm != name && !(algorithms[k.algorithm].kind == ed && algorithms[name].kind == ed) {
		return false
	}
	a := algorithms[name]
	switch p := k.public.(type) {
	case *rsa.PublicKey:
		return a.kind == pkcs1 || a.kind == pss
	case *ecdsa.PublicKey:
		return a.kind == ec && p.Curve == a.curve
	case ed25519.PublicKey:
		return a.kind == ed
	case secret: // RFC 7518, section 3.2: as long as the hash
		return a.kind == mac && len(p) >= a.hash.Size()
	}
	return false
}

// Verify says whether a signature of input by an algorithm is one of this key.
func (k *Key) Verify(name string, input, signature []byte) bool {
	if !k.Fits(name) {
		return false
	}
	a := algorithms[name]
	if p, isEd := k.public.(ed25519.PublicKey); isEd {
		return ed25519.Verify(p, input, signature)
	}
	if p, isSecret := k.public.(secret); isSecret {
		m := hmac.New(a.hash.New, p)
		_, _ = m.Write(input) // a hash takes everything
		return hmac.Equal(m.Sum(nil), signature)
	}
	h := a.hash.New()
	_, _ = h.Write(input) // a hash takes everything
	digest := h.Sum(nil)
	switch p := k.public.(type) {
	case *rsa.PublicKey:
		if a.kind == pkcs1 {
			return rsa.VerifyPKCS1v15(p, a.hash, digest, signature) == nil
		}
		// RFC 7518, section 3.5: the salt is as long as the hash
		return rsa.VerifyPSS(p, a.hash, digest, signature, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}) == nil
	case *ecdsa.PublicKey: // RFC 7518, section 3.4: two numbers of the full length
		size := (p.Curve.Params().BitSize + 7) / 8
		if len(signature) != 2*size {
			return false
		}
		return ecdsa.Verify(p, digest, new(big.Int).SetBytes(signature[:size]), new(big.Int).SetBytes(signature[size:]))
	}
	return false
}
