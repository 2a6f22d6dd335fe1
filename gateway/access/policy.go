// SPDX-License-Identifier: Apache-2.0

package access

import (
	"context"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/auth"
	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// Reasons of refusals, beside those of authenticators.
const (
	Unresolved        = "policy-unresolved"  // something that the policy names is missing
	NoCredential      = "no-credential"      //nolint:gosec // of any kind that the policy asks for
	UnknownCredential = "unknown-credential" // there is one, and no authenticator takes it
	Denied            = "denied"             // by a rule
	NotAllowed        = "not-allowed"        // by any rule
	InsufficientScope = "insufficient-scope"
	ConditionError    = "condition-error" // an expression could not be evaluated
	UnfitClaim        = "unfit-claim"     // it cannot be told in a header line
)

// Policy is an access policy made ready. It does not change, and any number of
// goroutines may use it at once. The zero value lets nobody in.
type Policy struct {
	name       string
	mode       config.Mode
	unresolved bool
	list       []authenticator
	anonymous  *auth.Principal // nil: there is none
	sources    sources
	challenge  challenges

	early  []*rule // that deny whoever asks
	denies []*rule
	allows []*rule

	external External // nil: there is none
	strip    bool
	lines    []line
	owned    []string // names that no client can send, canonical
}

type authenticator struct {
	auth.Authenticator
	bearer bool
}

// External is a service that has a say.
type External interface {
	Ask(ctx context.Context, r *auth.Request) ExternalAnswer
}

// ExternalAnswer is what a service said. The zero value refuses.
type ExternalAnswer struct {
	Allowed bool
	Status  int         // of the refusal; 0 is 403
	Reason  string      // of the refusal
	Header  http.Header // for the backend if it is allowed, or else for the client; nil: nothing
	Remove  []string    // canonical names of lines that the backend is not to get
}

// Verdict is what a policy says. The zero value refuses.
type Verdict struct {
	Allowed   bool
	Principal *auth.Principal // who asks, as far as that is known
	Rule      string          // that decided; "" if none did
	Status    int             // of the refusal
	Reason    string          // of the refusal

	policy *Policy
	header http.Header // External's
	remove []string    // and this
	scheme func(http.Header)
	again  time.Duration // after which it may be otherwise; 0: that is not told
}

// Name is what the policy is called.
func (p *Policy) Name() string { return p.name }

// Mode tells whether routes can replace the policy where a listener names it.
func (p *Policy) Mode() config.Mode { return p.mode }

// Anonymous tells whether a principal stands for those who sent no credential.
func (p *Policy) Anonymous(who *auth.Principal) bool { return who != nil && who == p.anonymous }

// Judge judges a request.
func (p *Policy) Judge(ctx context.Context, r *auth.Request) Verdict {
	if p.unresolved {
		return p.refuse(http.StatusServiceUnavailable, Unresolved)
	}
	for _, d := range p.early {
		if v, decided := p.denied(d, r, nil); decided {
			return v
		}
	}
	v := p.authenticate(ctx, r)
	if !v.Allowed {
		return v
	}
	if v = p.authorize(r, v.Principal); !v.Allowed {
		return v
	}
	if !p.tellable(v.Principal) {
		who := v
		v = p.refuse(http.StatusForbidden, UnfitClaim)
		v.Principal, v.Rule = who.Principal, who.Rule
		return v
	}
	if p.external == nil {
		return v
	}
	answer := p.external.Ask(ctx, r)
	v.header, v.remove = answer.Header, answer.Remove
	if !answer.Allowed {
		v.Allowed, v.Status, v.Reason = false, answer.Status, answer.Reason
		if v.Status == 0 {
			v.Status = http.StatusForbidden
		}
		if v.Status == http.StatusUnauthorized && answer.Header["Www-Authenticate"] == nil {
			v.scheme = p.challenge.plain // RFC 9110, section 15.5.2: there must be one
		}
	}
	return v
}

// authenticate asks who it is. The first that finds a credential decides.
func (p *Policy) authenticate(ctx context.Context, r *auth.Request) Verdict {
	for i := range p.list {
		a := &p.list[i]
		switch answer := a.Authenticate(ctx, r); answer.Verdict {
		case auth.Absent:
		case auth.Valid:
			if answer.Principal == nil {
				return p.refuse(http.StatusServiceUnavailable, answer.Reason)
			}
			return Verdict{Allowed: true, Principal: answer.Principal, policy: p}
		case auth.Invalid:
			v := p.refuse(http.StatusUnauthorized, answer.Reason)
			v.scheme = p.challenge.plain
			if a.bearer {
				v.scheme = p.challenge.invalid
			}
			return v
		case auth.Unavailable:
			v := p.refuse(http.StatusServiceUnavailable, answer.Reason)
			v.again = answer.Again
			return v
		}
	}
	if p.sources.any(r) {
		v := p.refuse(http.StatusUnauthorized, UnknownCredential)
		v.scheme = p.challenge.invalid
		return v
	}
	if p.anonymous != nil {
		return Verdict{Allowed: true, Principal: p.anonymous, policy: p}
	}
	v := p.refuse(http.StatusUnauthorized, NoCredential)
	v.scheme = p.challenge.plain
	return v
}

// authorize asks whether he may: rules that deny come first.
func (p *Policy) authorize(r *auth.Request, who *auth.Principal) Verdict {
	for _, d := range p.denies {
		if v, decided := p.denied(d, r, who); decided {
			return v
		}
	}
	v := p.refuse(http.StatusForbidden, NotAllowed)
	v.Principal = who
	for _, a := range p.allows {
		switch a.judge(r, who) {
		case fits:
			return Verdict{Allowed: true, Principal: who, Rule: a.name, policy: p}
		case lacksScope:
			if v.Reason == NotAllowed {
				v.Reason, v.Rule, v.scheme = InsufficientScope, a.name, p.challenge.scope(a)
			}
		case failed:
			if v.Reason != ConditionError {
				v.Reason, v.Rule, v.scheme = ConditionError, a.name, nil
			}
		case differs:
		}
	}
	return v
}

func (p *Policy) denied(d *rule, r *auth.Request, who *auth.Principal) (v Verdict, decided bool) {
	reason := Denied
	switch d.judge(r, who) {
	case differs, lacksScope:
		return v, false
	case failed:
		reason = ConditionError
	case fits:
	}
	v = p.refuse(http.StatusForbidden, reason)
	v.Principal, v.Rule = who, d.name
	return v, true
}

func (p *Policy) refuse(status int, reason string) Verdict {
	return Verdict{Status: status, Reason: reason, policy: p}
}

// Header adds what a client is told of a refusal.
func (v *Verdict) Header(h http.Header) {
	if v.Allowed {
		return
	}
	for name, values := range v.header {
		h[name] = append(h[name], values...)
	}
	if v.scheme != nil {
		v.scheme(h)
	}
	if v.again > 0 {
		h.Set("Retry-After", strconv.FormatFloat(math.Ceil(v.again.Seconds()), 'f', 0, 64))
	}
}

// New makes a policy ready. Its authenticators are in the order of the
// configuration, without anonymous. The configuration must be without faults.
func New(c *config.AccessPolicy, authenticators []auth.Authenticator, external External) (*Policy, error) {
	p := &Policy{name: c.Name, mode: c.Mode, unresolved: c.Unresolved != "", external: external, strip: c.Forward.Credentials != "Keep"}
	for i := range c.Authentication.AnyOf {
		a := &c.Authentication.AnyOf[i]
		if a.Anonymous != nil {
			p.anonymous = &auth.Principal{By: a.Name, Subject: "anonymous"}
			continue
		}
		p.sources.add(a)
		p.challenge.add(a)
		if len(p.list) < len(authenticators) {
			p.list = append(p.list, authenticator{authenticators[len(p.list)], a.JWT != nil})
		}
	}
	for i := range c.Authorization.Rules {
		r, err := newRule(c.Name, &c.Authorization.Rules[i])
		switch {
		case err != nil:
			return nil, err
		case !r.deny:
			p.allows = append(p.allows, r)
		case r.identity:
			p.denies = append(p.denies, r)
		default:
			p.early = append(p.early, r)
		}
	}
	p.tells(c)
	return p, nil
}
