// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"time"
)

// validFor is long enough for a demo that someone keeps.
const validFor = 365 * 24 * time.Hour

// pair is a certificate and its private key, PEM encoded.
type pair struct{ cert, key []byte }

// authority signs certificates.
type authority struct {
	pair
	parsed *x509.Certificate
	signer *ecdsa.PrivateKey
}

// subject says whom a certificate is for.
type subject struct {
	name  string
	group string
	usage x509.ExtKeyUsage
	hosts []string
	ips   []net.IP
}

// pki is everything that proves who is who in one control plane.
type pki struct {
	ca, frontProxyCA                             *authority
	server, frontProxy, admin, controllerManager pair
	account                                      pair // the key that signs ServiceAccount tokens; cert is the public key
}

func newPKI(address netip.Addr) (*pki, error) {
	ca, err := newAuthority("gatehouse test cluster")
	if err != nil {
		return nil, err
	}
	frontProxyCA, err := newAuthority("gatehouse test front proxy")
	if err != nil {
		return nil, err
	}
	p := &pki{ca: ca, frontProxyCA: frontProxyCA}
	for _, issue := range []struct {
		into *pair
		by   *authority
		subject
	}{
		{&p.server, ca, subject{
			name: "kube-apiserver", usage: x509.ExtKeyUsageServerAuth,
			hosts: []string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"},
			ips:   []net.IP{net.IPv4(127, 0, 0, 1), net.ParseIP(firstServiceIP), net.IP(address.AsSlice())},
		}},
		{&p.frontProxy, frontProxyCA, subject{name: frontProxyName, usage: x509.ExtKeyUsageClientAuth}},
		{&p.admin, ca, subject{name: "admin", group: "system:masters", usage: x509.ExtKeyUsageClientAuth}},
		{&p.controllerManager, ca, subject{name: "system:kube-controller-manager", usage: x509.ExtKeyUsageClientAuth}},
	} {
		if *issue.into, err = issue.by.issue(issue.subject); err != nil {
			return nil, err
		}
	}
	p.account, err = newAccountKey()
	return p, err
}

func newAuthority(name string) (*authority, error) {
	template, key, err := prepare(subject{name: name})
	if err != nil {
		return nil, err
	}
	template.IsCA, template.BasicConstraintsValid = true, true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	made, err := sign(template, template, key, key)
	if err != nil {
		return nil, err
	}
	return &authority{pair: made, parsed: template, signer: key}, nil
}

func (a *authority) issue(s subject) (pair, error) {
	template, key, err := prepare(s)
	if err != nil {
		return pair{}, err
	}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{s.usage}
	return sign(template, a.parsed, key, a.signer)
}

func prepare(s subject) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("make key of %s: %w", s.name, err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, nil, fmt.Errorf("make serial number of %s: %w", s.name, err)
	}
	name := pkix.Name{CommonName: s.name}
	if s.group != "" {
		name.Organization = []string{s.group}
	}
	now := time.Now()
	return &x509.Certificate{
		SerialNumber: serial, Subject: name, DNSNames: s.hosts, IPAddresses: s.ips,
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(validFor), // an hour for clocks that differ
	}, key, nil
}

func sign(template, parent *x509.Certificate, key, signer *ecdsa.PrivateKey) (pair, error) {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		return pair{}, fmt.Errorf("sign certificate of %s: %w", template.Subject.CommonName, err)
	}
	private, err := encodeKey(key)
	if err != nil {
		return pair{}, err
	}
	return pair{cert: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), key: private}, nil
}

func newAccountKey() (pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return pair{}, fmt.Errorf("make key of service accounts: %w", err)
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return pair{}, fmt.Errorf("encode key of service accounts: %w", err)
	}
	private, err := encodeKey(key)
	return pair{cert: pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}), key: private}, err
}

func encodeKey(key *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encode private key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), nil
}
