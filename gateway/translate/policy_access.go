// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

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

// policyReader reads what a policy refers to.
type policyReader struct {
	*index
	policy *policy
}

// unresolved says that something cannot be had.
func (r *policyReader) unresolved(at, reason, format string, values ...any) {
	r.policy.refuse(resolvedRefs, reason, "spec."+at+": "+fmt.Sprintf(format, values...))
}

// secret returns what a Secret has, nil if it cannot be had, which was said.
func (r *policyReader) data(at, key string, ref *v1alpha1.PolicyReference) []byte {
	to, granted := r.refer(at, secretKind, ref)
	if !granted {
		return nil
	}
	s := r.secret(to)
	if s == nil {
		r.unresolved(at, v1alpha1.ReasonRefNotFound, "there is no Secret %s", to)
		return nil
	}
	if len(s.Data[key]) == 0 {
		r.unresolved(at, v1alpha1.ReasonInvalidRef, "Secret %s has nothing in %s", to, key)
		return nil
	}
	return s.Data[key]
}

func (r *policyReader) refer(at string, to kind, ref *v1alpha1.PolicyReference) (Name, bool) {
	var namespace *gatewayv1.Namespace
	if ref.Namespace != "" {
		n := gatewayv1.Namespace(ref.Namespace)
		namespace = &n
	}
	made := referTo(r.policy.of, r.policy.name.Namespace, to, namespace, gatewayv1.ObjectName(ref.Name))
	if !r.granted(made) {
		r.unresolved(at, v1alpha1.ReasonNotPermitted, "%s", made.refusal())
		return Name{}, false
	}
	return made.name, true
}

// lines are those of several Secrets. Each is read by itself, so that a fault is said of
// the one that has it.
func (r *policyReader) lines(at, key string, refs []v1alpha1.PolicyReference, parse func([]byte) error) config.Secret {
	var out [][]byte
	for i := range refs {
		where := fmt.Sprintf("%s.secretRefs[%d]", at, i)
		data := r.data(where, key, &refs[i])
		if data == nil {
			continue
		}
		if err := parse(data); err != nil {
			r.unresolved(where, v1alpha1.ReasonInvalidRef, "%s of the Secret: %v", key, err)
			continue
		}
		out = append(out, data)
	}
	return bytes.Join(out, []byte("\n"))
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

// service finds a backend, and has it spoken to by a protocol unless the Service says
// another one.
func (r *policyReader) service(at string, ref *v1alpha1.PolicyBackend, protocol string) string {
	as := &route{name: r.policy.name, of: r.policy.of}
	for g := range r.policy.gateways {
		as.parents = append(as.parents, &parent{gateway: g})
	}
	port := ref.Port
	to := gatewayv1.BackendObjectReference{Name: gatewayv1.ObjectName(ref.Name), Port: &port}
	if ref.Namespace != "" {
		n := gatewayv1.Namespace(ref.Namespace)
		to.Namespace = &n
	}
	b, problem := r.backend(as, &to)
	if problem != nil {
		reason := string(problem.reason)
		if reason == "" {
			problem.message, reason = "its BackendTLSPolicy cannot be kept", v1alpha1.ReasonInvalidRef
		}
		r.unresolved(at+".backendRef", reason, "%s", problem.message)
		return ""
	}
	if b.Protocol == "" && protocol != "" {
		if b.Protocol = protocol; b.TLS != nil {
			b.Protocol = "h2"
		}
		b.Name += "/" + b.Protocol
	}
	r.policy.backends = append(r.policy.backends, b)
	return b.Name
}
