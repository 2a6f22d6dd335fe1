// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"fmt"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
)

// Bounds of one Ingress: its paths are rules, each of which is judged, and an alias has all
// of them once more.
const (
	maxAliases = 64
	maxPaths   = 10_000
)

// bounded are the hosts of an Ingress. Of one with too many paths all is refused that is
// asked of its hosts: which of them others may have is not known.
func (m *manner) bounded(hosts []*hosted) []*hosted {
	n := 0
	for _, h := range hosts {
		n += len(h.paths)
	}
	if n <= maxPaths {
		return hosts
	}
	m.closed = true
	m.say(m.ingress, "TooManyPaths", fmt.Sprintf("its hosts have %d paths together, with those of aliases, and %d are the most", n, maxPaths)+unserved)
	prefix := networkingv1.PathTypePrefix
	for _, h := range hosts {
		h.paths = []pathOf{{&networkingv1.HTTPIngressPath{Path: "/", PathType: &prefix}, "rules"}}
	}
	return hosts
}

// tlsHosts finds what an Ingress says of TLS for its hosts.
type tlsHosts struct {
	all    []networkingv1.IngressTLS
	named  map[string]int // the first entry with a host
	any    int            // the first with "*", which covers every host
	others int            // the first without hosts, which is for all; -1 of both: none
}

func tlsHostsOf(i *networkingv1.Ingress) *tlsHosts {
	out := &tlsHosts{all: i.Spec.TLS, named: map[string]int{}, any: -1, others: -1}
	for n := range i.Spec.TLS {
		if len(i.Spec.TLS[n].Hosts) == 0 && out.others < 0 {
			out.others = n
		}
		for _, h := range i.Spec.TLS[n].Hosts {
			if _, known := out.named[hostOf(h)]; !known {
				out.named[hostOf(h)] = n
			}
			if h == "*" && out.any < 0 {
				out.any = n
			}
		}
	}
	return out
}

// of is what is said for a host; nil if nothing. Its own entry comes before that of a
// host that covers it.
func (t *tlsHosts) of(host string) *networkingv1.IngressTLS {
	found, known := t.named[host]
	if !known {
		found = t.any
		if _, rest, cut := strings.Cut(host, "."); cut && covers("?."+rest, host) {
			if n, wild := t.named["?."+rest]; wild && (found < 0 || n < found) {
				found = n
			}
		}
		if found < 0 {
			found = t.others
		}
	}
	if found < 0 {
		return nil
	}
	return &t.all[found]
}

// shared knows which routes have a host of a listener first: the oldest, and the oldest of
// another namespace than that one's.
type shared map[listened][2]*route

// listened is a host of a listener.
type listened struct {
	listener *listener
	host     string
}

func (s shared) add(r *route) {
	for _, p := range r.parents {
		for _, a := range p.at {
			for _, h := range a.hosts {
				at := listened{a.listener, h}
				s[at] = firsts(s[at], r)
			}
		}
	}
}

// firsts are the oldest of two routes and another one, and the oldest of those of another
// namespace.
func firsts(two [2]*route, r *route) [2]*route {
	switch {
	case two[0] == nil:
		return [2]*route{r}
	case two[0].name.Namespace == r.name.Namespace:
		return [2]*route{older(two[0], r), two[1]}
	case older(two[0], r) == r:
		return [2]*route{r, two[0]}
	case two[1] == nil || older(two[1], r) == r:
		return [2]*route{two[0], r}
	}
	return two
}

// before returns an older route of another namespace for a host of the listeners of a part
// of an Ingress; nil if there is none.
func (s shared) before(r *route, host func(attachment) string) *route {
	for _, a := range r.parents[0].at {
		for _, other := range s[listened{a.listener, host(a)}] {
			if other != nil && other.name.Namespace != r.name.Namespace && older(other, r) == other {
				return other
			}
		}
	}
	return nil
}
