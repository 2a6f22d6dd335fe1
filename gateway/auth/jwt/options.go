// SPDX-License-Identifier: Apache-2.0

package jwt

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net/textproto"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/auth/jwks"
	"github.com/gatehouse-sh/gatehouse/gateway/internal/header"
)

// Defaults and bounds of Options.
const (
	DefaultMaxBytes = 16 << 10
	MaxClockSkew    = 5 * time.Minute
)

// Options say which tokens are taken. The zero value is refused.
type Options struct {
	Name   string    // of the authenticator, auth.Principal.By
	Issuer string    // "iss", exactly; needed
	Keys   *jwks.Set // needed
	Cache  *Cache    // shared by all authenticators; nil: every token is verified each time

	Audiences   []string    // one of them has to be in "aud"
	AnyAudience AnyAudience // instead of Audiences

	// Algorithms that are allowed. Empty means all that are not symmetric.
	// Symmetric ones have to be named, may not be beside others, and need inline keys.
	Algorithms []string

	// Typ is what "typ" has to be, as "at+jwt". "" takes JWT, at+jwt and no "typ",
	// and refuses whatever is another kind of token (RFC 8725, section 3.11).
	Typ string

	ClockSkew time.Duration // that the issuer's clock may differ
	MaxAge    time.Duration // since "iat", which is needed then; 0: no bound
	CacheFor  time.Duration // that a verified token is remembered at most; 0 means 1 min
	MaxBytes  int           // of a token, 0 means DefaultMaxBytes

	From         From
	SubjectClaim string // "" means "sub"
	ScopesClaim  string // "" means "scope", or "scp" if there is none
}

// AnyAudience says that "aud" is not looked at.
type AnyAudience uint8

// The zero value looks at it.
const (
	CheckAudience AnyAudience = iota
	IgnoreAudience
)

// From is where a token is in a request. The zero value is "Authorization: Bearer".
type From struct {
	Header string // its name
	Scheme string // before the token; for Authorization "" means Bearer
	Cookie string // the name of a cookie, instead of a header
}

// defaultAlgorithms are all that are not symmetric.
var defaultAlgorithms = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"}

// Check says what is wrong with options.
func (o *Options) Check() error {
	var errs []error
	fault := func(is bool, text string) {
		if is {
			errs = append(errs, errors.New(text))
		}
	}
	fault(o.Name == "", "the authenticator has no name")
	fault(o.Issuer == "", "an issuer is needed")
	fault(len(o.Audiences) == 0 && o.AnyAudience != IgnoreAudience, "audiences are needed, or the word that any will do")
	fault(len(o.Audiences) > 0 && o.AnyAudience == IgnoreAudience, "there are audiences beside the word that any will do")
	fault(slices.Contains(o.Audiences, ""), "an audience is empty")
	fault(o.ClockSkew < 0 || o.ClockSkew > MaxClockSkew, "the clock skew is not between 0 and 5 minutes")
	fault(o.MaxAge < 0 || o.CacheFor < 0 || o.MaxBytes < 0, "a bound is negative")
	fault(o.From.Cookie != "" && (o.From.Header != "" || o.From.Scheme != ""), "a token is in a header or in a cookie")
	fault(o.From.Cookie != "" && !header.IsToken(o.From.Cookie), "the cookie's name is no name")
	fault(o.From.Header != "" && !header.IsToken(o.From.Header), "the header's name is no name")
	fault(o.From.Scheme != "" && !header.IsToken(o.From.Scheme), "the scheme is no name")
	symmetric := 0
	for _, a := range o.Algorithms {
		switch {
		case !jwks.Known(a): // "none", too
			errs = append(errs, fmt.Errorf("there is no algorithm %q", a))
		case jwks.Symmetric(a):
			symmetric++
		}
	}
	fault(symmetric > 0 && symmetric < len(o.Algorithms), "symmetric algorithms are beside others: a token could choose")
	fault(symmetric > 0 && o.Keys != nil && !o.Keys.Inline(), "symmetric algorithms need keys that are not published")
	fault(o.Keys == nil, "keys are needed")
	fault(o.Keys != nil && o.Keys.Issuer() != "" && o.Keys.Issuer() != o.Issuer, "the keys are another issuer's")
	return errors.Join(errs...)
}

func (o Options) withDefaults() Options {
	text := func(to *string, value string) {
		if *to == "" {
			*to = value
		}
	}
	if len(o.Algorithms) == 0 {
		o.Algorithms = defaultAlgorithms
	}
	if o.CacheFor == 0 {
		o.CacheFor = time.Minute
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = DefaultMaxBytes
	}
	text(&o.SubjectClaim, "sub")
	if o.From.Cookie == "" {
		text(&o.From.Header, "Authorization")
		o.From.Header = textproto.CanonicalMIMEHeaderKey(o.From.Header)
		if o.From.Header == "Authorization" {
			text(&o.From.Scheme, "Bearer")
		}
	}
	o.Typ = mediaType(o.Typ)
	return o
}

// mediaType is a "typ" as it is compared (RFC 7515, section 4.1.9).
func mediaType(typ string) string {
	typ = strings.ToLower(typ)
	if rest, is := strings.CutPrefix(typ, "application/"); is && !strings.Contains(rest, "/") {
		return rest
	}
	return typ
}

// identity is what makes the answers of two authenticators the same.
func (o *Options) identity() [sha256.Size]byte {
	h := sha256.New()
	keys := o.Keys.Identity()
	for _, part := range slices.Concat([]string{string(keys[:]), o.Name, o.Issuer, o.Typ, o.SubjectClaim, o.ScopesClaim}, o.Audiences, []string{"/"}, o.Algorithms) {
		_, _ = fmt.Fprintf(h, "%d:%s", len(part), part) // a hash takes everything
	}
	_, _ = fmt.Fprintf(h, "%d %d %d %d %d %d", len(o.Audiences), o.AnyAudience, o.ClockSkew, o.MaxAge, o.CacheFor, o.MaxBytes) // and this
	return [sha256.Size]byte(h.Sum(nil))
}
