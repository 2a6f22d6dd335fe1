// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// readClient reads a ClientPolicy as the listener that has all that it says.
func (p *policy) readClient(spec *v1alpha1.ClientPolicySpec) {
	l := &spec.Limits
	out := &config.Listener{
		TLS: &config.TLS{MinVersion: config.Version(spec.TLS.MinVersion)}, Redirect: uint16(spec.RedirectToHTTPS), //nolint:gosec // the API server bounds it
		Client: config.Client{
			Path:           config.Path{EscapedSlashes: spec.Path.EscapedSlashes, EmptySegments: spec.Path.EmptySegments, DotSegments: spec.Path.DotSegments, Parameters: spec.Path.Parameters},
			Headers:        config.Headers{Identity: spec.Headers.Identity, Keep: spec.Headers.KeepOverrides, OtherNames: spec.Headers.OtherNames},
			TrustedProxies: p.networks("trustedProxies", spec.TrustedProxies), ForwardedBy: spec.ForwardedBy, ProxyProtocol: p.networks("proxyProtocolFrom", spec.ProxyProtocolFrom),
			Limits: config.Limits{
				HeaderBytes: int(l.HeaderBytes), HeaderLines: int(l.HeaderLines), TargetBytes: int(l.TargetBytes), BodyBytes: l.BodyBytes,
				HeaderTimeout: p.duration(l.HeaderTimeout), IdleTimeout: p.duration(l.IdleTimeout), TunnelIdle: p.duration(l.WebSocketIdleTimeout), BodyBytesRate: l.BodyBytesRate,
				PerAddress: int(l.ConnectionsPerAddress), Connections: int(l.Connections), Requests: int(l.Requests), RequestsPerAddress: int(l.RequestsPerAddress),
				Streams: uint32(l.Streams), //nolint:gosec // the API server bounds it
			},
		},
	}
	if h := spec.HSTS; h != nil {
		out.HSTS = &config.HSTS{MaxAge: p.duration(h.MaxAge), SubDomains: h.IncludeSubDomains, Preload: h.Preload}
	}
	p.client = out
	secure := *out
	secure.Name, secure.Protocol, secure.Redirect, secure.Address = "l", config.HTTPS, 0, netip.AddrPortFrom(netip.IPv4Unspecified(), 1)
	for _, f := range (&config.Snapshot{Listeners: []config.Listener{secure}}).Validate() {
		at := strings.TrimPrefix(strings.TrimPrefix(f.Path, "listeners[0]."), "client.")
		p.invalid("spec.%s: %s", at, f.What)
	}
}

// clientOf finds the ClientPolicy that holds for a port: the oldest of one of its
// listeners, or else the Gateway's. The others of its listeners are told.
func (s *policies) clientOf(g *gateway, at socket) *policy {
	var found *policy
	by := ""
	for _, p := range s.all {
		if p.of != clientPolicyKind {
			continue
		}
		for _, l := range g.listeners {
			if place(l) != at || !s.holds(p, l.aim()) {
				continue
			}
			switch {
			case found == nil:
				found, by = p, string(l.spec.Name)
			case found != p:
				p.conditions.set(accepted, metav1.ConditionFalse, string(gatewayv1.PolicyReasonConflicted), fmt.Sprintf("listener %s has port %d together with listener %s, which %s is for, and that is older", l.spec.Name, at.port, by, found))
			}
		}
	}
	for _, p := range s.at[clientPolicyKind][aim{of: gatewayKind, name: nameOf(g.object)}] {
		if found == nil {
			return p
		}
		p.gateways[g].replace(fmt.Sprintf("port %d", at.port), found)
	}
	return found
}

func (s *policies) holds(p *policy, a aim) bool {
	return slices.Contains(s.at[p.of][a], p)
}

// restrict gives a listener of the data plane what a ClientPolicy says of its protocol.
func restrict(l *config.Listener, by *config.Listener) {
	limits := by.Client.Limits
	switch l.Protocol {
	case config.HTTP:
		l.Client, l.Redirect = by.Client, by.Redirect
	case config.HTTPS:
		l.Client, l.HSTS = by.Client, by.HSTS
		if l.TLS == nil {
			l.TLS = &config.TLS{}
		}
		l.TLS.MinVersion = by.TLS.MinVersion
	case config.TCP, config.Passthrough:
		l.Client.ProxyProtocol = by.Client.ProxyProtocol
		if l.Protocol == config.Passthrough || len(by.Client.ProxyProtocol) > 0 {
			l.Client.Limits.HeaderTimeout = limits.HeaderTimeout
		}
		fallthrough
	case config.UDP:
		l.Client.Limits.IdleTimeout, l.Client.Limits.Connections, l.Client.Limits.PerAddress = limits.IdleTimeout, limits.Connections, limits.PerAddress
	}
}
