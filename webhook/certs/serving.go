// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/gatehouse-sh/gatehouse/internal/authority"
)

// Serving is the certificate that the server presents and the bundles against
// which callers check it. It is swapped whole; connections that are open keep
// what they were made with.
type Serving struct {
	current atomic.Pointer[served]
}

type served struct {
	certificate *tls.Certificate
	pem         []byte
	bundles     [][]byte // caBundle of each registration, as last seen
}

// Certificate is for tls.Config.GetCertificate.
func (s *Serving) Certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c := s.current.Load()
	if c == nil {
		return nil, errors.New("no serving certificate yet")
	}
	return c.certificate, nil
}

// set swaps the certificate and what the registrations trust. A pair that does
// not parse is refused, and what was served before stays.
func (s *Serving) set(p authority.Pair, bundles [][]byte) error {
	old := s.current.Load()
	next := &served{bundles: bundles}
	if old != nil && bytes.Equal(old.pem, p.Cert) {
		next.certificate, next.pem = old.certificate, old.pem
	} else {
		cert, err := tls.X509KeyPair(p.Cert, p.Key)
		if err != nil {
			return fmt.Errorf("load serving certificate: %w", err)
		}
		next.certificate, next.pem = &cert, p.Cert
	}
	s.current.Store(next)
	return nil
}

// Leaf returns the certificate being served, nil before there is one.
func (s *Serving) Leaf() *x509.Certificate {
	if c := s.current.Load(); c != nil {
		return c.certificate.Leaf
	}
	return nil
}

// Ready reports why the API server would not accept what is served under the
// name, nil when it would.
func (s *Serving) Ready(name string, now time.Time) error {
	c := s.current.Load()
	if c == nil {
		return errors.New("no serving certificate yet")
	}
	if len(c.bundles) == 0 {
		return errors.New("no webhook registration has been read yet")
	}
	for _, b := range c.bundles {
		if err := authority.Verify(c.certificate.Leaf, b, name, now); err != nil {
			return fmt.Errorf("the registered CA bundle does not accept the serving certificate: %w", err)
		}
	}
	return nil
}
