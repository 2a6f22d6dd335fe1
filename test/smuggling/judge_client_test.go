// SPDX-License-Identifier: Apache-2.0

package smuggling

import (
	"bytes"
	"strings"
)

// stream compares what a client has sent and got with the lines of the log about it.
func (j *judgement) stream(s *sent) {
	client := s.client.String()
	lines := j.said[client]
	if s.hangs {
		j.complain(client, "the gateway answers nothing more and does not end the connection: %v %+v", s.fault, s.responses)
	}
	served := 0
	for i, res := range s.responses {
		if res.status == 200 && res.saw != "" {
			served++
		}
		if res.saw != "" && res.saw != res.id {
			j.complain(client, "an answer to another request came: %+v", res)
		}
		d := j.lines[res.id]
		if res.id != "" && (d == nil || d.Client != client) {
			j.complain(client, "an answer to another client came: %+v, %+v", res, d)
		}
		if s.http2 != nil {
			continue
		}
		switch {
		case i >= len(lines):
			if j.garbage[client] == 0 {
				j.silent++
			}
			if res.status < 400 || i > len(lines) || i+1 < len(s.responses) {
				j.complain(client, "answer %d has no line in the log: %+v", i, res)
			}
		case lines[i].ID != res.id || lines[i].Status != res.status:
			j.complain(client, "answer %d is %+v, and the log says %+v", i, res, *lines[i])
		case res.saw == "" && lines[i].Backend != "" && lines[i].Reason == "" && res.status < 400:
			j.complain(client, "answer %d does not come from the backend: %+v", i, res)
		}
	}
	if s.http2 == nil && j.garbage[client] > 0 && len(s.responses) > 0 && len(s.responses) == len(lines) {
		// The connection may have ended before that was said.
		if last := lines[len(lines)-1]; last.Reason == "bad-body" {
			j.complain(client, "the log tells twice of one refusal: %+v", *last)
		}
	}
	if served < s.must {
		j.complain(client, "%d requests were served, and there are %d that must be: %+v", served, s.must, s.responses)
	}
	if s.http2 == nil {
		j.reading(s, lines)
	}
}

// reading compares the lines of the log, in their order, with the requests that RFC
// 9112 finds in the stream. What the gateway forwards must be one of them.
func (j *judgement) reading(s *sent, lines []*decision) {
	client := s.client.String()
	for i, d := range lines {
		sent := j.byID[d.ID]
		if d.ID == "" || len(sent) == 0 {
			continue // nothing of it went on
		}
		if i >= len(s.want) {
			j.complain(client, "request %d was forwarded, and RFC 9112 finds no more than %d: %v: %+v", i, len(s.want), s.fault, *d)
			return
		}
		want := &s.want[i]
		path, query := asked(want.target)
		if d.Method != want.method || decoded(d.Path) != path || hostOf(want.value("host")) != d.Host {
			j.complain(client, "request %d is %s %q of %q, and %s %q of %q was forwarded", i, want.method, path, want.value("host"), d.Method, d.Path, d.Host)
		}
		if decoded(d.Query) != decoded(query) && !strings.Contains(d.Query, "[redacted]") {
			j.complain(client, "request %d asks for %q, and %q was forwarded", i, query, d.Query)
		}
		for _, p := range sent {
			if p.whole && (!want.whole || !bytes.Equal(p.body, want.body)) {
				j.complain(client, "request %d has the body %.100q (whole: %t), and %.100q was forwarded", i, want.body, want.whole, p.body)
			}
			if !p.whole && !bytes.HasPrefix(want.body, p.body) {
				j.complain(client, "request %d has the body %.100q, and %.100q of it was forwarded", i, want.body, p.body)
			}
		}
	}
}

// hostOf is the one form of an authority.
func hostOf(authority string) string {
	if authority == "[0:0:0:0:0:0:0:1]" { // the only one of the table that is another
		return "[::1]"
	}
	host, port, has := strings.Cut(strings.ToLower(authority), ":")
	host = strings.TrimSuffix(host, ".")
	if has {
		return host + ":" + port
	}
	return host
}
