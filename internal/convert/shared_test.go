// SPDX-License-Identifier: Apache-2.0

package convert

import (
	"strings"
	"testing"
)

func closedOf(r *Result) string {
	var out []string
	for _, n := range r.Closed {
		out = append(out, n.Name)
	}
	return strings.Join(out, ",")
}

func TestWhatHoldsForAWholeHostOrBalancerLeavesNoNeighbourOpen(t *testing.T) {
	t.Parallel()
	const nginx, alb = "nginx.ingress.kubernetes.io/", "alb.ingress.kubernetes.io/"
	certificate := []string{nginx + "auth-tls-secret: shop/ca"}
	group := func(more ...string) []string { return append([]string{alb + "group.name: all"}, more...) }
	for name, tc := range map[string]struct {
		class, host string // of b
		a, b        []string
		closed      string
	}{
		"a neighbour on the host of a certificate":       {"nginx", "a.example.com", certificate, nil, "b"},
		"a neighbour that says it too":                   {"nginx", "a.example.com", certificate, certificate, ""},
		"an Ingress of another host":                     {"nginx", "b.example.com", certificate, nil, ""},
		"a certificate that is not needed":               {"nginx", "a.example.com", []string{nginx + "auth-tls-secret: shop/ca", nginx + "auth-tls-verify-client: optional"}, nil, ""},
		"a neighbour on the host of a snippet":           {"nginx", "a.example.com", []string{nginx + "server-snippet: deny all;"}, nil, "a,b"},
		"an Ingress of another host than a snippet's":    {"nginx", "b.example.com", []string{nginx + "server-snippet: deny all;"}, nil, "a"},
		"addresses of a group, said once":                {"alb", "b.example.com", group(alb + "inbound-cidrs: 10.0.0.0/8"), group(), "b"},
		"addresses of a group, said twice":               {"alb", "b.example.com", group(alb + "inbound-cidrs: 10.0.0.0/8"), group(alb + "inbound-cidrs: 10.0.0.0/8"), ""},
		"addresses of a balancer of its own":             {"alb", "b.example.com", []string{alb + "inbound-cidrs: 10.0.0.0/8"}, nil, ""},
		"a firewall of a group, which nothing converts":  {"alb", "b.example.com", group(alb + "wafv2-acl-arn: 'arn:aws:x'"), group(), "a,b"},
		"a firewall of a group that is none":             {"alb", "b.example.com", group(alb + "wafv2-acl-arn: none"), group(), ""},
		"a guard of routes, which is an Ingress's alone": {"nginx", "a.example.com", []string{nginx + "whitelist-source-range: 10.0.0.0/8"}, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := convertText(t, guardedIngress("a", tc.class, "a.example.com", "/v1", tc.a...), guardedIngress("b", tc.class, tc.host, "/v2", tc.b...), webService)
			if got := closedOf(r); got != tc.closed {
				t.Errorf("closed are %q, want %q: %s", got, tc.closed, faultOf(r))
			}
		})
	}
}
