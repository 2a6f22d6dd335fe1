// SPDX-License-Identifier: Apache-2.0

package convert

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// pathMatch is a path as HTTPRoutes have it.
type pathMatch struct {
	kind  gatewayv1.PathMatchType
	value string
}

// everything is every path.
var everything = pathMatch{gatewayv1.PathMatchPathPrefix, "/"}

// plainPath is what Exact and PathPrefix of an HTTPRoute may hold.
var plainPath = regexp.MustCompile(`^/(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|%[0-9a-fA-F]{2})*$`)

// path reads the path of a rule.
func (p *plan) path(h *networkingv1.HTTPIngressPath) (pathMatch, error) {
	kind, value := networkingv1.PathTypeImplementationSpecific, h.Path
	if h.PathType != nil {
		kind = *h.PathType
	}
	if value == "" {
		value = "/"
	}
	switch {
	case p.groups:
		return pathMatch{}, nil
	case p.regex:
		return expression(value, p.caseless, false)
	case kind == networkingv1.PathTypeExact, p.exactly:
		return plain(gatewayv1.PathMatchExact, value)
	case kind == networkingv1.PathTypePrefix && !(p.controller.stars && strings.HasSuffix(value, "*")):
		return plain(gatewayv1.PathMatchPathPrefix, value)
	}
	if p.specific != nil {
		return p.specific(value)
	}
	return p.controller.paths(value)
}

// prefix is an ImplementationSpecific path of controllers that take it for the beginning.
func prefix(value string) (pathMatch, error) { return plain(gatewayv1.PathMatchPathPrefix, value) }

// plain is a path without expressions.
func plain(kind gatewayv1.PathMatchType, value string) (pathMatch, error) {
	low := strings.ToLower(value)
	if !plainPath.MatchString(value) || strings.Contains(value, "//") || strings.Contains(value+"/", "/./") || strings.Contains(value+"/", "/../") || strings.Contains(low, "%2f") {
		return pathMatch{}, fmt.Errorf("%.80q is no path that an HTTPRoute can have: it begins with \"/\", and has no empty segments, dot segments or escaped slashes", value)
	}
	if kind == gatewayv1.PathMatchPathPrefix && value != "/" {
		value = strings.TrimRight(value, "/")
	}
	return pathMatch{kind, value}, nil
}

// wildcards is an ImplementationSpecific path of load balancers in which "*" stands for
// any text: at the end, it is a prefix.
func wildcards(value string) (pathMatch, error) {
	begin, open := strings.CutSuffix(value, "*")
	switch {
	case !strings.ContainsAny(begin, "*?") && open && (strings.HasSuffix(begin, "/") || begin == ""):
		return plain(gatewayv1.PathMatchPathPrefix, "/"+strings.TrimLeft(begin, "/"))
	case !strings.ContainsAny(value, "*?"):
		return plain(gatewayv1.PathMatchExact, value)
	}
	quoted := strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(regexp.QuoteMeta(value))
	return expression(quoted, false, true)
}

// literal tells whether an expression is only text.
func literal(value string) bool {
	return regexp.QuoteMeta(value) == strings.ReplaceAll(value, ".", `\.`)
}

// expression is a path in the syntax of PCRE, if RE2 reads it as well. Data planes of
// the Gateway API differ in it; ours wants it to fit the whole path.
func expression(value string, caseless, exact bool) (pathMatch, error) {
	value = strings.TrimPrefix(value, "^")
	end := ".*"
	if trimmed, ends := strings.CutSuffix(value, "$"); ends && !strings.HasSuffix(trimmed, `\`) {
		value, end = trimmed, ""
	}
	if exact || strings.HasSuffix(value, ".*") || strings.HasSuffix(value, "(.*)") {
		end = ""
	}
	out := value + end
	if caseless {
		out = "(?i)" + out
	}
	if _, err := regexp.Compile(out); err != nil {
		return pathMatch{}, fmt.Errorf("%.80q is no expression of RE2, which backtracks never and knows no look-around", value)
	}
	if len(out) > 1024 {
		return pathMatch{}, errors.New("the expression is longer than 1024 characters")
	}
	return pathMatch{gatewayv1.PathMatchRegularExpression, out}, nil
}

// tails are the forms in which a path takes all that follows it, and which group has
// that. Whether "/" or nothing is between is the same to a prefix of an HTTPRoute.
var tails = []struct {
	path  string
	group string
}{
	{"(/|$)(.*)", "$2"}, {"(/|$)(.*)$", "$2"}, {"(?:/|$)(.*)", "$1"}, {"/?(.*)", "$1"}, {"/(.*)", "$1"}, {"/(.*)$", "$1"}, {"(/.*)", "$1"}, {"(/.*)?", "$1"}, {"(.*)", "$1"},
}

// captured brings a path with groups, and the path that is made of them, into the forms
// that an HTTPRoute has: a prefix and what takes its place, or a whole path.
func captured(path, target string) (pathMatch, *gatewayv1.HTTPPathModifier, error) {
	if !strings.Contains(target, "$") {
		full := gatewayv1.HTTPPathModifier{Type: gatewayv1.FullPathHTTPPathModifier, ReplaceFullPath: &target}
		if literal(path) {
			match, err := prefix(path)
			return match, &full, err
		}
		match, err := expression(path, true, false)
		return match, &full, err
	}
	for _, t := range tails {
		begin, found := strings.CutSuffix(strings.TrimPrefix(path, "^"), t.path)
		to, whole := strings.CutSuffix(target, t.group)
		if !found || !whole || !literal(begin) || strings.Contains(to, "$") {
			continue
		}
		if to = strings.TrimRight(to, "/"); to == "" {
			to = "/"
		}
		if begin == "" {
			begin = "/"
		}
		match, err := prefix(begin)
		return match, &gatewayv1.HTTPPathModifier{Type: gatewayv1.PrefixMatchHTTPPathModifier, ReplacePrefixMatch: &to}, err
	}
	return pathMatch{}, nil, errors.New("an HTTPRoute replaces a whole path, or a prefix: these groups make neither. Serve the path as it is, or let a rule of its own name each path")
}
