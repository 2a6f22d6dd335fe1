// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"regexp"
	"regexp/syntax"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// calls is a GRPCRoute as the HTTPRoute that it is: a call is a POST of /service/method
// (gRPC over HTTP2, "Requests").
func calls(r *gatewayv1.GRPCRoute) *gatewayv1.HTTPRoute {
	out := &gatewayv1.HTTPRoute{ObjectMeta: r.ObjectMeta}
	out.Spec.CommonRouteSpec, out.Spec.Hostnames = r.Spec.CommonRouteSpec, r.Spec.Hostnames
	for i := range r.Spec.Rules {
		rule := &r.Spec.Rules[i]
		own := gatewayv1.HTTPRouteRule{Name: rule.Name, Filters: filtersOf(rule.Filters), SessionPersistence: rule.SessionPersistence}
		for k := range rule.Matches {
			own.Matches = append(own.Matches, callOf(&rule.Matches[k]))
		}
		for k := range rule.BackendRefs {
			b := &rule.BackendRefs[k]
			own.BackendRefs = append(own.BackendRefs, gatewayv1.HTTPBackendRef{BackendRef: b.BackendRef, Filters: filtersOf(b.Filters)})
		}
		out.Spec.Rules = append(out.Spec.Rules, own)
	}
	return out
}

func filtersOf(list []gatewayv1.GRPCRouteFilter) []gatewayv1.HTTPRouteFilter {
	out := make([]gatewayv1.HTTPRouteFilter, 0, len(list))
	for _, f := range list {
		out = append(out, gatewayv1.HTTPRouteFilter{
			Type: gatewayv1.HTTPRouteFilterType(f.Type), RequestHeaderModifier: f.RequestHeaderModifier, ResponseHeaderModifier: f.ResponseHeaderModifier,
			RequestMirror: f.RequestMirror, ExtensionRef: f.ExtensionRef,
		})
	}
	return out
}

// callOf reads a match: a service and a method are an exact path, a service alone is a
// prefix, and the rest expressions.
func callOf(m *gatewayv1.GRPCRouteMatch) gatewayv1.HTTPRouteMatch {
	var out gatewayv1.HTTPRouteMatch
	for _, h := range m.Headers {
		of := gatewayv1.HeaderMatchExact
		if h.Type != nil {
			of = gatewayv1.HeaderMatchType(*h.Type)
		}
		out.Headers = append(out.Headers, gatewayv1.HTTPHeaderMatch{Type: &of, Name: gatewayv1.HTTPHeaderName(h.Name), Value: h.Value})
	}
	if m.Method == nil {
		return out
	}
	path := func(of gatewayv1.PathMatchType, value string) {
		out.Path = &gatewayv1.HTTPPathMatch{Type: &of, Value: &value}
	}
	service, method, expressions := text(m.Method.Service), text(m.Method.Method), false
	if m.Method.Type != nil && *m.Method.Type != gatewayv1.GRPCMethodMatchExact {
		if expressions = true; *m.Method.Type != gatewayv1.GRPCMethodMatchRegularExpression {
			path(gatewayv1.PathMatchType(*m.Method.Type), "/") // which is refused as such
			return out
		}
	}
	switch {
	case service == "" && method == "":
	case expressions && !(compiles(service) && compiles(method)):
		path(gatewayv1.PathMatchRegularExpression, "(") // which is refused as such
	case expressions:
		path(gatewayv1.PathMatchRegularExpression, "/"+part(service)+"/"+part(method))
	case method == "":
		path(gatewayv1.PathMatchPathPrefix, "/"+service)
	case service == "":
		path(gatewayv1.PathMatchRegularExpression, "/"+part("")+"/"+regexp.QuoteMeta(method))
	default:
		path(gatewayv1.PathMatchExact, "/"+service+"/"+method)
	}
	return out
}

// compiles tells whether an expression is one by itself: parts of one could join with
// what is put around them.
func compiles(expression string) bool {
	_, err := syntax.Parse(expression, syntax.Perl)
	return err == nil
}

// part is one part of a path by an expression; "" is any.
func part(expression string) string {
	if expression == "" {
		return "[^/]+"
	}
	return "(?:" + expression + ")"
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
