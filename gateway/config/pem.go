// SPDX-License-Identifier: Apache-2.0

package config

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

// Authorities reads a bundle of certificates that others are verified by. What is
// not PEM of a certificate is a fault.
func Authorities(bundle []byte) ([]*x509.Certificate, error) {
	var out []*x509.Certificate
	err := blocks(bundle, "CERTIFICATE", func(der []byte) error {
		c, err := x509.ParseCertificate(der)
		if err == nil {
			out = append(out, c)
		}
		return err
	})
	return out, err
}

// RevocationLists reads a bundle of lists of certificates that were taken back.
func RevocationLists(bundle []byte) ([]*x509.RevocationList, error) {
	var out []*x509.RevocationList
	err := blocks(bundle, "X509 CRL", func(der []byte) error {
		l, err := x509.ParseRevocationList(der)
		if err == nil {
			out = append(out, l)
		}
		return err
	})
	return out, err
}

// blocks reads PEM that is all of one kind. Text between blocks, which openssl
// writes, is left out.
func blocks(bundle []byte, kind string, each func([]byte) error) error {
	found := 0
	for {
		block, rest := pem.Decode(bundle)
		if block == nil {
			break
		}
		found++
		if block.Type != kind {
			return fmt.Errorf("block %d is %s, and not %s", found, block.Type, kind)
		}
		if err := each(block.Bytes); err != nil {
			return fmt.Errorf("block %d: %w", found, err)
		}
		bundle = rest
	}
	switch {
	case bytes.Contains(bundle, []byte("-----BEGIN")):
		return fmt.Errorf("after block %d there is one that cannot be read", found)
	case found == 0:
		return errors.New("there is no PEM of " + kind)
	}
	return nil
}

func isAuthorities(bundle []byte) error { _, err := Authorities(bundle); return err }

func isRevoked(bundle []byte) error { _, err := RevocationLists(bundle); return err }
