// SPDX-License-Identifier: Apache-2.0

package config

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gatehouse-sh/gatehouse/gateway/internal/header"
	"github.com/gatehouse-sh/gatehouse/gateway/internal/weight"
	"github.com/gatehouse-sh/gatehouse/gateway/request"
)

func (v *validator) route(path string, r *Route, listeners map[string]*Listener, backends map[string]bool) {
	for i, name := range r.Listeners {
		at := fmt.Sprintf("%s.listeners[%d]", path, i)
		switch l := listeners[name]; {
		case l == nil:
			v.fault(at, "there is no listener %q", name)
		case l.Protocol.Stream():
			v.fault(at, "listener %q has no requests, but streams", name)
		case l.Redirect != 0:
			v.fault(at, "listener %q redirects all requests to HTTPS", name)
		}
	}
	for i, h := range r.Hosts {
		if below, one := strings.CutPrefix(h, "?."); one {
			h = "*." + below
		}
		v.host(fmt.Sprintf("%s.hosts[%d]", path, i), h)
	}
	prefixes, steps := len(r.Matches) > 0, 0
	for i := range r.Matches {
		m := &r.Matches[i]
		steps += v.match(fmt.Sprintf("%s.matches[%d]", path, i), m)
		prefixes = prefixes && m.Path.Exact == "" && m.Path.Regex == ""
	}
	if steps > maxRouteSteps {
		v.fault(path+".matches", "their regular expressions have %d steps, and %d are the most", steps, maxRouteSteps)
	}
	v.target(path, &r.Target, prefixes, backends)
}

// host takes what request.Host returns, and "*." before it.
func (v *validator) host(path, h string) {
	if h == "*" {
		return
	}
	name := strings.TrimPrefix(h, "*.")
	if form, port, refusal := request.Host(name); refusal != nil || port != "" || form != name {
		v.fault(path, "%q is no name of a host in lower case without a port; it may begin with \"*.\"", h)
	}
}

// match returns how many steps its expressions have.
func (v *validator) match(path string, m *Match) (steps int) {
	set := 0
	for _, p := range []struct{ name, value string }{{"exact", m.Path.Exact}, {"prefix", m.Path.Prefix}} {
		if p.value == "" {
			continue
		}
		set++
		v.path(path+".path."+p.name, p.value)
	}
	if m.Path.Regex != "" {
		set++
		steps += v.regex(path+".path.regex", m.Path.Regex)
	}
	if set > 1 {
		v.fault(path+".path", "exact, prefix and regex exclude each other")
	}
	if m.Method != "" && !isMethod.MatchString(m.Method) {
		v.fault(path+".method", "%.80q is no method that is ever asked for: capital letters", m.Method)
	}
	for _, values := range []struct {
		path string
		list []ValueMatch
	}{{path + ".headers", m.Headers}, {path + ".query", m.Query}} {
		for i := range values.list {
			at, value := fmt.Sprintf("%s[%d]", values.path, i), &values.list[i]
			if value.Name == "" {
				v.fault(at+".name", "it is missing")
			}
			if values.path == path+".headers" {
				v.arrives(at+".name", value.Name)
			}
			if (value.Exact != "") == (value.Regex != "") {
				v.fault(at, "it has neither or both of exact and regex: ^$ is an empty value, .* any")
			}
			steps += v.regex(at+".regex", value.Regex)
		}
	}
	return steps
}

// path takes paths in their one form, since no other is ever asked for.
func (v *validator) path(at, p string) {
	form, refusal := request.Path(p, request.PathOptions{EmptySegments: request.KeepEmptySegments, EscapedSlashes: request.KeepEscapedSlashes, Parameters: request.KeepPathParameters})
	switch {
	case refusal != nil:
		v.fault(at, "%q is no path: %s", p, refusal.Reason)
	case form != p:
		v.fault(at, "%q never arrives: it is asked for as %q", p, form)
	}
}

