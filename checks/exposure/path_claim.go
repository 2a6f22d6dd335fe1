// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"fmt"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/inventory"
)

// pathKind is how a path is matched.
type pathKind uint8

const (
	prefixPath  pathKind = iota // the path and everything below it
	exactPath                   // the path alone
	patternPath                 // a pattern of which only the beginning is known
)

// pathClaim is one path of a host that an object claims.
type pathClaim struct {
	kind        pathKind
	path        string // normalised: a prefix has no slash at its end; of a pattern the literal beginning
	text        string // as written, "/" when nothing was
	rule, index int    // where it stands; index -1 for a whole rule, rule -1 for a whole object
}

// field is the path of the claim inside its object.
func (c pathClaim) field(o inventory.Object) string {
	_, isIngress := o.(*networkingv1.Ingress)
	switch {
	case c.rule < 0:
		return "spec.hostnames"
	case c.index < 0:
		return fmt.Sprintf("spec.rules[%d]", c.rule)
	case isIngress:
		return fmt.Sprintf("spec.rules[%d].http.paths[%d].path", c.rule, c.index)
	}
	return fmt.Sprintf("spec.rules[%d].matches[%d]", c.rule, c.index)
}

// relation is how one claim stands to another of the same host.
type relation uint8

const (
	disjoint     relation = iota // no request is meant by both
	takesPart                    // the first takes requests away from the second
	incomparable                 // patterns that cannot be compared
	sameClaim                    // both claim the same requests
)

// against compares two claims. A longer prefix and an exact path win over a
// shorter prefix, in an Ingress and in a route alike; the opposite direction is
// no finding, because it takes nothing away.
// https://kubernetes.io/docs/concepts/services-networking/ingress/#multiple-matches
// https://gateway-api.sigs.k8s.io/reference/spec/#httprouterule
func (c pathClaim) against(o pathClaim) relation {
	if c.kind == patternPath || o.kind == patternPath {
		switch {
		case c.text == o.text:
			return sameClaim
		case strings.HasPrefix(c.path, o.path) || strings.HasPrefix(o.path, c.path):
			return incomparable
		}
		return disjoint
	}
	if c.kind == exactPath && o.kind == exactPath {
		if c.path == o.path {
			return sameClaim
		}
		return disjoint
	}
	mine, theirs := strings.TrimRight(c.path, "/"), strings.TrimRight(o.path, "/")
	switch {
	case mine == theirs:
		return sameClaim
	case o.kind == prefixPath && len(mine) > len(theirs) && strings.HasPrefix(mine, theirs) && mine[len(theirs)] == '/':
		return takesPart
	}
	return disjoint
}

var everyPath = pathClaim{kind: prefixPath, text: "/", rule: -1, index: -1}

// pathsOf yields the paths that an object claims for a host, as Ingress, HTTPRoute,
// GRPCRoute or TLSRoute; it yields nothing for other objects. It allocates
// nothing.
func pathsOf(o inventory.Object, host string, yield func(pathClaim) bool) {
	switch r := o.(type) {
	case *networkingv1.Ingress:
		ingressPaths(r, host, yield)
	case *gatewayv1.HTTPRoute:
		httpPaths(r, yield)
	case *gatewayv1.GRPCRoute:
		grpcPaths(r, yield)
	case *gatewayv1.TLSRoute:
		yield(everyPath)
	}
}

func ingressPaths(ing *networkingv1.Ingress, host string, yield func(pathClaim) bool) {
	for i := range ing.Spec.Rules {
		rule := &ing.Spec.Rules[i]
		if !strings.EqualFold(rule.Host, host) {
			continue
		}
		if rule.HTTP == nil {
			whole := everyPath
			whole.rule = i
			if !yield(whole) {
				return
			}
			continue
		}
		for j := range rule.HTTP.Paths {
			p := &rule.HTTP.Paths[j]
			c := ingressClaim(p.Path, p.PathType)
			c.rule, c.index = i, j
			if !yield(c) {
				return
			}
		}
	}
}

func ingressClaim(path string, kind *networkingv1.PathType) pathClaim {
	c := pathClaim{kind: prefixPath, path: strings.TrimRight(path, "/"), text: path}
	if path == "" {
		c.text = "/"
	}
	switch {
	case kind == nil || *kind == networkingv1.PathTypeImplementationSpecific:
		return implementationClaim(c, path)
	case *kind == networkingv1.PathTypeExact:
		c.kind, c.path = exactPath, path
	}
	return c
}

// anything are the endings by which the common controllers write a prefix as a
// pattern.
var anything = [...]string{"(/|$)(.*)", "/?(.*)", "/(.*)", "(.*)", "/.*", ".*", "/*", "*"}

// implementationClaim reads a path whose matching is left to the controller: as
// a prefix where it is literal or ends in one of the usual ways, as a pattern
// otherwise.
func implementationClaim(c pathClaim, path string) pathClaim {
	for _, end := range anything {
		if stem, cut := strings.CutSuffix(path, end); cut {
			path = stem
			break
		}
	}
	at := strings.IndexAny(path, `[](){}*+?|^$\`)
	if at < 0 {
		c.path = strings.TrimRight(path, "/")
		return c
	}
	c.kind = patternPath
	if strings.IndexByte(path, '|') >= 0 {
		at = 0
	} else if at > 0 && strings.IndexByte("*+?{", path[at]) >= 0 {
		at-- // a count belongs to the character in front of it
	}
	c.path = path[:at]
	return c
}

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
		return implementationClaim(c, *m.Value)
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
