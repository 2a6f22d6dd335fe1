// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"fmt"
	"net/netip"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/gateway/auth/apikey"
	"github.com/gatehouse-sh/gatehouse/gateway/auth/basic"
	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// Where Secrets have what policies need.
const (
	keysKey  = "keys" // lines of package apikey
	usersKey = "auth" // lines of package basic
	jwksKey  = "jwks" // what package jwks reads
)

// access reads an AccessPolicy.
func (x *index) access(p *policy, spec *v1alpha1.AccessPolicySpec) {
	out := &config.AccessPolicy{Name: p.label(), Mode: p.mode, Forward: config.Forward{ClaimsToHeaders: spec.Forward.ClaimsToHeaders, Credentials: spec.Forward.Credentials}}
	p.access = out
	r := policyReader{index: x, policy: p}
	for i := range spec.Authentication.AnyOf {
		out.Authentication.AnyOf = append(out.Authentication.AnyOf, r.authenticator(fmt.Sprintf("authentication.anyOf[%d]", i), &spec.Authentication.AnyOf[i]))
	}
	for i := range spec.Authorization.Rules {
		rule := &spec.Authorization.Rules[i]
		at := fmt.Sprintf("authorization.rules[%d]", i)
		out.Authorization.Rules = append(out.Authorization.Rules, config.AccessRule{Name: rule.Name, Allow: r.condition(at+".allow", rule.Allow), Deny: r.condition(at+".deny", rule.Deny)})
	}
	if spec.ExternalAuth != nil {
		out.ExternalAuth = r.external(spec.ExternalAuth)
	}
	if p.broken != "" {
		return
	}
	alone := &config.Snapshot{AccessPolicies: []config.AccessPolicy{*out}, KeySets: p.keySets}
	for _, b := range p.backends {
		alone.Backends = append(alone.Backends, config.Backend{Name: b.Name, Protocol: b.Protocol, TLS: b.TLS})
	}
	p.judge(alone, config.Route{Access: []string{out.Name}})
}

// judge has the data plane's own rules judge a policy alone, so that a fault of one
// tenant is nobody else's.
func (p *policy) judge(alone *config.Snapshot, named config.Route) {
	named.Name, named.Target = "r", config.Target{Backends: []config.Weighted{{Status: 500}}}
	alone.Routes = []config.Route{named}
	for _, f := range faults(alone) {
		_, at, found := strings.Cut(f.Path, "].")
		if !found || strings.HasPrefix(f.Path, "backends") {
			at = f.Path
		}
		p.invalid("spec.%s: %s", at, f.What)
	}
}

func (r *policyReader) authenticator(at string, a *v1alpha1.Authenticator) config.Authenticator {
	out := config.Authenticator{Name: a.Name}
	if a.JWT != nil {
		out.JWT = r.jwt(at+".jwt", a.Name, a.JWT)
	}
	if k := a.APIKey; k != nil {
		out.APIKey = &config.APIKey{From: config.HeaderSource{Header: k.From.Header}, Keys: r.lines(at+".apiKey", keysKey, k.SecretRefs, func(data []byte) error {
			_, err := apikey.Parse(data)
			return err
		})}
	}
	if b := a.Basic; b != nil {
		out.Basic = &config.Basic{Realm: b.Realm, Users: r.lines(at+".basic", usersKey, b.SecretRefs, func(data []byte) error {
			_, err := basic.Parse(data)
			return err
		})}
	}
	if c := a.ClientCertificate; c != nil {
		out.ClientCertificate = &config.ClientCertificate{Subject: c.Subject, TrustDomains: c.TrustDomains}
	}
	if a.Anonymous != nil {
		out.Anonymous = &config.Anonymous{}
	}
	return out
}