func (v *validator) target(path string, t *Target, prefixes bool, backends map[string]bool) {
	if (len(t.Backends) > 0) == (t.Redirect != nil) {
		v.fault(path, "it has neither or both of backends and a redirect")
	}
	total := 0
	for i := range t.Backends {
		total += v.weighted(fmt.Sprintf("%s.backends[%d]", path, i), &t.Backends[i], backends)
	}
	if len(t.Backends) > 0 && total == 0 {
		v.fault(path+".backends", "all have the weight 0, so no request could be answered")
	}
	if t.BodyBytes < 0 {
		v.fault(path+".bodyBytes", "%d is less than nothing", t.BodyBytes)
	}
	if len(t.Mirrors) > maxMirrors {
		v.fault(path+".mirrors", "%d are more than %d", len(t.Mirrors), maxMirrors)
	}
	for i := range t.Mirrors {
		v.mirror(fmt.Sprintf("%s.mirrors[%d]", path, i), &t.Mirrors[i], backends)
	}
	if t.Redirect != nil && len(t.Mirrors) > 0 {
		v.fault(path+".mirrors", "a redirect sends nothing anywhere")
	}
	if r := t.Redirect; r != nil {
		v.oneOf(path+".redirect.scheme", r.Scheme, "", "http", "https")
		if r.Status != 0 && !slices.Contains([]int{301, 302, 303, 307, 308}, r.Status) {
			v.fault(path+".redirect.status", "%d is none of 301, 302, 303, 307, 308", r.Status)
		}
		v.change(path+".redirect", r.Host, r.Path, r.Prefix, prefixes)
		v.redirecting(path, t)
	}
	if r := t.Rewrite; r != nil {
		v.change(path+".rewrite", r.Host, r.Path, r.Prefix, prefixes)
	}
	if t.Retry != nil {
		v.retry(path+".retry", t.Retry)
	}
	if t.CORS != nil {
		v.cors(path+".cors", t.CORS)
	}
	v.edit(path+".requestHeaders", &t.Request)
	v.edit(path+".responseHeaders", &t.Response)
}

// weighted returns the weight.
func (v *validator) weighted(path string, w *Weighted, backends map[string]bool) int {
	switch {
	case w.Status == 0:
		v.known(path+".name", "backend", w.Name, backends)
	case w.Name != "":
		v.fault(path+".status", "it stands in the place of a backend, and there is one")
	default:
		v.between(path+".status", w.Status, 500, 599)
	}
	v.edit(path+".requestHeaders", &w.Request)
	v.edit(path+".responseHeaders", &w.Response)
	weight := weight.Of(w.Weight)
	v.between(path+".weight", weight, 0, maxWeight)
	return weight
}

// maxMirrors bounds what one request may become.
const maxMirrors = 8

func (v *validator) mirror(path string, m *Mirror, backends map[string]bool) {
	v.known(path+".backend", "backend", m.Backend, backends)
	v.between(path+".denominator", m.Denominator, 0, maxWeight)
	if of := cmp.Or(max(m.Denominator, 0), 100); m.Numerator != nil {
		v.between(path+".numerator", *m.Numerator, 0, of)
	}
}

func (v *validator) change(path, host, to, prefix string, prefixes bool) {
	if host != "" {
		if strings.HasPrefix(host, "*") {
			v.fault(path+".host", "%q is no name of a host", host)
		} else {
			v.host(path+".host", host)
		}
	}
	if to != "" && prefix != "" {
		v.fault(path, "path and prefix exclude each other")
	}
	if to != "" {
		v.path(path+".path", to)
	}
	if prefix != "" {
		v.path(path+".prefix", prefix)
		if !prefixes {
			v.fault(path+".prefix", "there is no prefix to put it in the place of: every match must have one")
		}
	}
}

// edit takes names and values of header lines that are not the connection's.
func (v *validator) edit(path string, e *HeaderEdit) {
	for _, part := range []struct {
		name   string
		values map[string]string
	}{{"set", e.Set}, {"add", e.Add}} {
		for _, name := range slices.Sorted(maps.Keys(part.values)) {
			at := path + "." + part.name
			v.headerName(at, name)
			if strings.ContainsFunc(part.values[name], func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }) {
				v.fault(at, "the value of %q has control characters", name)
			}
		}
	}
	for _, name := range e.Remove {
		v.headerName(path+".remove", name)
	}
}

func (v *validator) headerName(path, name string) {
	if !header.IsToken(name) {
		v.fault(path, "%q is no name of a header", name)
	}
	if request.OfConnection(name) {
		v.fault(path, "%q is the connection's, and not a route's to change", name)
	}
}

// arrives refuses names of header lines that no request has when it is judged: those that
// are the gateway's to say, and the connection's. What a listener may keep is left alone.
func (v *validator) arrives(path, name string) {
	kept := slices.ContainsFunc(request.Overrides, func(known string) bool { return strings.EqualFold(known, name) })
	if isPlainHeader.MatchString(name) && !kept && !request.Arrives(name) {
		v.fault(path, "%q never arrives: it is deleted from every request before (client.ip and host are what it could tell)", name)
	}
}
