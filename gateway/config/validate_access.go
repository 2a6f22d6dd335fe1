// SPDX-License-Identifier: Apache-2.0

package config

import (
	"cmp"
	"fmt"
	"maps"
	"net/textproto"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/auth/apikey"
	"github.com/gatehouse-sh/gatehouse/gateway/auth/basic"
	"github.com/gatehouse-sh/gatehouse/gateway/auth/clientcert"
	"github.com/gatehouse-sh/gatehouse/gateway/auth/jwks"
	"github.com/gatehouse-sh/gatehouse/gateway/auth/jwt"
	"github.com/gatehouse-sh/gatehouse/gateway/condition"
	"github.com/gatehouse-sh/gatehouse/gateway/internal/header"
	"github.com/gatehouse-sh/gatehouse/gateway/request"
)

// Bounds of access policies: what is beyond them is a mistake, and costs time on
// every request.
const (
	maxAuthenticators = 16
	maxRules          = 256
	maxEntries        = 256 // of one list of a rule
	maxConcurrency    = 100_000
	maxRealm          = 100
)

func (v *validator) access(path string, p *AccessPolicy, keySets map[string]*KeySet, backends map[string]*Backend) {
	v.oneOf(path+".mode", string(p.Mode), "", string(Enforced), string(Default))
	list := p.Authentication.AnyOf
	names(v, path+".authentication.anyOf", list, func(a *Authenticator) string { return a.Name })
	if n := len(list); n == 0 || n > maxAuthenticators {
		v.fault(path+".authentication.anyOf", "there are %d, and a policy has 1 to %d: anonymous: {} takes who sends no credential", n, maxAuthenticators)
	}
	known := map[string]bool{}
	for i := range list {
		at := fmt.Sprintf("%s.authentication.anyOf[%d]", path, i)
		v.authenticator(at, &list[i], keySets)
		if list[i].Anonymous != nil && i < len(list)-1 {
			v.fault(at+".anonymous", "it must be the last, since those after it would never be asked")
		}
		known[list[i].Name] = true
		if a := &list[i]; p.Unresolved == "" && (a.APIKey != nil && a.APIKey.KeysFile == "" && a.APIKey.Keys == nil || a.Basic != nil && a.Basic.UsersFile == "" && a.Basic.Users == nil) {
			v.fault(at, "its file is missing")
		}
	}
	rules := p.Authorization.Rules
	names(v, path+".authorization.rules", rules, func(r *AccessRule) string { return r.Name })
	if n := len(rules); n == 0 || n > maxRules {
		v.fault(path+".authorization.rules", "there are %d, and a policy has 1 to %d: without one nobody is let in, and allow: {} lets in whoever is known", n, maxRules)
	}
	for i := range rules {
		v.rule(fmt.Sprintf("%s.authorization.rules[%d]", path, i), &rules[i], known)
	}
	v.forward(path+".forward", &p.Forward)
	if p.ExternalAuth != nil {
		v.external(path+".externalAuth", p.ExternalAuth, backends)
	}
}

