// SPDX-License-Identifier: Apache-2.0

package convert

import (
	"slices"
	"strings"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
)

// unseen closes an Ingress whose guards or paths look at requests where TLS is passed on. Its
// controller may have had to be told to pass it on: then they were in force.
func (p *plan) unseen() {
	if !p.through {
		return
	}
	for i := range p.lines {
		l := &p.lines[i]
		guard := l.object == v1alpha1.AccessPolicyKind || l.object == v1alpha1.TrafficPolicyKind || l.object == several || strings.Contains(l.field, "tls.frontend")
		if l.Outcome == Converted && guard {
			l.Outcome, l.Closes = NotSupported, true
			l.Message = "TLS is passed on to the backend, and nobody sees the requests: leave out the one or the other"
		} else if l.Outcome == Converted && l.object == "HTTPRoute" {
			l.Outcome, l.Message = Equivalent, "TLS is passed on to the backend: it has no effect"
		}
	}
	for _, h := range p.hosts() {
		if h != "" && p.whole(h) == nil {
			p.fault("spec.rules", "not all paths of %q were served, and of TLS that is passed on no path is seen: name \"/\" if all may be", h)
		}
	}
}

// whole is the rule for all paths of a host, which is the one that ingress-nginx passes
// TLS on for.
func (p *plan) whole(hostname string) *rule {
	i := slices.IndexFunc(p.rules, func(u rule) bool { return u.host == hostname && u.path == everything })
	if i < 0 {
		return nil
	}
	return &p.rules[i]
}

// either closes an Ingress that asks for several credentials of one request: an
// AccessPolicy takes any of them.
func (p *plan) either() {
	n := 0
	for _, there := range []bool{p.access.basic != nil, p.access.jwt != nil, p.access.certificate} {
		if there {
			n++
		}
	}
	if n > 1 {
		p.fault("metadata.annotations", "a client needs %d credentials at once (password, token, certificate), and an AccessPolicy takes any of them", n)
	}
}
