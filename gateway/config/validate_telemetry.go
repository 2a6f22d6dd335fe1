// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"net/netip"
	"net/textproto"
	"net/url"
	"slices"
)

// minKey is the size of the smallest key of a hash that is worth its name: 128 bits.
const minKey = 16

// credentials are header lines that let somebody in.
var credentials = []string{"Authorization", "Proxy-Authorization", "Cookie", "Set-Cookie", "X-Api-Key"}

func (v *validator) telemetry(t *Telemetry, taken map[netip.AddrPort]string) {
	const path = "telemetry"
	d := &t.Decisions
	v.oneOf(path+".decisions.client", d.Client, "", "Full", "Prefix", "Off")
	v.oneOf(path+".decisions.query", d.Query, "", "Off", "Names", "Full")
	for i, name := range d.Header {
		at := fmt.Sprintf("%s.decisions.headers[%d]", path, i)
		v.headerName(at, name)
		if slices.Contains(credentials, textproto.CanonicalMIMEHeaderKey(name)) {
			v.fault(at, "%q holds what lets somebody in, and is never written down", name)
		}
	}
	if n := len(d.Key); d.KeyFile != "" && n > 0 && n < minKey {
		v.fault(path+".decisions.keyFile", "a key has %d bytes or more", minKey)
	}
	if c := t.Tracing; c != nil {
		u, err := url.Parse(c.Endpoint)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil {
			v.fault(path+".tracing.endpoint", "it is no address such as http://collector:4318")
		}
		if !(c.Ratio >= 0 && c.Ratio <= 1) {
			v.fault(path+".tracing.ratio", "it is not between 0 and 1")
		}
	}
	for _, own := range []struct {
		name    string
		address netip.AddrPort
	}{{"metrics", t.Metrics}, {"admin", t.Admin}} {
		if !own.address.IsValid() {
			continue
		}
		if other, is := overlapping(taken, own.address); is {
			v.fault(path+"."+own.name, "listener %q has %s already", other, own.address)
		}
		taken[own.address] = own.name
	}
	if a := t.Admin; a.IsValid() && !a.Addr().IsLoopback() {
		v.fault(path+".admin", "%s is no address of the loopback", a)
	}
}
