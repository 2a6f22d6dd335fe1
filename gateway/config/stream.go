// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"slices"

	"github.com/gatehouse-sh/gatehouse/gateway/internal/weight"
)

// Stream sends what comes to listeners of TCP, TLS or UDP to backends, as it is. From a
// listener of HTTPS it takes the connections whose clients ask for one of its hosts.
type Stream struct {
	Name      string   `yaml:"name"`
	Listeners []string `yaml:"listeners"`
	// Hosts are names that clients of TLS ask for, as Route.Hosts has them. None, or
	// "*", is every name, and none.
	Hosts []string `yaml:"hosts,omitempty"`
	// TLS ends here, and backends get what was said in it. Nil: it is passed on as it is.
	// Of listeners of TLS and HTTPS only.
	TLS      *TLS    `yaml:"tls,omitempty"`
	Backends []Share `yaml:"backends"`
}

// Names are the hosts of a stream; "*" if there are none.
func (t *Stream) Names() []string {
	if len(t.Hosts) == 0 {
		return []string{"*"}
	}
	return t.Hosts
}

// Named tells whether clients of a listener say which host they mean before anything else.
func (p Protocol) Named() bool { return p == Passthrough || p == HTTPS }

// Share is a backend and its share of the connections.
type Share struct {
	Name   string `yaml:"name"`
	Weight *int   `yaml:"weight,omitempty"` // nil is 1; 0 gets none
}

// maxWeight is what a share of requests or connections is at most.
const maxWeight = 1_000_000

// streams checks the streams, and that every listener that wants one has it.
func (v *validator) streams(s *Snapshot, certificates map[string]bool) {
	listeners, backends := make(map[string]*Listener, len(s.Listeners)), make(map[string]*Backend, len(s.Backends))
	for i := range s.Listeners {
		listeners[s.Listeners[i].Name] = &s.Listeners[i]
	}
	for i := range s.Backends {
		backends[s.Backends[i].Name] = &s.Backends[i]
	}
	taken := map[hostOf]string{}
	for i := range s.Streams {
		t, path := &s.Streams[i], fmt.Sprintf("streams[%d]", i)
		for k, h := range t.Hosts {
			v.host(fmt.Sprintf("%s.hosts[%d]", path, k), h)
		}
		if len(t.Listeners) == 0 {
			v.fault(path+".listeners", "there is none, so nothing comes to it")
		}
		within := false
		for k, name := range t.Listeners {
			at := fmt.Sprintf("%s.listeners[%d]", path, k)
			l := listeners[name]
			if l == nil || l.Protocol == HTTP {
				v.fault(at, "there is no listener %q of TCP, TLS, UDP or HTTPS", name)
				continue
			}
			v.streamAt(path, at, t, l, taken)
			within = within || l.Protocol == UDP || l.Protocol.Named() && t.TLS == nil
		}
		if t.TLS != nil {
			v.served(path+".tls", t.TLS, certificates)
		}
		v.streamBackends(path+".backends", t.Backends, backends, within)
	}
	for i := range s.Listeners {
		l := &s.Listeners[i]
		if l.Protocol.Stream() && !slices.ContainsFunc(s.Streams, func(t Stream) bool { return slices.Contains(t.Listeners, l.Name) }) {
			v.fault(fmt.Sprintf("listeners[%d]", i), "no stream names it, so nobody could be served")
		}
	}
}

// hostOf is a host of a listener.
type hostOf struct{ listener, host string }

// streamAt checks a stream at one of its listeners; taken are the hosts of other streams.
func (v *validator) streamAt(path, at string, t *Stream, l *Listener, taken map[hostOf]string) {
	if !l.Protocol.Named() && len(t.Hosts) > 0 {
		v.fault(path+".hosts", "listener %q is of %s, where no name is asked for", l.Name, l.Protocol)
	}
	if !l.Protocol.Named() && t.TLS != nil {
		v.fault(path+".tls", "listener %q is of %s, where none is ended: one of TLS can have it", l.Name, l.Protocol)
	}
	for _, h := range t.Names() {
		if other := taken[hostOf{l.Name, h}]; other != "" {
			v.fault(at, "stream %q has %q of listener %q already", other, h, l.Name)
		}
		taken[hostOf{l.Name, h}] = t.Name
		if l.Protocol == HTTPS && (slices.Contains(l.Hosts, h) || len(l.Hosts) == 0 && h == "*") {
			v.fault(at, "listener %q answers requests for %q, so no stream can have it", l.Name, h)
		}
	}
}

// streamBackends checks where a stream goes; within says that TLS cannot be put around it.
func (v *validator) streamBackends(path string, list []Share, backends map[string]*Backend, within bool) {
	total := 0
	for k, w := range list {
		at := fmt.Sprintf("%s[%d]", path, k)
		weight := weight.Of(w.Weight)
		if weight < 0 || weight > maxWeight {
			v.fault(at+".weight", "%d is not between 0 and %d", weight, maxWeight)
		}
		total += max(weight, 0)
		b := backends[w.Name]
		if b == nil {
			v.fault(at+".name", "there is no backend %q", w.Name)
			continue
		}
		for _, field := range others(*b, "name", "endpoints", "tls") {
			v.fault(at+".name", "backend %q has %s, and a stream uses nothing but endpoints and tls", w.Name, field)
		}
		if b.TLS != nil && within {
			v.fault(at+".name", "backend %q has tls, and what is passed on is TLS already, or datagrams", w.Name)
		}
	}
	if total == 0 {
		v.fault(path, "there is none with a weight, so nothing could be sent anywhere")
	}
}
