// SPDX-License-Identifier: Apache-2.0

package config

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/gatehouse-sh/gatehouse/gateway/internal/header"
	"github.com/gatehouse-sh/gatehouse/gateway/request"
)

// validator gathers the faults of a snapshot.
type validator struct {
	faults []Error
}

func (v *validator) fault(path, format string, args ...any) {
	v.faults = append(v.faults, Error{Path: path, What: fmt.Sprintf(format, args...)})
}

// FaultsSince is all that ValidateSince returns as one error, nil if it is nothing.
func (s *Snapshot) FaultsSince(before *Snapshot) error {
	faults := s.ValidateSince(before)
	errs := make([]error, len(faults))
	for i, f := range faults {
		errs[i] = f
	}
	return errors.Join(errs...)
}

// Validate returns all that is wrong with a snapshot by itself: without faults,
// the gateway can serve from it if its certificates can be read. The faults are in
// the order of the fields.
func (s *Snapshot) Validate() []Error { return s.ValidateSince(nil) }

func (s *Snapshot) validate(before *judged) []Error {
	v := &validator{}
	if len(s.Listeners) == 0 {
		v.fault("listeners", "there is none, so nobody could be served")
	}
	n := v.names(s, before)
	addresses := v.listeners(s, n)
	v.parts(s, n, before)
	v.telemetry(&s.Telemetry, addresses)
	return v.faults
}

// ValidateParts is Validate of what is served nowhere yet: nothing is said of listeners
// and of telemetry. It is for who judges parts of a snapshot one by one, and is cheap for
// small ones.
func (s *Snapshot) ValidateParts() []Error {
	v, before := &validator{}, &judged{}
	v.parts(s, v.names(s, before), before)
	return v.faults
}

// parts checks all but listeners and telemetry.
func (v *validator) parts(s *Snapshot, n named, before *judged) {
	for i := range s.Certificates {
		c, path := &s.Certificates[i], fmt.Sprintf("certificates[%d]", i)
		for k, h := range c.Hosts {
			v.host(fmt.Sprintf("%s.hosts[%d]", path, k), h)
		}
		if (c.CertFile == "") != (c.KeyFile == "") {
			v.fault(path, "certFile and keyFile belong together")
		}
		if c.CertFile == "" && len(c.Cert) == 0 {
			v.fault(path, "certFile and keyFile are missing")
		}
	}
	listeners := make(map[string]*Listener, len(s.Listeners))
	for i := range s.Listeners {
		if l := &s.Listeners[i]; listeners[l.Name] == nil {
			listeners[l.Name] = l
		}
	}
	for i := range s.Routes {
		if before.route(&s.Routes[i], listeners, &n) {
			continue
		}
		path := fmt.Sprintf("routes[%d]", i)
		v.route(path, &s.Routes[i], listeners, n.backends)
		v.attached(path+".traffic", "traffic policy", s.Routes[i].Traffic, n.traffic)
		v.attached(path+".access", "access policy", s.Routes[i].Access, n.access)
		v.attached(path+".accessBeside", "access policy", s.Routes[i].AccessBeside, n.access)
	}
	if len(s.Streams) > 0 || len(s.Listeners) > 0 {
		v.streams(s, n.certificates)
	}
	for i := range s.TrafficPolicies {
		v.traffic(fmt.Sprintf("trafficPolicies[%d]", i), &s.TrafficPolicies[i], n.stores)
	}
	for i := range s.Stores {
		v.store(fmt.Sprintf("stores[%d]", i), &s.Stores[i])
	}
	v.accessPolicies(s)
	for i := range s.KeySets {
		path := fmt.Sprintf("keySets[%d]", i)
		v.keySet(path, &s.KeySets[i])
		v.keysOfFile(path, &s.KeySets[i])
	}
	for i := range s.Backends {
		if before.backend(&s.Backends[i], &n) {
			continue
		}
		path := fmt.Sprintf("backends[%d]", i)
		v.backend(path, &s.Backends[i], n.certificates)
		v.idle(path, &s.Backends[i])
	}
}

// named are the names that a snapshot gives.
type named struct{ certificates, backends, traffic, access, stores map[string]bool }

