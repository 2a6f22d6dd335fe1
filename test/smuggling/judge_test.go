// SPDX-License-Identifier: Apache-2.0

package smuggling

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/textproto"
	"slices"
	"strings"
)

// counts are what became of requests.
type counts struct {
	forwarded int // requests that a backend has reported whole
	refused   int // lines of the gateway for requests that it answered itself
	backend   int // requests that the backend refused
	silent    int // streams that ended in a refusal before there was a request to have a line
}

// key is by what a request is found again at a backend.
type key struct {
	port int
	id   string
}

// passed is a request on its way to a backend.
type passed struct {
	message
	key
}

// judgement is what is found out about a run.
type judgement struct {
	counts
	wrong    []string
	streams  map[string]*sent       // by client
	lines    map[string]*decision   // by id
	said     map[string][]*decision // by client, in their order
	garbage  map[string]int         // by client: lines about bytes that are no request
	passed   map[key]*passed
	byID     map[string][]*passed
	reported map[key]*report
	refusals map[int]int // by port
}

// judge says what those who have seen the requests of a run do not agree about.
func (r *run) judge() ([]string, counts) {
	j := &judgement{
		streams: map[string]*sent{}, lines: map[string]*decision{}, said: map[string][]*decision{}, garbage: map[string]int{},
		passed: map[key]*passed{}, byID: map[string][]*passed{}, reported: map[key]*report{}, refusals: map[int]int{},
	}
	for _, s := range r.streams {
		j.streams[s.client.String()] = s
	}
	for i := range r.decisions {
		j.decision(&r.decisions[i])
	}
	for _, t := range r.taps {
		j.tapped(t)
	}
	for i := range r.reports {
		j.report(&r.reports[i])
	}
	j.unreported()
	for i := range r.decisions {
		j.forwarded(&r.decisions[i])
	}
	for _, s := range r.streams {
		j.stream(s)
	}
	return j.wrong, j.counts
}

// complain says what is wrong about the stream of a client.
func (j *judgement) complain(client, format string, args ...any) {
	from := "nobody's stream (" + client + ")"
	if s := j.streams[client]; s != nil {
		from = fmt.Sprintf("%s %.600q", s.name, s.bytes)
	}
	j.wrong = append(j.wrong, fmt.Sprintf(format, args...)+"\n\tin "+from)
}

func (j *judgement) decision(d *decision) {
	if j.streams[d.Client] == nil {
		j.complain(d.Client, "a line of the log is about a client that there is not: %+v", *d)
	}
	if d.ID != "" {
		if j.lines[d.ID] != nil {
			j.complain(d.Client, "two lines of the log have the id %s", d.ID)
		}
		j.lines[d.ID] = d
	}
	if d.Backend == "" {
		j.refused++
	}
	if d.Protocol == "" { // bytes that may be found before what precedes them is answered
		if j.garbage[d.Client]++; j.garbage[d.Client] > 1 {
			j.complain(d.Client, "the log tells twice of bytes that are no request: %+v", *d)
		}
		return
	}
	j.said[d.Client] = append(j.said[d.Client], d)
}

// tapped reads what was sent to a backend over one connection: it must have one
// reading, and nothing that a lenient reader takes otherwise.
func (j *judgement) tapped(t *tapped) {
	list, err := read(t.sent)
	if err != nil && !errors.Is(err, errCut) {
		j.complain("", "what is sent to the backend has no one reading: %v: %.600q", err, t.sent)
	}
	for _, m := range list {
		client := m.value("x-forwarded-for")
		if odd := oddity(&m); odd != "" {
			j.complain(client, "what is sent to the backend has %s: %s %s %q", odd, m.method, m.target, m.lines)
		}
		p := &passed{m, key{t.port, m.value("x-request-id")}}
		if j.passed[p.key] != nil {
			j.complain(client, "a request was sent twice over one connection: %s %s", m.method, m.target)
		}
		j.passed[p.key] = p
		j.byID[p.id] = append(j.byID[p.id], p)
		d := j.lines[p.id]
		if d == nil || d.Client != client {
			j.complain(client, "%s %s is sent to the backend, and no line of the log says so: %+v", m.method, m.target, d)
			continue
		}
		path, query, _ := strings.Cut(m.target, "?")
		if d.Method != m.method || d.Path != path || d.Host != m.value("host") || d.Query != query && !strings.Contains(d.Query, "[redacted]") {
			j.complain(client, "%s %s of %s is sent to the backend, and the log says %s %s?%s of %s", m.method, m.target, m.value("host"), d.Method, d.Path, d.Query, d.Host)
		}
		if m.whole && d.Received != int64(len(m.body)) && !strings.HasPrefix(path, "/early") {
			j.complain(client, "%d bytes are sent to the backend, and the log says %d", len(m.body), d.Received)
		}
	}
}

// gateways are names of header lines that a backend is to have from the gateway, or
// that concern a connection.
var gateways = []string{
	"keep-alive", "proxy-connection", "proxy-authorization", "http2-settings", "forwarded", "x-real-ip", "via",
	"x-original-url", "x-rewrite-url", "x-http-method-override",
}

