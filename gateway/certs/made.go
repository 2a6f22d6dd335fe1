// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"sync"
	"sync/atomic"
	"time"
)

// How long a certificate lasts that is made, and how long before its end there is another
// one: what Let's Encrypt has for its own.
const (
	madeFor = 90 * 24 * time.Hour
	anew    = 30 * 24 * time.Hour
)

// made is a certificate that is made anew before it ends, when somebody asks for it.
type made struct {
	clock func() time.Time
	now   atomic.Pointer[tls.Certificate]
	mu    sync.Mutex // of who makes one
}

// SelfSigned presents a certificate that no client trusts. It lasts for 90 days by the
// clock, and another one takes its place for new handshakes 30 days before its end.
func SelfSigned(clock func() time.Time) (*Choice, error) {
	pair, err := selfSigned(clock())
	if err != nil {
		return nil, err
	}
	m := &made{clock: clock}
	m.now.Store(pair)
	return &Choice{made: m}, nil
}

// current is the one to present. While none can be made the one before stays.
func (m *made) current() *tls.Certificate {
	pair := m.now.Load()
	if m.holds(pair) {
		return pair
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if pair = m.now.Load(); m.holds(pair) {
		return pair
	}
	if another, err := selfSigned(m.clock()); err == nil {
		pair = another
		m.now.Store(pair)
	}
	return pair
}

func (m *made) holds(pair *tls.Certificate) bool {
	now := m.clock()
	return !now.Before(pair.Leaf.NotBefore) && now.Before(pair.Leaf.NotAfter.Add(-anew))
}

func selfSigned(now time.Time) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "gatehouse-gateway (self-signed)"}, DNSNames: []string{"localhost"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(madeFor),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, nil
}
