// SPDX-License-Identifier: Apache-2.0

package route

import (
	"cmp"
	"net/textproto"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/gateway/request"
)

// value is what a header line or a parameter must be.
type value struct {
	name  string
	exact string
	regex *regexp.Regexp // nil: exact
}

// candidates are the matches of a route; an exact path has the prefix "=" and the
// path.
func candidates(r *config.Route, route int) ([]candidate, error) {
	matches := r.Matches
	if len(matches) == 0 {
		matches = []config.Match{{}}
	}
	out := make([]candidate, len(matches))
	for i := range matches {
		m := &matches[i]
		c := candidate{route: route, match: i, method: m.Method, prefix: strings.TrimSuffix(m.Path.Prefix, "/")}
		if m.Path.Exact != "" {
			c.prefix = "=" + m.Path.Exact
		}
		var err error
		if c.path, err = whole(m.Path.Regex); err != nil {
			return nil, err
		}
		if c.headers, err = values(m.Headers, textproto.CanonicalMIMEHeaderKey); err != nil {
			return nil, err
		}
		if c.query, err = values(m.Query, func(s string) string { return s }); err != nil {
			return nil, err
		}
		out[i] = c
	}
	return out, nil
}

// whole compiles an expression that must fit from the first byte to the last.
func whole(expression string) (*regexp.Regexp, error) {
	if expression == "" {
		return nil, nil //nolint:nilnil // no expression is not an error
	}
	return regexp.Compile(`^(?:` + expression + `)$`)
}

func values(list []config.ValueMatch, spell func(string) string) ([]value, error) {
	out := make([]value, len(list))
	for i, m := range list {
		regex, err := whole(m.Regex)
		if err != nil {
			return nil, err
		}
		out[i] = value{name: spell(m.Name), exact: m.Exact, regex: regex}
	}
	return out, nil
}

// bySpecificity orders what fits the same path.
func bySpecificity(a, b candidate) int {
	return cmp.Or(
		-cmp.Compare(min(len(a.method), 1), min(len(b.method), 1)),
		-cmp.Compare(len(a.headers), len(b.headers)),
		-cmp.Compare(len(a.query), len(b.query)),
		cmp.Compare(a.route, b.route),
		cmp.Compare(a.match, b.match),
	)
}

// fits judges all but the exact path or the prefix, by which it was found.
func (c *candidate) fits(f *request.Form) bool {
	if c.method != "" && c.method != f.Method || c.path != nil && !c.path.MatchString(f.Path) {
		return false
	}
	for i := range c.headers {
		if h := &c.headers[i]; !slices.ContainsFunc(f.Header[h.name], h.is) {
			return false
		}
	}
	for i := range c.query {
		if q := &c.query[i]; !q.inQuery(f.Query) {
			return false
		}
	}
	return true
}

func (v *value) is(s string) bool {
	if v.regex != nil {
		return v.regex.MatchString(s)
	}
	return s == v.exact
}

// inQuery looks at the first parameter of the name only, as most servers do that
// take one.
func (v *value) inQuery(query string) bool {
	for pair := range strings.SplitSeq(query, "&") {
		name, text, _ := strings.Cut(pair, "=")
		if decoded, err := url.QueryUnescape(name); err != nil || decoded != v.name {
			continue
		}
		decoded, err := url.QueryUnescape(text)
		return err == nil && v.is(decoded)
	}
	return false
}
