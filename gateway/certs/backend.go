// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// ErrIdentity says that a backend is somebody else than the one that was meant.
var ErrIdentity = errors.New("the backend's certificate has none of the names that it must have")

// Suites are those of TLS 1.2 that have forward secrecy and authenticated
// encryption (RFC 9325, section 4.2). TLS 1.3 has no others.
var suites = []uint16{
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
}

// Base is a configuration of TLS that speaks nothing weak.
func Base(oldest config.Version) *tls.Config {
	c := &tls.Config{MinVersion: tls.VersionTLS12, CipherSuites: suites}
	if oldest == config.TLS13 {
		c.MinVersion = tls.VersionTLS13
	}
	return c
}

// Backend is how a backend is spoken to, and a sum of all that it depends on. Its
// certificate is verified in every case. A nil Store has no certificates.
func (s *Store) Backend(b *config.Backend) (out *tls.Config, sum [sha256.Size]byte, err error) {
	t := b.TLS
	all, err := json.Marshal(t)
	if err != nil {
		return nil, sum, err
	}
	out = Base(t.MinVersion)
	out.ServerName, out.NextProtos = t.ServerName, []string{"http/1.1"}
	if b.Protocol == "h2" {
		out.NextProtos = []string{"h2"}
	}
	if len(t.CAs) > 0 { // or else the system's: nil
		out.RootCAs = x509.NewCertPool()
	}
	for i, bundle := range t.CAs {
		list, err := config.Authorities(bundle)
		if err != nil {
			return nil, sum, fmt.Errorf("backend %s: caFiles[%d]: %w", b.Name, i, err)
		}
		for _, a := range list {
			out.RootCAs.AddCert(a)
		}
	}
	if t.ClientCertificate != "" {
		pair, refused := s.named(t.ClientCertificate)
		if pair == nil && refused == nil {
			return nil, sum, fmt.Errorf("backend %s: there is no certificate %q", b.Name, t.ClientCertificate)
		}
		if pair == nil {
			all = append(all, refused.Error()...)
		} else {
			for _, der := range pair.Certificate {
				all = append(all, der...)
			}
			refused = nil // it is the one before that is shown
		}
		out.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return pair, refused }
	}
	if !t.Identities.None() {
		identify(out, t.Identities)
	}
	return out, sha256.Sum256(all), nil
}

// named returns a certificate, or why there is none if one was refused.
func (s *Store) named(name string) (pair *tls.Certificate, refused error) {
	if s == nil {
		return nil, nil
	}
	return s.byName[name], s.refused[name]
}

// identify verifies as crypto/tls does, but that the certificate must have one of
// the names instead of the one that is asked for.
func identify(c *tls.Config, names config.Names) {
	roots := c.RootCAs
	c.InsecureSkipVerify = true // VerifyConnection verifies
	c.VerifyConnection = func(s tls.ConnectionState) error {
		if len(s.PeerCertificates) == 0 {
			return ErrIdentity
		}
		between := x509.NewCertPool()
		for _, i := range s.PeerCertificates[1:] {
			between.AddCert(i)
		}
		_, err := s.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: between})
		if err != nil {
			return &tls.CertificateVerificationError{UnverifiedCertificates: s.PeerCertificates, Err: err}
		}
		if !has(&names, s.PeerCertificates[0]) {
			return ErrIdentity
		}
		return nil
	}
}
