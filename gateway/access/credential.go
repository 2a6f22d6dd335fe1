// SPDX-License-Identifier: Apache-2.0

package access

import (
	"net/http"
	"net/textproto"
	"slices"
	"strings"

	"github.com/gatehouse-sh/gatehouse/gateway/auth"
	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// sources are where the credentials of a policy are.
type sources struct {
	headers     []string // canonical
	cookies     []string
	certificate bool
}

func (s *sources) add(a *config.Authenticator) {
	header := func(name string) {
		if name = textproto.CanonicalMIMEHeaderKey(name); !slices.Contains(s.headers, name) {
			s.headers = append(s.headers, name)
		}
	}
	switch {
	case a.JWT != nil && a.JWT.From.Cookie != "":
		s.cookies = append(s.cookies, a.JWT.From.Cookie)
	case a.JWT != nil && a.JWT.From.Header != "":
		header(a.JWT.From.Header)
	case a.JWT != nil, a.Basic != nil:
		header("Authorization")
	case a.APIKey != nil:
		header(a.APIKey.From.Header)
	case a.ClientCertificate != nil:
		s.certificate = true
	}
}

// any tells whether a request has something where a credential would be.
func (s *sources) any(r *auth.Request) bool {
	h := r.Form.Header
	for _, name := range s.headers {
		if len(h[name]) > 0 {
			return true
		}
	}
	for _, name := range s.cookies {
		if has, _ := without(h["Cookie"], name); has {
			return true
		}
	}
	return s.certificate && r.TLS != nil && len(r.TLS.PeerCertificates) > 0
}

// strip deletes all of them, also those that were not looked at.
func (s *sources) strip(h http.Header) {
	for _, name := range s.headers {
		delete(h, name)
	}
	for _, name := range s.cookies {
		has, rest := without(h["Cookie"], name)
		switch {
		case !has:
		case rest == "":
			delete(h, "Cookie")
		default:
			h["Cookie"] = []string{rest}
		}
	}
}

// without returns cookies without those of a name, and whether there was one.
func without(lines []string, name string) (has bool, rest string) {
	var kept []string
	for _, line := range lines {
		for pair := range strings.SplitSeq(line, ";") {
			pair = strings.Trim(pair, " \t")
			n, _, _ := strings.Cut(pair, "=")
			if strings.Trim(n, " \t") == name {
				has = true
			} else if pair != "" {
				kept = append(kept, pair)
			}
		}
	}
	return has, strings.Join(kept, "; ")
}

// challenges are the values of WWW-Authenticate (RFC 9110, section 11.6.1): one line
// for each scheme.
type challenges struct {
	schemes []string
	bearer  int // which of them is Bearer, from 1; 0: none
}

const bearer = `Bearer realm="gateway"` //nolint:gosec // a scheme (RFC 6750, section 3), and no credential

func (c *challenges) add(a *config.Authenticator) {
	var scheme string
	switch {
	case a.JWT != nil:
		scheme = bearer
	case a.Basic != nil:
		realm := a.Basic.Realm
		if realm == "" {
			realm = "gateway"
		}
		scheme = `Basic realm="` + realm + `", charset="UTF-8"` // RFC 7617, section 2.1
	case a.APIKey != nil:
		scheme = `ApiKey realm="gateway", header="` + a.APIKey.From.Header + `"` // no registered scheme says this
	case a.ClientCertificate != nil:
		scheme = `ClientCertificate realm="gateway"` // nor this
	}
	if scheme != "" && !slices.Contains(c.schemes, scheme) {
		c.schemes = append(c.schemes, scheme)
		if a.JWT != nil {
			c.bearer = len(c.schemes)
		}
	}
}

// plain tells which credentials would be taken.
func (c *challenges) plain(h http.Header) { h["Www-Authenticate"] = slices.Clone(c.schemes) }

// invalid tells so, and that the token does not hold.
func (c *challenges) invalid(h http.Header) {
	c.plain(h)
	if c.bearer > 0 {
		h["Www-Authenticate"][c.bearer-1] = bearer + `, error="invalid_token"`
	}
}

// scope tells which scopes a rule asks for; nothing where no token has any.
func (c *challenges) scope(u *rule) func(http.Header) {
	if c.bearer == 0 {
		return nil
	}
	return func(h http.Header) {
		h["Www-Authenticate"] = []string{bearer + `, error="insufficient_scope", scope="` + strings.Join(u.scopes, " ") + `"`}
	}
}
