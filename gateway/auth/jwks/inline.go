// SPDX-License-Identifier: Apache-2.0

package jwks

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
)

var (
	errMixed = errors.New("the key set has symmetric keys beside others: a token could choose which it is verified by")
	errPEM   = errors.New(`is no "PUBLIC KEY" block`)
)

// decodeInline reads keys that somebody chose: a JWK Set, one JWK, or blocks of
// PEM. Everything has to be in order.
func decodeInline(data []byte, most int) ([]*Key, error) {
	if bytes.Contains(data, []byte("-----BEGIN ")) {
		return decodePEM(data, most)
	}
	keys, faults, err := decodeSet(data, inline, most)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	for _, k := range keys {
		if (k.kty() == "oct") != (keys[0].kty() == "oct") {
			return nil, errMixed
		}
	}
	return keys, nil
}

// decodePEM reads public keys (RFC 5280's SubjectPublicKeyInfo). They have no
// names, so tokens of any name are tried with them.
func decodePEM(data []byte, most int) ([]*Key, error) {
	var keys []*Key
	for i := 0; ; i++ {
		block, rest := pem.Decode(data)
		if block == nil {
			if len(bytes.TrimSpace(data)) > 0 {
				return nil, fmt.Errorf("key %d %w", i, errPEM)
			}
			break
		}
		if i >= most {
			return nil, fmt.Errorf("there are more than %d keys", most)
		}
		data = rest
		if block.Type != "PUBLIC KEY" {
			return nil, fmt.Errorf("key %d %w", i, errPEM)
		}
		public, err := x509.ParsePKIXPublicKey(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("key %d %w", i, errPEM)
		}
		k := &Key{}
		switch p := public.(type) {
		case *rsa.PublicKey:
			k.public, err = checkRSA(p.N, big.NewInt(int64(p.E)))
		case *ecdsa.PublicKey: // a point of its curve, or it would not have been read
			if k.public = p; !k.Fits("ES256") && !k.Fits("ES384") && !k.Fits("ES512") {
				err = errKind
			}
		case ed25519.PublicKey:
			k.public, err = checkEd(p)
		default:
			err = errKind
		}
		if err != nil {
			return nil, fmt.Errorf("key %d %w", i, err)
		}
		k.seal()
		keys = append(keys, k)
	}
	if keys, _ = distinct(keys); len(keys) == 0 {
		return nil, errNoKeys
	}
	return keys, nil
}
