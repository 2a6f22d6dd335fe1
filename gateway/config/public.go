// SPDX-License-Identifier: Apache-2.0

package config

import (
	"maps"
	"net/url"
	"slices"
)

// Public is a snapshot to be shown: without what may be a secret although it is text
// of the configuration. Such are values that header lines are given, and queries of
// addresses. What was read from files is shown nowhere (Secret).
func (s *Snapshot) Public() *Snapshot {
	out := *s
	out.Routes = slices.Clone(s.Routes)
	for i := range out.Routes {
		t := &out.Routes[i].Target
		t.Request.hide()
		t.Response.hide()
		t.Backends = slices.Clone(t.Backends)
		for k := range t.Backends {
			t.Backends[k].Request.hide()
			t.Backends[k].Response.hide()
		}
	}
	out.KeySets = slices.Clone(s.KeySets)
	for i := range out.KeySets {
		k := &out.KeySets[i]
		k.URL, k.Issuer = withoutQuery(k.URL), withoutQuery(k.Issuer)
	}
	if t := s.Telemetry.Tracing; t != nil {
		shown := *t
		shown.Endpoint = withoutQuery(t.Endpoint)
		out.Telemetry.Tracing = &shown
	}
	return &out
}

func (e *HeaderEdit) hide() { e.Set, e.Add = hidden(e.Set), hidden(e.Add) }

func hidden(values map[string]string) map[string]string {
	out := maps.Clone(values)
	for name := range out {
		out[name] = redacted
	}
	return out
}

// withoutQuery is an address as far as it says where something is.
func withoutQuery(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return redacted
	}
	if u.RawQuery != "" {
		u.RawQuery = "redacted"
	}
	return u.String()
}
