// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// guarded reads who is let in, and how often. What cannot be kept closes the Service.
func (m *manner) guarded(given map[string]string, host string) {
	name := "service/" + nameOf(m.ingress).String()
	a, keys := m.authenticator(given[authKey], host)
	if a == nil {
		return
	}
	allow := &config.Condition{}
	if v, asked := given[scopesKey]; asked {
		allow.Scopes = strings.FieldsFunc(v, func(c rune) bool { return c == ' ' || c == ',' })
		if len(allow.Scopes) == 0 || a.JWT == nil && a.APIKey == nil {
			m.shut(scopesKey, fmt.Sprintf("%.80q cannot be asked for: scopes are of tokens and keys (%sauth: jwt:ISSUER or apikey:SECRET)", v, ownPrefix))
			return
		}
	}
	p := &config.AccessPolicy{Name: name, Authentication: config.Authentication{AnyOf: []config.Authenticator{*a}}}
	p.Authorization.Rules = []config.AccessRule{{Name: "allow", Allow: allow}}
	if a.Anonymous != nil {
		p.Forward.Credentials = "Keep"
	}
	m.own().access, m.own().keys = p, keys
	if v, asked := given[rateLimitKey]; asked {
		limit, fault := rateLimit(v, a)
		if fault != "" {
			m.shut(rateLimitKey, fault)
			return
		}
		m.own().traffic = &config.TrafficPolicy{Name: name, RateLimits: []config.RateLimit{*limit}}
	}
}

// authenticator reads who is let in: jwt:ISSUER, apikey:SECRET, basic:SECRET, or none.
// What follows a ";" says more: audience=NAME[,NAME], or audience=any, of tokens, and
// header=NAME of keys. Without an audience a token has to be meant for the host.
func (m *manner) authenticator(v, host string) (*config.Authenticator, *config.KeySet) {
	if v == "none" {
		return &config.Authenticator{Name: "anybody", Anonymous: &config.Anonymous{}}, nil
	}
	form, rest, _ := strings.Cut(v, ":")
	rest, more, _ := strings.Cut(rest, ";")
	option, value, _ := strings.Cut(more, "=")
	allowed := map[string]string{"jwt": "audience", "apikey": "header"}[form]
	if more != "" && (option != allowed || value == "") {
		m.shut(authKey, fmt.Sprintf("%.80q: after \";\" there is audience=NAME with jwt, and header=NAME with apikey", v))
		return nil, nil
	}
	switch form {
	case "jwt":
		return m.token(rest, value, host)
	case "apikey":
		if value == "" {
			value = "X-API-Key"
		}
		return m.credentials(rest, "keys", func(s config.Secret) config.Authenticator {
			return config.Authenticator{Name: "key", APIKey: &config.APIKey{From: config.HeaderSource{Header: value}, Keys: s}}
		}), nil
	case "basic":
		return m.credentials(rest, "auth", func(s config.Secret) config.Authenticator {
			return config.Authenticator{Name: "password", Basic: &config.Basic{Realm: host, Users: s}}
		}), nil
	}
	m.shut(authKey, fmt.Sprintf("%.80q is none of jwt:ISSUER, apikey:SECRET, basic:SECRET, none", v))
	return nil, nil
}

// token reads tokens of an issuer, whose keys are where it says that they are (OpenID
// Connect Discovery 1.0).
func (m *manner) token(issuer, audience, host string) (*config.Authenticator, *config.KeySet) {
	u, err := url.Parse(issuer)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		m.shut(authKey, fmt.Sprintf("%.80q is no issuer: its address, by https", issuer))
		return nil, nil
	}
	sum := sha256.Sum256([]byte(issuer))
	keys := config.KeySet{Name: "issuer/" + hex.EncodeToString(sum[:16]), Issuer: issuer}
	j := &config.JWT{Issuer: issuer, KeySet: keys.Name}
	switch audience {
	case "":
		j.Audiences = []string{host, "https://" + host, "https://" + host + "/"}
	case "any":
		j.AnyAudience = true
	default:
		j.Audiences = strings.Split(audience, ",")
	}
	out := config.Authenticator{Name: "token", JWT: j}
	if fault := authenticates(out, keys); fault != "" {
		m.shut(authKey, fault)
		return nil, nil
	}
	return &out, &keys
}

// credentials reads what a Secret of the namespace has in a key.
func (m *manner) credentials(secret, key string, of func(config.Secret) config.Authenticator) *config.Authenticator {
	name := Name{Namespace: m.ingress.Namespace, Name: secret}
	s := m.secret(name)
	switch {
	case s == nil:
		m.shut(authKey, m.absent(secretKind, name))
		return nil
	case s.Data[key] == nil:
		m.shut(authKey, fmt.Sprintf("Secret %s has no key %s", name, key))
		return nil
	}
	out := of(config.Secret(s.Data[key]))
	if fault := authenticates(out); fault != "" {
		m.shut(authKey, fmt.Sprintf("Secret %s: %s", name, fault))
		return nil
	}
	return &out
}

// rateLimit reads NUMBER/UNIT[;key=KEY][;burst=NUMBER], where UNIT is s, m, h or d, and
// KEY is whose requests are counted together: ip, which is the address, sub, which is who
// is known, claim:NAME, or header:NAME.
func rateLimit(v string, a *config.Authenticator) (*config.RateLimit, string) {
	parts := strings.Split(v, ";")
	number, unit, _ := strings.Cut(parts[0], "/")
	n, err := strconv.Atoi(number)
	per := map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour}[unit]
	if err != nil || n < 1 || per == 0 {
		return nil, fmt.Sprintf("%.80q is no limit such as 100/m: a number, and s, m, h or d", v)
	}
	out := &config.RateLimit{Name: "rate-limit", Key: []string{"client.ip"}, Limit: config.Limit{Requests: n, Per: config.Duration(per)}}
	seen := map[string]bool{}
	for _, part := range parts[1:] {
		option, value, _ := strings.Cut(part, "=")
		if seen[option] {
			return nil, fmt.Sprintf("%.80q says %s twice", v, option)
		}
		seen[option] = true
		claim := strings.HasPrefix(value, "claim:")
		switch burst, err := strconv.Atoi(value); {
		case option == "burst" && err == nil && burst > 0:
			out.Limit.Burst = burst
		case option == "key" && value == "ip":
		case option == "key" && (value == "sub" || claim) && a.Anonymous != nil:
			return nil, fmt.Sprintf("%.80q: nobody is known with %sauth: none", value, ownPrefix)
		case option == "key" && value == "sub":
			out.Key = []string{"principal"}
		case option == "key" && (claim || strings.HasPrefix(value, "header:")):
			out.Key = []string{value}
		default:
			return nil, fmt.Sprintf("%.80q is none of key=ip, key=sub, key=claim:NAME, key=header:NAME, burst=NUMBER", part)
		}
	}
	policy := config.TrafficPolicy{Name: "p", RateLimits: []config.RateLimit{*out}}
	for _, f := range faults(&config.Snapshot{TrafficPolicies: []config.TrafficPolicy{policy}}) {
		return nil, f.What
	}
	return out, ""
}

// isDoor tells whether routes of a kind are made of what is not written in Gateway API.
func (k kind) isDoor() bool { return slices.Contains([]kind{ingressKind, serviceKind}, k) }