func (v *validator) authenticator(path string, a *Authenticator, keySets map[string]*KeySet) {
	if strings.Contains(a.Name, "/") {
		v.fault(path+".name", "%q has a slash, which stands between it and a subject", a.Name)
	}
	set := 0
	for _, is := range []bool{a.JWT != nil, a.APIKey != nil, a.Basic != nil, a.ClientCertificate != nil, a.Anonymous != nil} {
		if is {
			set++
		}
	}
	if set != 1 {
		v.fault(path, "it has %d of jwt, apiKey, basic, clientCertificate and anonymous (write anonymous: {}), and must have one", set)
	}
	if a.JWT != nil {
		v.jwt(path+".jwt", a.JWT, keySets)
	}
	if k := a.APIKey; k != nil {
		v.credentialHeader(path+".apiKey.from.header", k.From.Header)
		if k.Keys != nil {
			if _, err := apikey.Parse(k.Keys); err != nil {
				v.fault(path+".apiKey.keysFile", "%s%v", inFile(k.KeysFile), err)
			}
		}
	}
	if b := a.Basic; b != nil {
		if len(b.Realm) > maxRealm || strings.ContainsFunc(b.Realm, func(c rune) bool { return c < ' ' || c > '~' || c == '"' || c == '\\' }) {
			v.fault(path+".basic.realm", "it has other characters than ASCII without \" and \\, or more than %d", maxRealm)
		}
		if b.Users != nil {
			if _, err := basic.Parse(b.Users); err != nil {
				v.fault(path+".basic.usersFile", "%s%v", inFile(b.UsersFile), err)
			}
		}
	}
	if c := a.ClientCertificate; c != nil {
		v.oneOf(path+".clientCertificate.subject", c.Subject, "SPIFFE", "URI", "DNS", "Email", "DistinguishedName")
		for i, d := range c.TrustDomains {
			if !clientcert.TrustDomain(d) || c.Subject != "SPIFFE" {
				v.fault(fmt.Sprintf("%s.clientCertificate.trustDomains[%d]", path, i), "%.80q is no trust domain, or the subject is not SPIFFE", d)
			}
		}
	}
}

func inFile(name string) string {
	if name == "" {
		return ""
	}
	return name + ": "
}

// credentialHeader takes names that arrive: what the form of a request deletes is
// never there.
func (v *validator) credentialHeader(path, name string) {
	switch {
	case name == "":
		v.fault(path, "it is missing: the name of a header line, such as X-API-Key")
	case slices.ContainsFunc([]string{"Authorization", "Cookie", "Host"}, func(s string) bool { return strings.EqualFold(s, name) }):
		v.fault(path, "%s has a form of its own", name)
	case !ownable(name), !request.Arrives(name):
		v.fault(path, "%.80q never arrives: letters, digits and - are taken, and X-Forwarded-, what asks for another path, and what is the connection's are not a client's to send", name)
	}
}