// oddity says what a request has that no canonical one does; "" is nothing.
func oddity(m *message) string {
	path, _, _ := strings.Cut(m.target, "?")
	lower := strings.ToLower(path)
	switch {
	case m.version != "HTTP/1.1":
		return "the version " + m.version
	case path == "" || path[0] != '/' || strings.Trim(path, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,=:@/%") != "":
		return "a path with other characters"
	case strings.ContainsAny(m.target, "#\\"):
		return "a target with a fragment or a backslash"
	case resolved(path) != path:
		return "a path with segments that are none"
	case strings.Contains(lower, "%2f"), strings.Contains(lower, "%5c"), strings.Contains(lower, "%2e"), strings.Contains(lower, "%0"), strings.Contains(lower, "%1"), strings.Contains(lower, "%7f"):
		return "an escape that is decoded to syntax"
	case decoded(decoded(path)) != decoded(path):
		return "an escape of an escape"
	case len(m.values("x-forwarded-for")) != 1, len(m.values("x-request-id")) != 1:
		return "two ids or clients, or none"
	case len(m.values("connection")) > 0 && (m.value("connection") != "Upgrade" || m.value("upgrade") != "websocket"):
		return "header lines of a connection"
	case len(m.values("connection")) == 0 && len(m.values("upgrade")) > 0:
		return "an upgrade that is none"
	case len(m.values("te")) > 0 && m.value("te") != "trailers":
		return "TE"
	}
	for _, l := range m.trailers {
		if strings.HasPrefix(l.name, "x-forwarded-") || l.name == "x-request-id" || l.name == "cookie" || l.name == "authorization" {
			return "the trailer " + l.name
		}
	}
	for _, l := range slices.Concat(m.lines, m.trailers) {
		if !isPlain(l.name) || slices.Contains(gateways, l.name) {
			return "the header line " + l.name
		}
	}
	return ""
}

// report compares what a backend says with what was sent to it.
func (j *judgement) report(r *report) {
	if r.Refused != "" {
		j.refusals[r.Port]++
		return
	}
	k := key{r.Port, r.ID}
	p := j.passed[k]
	if p == nil {
		client := ""
		for _, l := range r.Lines {
			if strings.EqualFold(l[0], "X-Forwarded-For") {
				client = l[1]
			}
		}
		j.complain(client, "the backend saw a request that was not sent: %+v", *r)
		return
	}
	client := p.value("x-forwarded-for")
	if j.reported[k] != nil {
		j.complain(client, "the backend saw a request twice: %+v", *r)
	}
	j.reported[k] = r
	if r.Method != p.method || r.Target != p.target || r.Host != p.value("host") {
		j.complain(client, "%s %s of %s was sent, and the backend saw %s %s of %s", p.method, p.target, p.value("host"), r.Method, r.Target, r.Host)
	}
	if d := j.lines[r.ID]; d != nil && decoded(d.Path) != r.Path {
		j.complain(client, "the log says %q, and the backend finds %q", decoded(d.Path), r.Path)
	}
	if sent, seen := linesOf(p), r.lines(); !slices.Equal(sent, seen) {
		j.complain(client, "the header lines %q were sent, and the backend saw %q", sent, seen)
	}
	if r.Early || !r.Whole {
		return
	}
	j.counts.forwarded++
	if sum := sumOf(p.body); !p.whole || r.Sum != sum || r.Length != int64(len(p.body)) {
		j.complain(client, "a body of %d bytes (%s, whole: %t) was sent, and the backend saw %d (%s)", len(p.body), sum, p.whole, r.Length, r.Sum)
	}
}

func sumOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// ofConnection are names that a proxy between the gateway and who reports may change.
var ofConnection = []string{"Host", "Connection", "Upgrade", "Content-Length", "Transfer-Encoding", "Te", "Trailer", "Expect"}

func linesOf(p *passed) (out []string) {
	for _, l := range p.lines {
		if name := textproto.CanonicalMIMEHeaderKey(l.name); !slices.Contains(ofConnection, name) {
			out = append(out, name+": "+l.value)
		}
	}
	slices.Sort(out)
	return out
}

func (r *report) lines() (out []string) {
	for _, l := range r.Lines {
		if name := textproto.CanonicalMIMEHeaderKey(l[0]); !slices.Contains(ofConnection, name) {
			out = append(out, name+": "+l[1])
		}
	}
	slices.Sort(out)
	return out
}

// unreported are requests that were sent whole and not seen: the client must not have
// been told otherwise.
func (j *judgement) unreported() {
	unseen := map[int]int{}
	for k, p := range j.passed {
		r := j.reported[k]
		if r != nil && r.Whole {
			continue
		}
		unseen[k.port]++ // who answered early may refuse the rest
		if d := j.lines[k.id]; p.whole && d != nil && (r == nil || !r.Early) {
			j.counts.backend++
			if d.Status < 400 && !j.elsewhere(p) {
				j.complain(d.Client, "%s %s was answered %d, and the backend has not seen it", p.method, p.target, d.Status)
			}
		}
	}
	for port, n := range j.refusals {
		if n > unseen[port] {
			j.wrong = append(j.wrong, fmt.Sprintf("the backend refused %d requests of a connection over which %d were sent that it did not serve", n, unseen[port]))
		}
	}
}

// elsewhere tells whether a request was sent again over a connection that worked.
func (j *judgement) elsewhere(p *passed) bool {
	return slices.ContainsFunc(j.byID[p.id], func(other *passed) bool {
		r := j.reported[other.key]
		return other.key != p.key && r != nil && (r.Whole || r.Early)
	})
}

// forwarded sees that what the log says was forwarded has reached the backend, once.
func (j *judgement) forwarded(d *decision) {
	if d.Backend == "" {
		return
	}
	if len(j.byID[d.ID]) == 0 && d.Status < 400 {
		j.complain(d.Client, "%s %s was answered %d, and nothing was sent to the backend", d.Method, d.Path, d.Status)
	}
	served := 0
	for _, p := range j.byID[d.ID] {
		if r := j.reported[p.key]; r != nil && r.Whole {
			served++
		}
	}
	if served > 1 {
		j.complain(d.Client, "%s %s was served %d times", d.Method, d.Path, served)
	}
}
