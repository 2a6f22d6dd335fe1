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

// key is the key of the claim in the index of paths.
func (c pathClaim) key() string { return inventory.PathKey(c.path, c.kind != patternPath) }

// against compares two claims. A longer prefix and an exact path win over a
// shorter prefix, in an Ingress and in a route alike; the opposite direction is
// no finding, because it takes nothing away. Two claims that are the same have
// the same key; of two with anything in common, the key of the second is the
// first's or above it, unless the first is a pattern.
// https://kubernetes.io/docs/concepts/services-networking/ingress/#multiple-matches
// https://gateway-api.sigs.k8s.io/reference/spec/#httprouterule
func (c pathClaim) against(o pathClaim) relation {
	switch {
	case c.kind == patternPath && o.kind == patternPath:
		switch {
		case c.text == o.text:
			return sameClaim
		case strings.HasPrefix(c.path, o.path) || strings.HasPrefix(o.path, c.path):
			return incomparable
		}
		return disjoint
	case c.kind == patternPath:
		switch {
		case o.kind == prefixPath && (o.path == "" || strings.HasPrefix(c.path, o.path+"/")):
			return takesPart
		case strings.HasPrefix(o.path, c.path):
			return incomparable
		}
		return disjoint
	case o.kind == patternPath:
		if strings.HasPrefix(c.path, o.path) {
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
		routePaths(r.Spec.Rules, httpMatches, httpClaim, yield)
	case *gatewayv1.GRPCRoute:
		routePaths(r.Spec.Rules, grpcMatches, grpcClaim, yield)
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
		return patternClaim(c, path)
	case *kind == networkingv1.PathTypeExact:
		c.kind, c.path = exactPath, path
	}
	return c
}

// patternClaim reads a path whose matching is left to the controller.
func patternClaim(c pathClaim, path string) pathClaim {
	literal, whole := inventory.ReadPattern(path)
	c.path = literal
	if !whole {
		c.kind = patternPath
	}
	return c
}
