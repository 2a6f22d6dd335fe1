// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"slices"

	"github.com/gatehouse-sh/gatehouse/gateway/internal/weight"
)

// Stream sends what comes to listeners of TCP, TLS or UDP to backends, as it is.
type Stream struct {
	Name      string   `yaml:"name"`
	Listeners []string `yaml:"listeners"`
	// Hosts are names that clients of TLS ask for, as Route.Hosts has them. None, or
	// "*", is every name, and none.
	Hosts    []string `yaml:"hosts,omitempty"`
	Backends []Share  `yaml:"backends"`
}

// Share is a backend and its share of the connections.
type Share struct {
	Name   string `yaml:"name"`
	Weight *int   `yaml:"weight,omitempty"` // nil is 1; 0 gets none
}

// maxWeight is what a share of requests or connections is at most.
const maxWeight = 1_000_000

// streams checks the streams, and that every listener that wants one has it.
func (v *validator) streams(s *Snapshot) {
	listeners, backends := make(map[string]*Listener, len(s.Listeners)), make(map[string]*Backend, len(s.Backends))
	for i := range s.Listeners {
		listeners[s.Listeners[i].Name] = &s.Listeners[i]
	}
	for i := range s.Backends {
		backends[s.Backends[i].Name] = &s.Backends[i]
	}
	type place struct{ listener, host string }
	taken := map[place]string{}
	for i := range s.Streams {
		t, path := &s.Streams[i], fmt.Sprintf("streams[%d]", i)
		hosts := t.Hosts
		if len(hosts) == 0 {
			hosts = []string{"*"}
		}
		for k, h := range t.Hosts {
			v.host(fmt.Sprintf("%s.hosts[%d]", path, k), h)
		}
		if len(t.Listeners) == 0 {
			v.fault(path+".listeners", "there is none, so nothing comes to it")
		}
		for k, name := range t.Listeners {
			at := fmt.Sprintf("%s.listeners[%d]", path, k)
			l := listeners[name]
			if l == nil || !l.Protocol.Stream() {
				v.fault(at, "there is no listener %q of TCP, TLS or UDP", name)
				continue
			}
			if l.Protocol != Passthrough && len(t.Hosts) > 0 {
				v.fault(path+".hosts", "listener %q is of %s, where no name is asked for", name, l.Protocol)
			}
			for _, h := range hosts {
				if other := taken[place{name, h}]; other != "" {
					v.fault(at, "stream %q has %q of listener %q already", other, h, name)
				}
				taken[place{name, h}] = t.Name
			}
		}
		v.streamBackends(path+".backends", t.Backends, backends)
	}
	for i := range s.Listeners {
		l := &s.Listeners[i]
		if l.Protocol.Stream() && !slices.ContainsFunc(s.Streams, func(t Stream) bool { return slices.Contains(t.Listeners, l.Name) }) {
			v.fault(fmt.Sprintf("listeners[%d]", i), "no stream names it, so nobody could be served")
		}
	}
}

func (v *validator) streamBackends(path string, list []Share, backends map[string]*Backend) {
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
		for _, field := range others(*b, "name", "endpoints") {
			v.fault(at+".name", "backend %q has %s, and a stream uses nothing but endpoints", w.Name, field)
		}
	}
	if total == 0 {
		v.fault(path, "there is none with a weight, so nothing could be sent anywhere")
	}
}
