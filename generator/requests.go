// SPDX-License-Identifier: Apache-2.0

package generator

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Request is which requests of HTTP somebody means, without their query: of a method,
// empty for any, and of a path, or with * at its end of every path that begins so;
// empty for any.
type Request struct{ Method, Path string }

// Validate says what is wrong with a request.
func (r Request) Validate() error {
	const capitals = "ABCDEFGHIJKLMNOPQRSTUVWXYZ-"
	if strings.Trim(r.Method, capitals) != "" {
		return errors.New("a method is written in capitals: GET")
	}
	path, _ := strings.CutSuffix(r.Path, "*")
	switch {
	case r.Path == "":
	case !strings.HasPrefix(path, "/"):
		return errors.New("a path begins with /")
	case strings.Contains(path, "*"):
		return errors.New("in a path, * stands at its end alone")
	case strings.ContainsFunc(path, func(c rune) bool { return c <= ' ' || c > '~' || c == '?' || c == '#' }):
		return errors.New("a path is printable ASCII as it stands in the request, without the query")
	}
	return nil
}

// holds reports whether every request of o is one of r.
func (r Request) holds(o Request) bool {
	prefix, open := strings.CutSuffix(r.Path, "*")
	return (r.Method == "" || r.Method == o.Method) && (r.Path == "" || r.Path == o.Path || open && strings.HasPrefix(o.Path, prefix))
}

// Requests is requests of HTTP as one value that can be compared. The zero value is
// every request, of whatever protocol.
type Requests struct{ text string }

// RequestsOf returns the requests that are any of a list, which are valid; every one
// for an empty list, or where one of them says nothing.
func RequestsOf(list ...Request) Requests {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b Request) int { return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Method, b.Method)) })
	list = slices.Compact(list)
	lines := make([]string, 0, len(list))
	for _, r := range list {
		if r == (Request{}) {
			return Requests{}
		}
		if !slices.ContainsFunc(list, func(o Request) bool { return o != r && o.holds(r) }) {
			lines = append(lines, r.Method+" "+r.Path) // neither has a space
		}
	}
	return Requests{strings.Join(lines, "\n")}
}

// All reports whether it is every request.
func (r Requests) All() bool { return r.text == "" }

// List returns the requests by path and method; none for all.
func (r Requests) List() []Request {
	if r.All() {
		return nil
	}
	var out []Request
	for line := range strings.SplitSeq(r.text, "\n") {
		method, path, _ := strings.Cut(line, " ")
		out = append(out, Request{method, path})
	}
	return out
}

// String returns the requests as people write them: "GET /carts/*, POST /carts".
func (r Requests) String() string {
	list := r.List()
	words := make([]string, 0, len(list))
	for _, q := range list {
		words = append(words, cmp.Or(q.Method, "any method")+" "+cmp.Or(q.Path, "*"))
	}
	return strings.Join(words, ", ")
}

// Compare orders requests; all of them are first.
func (r Requests) Compare(o Requests) int { return strings.Compare(r.text, o.text) }

// Intersect returns the requests that are in both, and whether there is any.
func (r Requests) Intersect(o Requests) (Requests, bool) {
	if r.All() || o.All() {
		return Requests{cmp.Or(r.text, o.text)}, true
	}
	var both []Request
	for _, a := range r.List() {
		for _, b := range o.List() {
			method, path := Request{Method: a.Method}, Request{Path: a.Path}
			switch {
			case method.holds(Request{Method: b.Method}):
				method.Method = b.Method
			case !(Request{Method: b.Method}).holds(method):
				continue
			}
			switch {
			case path.holds(Request{Path: b.Path}):
				path.Path = b.Path
			case !(Request{Path: b.Path}).holds(path):
				continue
			}
			both = append(both, Request{method.Method, path.Path})
		}
	}
	return RequestsOf(both...), len(both) > 0
}

// Requests are those of HTTP that the connection is for: what the intents for it ask for
// together. One that asks for no request in particular asks for all; manifests, flows and
// templates know nothing of requests and change nothing.
func (e *Edge) Requests() Requests {
	var asked []Request
	for _, b := range e.Because {
		switch {
		case b.Source != Intent:
		case b.Requests.All():
			return Requests{}
		default:
			asked = append(asked, b.Requests.List()...)
		}
	}
	return RequestsOf(asked...)
}

// Widened returns the edges that somebody asks for with some requests in particular,
// and on which policies allow every one all the same: in a dialect that knows no
// requests, where the end that accepts is not guarded, and where another edge allows
// all of them. They are in the model and in the policies: it is for a person to know.
func (m *Model) Widened(knowsRequests bool) []Problem {
	var asking []*Edge
	var others []Edge
	for i := range m.Edges {
		if e := &m.Edges[i]; e.Requests().All() {
			others = append(others, *e)
		} else {
			asking = append(asking, e)
		}
	}
	if len(asking) == 0 {
		return nil
	}
	x := newWholes(m, others)
	var out []Problem
	for _, e := range asking {
		problem := func(format string, args ...any) {
			out = append(out, Problem{*e, "every request is allowed, and not only " + e.Requests().String() + ": " + fmt.Sprintf(format, args...)})
		}
		switch around := x.near(*e, m.portsMeet); {
		case !knowsRequests:
			problem("of the policies, only those of Cilium know HTTP")
		case !m.guardsIngress(e.To):
			problem("requests are looked at where they are accepted, and that is not guarded")
		case len(around) > 0:
			problem("%s is allowed too, and asks for none in particular", others[around[0]])
		}
	}
	return out
}

// portsMeet compares ports by the numbers that they have in the pods that accept.
func (m *Model) portsMeet(e, f Edge) bool {
	members := m.Members(f.To)
	if len(members) == 0 || e.Port == f.Port {
		return e.Port == f.Port || !Ports(e.Port).Intersect(Ports(f.Port)).Empty()
	}
	return slices.ContainsFunc(members, func(w *Workload) bool { return !w.Resolve(e.Port).Intersect(w.Resolve(f.Port)).Empty() })
}

// guardsIngress reports whether all that a peer is are pods that accept only what the
// model has.
func (m *Model) guardsIngress(p Peer) bool {
	switch p.Kind { //nolint:exhaustive // the others are no pods of one namespace
	case WorkloadPeer, NamespacePeer:
		return m.Guards[p.Namespace].Ingress
	}
	group, _ := m.Environment.Group(p.Kind)
	return len(group.Pods) > 0 && len(group.Addresses) == 0 && !slices.ContainsFunc(group.Pods, func(s PodSet) bool { return !m.Guards[s.Namespace].Ingress })
}
