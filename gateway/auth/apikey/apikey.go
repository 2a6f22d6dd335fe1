// SPDX-License-Identifier: Apache-2.0

package apikey

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"net/textproto"

	"github.com/gatehouse-sh/gatehouse/gateway/auth"
)

// maxKey is the longest key that is looked at, in bytes.
const maxKey = 512

// Reasons of answers.
const (
	NoKeys     = "no-keys"     // the file of keys is missing
	NoKey      = "no-key"      // the request has none
	UnknownKey = "unknown-key" // or one that cannot be any
	ExpiredKey = "expired-key"
	DoubleKey  = "double-key" // two lines: which one the backend takes is not known
)

// Options say what is a key.
type Options struct {
	Name    string // of the authenticator
	Header  string // the field in which keys are sent
	Entries []Entry
}

// Authenticator implements auth.Authenticator.
type Authenticator struct {
	header string
	salt   [sha256.Size]byte
	known  map[[sha256.Size]byte]*known
}

type known struct {
	sum       [sha256.Size]byte
	principal auth.Principal
}

// New makes an authenticator. Without entries it answers auth.Unavailable.
func New(o Options) *Authenticator {
	a := &Authenticator{header: textproto.CanonicalMIMEHeaderKey(o.Header), known: make(map[[sha256.Size]byte]*known, len(o.Entries))}
	_, _ = rand.Read(a.salt[:]) // it never fails
	for i := range o.Entries {
		e := &o.Entries[i]
		a.known[a.salted(e.Sum)] = &known{e.Sum, auth.Principal{By: o.Name, Subject: e.ID, Scopes: e.Scopes, Claims: e.Claims, Expires: e.Expires}}
	}
	return a
}

// salted is where a sum is looked for. Nobody outside can choose it, so that the
// time of a look-up says nothing of the sums that there are.
func (a *Authenticator) salted(sum [sha256.Size]byte) [sha256.Size]byte {
	var both [2 * sha256.Size]byte
	copy(both[:], a.salt[:])
	copy(both[sha256.Size:], sum[:])
	return sha256.Sum256(both[:])
}

// Authenticate implements auth.Authenticator.
func (a *Authenticator) Authenticate(_ context.Context, r *auth.Request) auth.Answer {
	values := r.Form.Header[a.header]
	switch {
	case len(values) == 0:
		return auth.Answer{Verdict: auth.Absent, Reason: NoKey}
	case len(a.known) == 0:
		return auth.Answer{Verdict: auth.Unavailable, Reason: NoKeys}
	case len(values) > 1:
		return auth.Answer{Verdict: auth.Invalid, Reason: DoubleKey}
	case values[0] == "" || len(values[0]) > maxKey:
		return auth.Answer{Verdict: auth.Invalid, Reason: UnknownKey}
	}
	var key [maxKey]byte // a copy, so that nothing is allocated
	sum := sha256.Sum256(key[:copy(key[:], values[0])])
	k := a.known[a.salted(sum)]
	if k == nil || subtle.ConstantTimeCompare(k.sum[:], sum[:]) != 1 {
		return auth.Answer{Verdict: auth.Invalid, Reason: UnknownKey}
	}
	if !k.principal.Expires.IsZero() && !r.Now.Before(k.principal.Expires) {
		return auth.Answer{Verdict: auth.Invalid, Reason: ExpiredKey}
	}
	return auth.Answer{Verdict: auth.Valid, Principal: &k.principal}
}

var _ auth.Authenticator = (*Authenticator)(nil)
