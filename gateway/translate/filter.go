// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"fmt"
	"strings"
	"time"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// filters reads those of a rule, or of one of its backends, which has no target.
type filters struct {
	b                 *ruleBuilder
	at                string
	request, response *config.HeaderEdit
	target            *config.Target
}

func (f *filters) all(list []gatewayv1.HTTPRouteFilter) {
	for i := range list {
		at := fmt.Sprintf("%s[%d]", f.at, i)
		if !f.one(at, &list[i]) {
			f.b.unsupported(at, fmt.Sprintf("%s is not served here", list[i].Type))
		}
	}
}

// one tells whether a filter is served.
func (f *filters) one(at string, l *gatewayv1.HTTPRouteFilter) bool {
	t := f.target
	switch {
	case l.Type == gatewayv1.HTTPRouteFilterRequestHeaderModifier && l.RequestHeaderModifier != nil:
		edit(f.request, l.RequestHeaderModifier)
	case l.Type == gatewayv1.HTTPRouteFilterResponseHeaderModifier && l.ResponseHeaderModifier != nil:
		edit(f.response, l.ResponseHeaderModifier)
	case t == nil:
		return false
	case l.Type == gatewayv1.HTTPRouteFilterRequestRedirect && l.RequestRedirect != nil:
		t.Redirect = redirect(l.RequestRedirect)
	case l.Type == gatewayv1.HTTPRouteFilterURLRewrite && l.URLRewrite != nil:
		t.Rewrite = &config.Rewrite{}
		if h := l.URLRewrite.Hostname; h != nil {
			t.Rewrite.Host = string(*h)
		}
		t.Rewrite.Path, t.Rewrite.Prefix = path(l.URLRewrite.Path)
	case l.Type == gatewayv1.HTTPRouteFilterRequestMirror && l.RequestMirror != nil:
		f.mirror(at, l.RequestMirror)
	case l.Type == gatewayv1.HTTPRouteFilterCORS && l.CORS != nil:
		t.CORS = cors(l.CORS)
	case l.Type == gatewayv1.HTTPRouteFilterExternalAuth && l.ExternalAuth != nil:
		f.external(at, l.ExternalAuth)
	default:
		return false
	}
	return true
}

// edit adds the changes of a filter.
func edit(e *config.HeaderEdit, m *gatewayv1.HTTPHeaderFilter) {
	put(&e.Set, m.Set)
	put(&e.Add, m.Add)
	e.Remove = append(e.Remove, m.Remove...)
}

// put adds lines. Of those of one name the first counts, as the API has it.
func put(to *map[string]string, list []gatewayv1.HTTPHeader) {
	for _, h := range list {
		if *to == nil {
			*to = map[string]string{}
		}
		known := false
		for name := range *to {
			known = known || strings.EqualFold(name, string(h.Name))
		}
		if !known {
			(*to)[string(h.Name)] = h.Value
		}
	}
}

// redirect reads where to. Without a port it is the listener's (snapshotBuilder.rules).
func redirect(r *gatewayv1.HTTPRequestRedirectFilter) *config.Redirect {
	out := &config.Redirect{Status: 302}
	if r.Scheme != nil {
		out.Scheme = *r.Scheme
	}
	if r.Hostname != nil {
		out.Host = string(*r.Hostname)
	}
	if r.Port != nil {
		out.Port = uint16(*r.Port) //nolint:gosec // the API server bounds it
	}
	if r.StatusCode != nil {
		out.Status = *r.StatusCode
	}
	out.Path, out.Prefix = path(r.Path)
	return out
}

func path(m *gatewayv1.HTTPPathModifier) (whole, prefix string) {
	switch {
	case m == nil:
	case m.ReplaceFullPath != nil && *m.ReplaceFullPath == "":
		return "/", ""
	case m.ReplaceFullPath != nil:
		return *m.ReplaceFullPath, ""
	case m.ReplacePrefixMatch != nil && *m.ReplacePrefixMatch == "":
		return "", "/"
	case m.ReplacePrefixMatch != nil:
		return "", *m.ReplacePrefixMatch
	}
	return "", ""
}

func (f *filters) mirror(at string, m *gatewayv1.HTTPRequestMirrorFilter) {
	backend, p := f.b.lead(&m.BackendRef)
	if p != nil {
		f.b.route.unresolved(f.b.at+at+".backendRef", p)
		return
	}
	f.b.out.backends = append(f.b.out.backends, backend)
	out := config.Mirror{Backend: backend.Name}
	switch {
	case m.Fraction != nil:
		n := int(m.Fraction.Numerator)
		if out.Numerator = &n; m.Fraction.Denominator != nil {
			out.Denominator = int(*m.Fraction.Denominator)
		}
	case m.Percent != nil:
		n := int(*m.Percent)
		out.Numerator = &n
	}
	f.target.Mirrors = append(f.target.Mirrors, out)
}

func cors(c *gatewayv1.HTTPCORSFilter) *config.CORS {
	out := &config.CORS{AllowCredentials: c.AllowCredentials != nil && *c.AllowCredentials, MaxAge: config.Duration(time.Duration(c.MaxAge) * time.Second)}
	for _, o := range c.AllowOrigins {
		out.AllowOrigins = append(out.AllowOrigins, origin(string(o)))
	}
	for _, m := range c.AllowMethods {
		out.AllowMethods = append(out.AllowMethods, string(m))
	}
	for _, h := range c.AllowHeaders {
		out.AllowHeaders = append(out.AllowHeaders, string(h))
	}
	for _, h := range c.ExposeHeaders {
		out.ExposeHeaders = append(out.ExposeHeaders, string(h))
	}
	return out
}

// origin brings one into the form that browsers send: without the port of its scheme.
func origin(o string) string {
	for scheme, port := range map[string]string{"http://": ":80", "https://": ":443"} {
		if strings.HasPrefix(o, scheme) {
			o = strings.TrimSuffix(o, port)
		}
	}
	return o
}
