// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"strings"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// routePaths yields the claim of each match of the rules of a route: of a whole
// rule where it has no match, of the whole route where it has no rule. The
// functions capture nothing, so nothing is allocated.
func routePaths[R, M any](rules []R, matches func(*R) []M, claim func(*M) pathClaim, yield func(pathClaim) bool) {
	for i := range rules {
		list := matches(&rules[i])
		if len(list) == 0 {
			whole := everyPath
			whole.rule = i
			if !yield(whole) {
				return
			}
		}
		for j := range list {
			c := claim(&list[j])
			c.rule, c.index = i, j
			if !yield(c) {
				return
			}
		}
	}
	if len(rules) == 0 {
		yield(everyPath)
	}
}

func httpMatches(r *gatewayv1.HTTPRouteRule) []gatewayv1.HTTPRouteMatch { return r.Matches }
func grpcMatches(r *gatewayv1.GRPCRouteRule) []gatewayv1.GRPCRouteMatch { return r.Matches }

func httpClaim(match *gatewayv1.HTTPRouteMatch) pathClaim {
	m := match.Path
	if m == nil || m.Value == nil {
		return everyPath
	}
	c := pathClaim{kind: prefixPath, path: strings.TrimRight(*m.Value, "/"), text: *m.Value}
	if m.Type == nil {
		return c
	}
	switch *m.Type {
	case gatewayv1.PathMatchExact:
		c.kind, c.path = exactPath, *m.Value
	case gatewayv1.PathMatchRegularExpression:
		return patternClaim(c, *m.Value)
	case gatewayv1.PathMatchPathPrefix:
	}
	return c
}

// grpcClaim reads a method match as the HTTP path that gRPC makes of it,
// /service/method.
// https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#requests
func grpcClaim(match *gatewayv1.GRPCRouteMatch) pathClaim {
	m := match.Method
	switch {
	case m == nil || m.Service == nil && m.Method == nil:
		return everyPath
	case m.Service == nil:
		return pathClaim{kind: patternPath, path: "/", text: "/*/" + *m.Method}
	case m.Method == nil:
		path := "/" + *m.Service
		if m.Type != nil && *m.Type == gatewayv1.GRPCMethodMatchRegularExpression {
			return pathClaim{kind: patternPath, path: "/", text: path}
		}
		return pathClaim{kind: prefixPath, path: path, text: path}
	}
	path := "/" + *m.Service + "/" + *m.Method
	if m.Type != nil && *m.Type == gatewayv1.GRPCMethodMatchRegularExpression {
		return pathClaim{kind: patternPath, path: "/", text: path}
	}
	return pathClaim{kind: exactPath, path: path, text: path}
}
