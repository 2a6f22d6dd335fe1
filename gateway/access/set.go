// SPDX-License-Identifier: Apache-2.0

package access

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/auth"
	"github.com/gatehouse-sh/gatehouse/gateway/auth/apikey"
	"github.com/gatehouse-sh/gatehouse/gateway/auth/basic"
	"github.com/gatehouse-sh/gatehouse/gateway/auth/clientcert"
	"github.com/gatehouse-sh/gatehouse/gateway/auth/jwks"
	"github.com/gatehouse-sh/gatehouse/gateway/auth/jwt"
	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// Set is what outlives configurations: keys that are fetched, tokens and passwords
// that were verified. Its methods may be called by any number of goroutines.
type Set struct {
	// Fetched is told of each fetch of a key set, by the first of its names; nil: nobody
	// is. It is set before the first Update.
	Fetched func(keySet string, s jwks.Status)

	passwords *basic.Checks

	mu     sync.Mutex
	keys   *jwks.Sets
	kept   map[string]*jwks.Set // those of the configuration in force
	tokens *jwt.Cache
	made   map[[sha256.Size]byte]auth.Authenticator // by what they were made of
}

// NewSet makes an empty Set.
func NewSet() *Set { return &Set{keys: jwks.NewSets(), passwords: basic.NewChecks()} }

// Update makes the policies of a configuration ready, by name. The configuration
// before is served as well as it was until one of the functions is called, once: keep,
// which forgets what the new one does not need, or leave, which forgets what only the new
// one needs. External makes the services that policies ask.
func (s *Set) Update(c *config.Snapshot, external func(*config.ExternalAuth) (External, error)) (policies map[string]*Policy, keep, leave func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tokens == nil {
		if s.tokens, err = jwt.NewCache(0); err != nil {
			return nil, nil, nil, err
		}
	}
	wanted := make(map[string]jwks.Options, len(c.KeySets))
	for i := range c.KeySets {
		name, o := c.KeySets[i].Name, c.KeySets[i].Options()
		if s.Fetched != nil {
			o.Notify = func(status jwks.Status) { s.Fetched(name, status) }
		}
		wanted[name] = o
	}
	keys, err := s.keys.Open(wanted)
	if err != nil {
		return nil, nil, nil, err
	}
	m := maker{set: s, keys: keys, made: map[[sha256.Size]byte]auth.Authenticator{}}
	policies = make(map[string]*Policy, len(c.AccessPolicies))
	var errs []error
	for i := range c.AccessPolicies {
		p, err := m.policy(&c.AccessPolicies[i], external)
		if err != nil {
			errs = append(errs, fmt.Errorf("access policy %s: %w", c.AccessPolicies[i].Name, err))
			continue
		}
		policies[c.AccessPolicies[i].Name] = p
	}
	if err := errors.Join(errs...); err != nil {
		s.keys.Keep(s.kept)
		return nil, nil, nil, err
	}
	keep = func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.made, s.kept = m.made, keys
		s.keys.Keep(keys)
	}
	leave = func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.keys.Keep(s.kept)
	}
	return policies, keep, leave, nil
}

// Close ends what goes on by itself.
func (s *Set) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys.Close()
	if s.tokens != nil {
		s.tokens.Close()
		s.tokens = nil
	}
}

// maker makes the authenticators of one configuration.
type maker struct {
	set  *Set
	keys map[string]*jwks.Set
	made map[[sha256.Size]byte]auth.Authenticator
}

func (m *maker) policy(c *config.AccessPolicy, external func(*config.ExternalAuth) (External, error)) (*Policy, error) {
	if c.Unresolved != "" {
		return New(c, nil, nil) // which refuses all
	}
	var list []auth.Authenticator
	for i := range c.Authentication.AnyOf {
		a := &c.Authentication.AnyOf[i]
		if a.Anonymous != nil {
			continue
		}
		made, err := m.authenticator(a)
		if err != nil {
			return nil, fmt.Errorf("authenticator %s: %w", a.Name, err)
		}
		list = append(list, made)
	}
	if c.ExternalAuth == nil {
		return New(c, list, nil)
	}
	asked, err := external(c.ExternalAuth)
	if err != nil {
		return nil, err
	}
	return New(c, list, asked)
}

// authenticator takes the one of the configuration before if it is the same: it
// remembers what was expensive to find out.
func (m *maker) authenticator(a *config.Authenticator) (auth.Authenticator, error) {
	if a.JWT != nil {
		return m.jwt(a) // its memory is the cache
	}
	id, err := identity(a)
	if err != nil {
		return nil, err
	}
	if same := m.set.made[id]; same != nil {
		m.made[id] = same
		return same, nil
	}
	made, err := m.create(a)
	if err != nil {
		return nil, err
	}
	m.made[id] = made
	return made, nil
}

func identity(a *config.Authenticator) ([sha256.Size]byte, error) {
	settings, err := json.Marshal(a) // of which secrets are none
	if err != nil {
		return [sha256.Size]byte{}, err
	}
	h := sha256.New()
	_, _ = h.Write(settings) // a hash takes everything
	if a.APIKey != nil {
		_, _ = h.Write(a.APIKey.Keys) // and this
	}
	if a.Basic != nil {
		_, _ = h.Write(a.Basic.Users) // and this
	}
	return [sha256.Size]byte(h.Sum(nil)), nil
}

func (m *maker) create(a *config.Authenticator) (auth.Authenticator, error) {
	switch {
	case a.APIKey != nil:
		var entries []apikey.Entry
		if a.APIKey.Keys != nil {
			var err error
			if entries, err = apikey.Parse(a.APIKey.Keys); err != nil {
				return nil, err
			}
		}
		return apikey.New(apikey.Options{Name: a.Name, Header: a.APIKey.From.Header, Entries: entries}), nil
	case a.Basic != nil:
		var users *basic.Users
		if a.Basic.Users != nil {
			var err error
			if users, err = basic.Parse(a.Basic.Users); err != nil {
				return nil, err
			}
		}
		return basic.New(a.Name, users, m.set.passwords)
	case a.ClientCertificate != nil:
		kind := map[string]clientcert.Kind{"SPIFFE": clientcert.SPIFFE, "URI": clientcert.URI, "DNS": clientcert.DNS, "Email": clientcert.Email, "DistinguishedName": clientcert.DistinguishedName}[a.ClientCertificate.Subject]
		return clientcert.New(clientcert.Options{Name: a.Name, Subject: kind, TrustDomains: a.ClientCertificate.TrustDomains}), nil
	}
	return nil, errors.New("it is of no kind")
}

func (m *maker) jwt(a *config.Authenticator) (auth.Authenticator, error) {
	j := a.JWT
	o := jwt.Options{
		Name: a.Name, Issuer: j.Issuer, Keys: m.keys[j.KeySet], Cache: m.set.tokens,
		Audiences: j.Audiences, Algorithms: j.Algorithms, Typ: j.Typ, ScopesClaim: j.ScopesClaim,
		ClockSkew: time.Duration(j.ClockSkew), MaxAge: time.Duration(j.MaxAge),
		From: jwt.From{Header: j.From.Header, Scheme: j.From.Scheme, Cookie: j.From.Cookie},
	}
	if j.AnyAudience {
		o.AnyAudience = jwt.IgnoreAudience
	}
	return jwt.New(o)
}
