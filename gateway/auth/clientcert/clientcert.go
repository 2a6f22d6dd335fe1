// SPDX-License-Identifier: Apache-2.0

package clientcert

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"slices"
	"strings"
	"sync"

	"github.com/gatehouse-sh/gatehouse/gateway/auth"
)

// Reasons of answers.
const (
	NoCertificate         = "no-certificate"
	UnverifiedCertificate = "unverified-certificate" // the listener does not vouch for it
	ExpiredCertificate    = "expired-certificate"    // or one that does not hold yet; it did when the connection was opened
	NoName                = "no-name"                // it has no name of the kind that is asked for
	OtherTrustDomain      = "other-trust-domain"
)

// Kind is which name in a certificate is its subject. The zero value is none, and
// knows nobody.
type Kind uint8

// The kinds of names. Of several of one kind the first is taken, but for SPIFFE
// IDs, of which there may be one only (X.509-SVID, section 2).
const (
	None Kind = iota
	SPIFFE
	URI
	DNS
	Email
	DistinguishedName // as RFC 2253 writes it
)

// Options say who is who.
type Options struct {
	Name         string // of the authenticator
	Subject      Kind
	TrustDomains []string // of SPIFFE: those that count; none: all
}

// maxKnown is how many certificates are remembered.
const maxKnown = 8192

// Authenticator implements auth.Authenticator.
type Authenticator struct {
	o Options

	mu    sync.Mutex
	known map[*x509.Certificate]auth.Answer // one of a connection is the same for all of its requests
}

// New makes an authenticator.
func New(o Options) *Authenticator {
	return &Authenticator{o: o, known: map[*x509.Certificate]auth.Answer{}}
}

// Authenticate implements auth.Authenticator.
func (a *Authenticator) Authenticate(_ context.Context, r *auth.Request) auth.Answer {
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return auth.Answer{Verdict: auth.Absent, Reason: NoCertificate}
	}
	leaf := r.TLS.PeerCertificates[0]
	if len(r.TLS.VerifiedChains) == 0 || len(r.TLS.VerifiedChains[0]) == 0 || !r.TLS.VerifiedChains[0][0].Equal(leaf) {
		return auth.Answer{Verdict: auth.Invalid, Reason: UnverifiedCertificate}
	}
	if r.Now.Before(leaf.NotBefore) || r.Now.After(leaf.NotAfter) {
		return auth.Answer{Verdict: auth.Invalid, Reason: ExpiredCertificate}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if answer, has := a.known[leaf]; has {
		return answer
	}
	if len(a.known) >= maxKnown {
		for old := range a.known {
			delete(a.known, old)
			break
		}
	}
	answer := a.read(leaf)
	a.known[leaf] = answer
	return answer
}

func (a *Authenticator) read(c *x509.Certificate) auth.Answer {
	subject, reason := a.subject(c)
	if reason != "" {
		return auth.Answer{Verdict: auth.Invalid, Reason: reason}
	}
	uris := make([]string, len(c.URIs))
	for i, u := range c.URIs {
		uris[i] = u.String()
	}
	sum := sha256.Sum256(c.Raw)
	claims := map[string]any{
		"dns": list(c.DNSNames), "uri": list(uris), "email": list(c.EmailAddresses),
		"subject": c.Subject.String(), "commonName": c.Subject.CommonName, "issuer": c.Issuer.String(), "sha256": hex.EncodeToString(sum[:]),
	}
	return auth.Answer{Verdict: auth.Valid, Principal: &auth.Principal{By: a.o.Name, Subject: subject, Claims: claims, Expires: c.NotAfter}}
}

// subject is the name of the kind that is asked for, or why there is none.
func (a *Authenticator) subject(c *x509.Certificate) (name, reason string) {
	switch a.o.Subject {
	case SPIFFE:
		if len(c.URIs) != 1 {
			return "", NoName
		}
		domain, id := spiffe(c.URIs[0])
		if id == "" {
			return "", NoName
		}
		if len(a.o.TrustDomains) > 0 && !slices.Contains(a.o.TrustDomains, domain) {
			return "", OtherTrustDomain
		}
		return id, ""
	case URI:
		if len(c.URIs) > 0 {
			name = c.URIs[0].String()
		}
	case DNS:
		if len(c.DNSNames) > 0 {
			name = strings.ToLower(c.DNSNames[0]) // RFC 4343: case says nothing
		}
	case Email:
		if len(c.EmailAddresses) > 0 {
			name = c.EmailAddresses[0]
		}
	case DistinguishedName:
		name = c.Subject.String()
	case None:
	}
	if name == "" {
		return "", NoName
	}
	return name, ""
}

func list(texts []string) []any {
	out := make([]any, len(texts))
	for i, t := range texts {
		out[i] = t
	}
	return out
}

var _ auth.Authenticator = (*Authenticator)(nil)
