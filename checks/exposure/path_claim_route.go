// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"strings"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

func httpPaths(r *gatewayv1.HTTPRoute, yield func(pathClaim) bool) {
	for i := range r.Spec.Rules {
		matches := r.Spec.Rules[i].Matches
		if len(matches) == 0 {
			whole := everyPath
			whole.rule = i
			if !yield(whole) {
				return
			}
		}
		for j := range matches {
			c := httpClaim(matches[j].Path)
			c.rule, c.index = i, j
			if !yield(c) {
				return
			}
		}
	}
	if len(r.Spec.Rules) == 0 {
		yield(everyPath)
	}
}

func httpClaim(m *gatewayv1.HTTPPathMatch) pathClaim {
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

func grpcPaths(r *gatewayv1.GRPCRoute, yield func(pathClaim) bool) {
	for i := range r.Spec.Rules {
		matches := r.Spec.Rules[i].Matches
		if len(matches) == 0 {
			whole := everyPath
			whole.rule = i
			if !yield(whole) {
				return
			}
		}
		for j := range matches {
			c := grpcClaim(matches[j].Method)
			c.rule, c.index = i, j
			if !yield(c) {
				return
			}
		}
	}
	if len(r.Spec.Rules) == 0 {
		yield(everyPath)
	}
}

// grpcClaim reads a method match as the HTTP path that gRPC makes of it,
// /service/method.
// https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#requests
func grpcClaim(m *gatewayv1.GRPCMethodMatch) pathClaim {
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
