// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"slices"

	"github.com/gatehouse-sh/gatehouse/gateway/access"
	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// guard are the policies that a request meets whatever its route is, and those for
// routes that have none of their own.
type guard struct{ traffic, access attached }

// named is a host of a listener.
type named struct{ guard *guard } // nil: that of the listener

// guardOf finds the policies for a host.
func (l *listener) guardOf(host string) *guard {
	if n := l.hosts.Find(host); n != nil && n.guard != nil {
		return n.guard
	}
	return &l.guard
}

// guarded makes the policies of a listener and of its hosts ready.
func (l *listener) guarded(c *config.Listener, limits *traffic, policies map[string]*access.Policy) error {
	own, err := attachAccess(c.Access, policies)
	if err != nil {
		return err
	}
	l.guard = guard{limits.attach(c.Traffic), own}
	if len(c.ForHosts) == 0 {
		return nil
	}
	for _, h := range c.Hosts {
		l.hosts.Set(h, &named{})
	}
	for i := range c.ForHosts {
		h := &c.ForHosts[i]
		if own, err = attachAccess(h.Access, policies); err != nil {
			return err
		}
		l.hosts.Set(h.Host, &named{&guard{l.guard.traffic.and(limits.attach(h.Traffic)), l.guard.access.and(own)}})
	}
	return nil
}

// and adds what is more specific: it is asked after the rest, and its defaults take the
// place of the others.
func (a attached) and(b attached) attached {
	out := attached{enforced: slices.Concat(a.enforced, b.enforced), late: slices.Concat(a.late, b.late), defaults: a.defaults}
	if len(b.defaults) > 0 {
		out.defaults = b.defaults
	}
	return out
}
