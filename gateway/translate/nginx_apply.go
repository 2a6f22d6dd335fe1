// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"
	"time"

	networkingv1 "k8s.io/api/networking/v1"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

var (
	isPlainPath = regexp.MustCompile(`^/[A-Za-z0-9/._~%@:-]*$`)
	hasGroup    = regexp.MustCompile(`\$[0-9]`)
)

// pathMatch is what a path of the Ingress is for, and what backends are asked for
// instead. ingress-nginx takes every path of an Ingress that rewrites, or that has
// use-regex, for an expression; what says no more than a prefix is one here, of whole
// segments. With a fault, the match is what is to be refused.
func (m *manner) pathMatch(p pathOf) (match config.PathMatch, rewrite *config.Rewrite, fault string) {
	path, exact := cmp.Or(p.Path, "/"), p.PathType != nil && *p.PathType == networkingv1.PathTypeExact
	if exact {
		match.Exact = path
	} else {
		match.Prefix = path
	}
	if !m.regex && m.rewrite == "" || isPlainPath.MatchString(path) && !hasGroup.MatchString(m.rewrite) {
		if m.rewrite != "" {
			rewrite = &config.Rewrite{Path: m.rewrite}
		}
		return match, rewrite, ""
	}
	if from, ok := strings.CutSuffix(path, "(/|$)(.*)"); ok && !exact && (from == "" || isPlainPath.MatchString(from)) {
		from = cmp.Or(strings.TrimSuffix(from, "/"), "/")
		if to, rest := strings.CutSuffix(m.rewrite, "/$2"); rest && !hasGroup.MatchString(to) {
			return config.PathMatch{Prefix: from}, &config.Rewrite{Prefix: cmp.Or(to, "/")}, ""
		}
		if !hasGroup.MatchString(m.rewrite) {
			return config.PathMatch{Prefix: from}, wholly(m.rewrite), ""
		}
	}
	if to, rest := strings.CutSuffix(m.rewrite, "/$1"); rest && path == "/(.*)" && !exact && !hasGroup.MatchString(to) {
		return config.PathMatch{Prefix: "/"}, &config.Rewrite{Prefix: cmp.Or(to, "/")}, ""
	}
	if hasGroup.MatchString(m.rewrite) {
		return caseless(path), nil, fmt.Sprintf("%srewrite-target: %q with the path %q cannot be kept: write the path as /FROM(/|$)(.*) and the target as /TO/$2", nginxPrefix, m.rewrite, path)
	}
	if exact || p.PathType != nil && *p.PathType == networkingv1.PathTypePrefix {
		return caseless(path), nil, fmt.Sprintf("%suse-regex: the path %q has the type %s: an expression has ImplementationSpecific", nginxPrefix, path, *p.PathType)
	}
	return caseless(path), wholly(m.rewrite), ""
}

// caseless is what ingress-nginx takes an expression for: the beginning of a path, in
// letters of either case.
func caseless(expression string) config.PathMatch {
	return config.PathMatch{Regex: "(?i:" + expression + ").*"}
}

// around is all that a path that is no expression of ours could be for: what is below the
// segments before the first sign that means something. One that has a choice outside of
// parentheses could be for everything.
func around(path string) config.PathMatch {
	const longest = 256 // bytes, far below what an expression may have
	depth, unsure := 0, false
	for _, c := range []byte(path) {
		switch c {
		case '\\', '[': // what follows may mean nothing
			unsure = true
		case '(':
			depth++
		case ')':
			depth--
		case '|':
			if depth <= 0 || unsure {
				return caseless("/")
			}
		}
	}
	end := len(path)
	if sign := strings.IndexAny(path, `\.+*?()|[]{}^$`); sign >= 0 {
		end = sign
	}
	literal := path[:min(end, longest)]
	if !strings.HasPrefix(literal, "/") {
		return caseless("/")
	}
	return caseless(regexp.QuoteMeta(literal[:strings.LastIndexByte(literal, '/')+1]))
}

// wholly asks backends for one path, whatever is asked for; nil if there is none.
func wholly(path string) *config.Rewrite {
	if path == "" {
		return nil
	}
	return &config.Rewrite{Path: path}
}

// settings gives a rule what the annotations say of all of them.
func (m *manner) settings(b *ruleBuilder, rewrite *config.Rewrite) {
	shares := b.out.Backends
	if b.out.Target = m.target; m.target.Redirect != nil {
		b.out.Target = config.Target{Redirect: m.target.Redirect, CORS: m.target.CORS}
		b.out.backends = nil
	} else {
		b.out.Backends = shares
	}
	if r := m.target.Rewrite; rewrite != nil && m.target.Redirect == nil {
		own := *rewrite
		if r != nil {
			own.Host = r.Host
		}
		b.out.Rewrite = &own
	}
	b.out.guards = m.guards
	b.out.backends = append(b.out.backends, m.backends...)
}

// spoken is a backend as the annotations have it spoken to, beside the same one as
// others have it. It is the same Service, whose policies hold.
func (m *manner) spoken(b *config.Backend) (*config.Backend, string) {
	out := *b
	switch {
	case m.protocol == "":
	case m.protocol != "h2c" && b.TLS == nil:
		return nil, fmt.Sprintf("%sbackend-protocol: %s: use %s", nginxPrefix, m.values["backend-protocol"], useTLS)
	case m.protocol != "tls":
		if out.Protocol = "h2c"; b.TLS != nil {
			out.Protocol = "h2"
		}
	}
	if out.Protocol != b.Protocol {
		out.Name += "/" + out.Protocol
	}
	if m.connect != 0 {
		out.Timeouts.Connect = m.connect
		out.Name += "/connect-" + time.Duration(m.connect).String()
	}
	if m.balance != "" {
		out.Balance = m.balance
		out.Name += "/" + strings.ToLower(m.balance)
	}
	m.servicing[out.Name] = m.servicing[b.Name]
	return &out, ""
}
