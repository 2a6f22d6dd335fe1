// SPDX-License-Identifier: Apache-2.0

package jwt

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/auth"
	"github.com/gatehouse-sh/gatehouse/gateway/auth/internal/object"
	"github.com/gatehouse-sh/gatehouse/gateway/auth/jwks"
	"github.com/gatehouse-sh/gatehouse/gateway/auth/jws"
)

// The reasons of answers.
const (
	NoToken     = "no-token"     // Absent
	OtherIssuer = "other-issuer" // Absent, too: another authenticator may know it

	Several   = "several-tokens" // the following are Invalid
	TooLarge  = "token-too-large"
	Malformed = "token-malformed"
	Critical  = "token-critical-header"
	Algorithm = "token-algorithm"
	Type      = "token-type"
	KeyName   = "token-unknown-key"
	Signature = "token-signature"
	BadTime   = "token-time-malformed"
	Expired   = "token-expired"
	NotYet    = "token-not-yet-valid"
	TooOld    = "token-too-old"
	Audience  = "token-audience"
	Subject   = "token-subject"
	Scopes    = "token-scopes-malformed"

	NoKeys = "keys-unavailable" // Unavailable
)

// Authenticator takes the tokens of one issuer.
type Authenticator struct {
	o  Options
	id [sha256.Size]byte
}

// New makes an Authenticator, or says what is wrong with the options.
func New(o Options) (*Authenticator, error) {
	if err := o.Check(); err != nil {
		return nil, fmt.Errorf("JWT authenticator %s: %w", o.Name, err)
	}
	a := &Authenticator{o: o.withDefaults()}
	a.id = a.o.identity()
	return a, nil
}

func invalid(reason string) auth.Answer { return auth.Answer{Verdict: auth.Invalid, Reason: reason} }

// Authenticate implements auth.Authenticator.
func (a *Authenticator) Authenticate(ctx context.Context, r *auth.Request) auth.Answer {
	token, reason := a.o.From.find(r.Form.Header)
	switch {
	case reason == NoToken:
		return auth.Answer{Verdict: auth.Absent, Reason: NoToken}
	case reason != "":
		return invalid(reason)
	case len(token) > a.o.MaxBytes:
		return invalid(TooLarge)
	case a.o.Cache == nil:
		answer, _ := a.judge(ctx, token, r.Now)
		return answer
	}
	key := a.o.Cache.key(&a.id, token)
	if answer, hit := a.o.Cache.get(key, a.o.Keys, r.Now); hit {
		return answer
	}
	generation := a.o.Keys.Generation() // before the keys are looked at
	answer, found := a.judge(ctx, token, r.Now)
	a.o.Cache.put(key, answer, found, generation, r.Now, a.o.CacheFor)
	return answer
}

// found is by what an answer holds, and until when.
type found struct {
	key   *jwks.Key
	until time.Time
	cost  int // of keeping it, in bytes
}

// judge reads and verifies a token.
func (a *Authenticator) judge(ctx context.Context, token string, now time.Time) (auth.Answer, found) {
	t, err := jws.Parse(token)
	if err != nil {
		switch {
		case errors.Is(err, jws.ErrCritical):
			return invalid(Critical), found{}
		case errors.Is(err, jws.ErrAlgorithm):
			return invalid(Algorithm), found{}
		}
		return invalid(Malformed), found{}
	}
	claims, err := object.Parse(t.Payload)
	if err != nil {
		return invalid(Malformed), found{}
	}
	// Not verified yet: it only says whose token this claims to be.
	issuer, isText := claims["iss"].(string)
	switch {
	case !isText:
		return invalid(Malformed), found{}
	case issuer != a.o.Issuer:
		return auth.Answer{Verdict: auth.Absent, Reason: OtherIssuer}, found{}
	case !slices.Contains(a.o.Algorithms, t.Algorithm):
		return invalid(Algorithm), found{}
	case !a.typed(t):
		return invalid(Type), found{}
	}
	keys, err := a.o.Keys.Find(ctx, t.KeyID, t.Algorithm)
	switch {
	case errors.Is(err, jwks.ErrUnknown):
		return invalid(KeyName), found{}
	case err != nil:
		return auth.Answer{Verdict: auth.Unavailable, Reason: NoKeys}, found{}
	}
	signer := slices.IndexFunc(keys, t.Verify)
	if signer < 0 {
		return invalid(Signature), found{}
	}
	p, when, reason := a.principal(claims, now)
	if reason != "" {
		return invalid(reason), found{}
	}
	return auth.Answer{Verdict: auth.Valid, Principal: p}, found{key: keys[signer], until: when.until, cost: entryCost + cost(claims)}
}

// principal judges the claims of a token whose signature holds.
func (a *Authenticator) principal(claims map[string]any, now time.Time) (*auth.Principal, times, string) {
	when, reason := a.moments(claims, now)
	if reason != "" {
		return nil, when, reason
	}
	if !a.audience(claims["aud"]) {
		return nil, when, Audience
	}
	subject, _ := claims[a.o.SubjectClaim].(string)
	if subject == "" {
		return nil, when, Subject
	}
	scopes, ok := a.scopes(claims)
	if !ok {
		return nil, when, Scopes
	}
	return &auth.Principal{By: a.o.Name, Issuer: a.o.Issuer, Subject: subject, Scopes: scopes, Claims: claims, Expires: when.expires}, when, ""
}

// typed says whether a token is of the kind that is wanted.
func (a *Authenticator) typed(t *jws.Token) bool {
	typ := mediaType(t.Type)
	if a.o.Typ != "" {
		return typ == a.o.Typ
	}
	_, is := t.Header["typ"]
	return !is || typ == "jwt" || typ == "at+jwt"
}
