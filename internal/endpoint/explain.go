// SPDX-License-Identifier: Apache-2.0

package endpoint

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/gateway/request"
	"github.com/gatehouse-sh/gatehouse/gateway/route"
	"github.com/gatehouse-sh/gatehouse/gateway/translate"
)

// RouteAPIVersion is the version of the JSON form of a Trace.
const RouteAPIVersion = "gatehouse.sh/route/v1"

// Question is a request as a client would send it.
type Question struct {
	Method  string // empty is GET
	Host    string
	Target  string // path and query
	Headers http.Header
	Port    int // 0: every listener
}

// Trace is what becomes of a request at each listener that it could come to. Its JSON
// form is docs/schema/route-v1.json.
type Trace struct {
	APIVersion string   `json:"apiVersion"`
	Method     string   `json:"method"`
	Host       string   `json:"host"`
	Target     string   `json:"target"`
	Answers    []Answer `json:"answers"`
	Assumed    []string `json:"assumed"`
}

// Answer is what one listener makes of a request.
type Answer struct {
	Endpoint
	Form   *Form  `json:"form"`   // null: it has none, and is refused; or nobody reads it
	Status int    `json:"status"` // with which the gateway answers by itself; 0: a backend answers, or the policies refuse
	Reason string `json:"reason"` // of the status: "no-route"
	Match  string `json:"match"`  // that was taken, in words
	Sent   string `json:"sent"`   // what the backend is asked for, where that is something else
	// Traffic are traffic policies that hold, in the order in which they are asked.
	Traffic []Held  `json:"traffic"`
	Tried   []Tried `json:"tried"`
}

// Form is the one form of the request that routes, policies and backends see.
type Form struct {
	Method string `json:"method"`
	Scheme string `json:"scheme"`
	Host   string `json:"host"`
	Path   string `json:"path"`
	Query  string `json:"query"`
}

// Tried is a match that was looked at.
type Tried struct {
	Route *Route `json:"route"`
	Host  string `json:"host"`
	Match string `json:"match"`
	Taken bool   `json:"taken"`
	Why   string `json:"why"` // it was not taken
}

// Explain says what becomes of a request at every listener of the gateway.
func (w *World) Explain(q *Question) (*Trace, error) {
	out := &Trace{APIVersion: RouteAPIVersion, Method: q.Method, Host: q.Host, Target: q.Target, Answers: []Answer{}, Assumed: append([]string{}, w.classes.assumed...)}
	if out.Method == "" {
		out.Method = http.MethodGet
	}
	for _, s := range w.snapshots() {
		index, err := route.New(s.snapshot)
		if err != nil {
			return nil, fmt.Errorf("read the routes of %s: %w", s.through().By, err)
		}
		for i := range s.snapshot.Listeners {
			l := &s.snapshot.Listeners[i]
			if q.Port != 0 && int(l.Address.Port()) != q.Port {
				continue
			}
			if a, asked := s.answer(index, l, q); asked {
				out.Answers = append(out.Answers, a)
			}
		}
	}
	slices.SortStableFunc(out.Answers, func(a, b Answer) int { return compareEndpoints(a.Endpoint, b.Endpoint) })
	return out, nil
}

// asker is an address from which a request may come (RFC 5737, section 3).
var asker = netip.MustParseAddr("203.0.113.1")

// answer is what a listener makes of a request. False for listeners at which no name is
// asked for, unless their port is.
func (s *served) answer(index *route.Index, l *config.Listener, q *Question) (Answer, bool) {
	host, _, refusal := request.Host(q.Host)
	if refusal != nil {
		host = ""
	}
	if t := s.streamFor(l, host); t != nil {
		return Answer{Endpoint: s.ofStream(l, t, nameOr(t.Names(), host), nil), Traffic: []Held{}, Tried: []Tried{}}, l.Protocol.Named() || q.Port != 0
	}
	if l.Protocol.Stream() {
		return Answer{}, false
	}
	out := Answer{Endpoint: s.empty(l, host), Traffic: []Held{}, Tried: []Tried{}}
	form, refused := s.parse(l, q)
	if refused != nil {
		out.Status, out.Reason, out.Answer = refused.StatusCode(), string(refused.Reason), AnswerRefused
		return out, true
	}
	out.Form = &Form{form.Method, form.Scheme, form.Host, form.Path, form.Query}
	if l.Redirect != 0 {
		out.Answer, out.Detail = AnswerRedirect, fmt.Sprintf("to scheme https, port %d", l.Redirect)
		return out, true
	}
	tried := index.Trace(l.Name, form)
	hit, found := index.Find(l.Name, form)
	for i := range tried {
		out.Tried = append(out.Tried, s.tried(&tried[i], tried))
		if found && tried[i].Outcome == route.Taken {
			out.Match = out.Tried[i].Match
		}
	}
	if !found {
		out.Status, out.Reason = http.StatusNotFound, "no-route"
		out.Answer = AnswerRefused
		return out, true
	}
	r := &s.snapshot.Routes[hit.Route]
	out.Endpoint = s.ofRoute(l, r, ownerOf(r.Hosts, form.Host), nil)
	out.Traffic = s.trafficHeld(l, form.Host, r.Traffic)
	out.Sent = sent(r, form, hit.Prefix)
	return out, true
}

// parse brings a request into its form, as the data plane does.
func (s *served) parse(l *config.Listener, q *Question) (*request.Form, *request.Refusal) {
	o := s.snapshot.Form(l)
	r := &http.Request{Method: q.Method, Host: q.Host, RequestURI: q.Target, Header: q.Headers.Clone(), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}
	if r.Method == "" {
		r.Method = http.MethodGet
	}
	if r.Header == nil {
		r.Header = http.Header{}
	}
	form, refusal := request.Parse(r, asker, &o)
	if refusal != nil {
		return nil, refusal
	}
	return &form, nil
}

// streamFor finds the stream that takes connections for a host, where that is no request.
func (s *served) streamFor(l *config.Listener, host string) *config.Stream {
	var hosts []string
	var of []*config.Stream
	for i := range s.snapshot.Streams {
		t := &s.snapshot.Streams[i]
		if !slices.Contains(t.Listeners, l.Name) {
			continue
		}
		if !l.Protocol.Named() {
			return t
		}
		for _, h := range t.Names() {
			hosts, of = append(hosts, h), append(of, t)
		}
	}
	if !l.Protocol.Stream() {
		for _, h := range orEvery(l.Hosts) {
			if !slices.Contains(hosts, h) {
				hosts, of = append(hosts, h), append(of, nil)
			}
		}
	}
	if at := translate.Owner(hosts, host); at >= 0 {
		return of[at]
	}
	return nil
}

func nameOr(names []string, host string) string {
	if at := translate.Owner(names, host); at >= 0 {
		return names[at]
	}
	return host
}

func ownerOf(hosts []string, host string) string { return nameOr(orEvery(hosts), host) }

// empty is a listener at which nothing is found: its policies hold for that as well.
func (s *served) empty(l *config.Listener, host string) Endpoint {
	out := Endpoint{
		Through: s.through(), Listener: s.listener(l, host), Host: host, Matches: []string{}, TLS: s.tls(l, l.TLS, host),
		Answer: AnswerRefused, Backends: []Backend{}, Findings: s.findings(s.key()),
	}
	var enforced []Held
	for _, h := range s.accessHeld(l, host, nil) {
		if h.Mode == string(config.Enforced) {
			enforced = append(enforced, h)
		}
	}
	out.Authentication, out.Authorization = s.authentication(enforced, &out.TLS)
	out.Limits = s.limits(s.trafficHeld(l, host, nil), l, nil)
	return out
}
