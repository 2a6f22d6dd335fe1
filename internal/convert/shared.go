// SPDX-License-Identifier: Apache-2.0

package convert

import (
	"cmp"
	"slices"
	"strings"
)

// sharing is what a controller keeps for several Ingresses, whichever of them says it:
// for those of a host, or of a load balancer.
type sharing struct {
	// annotations are those that keep something out, by their whole names.
	annotations []string
	// places are the hosts or load balancers of an Ingress, in words.
	places func(*plan) []string
	// off tells whether an Ingress asks for none of it, whatever the annotations say.
	off func(*plan) bool
}

// nginxSharing is one server of nginx: "the annotation is applied per host"
// (https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/,
// client certificate authentication, server snippet).
func nginxSharing() []sharing {
	const begin = "nginx.ingress.kubernetes.io/"
	hosts := func(p *plan) []string {
		all := slices.Concat(p.hosts(), p.aliases)
		out := make([]string, 0, len(all))
		for _, h := range all {
			out = append(out, "host "+cmp.Or(h, "*"))
		}
		return out
	}
	return []sharing{
		{[]string{begin + "server-snippet"}, hosts, func(*plan) bool { return false }},
		{[]string{begin + "auth-tls-secret", begin + "auth-tls-verify-client", begin + "auth-tls-match-cn"}, hosts, func(p *plan) bool {
			verify := p.ingress.Annotations[begin+"auth-tls-verify-client"]
			optional := strings.HasPrefix(verify, "optional") && p.ingress.Annotations[begin+"auth-tls-match-cn"] == ""
			return p.ingress.Annotations[begin+"auth-tls-secret"] == "" || verify == "off" || optional
		}},
	}
}

// albSharing is one load balancer of AWS: what is said of it by one Ingress of a group
// holds for all
// (https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/ingress/annotations/#ingressgroup).
func albSharing() []sharing {
	const begin = "alb.ingress.kubernetes.io/"
	group := func(p *plan) []string {
		if name := p.ingress.Annotations[begin+"group.name"]; name != "" {
			return []string{"group " + name}
		}
		return nil
	}
	names := []string{
		"inbound-cidrs", "security-groups", "security-group-prefix-lists", "mutual-authentication",
		"wafv2-acl-arn", "wafv2-acl-name", "waf-acl-id", "web-acl-id", "shield-advanced-protection",
	}
	out := make([]sharing, 0, len(names))
	for _, name := range names {
		whole := begin + name
		out = append(out, sharing{[]string{whole}, group, func(p *plan) bool {
			value := strings.TrimSpace(p.ingress.Annotations[whole])
			return value == "" || slices.Contains(p.controller.annotation(whole).off, value)
		}})
	}
	return out
}

// shared closes Ingresses that were kept by what another one says: routes and their
// policies are an Ingress's own here, and these would be open.
func (c *conversion) shared() {
	for _, k := range c.controllers {
		for i := range k.shares {
			at := map[string][]*plan{} // by place
			var places []string
			for _, p := range c.plans {
				if p.controller != k {
					continue
				}
				for _, place := range k.shares[i].places(p) {
					if at[place] == nil {
						places = append(places, place)
					}
					at[place] = appendOnce(at[place], p)
				}
			}
			for _, place := range places {
				k.shares[i].close(place, at[place])
			}
		}
	}
}

// close faults those of a place that say something else than one that asks.
func (s *sharing) close(place string, all []*plan) {
	said := func(p *plan) string {
		if s.off(p) {
			return ""
		}
		var out []string
		for _, name := range s.annotations {
			out = append(out, p.ingress.Annotations[name])
		}
		return strings.TrimSpace(strings.Join(out, "\n"))
	}
	for _, p := range all {
		for _, q := range all {
			if want := said(p); want != "" && want != said(q) && !q.told(s.annotations[0]) {
				q.fault("metadata.annotations", "%s of Ingress %s/%s holds for all of %s: say it here as well", s.annotations[0], p.ingress.Namespace, p.ingress.Name, place)
			}
		}
	}
}

// told tells whether an Ingress is closed for an annotation of another one already.
func (p *plan) told(annotation string) bool {
	return slices.ContainsFunc(p.lines, func(l Line) bool {
		return l.Closes && l.Source == "metadata.annotations" && strings.HasPrefix(l.Message, annotation+" of Ingress ")
	})
}
