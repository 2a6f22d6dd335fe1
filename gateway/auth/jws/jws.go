// SPDX-License-Identifier: Apache-2.0

// Package jws reads a signed token (JSON Web Signature, RFC 7515) in the one form
// that HTTP carries, the compact one. It reads strictly: a token that two readers
// could understand differently is refused. It trusts nothing in a token; who it is
// from is found by a key of ours.
package jws

import (
	"encoding/base64"
	"errors"
	"strings"

	"github.com/gatehouse-sh/gatehouse/gateway/auth/internal/object"
	"github.com/gatehouse-sh/gatehouse/gateway/auth/jwks"
)

// What is wrong with a token. Nothing of it is repeated.
var (
	ErrMalformed = errors.New("the token is not three segments of base64url, the first of them a JSON object")
	ErrCritical  = errors.New("the token has header parameters that must be understood and are not")
	ErrAlgorithm = errors.New("the token names no algorithm that exists")
)

// Token is a token as it is written. Nothing of it is verified.
type Token struct {
	Algorithm string // known to jwks
	KeyID     string // "" if it names none
	Type      string // "typ"
	Header    map[string]any
	Payload   []byte

	input     []byte // what is signed
	signature []byte
}

// strict decodes base64url without padding and without bits that mean nothing (RFC
// 4648, section 3.5), so that a token has one spelling.
var strict = base64.RawURLEncoding.Strict()

// Parse reads a token. Parameters that tell where a key is ("jku", "x5u") or are
// one ("jwk", "x5c") are not looked at: an attacker would name his own (RFC 8725,
// sections 3.8 to 3.10).
func Parse(token string) (*Token, error) {
	head, rest, found := strings.Cut(token, ".")
	payload, signature, more := strings.Cut(rest, ".")
	if !found || !more || head == "" || signature == "" || strings.ContainsAny(token, "\r\n") || strings.Contains(signature, ".") {
		return nil, ErrMalformed // encoding/base64 passes over line ends
	}
	t := &Token{input: []byte(token[:len(head)+1+len(payload)])}
	header, err := strict.DecodeString(head)
	if err != nil {
		return nil, ErrMalformed
	}
	if t.Payload, err = strict.DecodeString(payload); err != nil {
		return nil, ErrMalformed
	}
	if t.signature, err = strict.DecodeString(signature); err != nil {
		return nil, ErrMalformed
	}
	if t.Header, err = object.Parse(header); err != nil {
		return nil, ErrMalformed
	}
	// "crit" lists extensions that must be understood; we know none, not even "b64"
	// (RFC 7797), by which the payload would be another one.
	if _, is := t.Header["crit"]; is {
		return nil, ErrCritical
	}
	if _, is := t.Header["b64"]; is {
		return nil, ErrCritical
	}
	for _, text := range []struct {
		name string
		to   *string
	}{{"alg", &t.Algorithm}, {"kid", &t.KeyID}, {"typ", &t.Type}} {
		value, is := t.Header[text.name]
		if !is {
			continue
		}
		if *text.to, is = value.(string); !is {
			return nil, ErrMalformed
		}
	}
	if !jwks.Known(t.Algorithm) {
		return nil, ErrAlgorithm
	}
	return t, nil
}

// Verify says whether a key has signed the token. Whether the algorithm is one that
// may be used is for the caller to decide, before.
func (t *Token) Verify(k *jwks.Key) bool { return k.Verify(t.Algorithm, t.input, t.signature) }
