// SPDX-License-Identifier: Apache-2.0

package access

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/gatehouse-sh/gatehouse/gateway/auth"
	"github.com/gatehouse-sh/gatehouse/gateway/condition"
	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/gateway/internal/network"
)

// rule is a rule made ready.
type rule struct {
	name     string
	deny     bool
	identity bool // it asks who it is

	methods    []string
	paths      []pattern
	ranges     []netip.Prefix
	principals []principal
	claims     []claim
	scopes     []string
	when       *condition.Predicate
}

// principal is who it is: a subject of an authenticator, or any of its subjects.
type principal struct {
	by, subject string
	any         bool
}

type claim struct {
	name   string
	values []string
}

// fit is how a rule fits a request. The zero value is that it could not be said.
type fit uint8

const (
	failed     fit = iota
	differs        // something is not so
	lacksScope     // nothing but a scope is missing, and the condition was not looked at
	fits
)

func newRule(policy string, r *config.AccessRule) (*rule, error) {
	c := r.Allow
	if c == nil {
		c = r.Deny
	}
	if c == nil {
		return nil, fmt.Errorf("policy %s: rule %s: it neither allows nor denies", policy, r.Name)
	}
	out := &rule{name: r.Name, deny: r.Deny != nil, methods: c.Methods, ranges: c.SourceRanges, scopes: c.Scopes}
	for _, p := range c.Paths {
		out.paths = append(out.paths, newPattern(p))
	}
	for _, p := range c.Principals {
		by, subject, _ := strings.Cut(p, "/")
		out.principals = append(out.principals, principal{by: by, subject: subject, any: subject == "*"})
	}
	for _, name := range slices.Sorted(maps.Keys(c.Claims)) {
		out.claims = append(out.claims, claim{name, c.Claims[name]})
	}
	if c.When != "" {
		var err error
		if out.when, err = condition.Bool(c.When); err != nil {
			return nil, fmt.Errorf("policy %s: rule %s: %w", policy, r.Name, err)
		}
	}
	out.identity = len(out.principals) > 0 || len(out.claims) > 0 || len(out.scopes) > 0 || out.when != nil && out.when.Identity()
	return out, nil
}

// judge looks at what is cheap first. Without a principal, what asks for one
// differs.
func (u *rule) judge(r *auth.Request, who *auth.Principal) fit {
	f := r.Form
	switch {
	case len(u.methods) > 0 && !slices.Contains(u.methods, f.Method),
		len(u.paths) > 0 && !slices.ContainsFunc(u.paths, func(p pattern) bool { return p.fits(f.Path) }),
		len(u.ranges) > 0 && !network.Contain(u.ranges, f.Client),
		len(u.principals) > 0 && !slices.ContainsFunc(u.principals, func(p principal) bool { return p.is(who) }):
		return differs
	}
	for i := range u.claims {
		if !u.claims[i].fits(who) {
			return differs
		}
	}
	for _, s := range u.scopes {
		if who == nil || !slices.Contains(who.Scopes, s) {
			return lacksScope
		}
	}
	if u.when == nil {
		return fits
	}
	switch holds, err := u.when.Eval(condition.Input{Form: f, Principal: who, Now: r.Now}); {
	case err != nil:
		return failed
	case holds:
		return fits
	}
	return differs
}

func (p *principal) is(who *auth.Principal) bool {
	return who != nil && who.By == p.by && (p.any || who.Subject == p.subject)
}

func (c *claim) fits(who *auth.Principal) bool {
	switch v := claimOf(who, c.name).(type) {
	case nil:
		return false
	case []any:
		for _, entry := range v {
			if text, is := scalar(entry); is && slices.Contains(c.values, text) {
				return true
			}
		}
		return false
	default:
		text, is := scalar(v)
		return is && slices.Contains(c.values, text)
	}
}

// claimOf is a claim; nil if there is none. "sub" is the subject, whatever vouches
// for it.
func claimOf(who *auth.Principal, name string) any {
	switch {
	case who == nil:
		return nil
	case name == "sub":
		return who.Subject
	}
	return who.Claims[name]
}

// scalar is the text of a value that is no list and no object. Numbers are as they
// were written.
func scalar(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		return string(v), true
	case bool:
		if v {
			return "true", true
		}
		return "false", true
	}
	return "", false
}