func (v *validator) names(s *Snapshot, before *judged) named {
	out := named{certificates: names(v, "certificates", s.Certificates, func(c *Certificate) string { return c.Name })}
	names(v, "listeners", s.Listeners, func(l *Listener) string { return l.Name })
	out.backends = names(v, "backends", s.Backends, func(b *Backend) string { return b.Name })
	names(v, "streams", s.Streams, func(t *Stream) string { return t.Name })
	if !before.names(s.Routes) {
		names(v, "routes", s.Routes, func(r *Route) string { return r.Name })
	}
	out.traffic = names(v, "trafficPolicies", s.TrafficPolicies, func(p *TrafficPolicy) string { return p.Name })
	out.access = names(v, "accessPolicies", s.AccessPolicies, func(p *AccessPolicy) string { return p.Name })
	names(v, "keySets", s.KeySets, func(k *KeySet) string { return k.Name })
	out.stores = names(v, "stores", s.Stores, func(s *Store) string { return s.Name })
	return out
}

// listeners checks them, and returns the addresses that they have, without those of UDP,
// whose ports are others.
func (v *validator) listeners(s *Snapshot, n named) map[netip.AddrPort]string {
	addresses, datagrams := map[netip.AddrPort]string{}, map[netip.AddrPort]string{}
	for i := range s.Listeners {
		l, path := &s.Listeners[i], fmt.Sprintf("listeners[%d]", i)
		v.listener(path, l, n.certificates)
		v.attached(path+".traffic", "traffic policy", l.Traffic, n.traffic)
		v.attached(path+".access", "access policy", l.Access, n.access)
		v.forHosts(path+".forHosts", l, n)
		of := addresses
		if l.Protocol == UDP {
			of = datagrams
		}
		if other, taken := overlapping(of, l.Address); taken {
			v.fault(path+".address", "listener %q has %s already", other, l.Address)
		}
		of[l.Address] = l.Name
	}
	return addresses
}

// forHosts checks the policies of single hosts.
func (v *validator) forHosts(path string, l *Listener, n named) {
	for i := range l.ForHosts {
		h, at := &l.ForHosts[i], fmt.Sprintf("%s[%d]", path, i)
		switch {
		case !slices.Contains(l.Hosts, h.Host):
			v.fault(at+".host", "%.80q is none of the hosts of the listener, which its policies would be for", h.Host)
		case slices.ContainsFunc(l.ForHosts[:i], func(other HostPolicies) bool { return other.Host == h.Host }):
			v.fault(at+".host", "%q is there twice", h.Host)
		}
		v.attached(at+".traffic", "traffic policy", h.Traffic, n.traffic)
		v.attached(at+".access", "access policy", h.Access, n.access)
	}
}

// accessPolicies checks them with what they name, and that something names them: who
// wrote one meant to guard something.
func (v *validator) accessPolicies(s *Snapshot) {
	backends := make(map[string]*Backend, len(s.Backends))
	for i := range s.Backends {
		backends[s.Backends[i].Name] = &s.Backends[i]
	}
	keySets := make(map[string]*KeySet, len(s.KeySets))
	for i := range s.KeySets {
		keySets[s.KeySets[i].Name] = &s.KeySets[i]
	}
	var used map[string]bool
	if len(s.AccessPolicies) > 0 {
		used = s.used()["access policy"]
	}
	for i := range s.AccessPolicies {
		p, path := &s.AccessPolicies[i], fmt.Sprintf("accessPolicies[%d]", i)
		v.access(path, p, keySets, backends)
		if !used[p.Name] {
			v.fault(path, "no listener and no route names the access policy %q, so it guards nothing", p.Name)
		}
	}
	v.colliding(s)
}

// overlapping finds a listener that has a port of the same address, or of all.
func overlapping(taken map[netip.AddrPort]string, a netip.AddrPort) (string, bool) {
	if a.Port() == 0 {
		return "", false
	}
	for other, name := range taken {
		if other.Port() == a.Port() && (other.Addr() == a.Addr() || other.Addr().IsUnspecified() || a.Addr().IsUnspecified()) {
			return name, true
		}
	}
	return "", false
}

