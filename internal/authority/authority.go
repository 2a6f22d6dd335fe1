// SPDX-License-Identifier: Apache-2.0

// Package authority is a certificate authority of our own that one Secret holds, and its
// serving certificate: values, and how they follow one another so that no caller meets a
// certificate it does not trust. A new authority is trusted first, used later, and the old
// one is forgotten last. Who keeps such a Secret (webhook/certs, gateway/kube) does the I/O.
package authority

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"time"
)

// Pair is a certificate and its private key, both PEM. The key may be empty for
// an authority that is only trusted any more.
type Pair struct {
	Cert []byte
	Key  []byte
}

// skew is how far back certificates are valid, for peers whose clock is behind.
const skew = 5 * time.Minute

func serial() (*big.Int, error) {
	// 20 octets at most, positive: RFC 5280 §4.1.2.2.
	return rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 152))
}

// newAuthority makes a self-signed authority. Its name carries the serial, so
// that two authorities that are trusted at once can be told apart by name, as
// chain building needs.
func newAuthority(now time.Time, c Config) (Pair, error) {
	n, err := serial()
	if err != nil {
		return Pair{}, fmt.Errorf("make authority: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: n, Subject: pkix.Name{CommonName: c.Subject + "-ca-" + n.Text(36)},
		NotBefore: now.Add(-skew), NotAfter: now.Add(c.AuthorityLife),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Pair{}, fmt.Errorf("make authority: %w", err)
	}
	return seal(template, template, key, key)
}

// newLeaf makes a serving certificate for the configured names. It never outlives its authority.
func newLeaf(authority Pair, now time.Time, c Config) (Pair, error) {
	ca, caKey, err := authority.parse()
	if err != nil {
		return Pair{}, fmt.Errorf("make serving certificate: authority: %w", err)
	}
	n, err := serial()
	if err != nil {
		return Pair{}, fmt.Errorf("make serving certificate: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: n, Subject: pkix.Name{CommonName: c.Subject},
		NotBefore: now.Add(-skew), NotAfter: now.Add(c.LeafLife),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if template.NotAfter.After(ca.NotAfter) {
		template.NotAfter = ca.NotAfter
	}
	for _, name := range c.Names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Pair{}, fmt.Errorf("make serving certificate: %w", err)
	}
	return seal(template, ca, key, caKey)
}

func seal(template, parent *x509.Certificate, key, signer *ecdsa.PrivateKey) (Pair, error) {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		return Pair{}, fmt.Errorf("sign certificate: %w", err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return Pair{}, fmt.Errorf("encode key: %w", err)
	}
	return Pair{
		Cert: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		Key:  pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}),
	}, nil
}

// Empty tells whether there is no certificate.
func (p Pair) Empty() bool { return len(p.Cert) == 0 }

// certificate parses the first certificate of the pair.
func (p Pair) certificate() (*x509.Certificate, error) {
	block, _ := pem.Decode(p.Cert)
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, errors.New("holds no PEM certificate")
	}
	return x509.ParseCertificate(block.Bytes)
}

func (p Pair) parse() (*x509.Certificate, *ecdsa.PrivateKey, error) {
	cert, err := p.certificate()
	if err != nil {
		return nil, nil, err
	}
	block, _ := pem.Decode(p.Key)
	if block == nil {
		return nil, nil, errors.New("holds no PEM key")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, nil, fmt.Errorf("parse key: %w", err)
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok || !key.PublicKey.Equal(cert.PublicKey) {
		return nil, nil, errors.New("the key does not belong to the certificate")
	}
	return cert, key, nil
}

// Verify reports whether a serving certificate would be accepted for the name
// by a client that trusts the bundle.
func Verify(cert *x509.Certificate, bundle []byte, name string, now time.Time) error {
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(bundle) {
		return errors.New("the CA bundle holds no certificate")
	}
	_, err := cert.Verify(x509.VerifyOptions{Roots: roots, DNSName: name, CurrentTime: now})
	return err
}

// contains reports whether a PEM bundle includes the certificate.
func contains(bundle, cert []byte) bool {
	return len(cert) > 0 && bytes.Contains(bundle, bytes.TrimSpace(cert))
}
