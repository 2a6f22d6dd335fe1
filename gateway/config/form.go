// SPDX-License-Identifier: Apache-2.0

package config

import "github.com/gatehouse-sh/gatehouse/gateway/request"

// Form is how requests to a listener of the snapshot are brought into their form. The
// data plane and who explains it read it here.
func (s *Snapshot) Form(l *Listener) request.Options {
	c := &l.Client
	return request.Options{
		TLS: l.Protocol == HTTPS,
		Path: request.PathOptions{
			EscapedSlashes: map[string]request.EscapedSlashes{"Decode": request.DecodeEscapedSlashes, "Keep": request.KeepEscapedSlashes}[c.Path.EscapedSlashes],
			EmptySegments:  map[string]request.EmptySegments{"Reject": request.RefuseEmptySegments, "Keep": request.KeepEmptySegments}[c.Path.EmptySegments],
			DotSegments:    map[string]request.DotSegments{"Reject": request.RefuseDotSegments}[c.Path.DotSegments],
			Parameters:     map[string]request.PathParameters{"Keep": request.KeepPathParameters}[c.Path.Parameters],
		},
		Headers: request.NewHeaderRules(request.HeaderOptions{
			Identity: s.IdentityHeaders(l), Keep: c.Headers.Keep,
			Other: map[string]request.OtherNames{"Keep": request.KeepOtherNames}[c.Headers.OtherNames],
		}),
		MaxTarget: c.Limits.TargetBytes, MaxHeaders: c.Limits.HeaderLines,
		Trusted:   c.TrustedProxies,
		Forwarded: map[string]request.ForwardedHeader{"Forwarded": request.Forwarded}[c.ForwardedBy],
	}
}
