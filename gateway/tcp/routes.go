// SPDX-License-Identifier: Apache-2.0

package tcp

import (
	"fmt"
	"slices"

	"github.com/gatehouse-sh/gatehouse/gateway/certs"
	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/gateway/internal/hosts"
)

// Routes are the streams of one listener. They do not change.
type Routes struct{ targets hosts.Map[Target] }

// NewRoutes makes the streams of a listener ready. Hosts for which one of HTTPS answers
// requests have a Target of no stream. The certificates that are shown to backends are from store.
func NewRoutes(l *config.Listener, s *config.Snapshot, b *Backends, store *certs.Store) (*Routes, error) {
	backends := make(map[string]*config.Backend, len(s.Backends))
	for i := range s.Backends {
		backends[s.Backends[i].Name] = &s.Backends[i]
	}
	r := &Routes{}
	if l.Protocol == config.HTTPS {
		for _, host := range l.Hosts {
			r.targets.Set(host, &Target{})
		}
	}
	for i := range s.Streams {
		stream := &s.Streams[i]
		if !slices.Contains(stream.Listeners, l.Name) {
			continue
		}
		t, err := b.target(stream, backends, store)
		if err != nil {
			return nil, fmt.Errorf("stream %s: %w", stream.Name, err)
		}
		for _, host := range stream.Names() {
			r.targets.Set(host, t)
		}
	}
	return r, nil
}

// Find is where a client goes that asks for a name, "" for none: the stream of the
// name, of the longest "*." that it is below, or of all others. Nil: nowhere.
func (r *Routes) Find(name string) *Target { return r.targets.Find(name) }
