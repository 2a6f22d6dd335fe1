// SPDX-License-Identifier: Apache-2.0

package route

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/gateway/internal/hosts"
	"github.com/gatehouse-sh/gatehouse/gateway/request"
)

// Index finds routes by listener, host and path. It does not change; any number
// of goroutines may use it.
type Index struct {
	listeners map[string]*hosts.Map[paths]
}

// paths are the routes of one host. The zero value has none.
type paths struct {
	exact    byPath
	prefixes byPath // without final slash: "" is every path
	deepest  int    // segments of the longest prefix
	regexes  []candidate
}

// candidate is one match of one route.
type candidate struct {
	route   int // position in the snapshot
	match   int
	prefix  string
	path    *regexp.Regexp
	method  string
	headers []value
	query   []value
}

// Hit is what was found.
type Hit struct {
	Route  int    // position in the snapshot's Routes
	Prefix string // that fitted, without final slash; "" if none did, or "/"
}

// New makes an index. The snapshot must be valid.
func New(s *config.Snapshot) (*Index, error) {
	x := &Index{listeners: make(map[string]*hosts.Map[paths], len(s.Listeners))}
	for i := range s.Listeners {
		h := new(hosts.Map[paths])
		for _, name := range s.Listeners[i].Hosts {
			h.Set(name, &paths{}) // nothing is there, unless a route is added
		}
		x.listeners[s.Listeners[i].Name] = h
	}
	for i := range s.Routes {
		if err := x.add(s, i); err != nil {
			return nil, fmt.Errorf("route %s: %w", s.Routes[i].Name, err)
		}
	}
	for _, h := range x.listeners {
		for p := range h.All() {
			p.sort()
		}
	}
	return x, nil
}

func (x *Index) add(s *config.Snapshot, route int) error {
	r := &s.Routes[route]
	list, err := candidates(r, route)
	if err != nil {
		return err
	}
	names, to := r.Hosts, r.Listeners
	if len(names) == 0 {
		names = []string{"*"}
	}
	if len(to) == 0 {
		for i := range s.Listeners {
			if l := &s.Listeners[i]; l.Redirect == 0 && !l.Protocol.Stream() {
				to = append(to, l.Name)
			}
		}
	}
	for _, listener := range to {
		h, known := x.listeners[listener]
		if !known {
			return fmt.Errorf("there is no listener %q", listener)
		}
		for _, name := range names {
			p := h.Get(name)
			if p == nil {
				p = &paths{}
				h.Set(name, p)
			}
			p.add(list)
		}
	}
	return nil
}

func (p *paths) add(list []candidate) {
	for i := range list {
		c := &list[i]
		switch {
		case c.path != nil:
			p.regexes = append(p.regexes, *c)
		case strings.HasPrefix(c.prefix, "="):
			p.exact.put(c.prefix[1:], list[i:i+1])
		default:
			p.prefixes.put(c.prefix, list[i:i+1])
			p.deepest = max(p.deepest, strings.Count(c.prefix, "/"))
		}
	}
}

func (p *paths) sort() {
	sortBySpecificity(p.regexes)
	p.exact.sort()
	p.prefixes.sort()
}

// Find returns the route of a request that came to a listener.
func (x *Index) Find(listener string, f *request.Form) (Hit, bool) {
	h := x.listeners[listener]
	if h == nil {
		return Hit{}, false
	}
	p := h.Find(f.Host)
	if p == nil {
		return Hit{}, false
	}
	return p.find(f)
}

func (p *paths) find(f *request.Form) (Hit, bool) {
	if hit, found := first(p.exact.of(f.Path), f); found {
		return hit, true
	}
	if hit, found := first(p.regexes, f); found {
		return hit, true
	}
	return p.prefix(f)
}

// longest is the longest part of a path that could be a prefix of a route.
func (p *paths) longest(path string) string {
	end, depth := 0, 0
	for i := 0; i < len(path) && depth <= p.deepest; i++ {
		if path[i] == '/' {
			depth++
		}
		end = i + 1
	}
	if depth > p.deepest {
		end-- // the slash after the last segment that counts
	}
	return strings.TrimSuffix(path[:end], "/")
}

// prefix looks the path up, and what is left of it without its last segment, and
// so on, from the deepest prefix that there is.
func (p *paths) prefix(f *request.Form) (Hit, bool) {
	for at := p.longest(f.Path); ; at = at[:strings.LastIndexByte(at, '/')] {
		if list := p.prefixes.of(at); len(list) > 0 {
			if hit, found := first(list, f); found {
				return hit, true
			}
		}
		if at == "" {
			return Hit{}, false
		}
	}
}

func first(list []candidate, f *request.Form) (Hit, bool) {
	for i := range list {
		if c := &list[i]; c.fits(f) {
			prefix := c.prefix
			if strings.HasPrefix(prefix, "=") {
				prefix = ""
			}
			return Hit{Route: c.route, Prefix: prefix}, true
		}
	}
	return Hit{}, false
}
