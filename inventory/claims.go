// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"iter"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// anything are the endings by which the common controllers write a prefix as a
// pattern, longest first where one ends in another.
var anything = [...]string{"(/|$)(.*)", "/?(.*)", "/(.*)", "(.*)", "/.*", ".*", "/*", "*"}

// patternBytes begin what a controller may read as a pattern.
const patternBytes = `[](){}*+?|^$\`

// ReadPattern reads a path whose matching is left to the controller
// (ImplementationSpecific, RegularExpression). A literal path, and one that ends
// in one of the usual ways to write "and everything below", is a prefix: whole
// is true. Of any other pattern only the literal beginning is known.
func ReadPattern(path string) (literal string, whole bool) {
	for _, end := range anything {
		if stem, cut := strings.CutSuffix(path, end); cut {
			path = stem
			break
		}
	}
	at := strings.IndexAny(path, patternBytes)
	switch {
	case at < 0:
		return strings.TrimRight(path, "/"), true
	case strings.IndexByte(path, '|') >= 0:
		return "", false
	case at > 0 && strings.IndexByte("*+?{", path[at]) >= 0:
		at-- // a count belongs to the character in front of it
	}
	return path[:at], false
}

// PathKey is what ReadPattern knows of a path, in whole segments and without a
// slash at its end: claims of paths are indexed by it. Two paths with nothing in
// common have keys of which neither is, or begins, the other.
func PathKey(literal string, whole bool) string {
	if !whole {
		literal = literal[:strings.LastIndexByte(literal, '/')+1]
	}
	return strings.TrimRight(literal, "/")
}

func patternKey(path string) string { return PathKey(ReadPattern(path)) }

// ClaimsAt yields the Ingresses and routes that claim a path with this key
// (PathKey) of exactly this host name. Objects without paths, and routes of
// vendors, claim the key "".
func (inv *Inventory) ClaimsAt(host, key string) iter.Seq[*Entry] {
	return func(yield func(*Entry) bool) {
		inv.scan(inv.postings[byPath], byPath, words{a: strings.ToLower(host), b: key}, matchAB, yield)
	}
}

// ClaimsBelow is ClaimsAt for every key that begins with this one, as text. It
// costs as much as there are such claims. An object may come more than once.
func (inv *Inventory) ClaimsBelow(host, key string) iter.Seq[*Entry] {
	return func(yield func(*Entry) bool) {
		host := strings.ToLower(host)
		inv.noteIndex(byPath, words{a: host}, matchA)
		over := inv.over
		more := true
		if t := inv.postings[byPath]; t != nil {
			t.ascend(t.seek(&words{a: host, b: key}, nil), func(r row) bool {
				if r.at.a != host || !strings.HasPrefix(r.at.b, key) {
					return false
				}
				more = over.hides(r.entry.Key) || yield(r.entry)
				return more
			})
		}
		if over == nil || !more {
			return
		}
		for i := range over.postings {
			p := &over.postings[i]
			if p.index == byPath && p.a == host && strings.HasPrefix(p.b, key) && !yield(p.entry) {
				return
			}
		}
	}
}

// appendClaims adds the rows of an object that claims hosts.
func appendClaims(out []posting, e *Entry) []posting {
	add := func(index int, host, key string) {
		out = append(out, posting{index, words{strings.ToLower(host), key, ""}, e})
	}
	switch o := e.Object.(type) {
	case *networkingv1.Ingress:
		for i := range o.Spec.Rules {
			rule := &o.Spec.Rules[i]
			add(byHost, rule.Host, "")
			if rule.HTTP == nil {
				add(byPath, rule.Host, "")
				continue
			}
			for j := range rule.HTTP.Paths {
				add(byPath, rule.Host, ingressKey(&rule.HTTP.Paths[j]))
			}
		}
		return out
	case *gatewayv1.HTTPRoute, *gatewayv1.GRPCRoute:
		keys, hosts := routeKeys(o), Hosts(o)
		if len(keys)*len(hosts) > maxClaims {
			keys = []string{""}
		}
		for _, h := range hosts {
			add(byHost, h.Name, "")
			for _, key := range keys {
				add(byPath, h.Name, key)
			}
		}
		return out
	}
	for _, h := range Hosts(e.Object) {
		add(byHost, h.Name, "")
		add(byPath, h.Name, "")
	}
	return out
}

// maxClaims bounds the rows of one route: every host with every path. The API
// allows 16 hosts and 128 matches. A route with more claims everything of its
// hosts, which whoever asks for the paths above his own finds too.
const maxClaims = 1 << 14

// routeKeys returns the path keys of an HTTPRoute or GRPCRoute, each once.
func routeKeys(o Object) []string {
	var keys []string
	seen := map[string]bool{}
	add := func(key string) {
		if !seen[key] {
			seen[key] = true
			keys = append(keys, key)
		}
	}
	switch r := o.(type) {
	case *gatewayv1.HTTPRoute:
		for i := range r.Spec.Rules {
			for j := range r.Spec.Rules[i].Matches {
				if p := r.Spec.Rules[i].Matches[j].Path; p != nil && p.Value != nil {
					add(httpKey(p))
				} else {
					add("")
				}
			}
			if len(r.Spec.Rules[i].Matches) == 0 {
				add("")
			}
		}
	case *gatewayv1.GRPCRoute:
		for i := range r.Spec.Rules {
			for j := range r.Spec.Rules[i].Matches {
				add(grpcKey(r.Spec.Rules[i].Matches[j].Method))
			}
			if len(r.Spec.Rules[i].Matches) == 0 {
				add("")
			}
		}
	}
	if len(keys) == 0 {
		add("")
	}
	return keys
}

func ingressKey(p *networkingv1.HTTPIngressPath) string {
	if p.PathType == nil || *p.PathType == networkingv1.PathTypeImplementationSpecific {
		return patternKey(p.Path)
	}
	return PathKey(p.Path, true)
}

func httpKey(p *gatewayv1.HTTPPathMatch) string {
	if p.Type != nil && *p.Type == gatewayv1.PathMatchRegularExpression {
		return patternKey(*p.Value)
	}
	return PathKey(*p.Value, true)
}

// grpcKey is the key of the path that gRPC makes of a service and a method.
func grpcKey(m *gatewayv1.GRPCMethodMatch) string {
	switch {
	case m == nil || m.Service == nil || m.Type != nil && *m.Type == gatewayv1.GRPCMethodMatchRegularExpression:
		return ""
	case m.Method == nil:
		return "/" + *m.Service
	}
	return "/" + *m.Service + "/" + *m.Method
}

// appendIngressBackends adds the rows of the Services behind an Ingress. It is
// what Backends says, without the paths of the fields, which cost more than the
// rest of an overlay.
func appendIngressBackends(out []posting, e *Entry, ing *networkingv1.Ingress) []posting {
	add := func(b *networkingv1.IngressBackend) {
		if b != nil && b.Service != nil {
			out = append(out, posting{byBackend, words{e.Key.Namespace, b.Service.Name, ""}, e})
		}
	}
	add(ing.Spec.DefaultBackend)
	for i := range ing.Spec.Rules {
		http := ing.Spec.Rules[i].HTTP
		if http == nil {
			continue
		}
		for j := range http.Paths {
			add(&http.Paths[j].Backend)
		}
	}
	return out
}
