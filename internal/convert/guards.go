// SPDX-License-Identifier: Apache-2.0

package convert

import (
	"strings"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
)

// unseen closes an Ingress whose guards look at requests where TLS is passed on. Its
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
		}
	}
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
