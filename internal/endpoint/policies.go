// SPDX-License-Identifier: Apache-2.0

package endpoint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/gateway/translate"
)

// Where a policy is named.
const (
	fromGateway = "gateway"
	fromHost    = "host"
	fromRoute   = "route"
)

// attached are the policies of one kind that a listener and its hosts name.
type attached struct {
	all     []string
	forHost map[string][]string
}

func accessOf(l *config.Listener) attached {
	out := attached{l.Access, map[string][]string{}}
	for i := range l.ForHosts {
		out.forHost[l.ForHosts[i].Host] = l.ForHosts[i].Access
	}
	return out
}

func trafficOf(l *config.Listener) attached {
	out := attached{l.Traffic, map[string][]string{}}
	for i := range l.ForHosts {
		out.forHost[l.ForHosts[i].Host] = l.ForHosts[i].Traffic
	}
	return out
}

// held are the policies that hold for a host and a route of a listener, in the order of
// the data plane: what is enforced for all, and for the most specific of the listener's
// hosts; then the route's own, or without any the defaults of the host, or without these
// those of the listener.
func held(l *config.Listener, of attached, host string, route []string, mode func(name string) config.Mode) []Held {
	var enforced, byAll, byHost []Held
	put := func(names []string, from string, defaults *[]Held) {
		for _, name := range names {
			if mode(name) == config.Default {
				*defaults = append(*defaults, Held{name, string(config.Default), from})
			} else {
				enforced = append(enforced, Held{name, string(config.Enforced), from})
			}
		}
	}
	put(of.all, fromGateway, &byAll)
	if at := translate.Owner(l.Hosts, host); at >= 0 {
		put(of.forHost[l.Hosts[at]], fromHost, &byHost)
	}
	own := make([]Held, 0, len(route))
	for _, name := range route {
		shown := mode(name)
		if shown == "" {
			shown = config.Enforced
		}
		own = append(own, Held{name, string(shown), fromRoute})
	}
	switch {
	case len(own) > 0:
	case len(byHost) > 0:
		own = byHost
	default:
		own = byAll
	}
	return append(append([]Held{}, enforced...), own...)
}

// accessHeld are those that ask for a route, which may be nil. What a route names beside its
// own is asked last, and nothing gives way to it.
func (s *served) accessHeld(l *config.Listener, host string, r *config.Route) []Held {
	var own, beside []string
	if r != nil {
		own, beside = r.Access, r.AccessBeside
	}
	out := held(l, accessOf(l), host, own, func(name string) config.Mode {
		if p := s.access[name]; p != nil {
			return p.Mode
		}
		return config.Enforced
	})
	for _, name := range beside {
		out = append(out, Held{name, string(config.Enforced), fromRoute})
	}
	return out
}

func (s *served) trafficHeld(l *config.Listener, host string, route []string) []Held {
	return held(l, trafficOf(l), host, route, func(name string) config.Mode {
		if p := s.traffic[name]; p != nil {
			return p.Mode
		}
		return config.Enforced
	})
}

// authentication says who gets in by the policies that hold, and what they allow.
func (s *served) authentication(policies []Held, t *TLS) (Authentication, []string) {
	out := Authentication{State: AuthenticationNone, Methods: []string{}, Policies: append([]Held{}, policies...)}
	rules := []string{}
	if t.ClientCertificates != "" {
		out.Methods = append(out.Methods, "client certificate ("+t.ClientCertificates+")")
		if out.State = AuthenticationOptional; t.ClientCertificates == string(config.Require) {
			out.State = AuthenticationRequired
		}
	}
	for _, h := range policies {
		p := s.access[h.Name]
		if p == nil {
			continue // what names it was validated
		}
		if p.Unresolved != "" {
			out.State, out.Why = AuthenticationRefused, fmt.Sprintf("policy %s: %s", h.Name, p.Unresolved)
			continue
		}
		methods, anybody := methodsOf(p)
		for _, m := range methods {
			if !slices.Contains(out.Methods, m) {
				out.Methods = append(out.Methods, m)
			}
		}
		switch {
		case out.State == AuthenticationRefused:
		case !anybody || p.ExternalAuth != nil:
			out.State = AuthenticationRequired
		case out.State == AuthenticationNone && len(methods) > 0:
			out.State = AuthenticationOptional
		}
		for i := range p.Authorization.Rules {
			rules = append(rules, h.Name+": "+ruleText(&p.Authorization.Rules[i]))
		}
	}
	return out, rules
}

// methodsOf are the ways in which a policy knows who asks, and whether it takes anybody.
func methodsOf(p *config.AccessPolicy) (out []string, anybody bool) {
	for i := range p.Authentication.AnyOf {
		switch a := &p.Authentication.AnyOf[i]; {
		case a.JWT != nil:
			out = append(out, "JWT of "+a.JWT.Issuer)
		case a.APIKey != nil:
			out = append(out, "API key in "+a.APIKey.From.Header)
		case a.Basic != nil:
			out = append(out, "password (Basic)")
		case a.ClientCertificate != nil:
			out = append(out, "client certificate ("+a.ClientCertificate.Subject+")")
		case a.Anonymous != nil:
			anybody = true
		}
	}
	switch e := p.ExternalAuth; {
	case e == nil:
	case e.HTTP != nil:
		out = append(out, "external service "+e.HTTP.Backend)
	case e.GRPC != nil:
		out = append(out, "external service "+e.GRPC.Backend)
	}
	return out, anybody
}

// ruleText is a rule in words: "allow readers: GET; /orders/**; scopes orders.read".
// Values of claims are left out but for their names.
func ruleText(r *config.AccessRule) string {
	does, c := "allow", r.Allow
	if r.Deny != nil {
		does, c = "deny", r.Deny
	}
	var when []string
	add := func(what string, list []string) {
		if len(list) > 0 {
			when = append(when, what+strings.Join(list, ", "))
		}
	}
	if c != nil {
		add("", c.Methods)
		add("", c.Paths)
		add("scopes ", c.Scopes)
		add("claims ", sortedKeys(c.Claims))
		add("principals ", c.Principals)
		ranges := make([]string, len(c.SourceRanges))
		for i, p := range c.SourceRanges {
			ranges[i] = p.String()
		}
		add("from ", ranges)
		if c.When != "" {
			when = append(when, "when "+c.When)
		}
	}
	if len(when) == 0 {
		when = []string{"every request"}
	}
	return fmt.Sprintf("%s %s: %s", does, r.Name, strings.Join(when, "; "))
}

// limits are the bounds of an endpoint in words; the route may be nil.
func (s *served) limits(policies []Held, l *config.Listener, r *config.Route) []string {
	out := []string{}
	for _, h := range policies {
		p := s.traffic[h.Name]
		if p == nil {
			continue
		}
		if p.Unresolved != "" {
			out = append(out, fmt.Sprintf("%s: every request is answered 503: %s", h.Name, p.Unresolved))
			continue
		}
		for i := range p.RateLimits {
			out = append(out, fmt.Sprintf("%s: %s", h.Name, limitText(p, &p.RateLimits[i])))
		}
		if c := p.Concurrency; c != nil {
			out = append(out, fmt.Sprintf("%s: %d at once", h.Name, c.Requests))
		}
	}
	switch {
	case r != nil && r.BodyBytes > 0:
		out = append(out, fmt.Sprintf("bodies of %d bytes", r.BodyBytes))
	case l.Client.Limits.BodyBytes > 0:
		out = append(out, fmt.Sprintf("bodies of %d bytes", l.Client.Limits.BodyBytes))
	}
	return out
}
