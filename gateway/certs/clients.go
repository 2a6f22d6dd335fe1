// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// Clients judges the certificates of clients. It does not change.
type Clients struct {
	// Sum names everything that a judgement depends on but the time.
	Sum      [sha256.Size]byte
	pool     *x509.CertPool
	optional bool // who shows none may come
	fallback bool // and who shows one that does not hold is as one who shows none
	allow    config.Names
	lists    []revoked // none: nothing is looked up
}

// revoked is what one authority has taken back.
type revoked struct {
	by      *x509.Certificate
	until   time.Time           // zero: it does not say
	serials map[string]struct{} // as big-endian bytes
}

// Why the certificate of a client is refused. None says whose it is.
var (
	ErrNoCertificate  = errors.New("the client shows no certificate")
	ErrUnverified     = errors.New("no authority signed the client's certificate")
	ErrOutOfTime      = errors.New("the client's certificate has ended or not begun")
	ErrRevoked        = errors.New("the client's certificate was taken back")
	ErrNoList         = errors.New("no list that holds says whether the client's certificate was taken back")
	ErrOtherName      = errors.New("the client's certificate has none of the names that are allowed")
	errNoAuthority    = errors.New("there is no authority to verify the certificates of clients")
	errListOfStranger = errors.New("none of the authorities has signed it")
)

// NewClients reads what a listener says of the certificates of clients.
func NewClients(c *config.ClientCertificates) (*Clients, error) {
	out := &Clients{pool: x509.NewCertPool(), optional: c.Mode == config.Optional || c.Mode == config.Fallback, fallback: c.Mode == config.Fallback, allow: c.Allow}
	var authorities []*x509.Certificate
	for i, bundle := range c.CAs {
		list, err := config.Authorities(bundle)
		if err != nil {
			return nil, fmt.Errorf("caFiles[%d]: %w", i, err)
		}
		authorities = append(authorities, list...)
	}
	if len(authorities) == 0 {
		return nil, errNoAuthority // nobody would be verified by an empty pool, or by the system's
	}
	for _, a := range authorities {
		out.pool.AddCert(a)
	}
	for i, bundle := range c.CRLs {
		lists, err := config.RevocationLists(bundle)
		if err != nil {
			return nil, fmt.Errorf("crlFiles[%d]: %w", i, err)
		}
		for _, l := range lists {
			by := slices.IndexFunc(authorities, func(a *x509.Certificate) bool { return l.CheckSignatureFrom(a) == nil })
			if by < 0 {
				return nil, fmt.Errorf("crlFiles[%d]: %w", i, errListOfStranger)
			}
			out.lists = append(out.lists, newRevoked(authorities[by], l))
		}
	}
	all, err := json.Marshal(c)
	if err != nil {
		return nil, err
	}
	out.Sum = sha256.Sum256(all)
	return out, nil
}

func newRevoked(by *x509.Certificate, l *x509.RevocationList) revoked {
	r := revoked{by: by, until: l.NextUpdate, serials: make(map[string]struct{}, len(l.RevokedCertificateEntries))}
	for i := range l.RevokedCertificateEntries {
		r.serials[string(l.RevokedCertificateEntries[i].SerialNumber.Bytes())] = struct{}{}
	}
	return r
}

// Configure makes the handshakes of a server ask for certificates and refuse those
// that do not hold, also when a session is resumed.
func (c *Clients) Configure(t *tls.Config) {
	t.ClientCAs, t.ClientAuth = c.pool, tls.RequireAndVerifyClientCert
	if c.fallback {
		t.ClientAuth = tls.RequestClientCert // which Known verifies
		return
	}
	if c.optional {
		t.ClientAuth = tls.VerifyClientCertIfGiven
	}
	t.VerifyConnection = func(s tls.ConnectionState) error {
		return c.Judge(s.VerifiedChains, len(s.PeerCertificates), time.Now())
	}
}

// Known leaves of a handshake what counts of the client: where a certificate that does not
// hold is let in, there is none, and one that holds has its chains.
func (c *Clients) Known(s *tls.ConnectionState, now time.Time) {
	if !c.fallback {
		return
	}
	var err error
	if s.VerifiedChains, err = c.Again(s.PeerCertificates, now); err != nil {
		s.PeerCertificates, s.VerifiedChains = nil, nil
	}
}

// Judge tells whether chains that a handshake has verified hold now; shown is how
// many certificates the client had.
func (c *Clients) Judge(chains [][]*x509.Certificate, shown int, now time.Time) error {
	if shown == 0 {
		if c.optional {
			return nil
		}
		return ErrNoCertificate
	}
	err := ErrUnverified
	for _, chain := range chains {
		if err = c.holds(chain, now); err == nil {
			break
		}
	}
	if err != nil {
		return err
	}
	if !c.allow.None() && !has(&c.allow, chains[0][0]) {
		return ErrOtherName
	}
	return nil
}

// Again judges a client whose handshake was made by others, with its signatures, and
// returns its chains.
func (c *Clients) Again(shown []*x509.Certificate, now time.Time) ([][]*x509.Certificate, error) {
	if len(shown) == 0 {
		return nil, c.Judge(nil, 0, now)
	}
	between := x509.NewCertPool()
	for _, i := range shown[1:] {
		between.AddCert(i)
	}
	chains, err := shown[0].Verify(x509.VerifyOptions{Roots: c.pool, Intermediates: between, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	if err != nil {
		return nil, ErrUnverified
	}
	return chains, c.Judge(chains, len(shown), now)
}

// holds looks at the times of a chain and at the lists.
func (c *Clients) holds(chain []*x509.Certificate, now time.Time) error {
	if len(chain) == 0 {
		return ErrUnverified
	}
	for i, cert := range chain {
		if now.After(cert.NotAfter) || now.Before(cert.NotBefore) {
			return ErrOutOfTime
		}
		if len(c.lists) == 0 {
			continue
		}
		var by *x509.Certificate // nil: the chain ends here, and it is trusted unless somebody took it back
		if i+1 < len(chain) {
			by = chain[i+1]
		}
		if err := c.lookUp(cert, by, now); err != nil {
			return err
		}
	}
	return nil
}

func (c *Clients) lookUp(cert, by *x509.Certificate, now time.Time) error {
	covered := by == nil
	for i := range c.lists {
		l := &c.lists[i]
		if by != nil && string(l.by.RawSubjectPublicKeyInfo) != string(by.RawSubjectPublicKeyInfo) {
			continue
		}
		if string(l.by.RawSubject) != string(cert.RawIssuer) {
			continue
		}
		if _, taken := l.serials[string(cert.SerialNumber.Bytes())]; taken {
			return ErrRevoked
		}
		covered = covered || l.until.IsZero() || !now.After(l.until)
	}
	if !covered {
		return ErrNoList
	}
	return nil
}