var isPlainHeader = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]{0,99}$`)

// ownable tells whether a header line can be the gateway's own: it has one
// spelling, and means nothing to HTTP.
func ownable(name string) bool {
	return isPlainHeader.MatchString(name) && !request.OfConnection(name) && !strings.HasPrefix(strings.ToLower(name), "x-forwarded-")
}

// identityHeader takes names in which the gateway tells something to backends.
// X-Forwarded-User and its like are free, since no client can send any of them.
func (v *validator) identityHeader(path, name string) {
	lower := strings.ToLower(name)
	rest, forwarded := strings.CutPrefix(lower, "x-forwarded-")
	taken := []string{"authorization", "cookie", "forwarded", "via", "expect", "date", "range", "accept", "accept-encoding", "user-agent", "origin", "referer", "x-real-ip", "x-request-id", "traceparent", "tracestate"}
	switch {
	case forwarded && (slices.Contains([]string{"for", "proto", "host", "port"}, rest) || !isPlainHeader.MatchString(rest)),
		!forwarded && !ownable(name), slices.Contains(taken, lower), strings.HasPrefix(lower, "content-"), strings.HasPrefix(lower, "sec-"), strings.HasPrefix(lower, "if-"):
		v.fault(path, "%.80q cannot be a header line of the gateway's own: it is no plain name, or means something else", name)
	}
}

func (v *validator) rule(path string, r *AccessRule, authenticators map[string]bool) {
	if (r.Allow == nil) == (r.Deny == nil) {
		v.fault(path, "it has neither or both of allow and deny: allow: {} is written to let in whoever is known")
	}
	if r.Allow != nil {
		v.condition(path+".allow", r.Allow, authenticators)
	}
	if r.Deny != nil {
		v.condition(path+".deny", r.Deny, authenticators)
	}
}

var isMethod = regexp.MustCompile(`^[A-Z-]{1,32}$`)

func (v *validator) condition(path string, c *Condition, authenticators map[string]bool) {
	for i, m := range c.Methods {
		if !isMethod.MatchString(m) {
			v.fault(fmt.Sprintf("%s.methods[%d]", path, i), "%.80q is no method: capital letters", m)
		}
	}
	for i, p := range c.Paths {
		v.pattern(fmt.Sprintf("%s.paths[%d]", path, i), p)
	}
	for i, s := range c.Scopes {
		if !isScope.MatchString(s) {
			v.fault(fmt.Sprintf("%s.scopes[%d]", path, i), "%.80q is no scope (RFC 6749, section 3.3)", s)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Claims)) {
		if name == "" || len(c.Claims[name]) == 0 || len(c.Claims[name]) > maxEntries {
			v.fault(path+".claims."+name, "it has not 1 to %d values", maxEntries)
		}
	}
	for i, p := range c.Principals {
		by, subject, found := strings.Cut(p, "/")
		if !found || subject == "" || !authenticators[by] {
			v.fault(fmt.Sprintf("%s.principals[%d]", path, i), "%.80q is not the name of an authenticator of the policy, a slash, and a subject or *", p)
		}
	}
	for i, p := range c.SourceRanges {
		if p != p.Masked() || !p.IsValid() {
			v.fault(fmt.Sprintf("%s.sourceRanges[%d]", path, i), "%s is no network, or has bits beyond its length: %s", p, p.Masked())
		}
		v.mapped(fmt.Sprintf("%s.sourceRanges[%d]", path, i), p)
	}
	for _, list := range []struct {
		name string
		n    int
	}{{"methods", len(c.Methods)}, {"paths", len(c.Paths)}, {"scopes", len(c.Scopes)}, {"principals", len(c.Principals)}, {"sourceRanges", len(c.SourceRanges)}, {"claims", len(c.Claims)}} {
		if list.n > maxEntries {
			v.fault(path+"."+list.name, "there are %d, and %d at most", list.n, maxEntries)
		}
	}
	if c.When != "" {
		if _, err := condition.Bool(c.When); err != nil {
			v.fault(path+".when", "%v", err)
		}
	}
}

var isScope = regexp.MustCompile(`^[!#-\[\]-~]{1,256}$`)

// pattern takes paths in their one form, with stars for whole segments.
func (v *validator) pattern(path, p string) {
	if !strings.HasPrefix(p, "/") {
		v.fault(path, "%.80q does not begin with a slash", p)
		return
	}
	segments := strings.Split(p[1:], "/")
	for i, s := range segments {
		if strings.Contains(s, "*") && s != "*" && (s != "**" || i < len(segments)-1) {
			v.fault(path, "%.80q: a star stands for a whole segment, and two of them for all that follow", p)
			return
		}
	}
	v.path(path, p)
}

func (v *validator) forward(path string, f *Forward) {
	v.oneOf(path+".credentials", f.Credentials, "", "Strip", "Keep")
	seen := map[string]string{}
	for _, claim := range slices.Sorted(maps.Keys(f.ClaimsToHeaders)) {
		name := f.ClaimsToHeaders[claim]
		at := path + ".claimsToHeaders." + claim
		v.identityHeader(at, name)
		if claim == "" {
			v.fault(at, "the name of the claim is missing")
		}
		if other, twice := seen[strings.ToLower(name)]; twice {
			v.fault(at, "%s is told in %s already", other, name)
		}
		seen[strings.ToLower(name)] = claim
	}
}

// Headers are the header lines for and of the service, whatever it is asked by; none
// of nil.
func (e *ExternalAuth) Headers() *ExternalHeaders {
	switch {
	case e == nil:
	case e.HTTP != nil:
		return &e.HTTP.ExternalHeaders
	case e.GRPC != nil:
		return &e.GRPC.ExternalHeaders
	}
	return &ExternalHeaders{}
}

func (v *validator) external(path string, e *ExternalAuth, backends map[string]*Backend) {
	if e.Concurrency < 0 || e.Concurrency > maxConcurrency {
		v.fault(path+".concurrency", "%d is not between 0 and %d", e.Concurrency, maxConcurrency)
	}
	if (e.HTTP == nil) == (e.GRPC == nil) {
		v.fault(path, "it has neither or both of http and grpc")
		return
	}
	var kind, backend string
	if h := e.HTTP; h != nil {
		kind, backend = path+".http", h.Backend
		if h.Path != "" && h.PathPrefix != "" {
			v.fault(kind, "path and pathPrefix exclude each other")
		}
		for _, p := range []struct{ name, value string }{{"path", h.Path}, {"pathPrefix", h.PathPrefix}} {
			if p.value != "" {
				v.path(kind+"."+p.name, p.value)
			}
		}
		for i, s := range h.Statuses {
			v.between(fmt.Sprintf("%s.statuses[%d]", kind, i), s, 200, 299)
		}
	} else {
		kind, backend = path+".grpc", e.GRPC.Backend
		v.oneOf(kind+".lines", e.GRPC.Lines, "", NamedLines, AllLines)
		v.oneOf(kind+".unnamed", e.GRPC.Unnamed, "", DropUnnamed, RefuseUnnamed)
		if e.GRPC.Lines == AllLines && len(e.GRPC.RequestHeaders) > 0 {
			v.fault(kind+".requestHeaders", "lines is %s, so none needs to be named", AllLines)
		}
	}
	switch b := backends[backend]; {
	case b == nil:
		v.fault(kind+".backend", "there is no backend %q", backend)
	case e.GRPC != nil && b.Protocol != "h2c" && b.Protocol != "h2":
		v.fault(kind+".backend", "the protocol of %q is neither h2c nor h2, and gRPC needs one of them", backend)
	}
	h := e.Headers()
	for i, name := range h.RequestHeaders {
		v.headerName(fmt.Sprintf("%s.requestHeaders[%d]", kind, i), name)
	}
	for i, name := range h.ResponseHeaders {
		v.identityHeader(fmt.Sprintf("%s.responseHeaders[%d]", kind, i), name)
	}
	for i, name := range h.ClientHeaders {
		v.headerName(fmt.Sprintf("%s.clientHeaders[%d]", kind, i), name)
	}
}

func (v *validator) jwt(path string, j *JWT, keySets map[string]*KeySet) {
	if j.Issuer == "" {
		v.fault(path+".issuer", "it is missing: a token of any issuer would do")
	}
	if (len(j.Audiences) > 0) == j.AnyAudience || slices.Contains(j.Audiences, "") {
		v.fault(path+".audiences", "it is missing, or beside anyAudience: a token for somebody else would do")
	}
	symmetric := 0
	for i, a := range j.Algorithms {
		if !jwks.Known(a) {
			v.fault(fmt.Sprintf("%s.algorithms[%d]", path, i), "there is no algorithm %.20q", a)
		}
		if jwks.Symmetric(a) {
			symmetric++
		}
	}
	k := keySets[j.KeySet]
	switch {
	case k == nil:
		v.fault(path+".keySet", "there is no key set %q", j.KeySet)
	case k.Issuer != "" && k.Issuer != j.Issuer:
		v.fault(path+".keySet", "the keys are those of another issuer")
	case symmetric > 0 && (symmetric < len(j.Algorithms) || k.URL != "" || k.Issuer != ""):
		v.fault(path+".algorithms", "symmetric ones cannot be beside others, and need keys of a file, which nobody publishes")
	}
	if time.Duration(j.ClockSkew) > jwt.MaxClockSkew {
		v.fault(path+".clockSkew", "it is more than %s", jwt.MaxClockSkew)
	}
	if j.From.Cookie != "" && (j.From.Header != "" || j.From.Scheme != "") {
		v.fault(path+".from", "header and cookie exclude each other")
	}
	if j.From.Scheme != "" && !header.IsToken(j.From.Scheme) {
		v.fault(path+".from.scheme", "%.80q is no name", j.From.Scheme)
	}
	if j.From.Header != "" && !strings.EqualFold(j.From.Header, "Authorization") {
		v.credentialHeader(path+".from.header", j.From.Header)
	}
	if j.From.Cookie != "" && !header.IsToken(j.From.Cookie) {
		v.fault(path+".from.cookie", "%.80q is no name of a cookie", j.From.Cookie)
	}
}

func (v *validator) keySet(path string, k *KeySet) {
	set := 0
	for _, s := range []string{k.URL, k.Issuer, k.File} {
		if s != "" {
			set++
		}
	}
	if set > 1 || set == 0 && k.Keys == nil {
		v.fault(path, "it has %d of url, issuer and file, and must have one", set)
	}
	v.oneOf(path+".plaintext", k.Plaintext, "", "Allow")
	if o := k.Options(); o.Inline != nil || k.File == "" { // it was read, or needs not be
		if err := o.Check(); err != nil && set < 2 {
			v.fault(path, "%s", strings.ReplaceAll(err.Error(), "\n", "; "))
		}
	}
}

// Options are what package jwks calls a key set.
func (k *KeySet) Options() jwks.Options {
	o := jwks.Options{URL: k.URL, Issuer: k.Issuer, Inline: k.Keys, Roots: k.CA, Refresh: time.Duration(k.Refresh), Cooldown: time.Duration(k.Cooldown), StaleIfError: time.Duration(k.StaleIfError)}
	if k.Plaintext == "Allow" {
		o.Plaintext = jwks.AllowPlaintext
	}
	return o
}

// Line is the name of the header line in which a credential is sent, and the field that
// says so; "" if it is in none.
func (a *Authenticator) Line() (name, field string) {
	switch {
	case a.APIKey != nil:
		return a.APIKey.From.Header, ".apiKey.from.header"
	case a.JWT != nil && a.JWT.From.Cookie != "":
		return "Cookie", ".jwt.from.cookie"
	case a.JWT != nil:
		return cmp.Or(a.JWT.From.Header, "Authorization"), ".jwt.from.header"
	case a.Basic != nil:
		return "Authorization", ".basic"
	}
	return "", ""
}

// colliding finds credentials that are sent in lines that no client can send to who asks for
// them, and those that would be written down.
func (v *validator) colliding(s *Snapshot) {
	told := map[string][]string{} // policies by the lines in which they tell who asks
	for policy, names := range s.tells() {
		for _, name := range names {
			told[strings.ToLower(name)] = append(told[strings.ToLower(name)], policy)
		}
	}
	var audience *Audience
	taken := func(reader, line string) bool {
		if audience == nil {
			audience = s.Audience()
		}
		return slices.ContainsFunc(told[line], func(teller string) bool { return audience.Hides(teller, reader) }) ||
			slices.ContainsFunc(s.Listeners, func(l Listener) bool {
				return slices.ContainsFunc(l.Client.Headers.Identity, func(name string) bool { return strings.EqualFold(name, line) }) && audience.Hears(reader, l.Name)
			})
	}
	for i := range s.AccessPolicies {
		for k := range s.AccessPolicies[i].Authentication.AnyOf {
			a, path := &s.AccessPolicies[i].Authentication.AnyOf[k], fmt.Sprintf("accessPolicies[%d].authentication.anyOf[%d]", i, k)
			name, field := a.Line()
			if name == "" {
				continue
			}
			if taken(s.AccessPolicies[i].Name, strings.ToLower(name)) {
				v.fault(path+field, "%s is a line in which backends are told who asks, so no client's arrives", name)
			}
			for n, written := range s.Telemetry.Decisions.Header {
				if strings.EqualFold(written, name) && !slices.Contains(credentials, textproto.CanonicalMIMEHeaderKey(name)) { // which are told of there
					v.fault(fmt.Sprintf("telemetry.decisions.headers[%d]", n), "%q holds what lets somebody in (%s), and is never written down", written, a.Name)
				}
			}
		}
	}
}