func (v *validator) oneOf(path, value string, allowed ...string) {
	if !slices.Contains(allowed, value) {
		words := slices.DeleteFunc(slices.Clone(allowed), func(s string) bool { return s == "" })
		v.fault(path, "%q is none of %s", value, strings.Join(words, ", "))
	}
}

// known checks that a name is one of a list.
func (v *validator) known(path, what, name string, in map[string]bool) {
	if !in[name] {
		v.fault(path, "there is no %s %q", what, name)
	}
}

func (v *validator) notNegative(path string, values map[string]int64) {
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if values[name] < 0 {
			v.fault(path+"."+name, "%d is negative", values[name])
		}
	}
}

func (v *validator) listener(path string, l *Listener, certificates map[string]bool) {
	v.oneOf(path+".protocol", string(l.Protocol), string(HTTP), string(HTTPS), string(TCP), string(Passthrough), string(UDP))
	if l.Protocol.Stream() {
		v.streamListener(path, l)
	} else {
		v.requestListener(path, l)
	}
	v.oneOf(path+".http2", string(l.HTTP2), string(HTTP2Auto), string(HTTP2Off), string(HTTP2On))
	if !l.Address.IsValid() {
		v.fault(path+".address", "it is missing: an address with a port, such as 0.0.0.0:8443 or [::]:8443")
	}
	v.tls(path, l, certificates)
	for i, h := range l.Hosts {
		v.host(fmt.Sprintf("%s.hosts[%d]", path, i), h)
	}
	if l.Redirect != 0 && l.Protocol != HTTP {
		v.fault(path+".redirectToHTTPS", "a listener of %s has none", l.Protocol)
	}
	v.client(path+".client", &l.Client)
}

func (v *validator) client(path string, c *Client) {
	v.oneOf(path+".path.escapedSlashes", c.Path.EscapedSlashes, "", "Reject", "Decode", "Keep")
	v.oneOf(path+".path.emptySegments", c.Path.EmptySegments, "", "Merge", "Reject", "Keep")
	v.oneOf(path+".path.dotSegments", c.Path.DotSegments, "", "Resolve", "Reject")
	v.oneOf(path+".path.parameters", c.Path.Parameters, "", "Reject", "Keep")
	v.oneOf(path+".headers.otherNames", c.Headers.OtherNames, "", "Drop", "Keep")
	v.oneOf(path+".forwardedBy", c.ForwardedBy, "", "X-Forwarded-For", "Forwarded")
	v.networks(path+".trustedProxies", c.TrustedProxies)
	v.networks(path+".proxyProtocolFrom", c.ProxyProtocol)
	for i, name := range c.Headers.Identity {
		if !header.IsToken(name) {
			v.fault(fmt.Sprintf("%s.headers.identity[%d]", path, i), "%.80q is no name of a header", name)
		}
	}
	for i, name := range c.Headers.Keep {
		if !slices.ContainsFunc(request.Overrides, func(known string) bool { return strings.EqualFold(known, name) }) {
			v.fault(fmt.Sprintf("%s.headers.keepOverrides[%d]", path, i), "%.80q is none of %s", name, strings.Join(request.Overrides, ", "))
		}
	}
	l := &c.Limits
	v.notNegative(path+".limits", map[string]int64{
		"headerBytes": int64(l.HeaderBytes), "headerLines": int64(l.HeaderLines), "targetBytes": int64(l.TargetBytes), "bodyBytes": l.BodyBytes,
		"bodyBytesRate": l.BodyBytesRate, "connectionsPerAddress": int64(l.PerAddress), "connections": int64(l.Connections),
		"requests": int64(l.Requests), "requestsPerAddress": int64(l.RequestsPerAddress),
	})
}

// mapped refuses networks that no client is in: an address of IPv4 is taken for one,
// however it comes.
func (v *validator) mapped(path string, p netip.Prefix) {
	if p.Addr().Is4In6() {
		v.fault(path, "%s contains nobody: networks of IPv4 are written without ::ffff:", p)
	}
}

func (v *validator) networks(path string, list []netip.Prefix) {
	for i, p := range list {
		if p != p.Masked() {
			v.fault(fmt.Sprintf("%s[%d]", path, i), "%s has bits beyond its length: %s", p, p.Masked())
		}
		v.mapped(fmt.Sprintf("%s[%d]", path, i), p)
	}
}
