// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"fmt"
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// hostCollision flags hosts and paths that two namespaces claim (EXP-028).
func hostCollision() checks.Check {
	return checks.Check{
		ID: "EXP-028", Name: "host-collision",
		Severity: checks.High,
		Actions:  checks.Actions{Baseline: checks.Deny, Strict: checks.Deny},
		Kinds:    hostKinds,
		Doc: checks.Doc{
			Title: "A host and path belong to one namespace",
			Why: "When two namespaces claim the same host and path, the controller decides who gets the requests: often the older object, sometimes both in turn. Whoever may write an Ingress could so receive the logins of another team. " +
				"Ingresses, HTTPRoutes, GRPCRoutes and TLSRoutes are compared with each other by exact host name and by path, whatever their class or Gateway, because one DNS name leads to one of them. " +
				"The same path is a violation, also when one is Exact and the other Prefix. " +
				"A path below a prefix of another namespace, and a host below its wildcard, takes those requests away: that is common between teams that agreed on it, and one degree less severe. The opposite direction takes nothing and is not reported. " +
				"ImplementationSpecific paths count as prefixes; patterns that cannot be compared, and vendors' routes for the same host, are reported as undetermined. " +
				"Claims for every host are compared within one ingress class or one Gateway only. Conditions on headers and methods are not considered, and neither are hosts that a route inherits from its listener.",
			Attack: "receives requests, with passwords and cookies, that are meant for another namespace",
			Fix:    "choose another host or path, or let one namespace own the host",
			Exempt: "Teams that share a host on purpose, with the agreement of its owner.",
			Sources: []string{
				"https://kubernetes.io/docs/concepts/services-networking/ingress/#multiple-matches",
				"https://kubernetes.io/docs/concepts/services-networking/ingress/#hostname-wildcards",
				"https://kubernetes.github.io/ingress-nginx/how-it-works/#building-the-nginx-model",
				"https://gateway-api.sigs.k8s.io/reference/spec/#httprouterule",
			},
		},
		Run: func(in checks.Input) []checks.Finding {
			var out []checks.Finding
			switch o := in.Object.(type) {
			case *networkingv1.Ingress:
				for _, host := range distinctHosts(o.Spec.Rules) {
					out = collide(out, host, in)
				}
				return out
			case *gatewayv1.HTTPRoute:
				return collideAll(o.Spec.Hostnames, in)
			case *gatewayv1.GRPCRoute:
				return collideAll(o.Spec.Hostnames, in)
			case *gatewayv1.TLSRoute:
				return collideAll(o.Spec.Hostnames, in)
			}
			return []checks.Finding{{Certainty: checks.Undetermined, Message: "is neither an Ingress nor a route that this check can read"}}
		},
	}
}

// maxCompared bounds the claims of a route: the API allows 16 hosts and 128
// matches.
const maxCompared = 1 << 14

func collideAll(names []gatewayv1.Hostname, in checks.Input) []checks.Finding {
	if !facesOut(in.Object) {
		return nil
	}
	var out []checks.Finding
	paths := 0
	pathsOf(in.Object, "", func(pathClaim) bool { paths++; return true })
	if len(names)*paths > maxCompared {
		return []checks.Finding{{
			Certainty: checks.Undetermined, Subject: "hosts", Field: "spec.hostnames",
			Message: fmt.Sprintf("claims %d paths of %d hosts, more than are compared with the claims of others", paths, len(names)),
		}}
	}
	for _, name := range names {
		out = collide(out, string(name), in)
	}
	if len(names) == 0 {
		out = collide(out, "", in)
	}
	return out
}

// rival is the claim of another namespace that stands against one of ours.
type rival struct {
	relation relation
	by       *inventory.Entry
	theirs   pathClaim
}

// collide adds what stands against the object's claims for one host. It asks for
// the claimants of each of its paths and of the paths above, so other claims for
// the same host cost nothing.
func collide(out []checks.Finding, host string, in checks.Input) []checks.Finding {
	before := len(out)
	pathsOf(in.Object, host, func(mine pathClaim) bool {
		if r := strongest(mine, host, in); r.relation != disjoint {
			out = addCollision(out, mine, host, r, in)
		}
		return true
	})
	if len(out) > before {
		return out
	}
	if e := wildcardOwner(host, in); e != nil {
		out = append(out, checks.Finding{
			Severity: checks.Medium, Subject: "host/" + host, Field: hostField(in.Object, host),
			Message: "takes " + host + " out of the wildcard that " + e.Key.String() + " claims",
			Path:    []string{"internet", host, inputName(in)},
		})
	}
	return out
}

// longestPath bounds the paths whose ancestors are all looked up: servers refuse
// requests with longer ones. https://www.rfc-editor.org/rfc/rfc9110#section-4.1
const longestPath = 8_000

// strongest returns a rival that claims the same, otherwise the one nearest
// above, otherwise, for a pattern, one that it may match.
func strongest(mine pathClaim, host string, in checks.Input) rival {
	var best rival
	look := func(e *inventory.Entry) {
		if !competes(e, host, in) {
			return
		}
		if vendorRoute(e) {
			if best.relation == disjoint {
				best = rival{incomparable, e, everyPath}
			}
			return
		}
		pathsOf(e.Object, host, func(theirs pathClaim) bool {
			if r := mine.against(theirs); r == sameClaim || r != disjoint && best.relation == disjoint {
				best = rival{r, e, theirs}
			}
			return best.relation != sameClaim
		})
	}
	key := mine.key()
	for e := range in.Inventory.ClaimsAt(host, key) {
		if look(e); best.relation == sameClaim {
			return best
		}
	}
	if len(key) > longestPath { // its ancestors at least
		key = key[:longestPath]
	}
	for key != "" && best.relation == disjoint {
		key = key[:max(0, strings.LastIndexByte(key, '/'))]
		for e := range in.Inventory.ClaimsAt(host, key) {
			if look(e); best.relation != disjoint {
				break
			}
		}
	}
	if mine.kind == patternPath && best.relation == disjoint {
		for e := range in.Inventory.ClaimsBelow(host, mine.path) {
			if look(e); best.relation != disjoint {
				break
			}
		}
	}
	return best
}

func addCollision(out []checks.Finding, mine pathClaim, host string, r rival, in checks.Input) []checks.Finding {
	at := hostName(host) + mine.text
	f := checks.Finding{Subject: "host/" + at, Field: mine.field(in.Object), Path: []string{"internet", at, inputName(in)}}
	if slices.ContainsFunc(out, func(o checks.Finding) bool { return o.Subject == f.Subject }) {
		return out // matches of one path that differ in headers only
	}
	switch r.relation {
	case disjoint:
		return out
	case takesPart:
		f.Severity = checks.Medium
		f.Message = "takes " + at + " out of " + hostName(host) + r.theirs.text + ", which " + r.by.Key.String() + " claims"
	case incomparable:
		f.Certainty = checks.Undetermined
		f.Message = "claims " + at + ", which cannot be compared with " + hostName(host) + r.theirs.text + " of " + r.by.Key.String()
		if vendorRoute(r.by) {
			f.Message = "claims " + at + " of a host that " + r.by.Key.String() + " claims too; its paths cannot be compared"
		}
	case sameClaim:
		f.Message = "claims " + at + ", which " + r.by.Key.String() + " claims too"
	}
	return append(out, f)
}