// jwt reads who signs tokens. The set of keys is the authenticator's own; where the keys
// come from the same place, they are fetched once.
func (r *policyReader) jwt(at, name string, j *v1alpha1.JWT) *config.JWT {
	keys := config.KeySet{
		Name: r.policy.label() + "/" + name, URL: j.JWKS.URI,
		Refresh: r.duration(j.JWKS.Refresh), Cooldown: r.duration(j.JWKS.Cooldown), StaleIfError: r.duration(j.JWKS.StaleIfError),
	}
	switch {
	case j.JWKS.SecretRef != nil:
		keys.Keys = r.data(at+".jwks.secretRef", jwksKey, j.JWKS.SecretRef)
	case j.JWKS.URI == "":
		keys.Issuer = j.Issuer
	}
	if ref := j.JWKS.CARef; ref != nil {
		if to, granted := r.refer(at+".jwks.caRef", configMapKind, ref); granted {
			bundle, fault := r.authorities(to)
			if fault != "" {
				r.unresolved(at+".jwks.caRef", v1alpha1.ReasonInvalidRef, "%s", fault)
			}
			keys.CA = bundle
		}
	}
	r.policy.keySets = append(r.policy.keySets, keys)
	return &config.JWT{
		Issuer: j.Issuer, Audiences: j.Audiences, AnyAudience: j.AnyAudience, KeySet: keys.Name, Algorithms: j.Algorithms, Typ: j.Typ,
		ClockSkew: r.duration(j.ClockSkew), MaxAge: r.duration(j.MaxAge), ScopesClaim: j.ScopesClaim,
		From: config.TokenSource{Header: j.From.Header, Scheme: j.From.Scheme, Cookie: j.From.Cookie},
	}
}

// duration reads a time. The data plane takes none before 0 for a fault, so it is said
// here.
func (r *policyReader) duration(d metav1.Duration) config.Duration { return r.policy.duration(d) }

func (p *policy) duration(d metav1.Duration) config.Duration {
	if d.Duration < 0 {
		p.invalid("spec: %s is less than no time", d.Duration)
	}
	return config.Duration(d.Duration)
}

func (r *policyReader) condition(at string, c *v1alpha1.AccessCondition) *config.Condition {
	if c == nil {
		return nil
	}
	out := &config.Condition{Methods: c.Methods, Paths: c.Paths, Scopes: c.Scopes, Principals: c.Principals, When: c.When}
	for name, values := range c.Claims {
		if out.Claims == nil {
			out.Claims = map[string][]string{}
		}
		out.Claims[name] = values
	}
	out.SourceRanges = r.policy.networks(at+".sourceRanges", c.SourceRanges)
	return out
}

func (p *policy) networks(at string, list []v1alpha1.PolicyCIDR) []netip.Prefix {
	var out []netip.Prefix
	for i, c := range list {
		n, err := netip.ParsePrefix(string(c))
		if err != nil {
			p.invalid("spec.%s[%d]: %q is no block of addresses", at, i, c)
			continue
		}
		out = append(out, n)
	}
	return out
}

// external finds the service that is asked.
func (r *policyReader) external(e *v1alpha1.ExternalAuth) *config.ExternalAuth {
	out := &config.ExternalAuth{Timeout: r.duration(e.Timeout), Concurrency: int(e.Concurrency)}
	headers := func(h *v1alpha1.ExternalHeaders) config.ExternalHeaders {
		return config.ExternalHeaders{RequestHeaders: h.RequestHeaders, ResponseHeaders: h.ResponseHeaders, ClientHeaders: h.ClientHeaders}
	}
	if h := e.HTTP; h != nil {
		out.HTTP = &config.ExternalHTTP{Backend: r.service("externalAuth.http", &h.BackendRef, ""), Path: h.Path, PathPrefix: h.PathPrefix, ExternalHeaders: headers(&h.ExternalHeaders)}
	}
	if g := e.GRPC; g != nil {
		out.GRPC = &config.ExternalGRPC{Backend: r.service("externalAuth.grpc", &g.BackendRef, "h2c"), ExternalHeaders: headers(&g.ExternalHeaders)}
	}
	return out
}
