// SPDX-License-Identifier: Apache-2.0

package telemetry

import (
	"encoding/json"
	"strconv"
	"sync"
	"time"
)

// line is a line of JSON (RFC 8259) on its way.
type line struct{ b []byte }

// linePool keeps lines for others: each begins anew.
type linePool struct{ sync.Pool }

var lines = &linePool{sync.Pool{New: func() any { return &line{} }}}

// longestKept is 4 KiB, more than lines have unless a client makes them long.
const longestKept = 4 << 10

func (p *linePool) get() *line {
	l, is := p.Get().(*line)
	if !is {
		l = &line{}
	}
	l.b = l.b[:0]
	return l
}

func (p *linePool) put(l *line) {
	if cap(l.b) <= longestKept {
		p.Put(l)
	}
}

// record is all of a line. What is empty is left out, but for numbers.
func (l *line) record(r *Record, client string) {
	l.b = append(l.b, `{"time":"`...)
	l.b = r.Time.AppendFormat(l.b, time.RFC3339Nano)
	l.b = append(l.b, '"')
	l.text("id", r.ID)
	l.text("trace", r.Trace)
	l.text("gateway", r.Gateway)
	l.text("listener", r.Listener)
	l.text("client", client)
	l.text("protocol", r.Protocol)
	l.text("scheme", r.Scheme)
	l.text("method", r.Method)
	l.text("host", r.Host)
	l.text("path", r.Path)
	l.text("query", r.Query)
	for i := 0; i+1 < len(r.Header); i += 2 {
		l.text("header."+r.Header[i], r.Header[i+1])
	}
	l.text("route", r.Route)
	l.text("backend", r.Backend)
	l.text("principal", r.Principal)
	l.text("by", r.By)
	l.number("status", int64(r.Status))
	l.text("policy", r.Policy)
	l.text("rule", r.Rule)
	l.text("shadow", r.Shadow)
	l.text("reason", r.Reason)
	l.number("received", r.Received)
	l.number("sent", r.Sent)
	l.seconds("seconds", r.Total)
	l.seconds("backendSeconds", r.Upstream)
	l.b = append(l.b, "}\n"...)
}

func (l *line) text(name, value string) {
	if value != "" {
		l.name(name)
		l.quote(value)
	}
}

func (l *line) number(name string, n int64) {
	l.name(name)
	l.b = strconv.AppendInt(l.b, n, 10)
}

func (l *line) seconds(name string, d time.Duration) {
	l.name(name)
	l.b = strconv.AppendFloat(l.b, d.Seconds(), 'f', -1, 64)
}

func (l *line) name(name string) {
	l.b = append(l.b, ',')
	l.quote(name)
	l.b = append(l.b, ':')
}

// quote writes a string. One that is not all of printable ASCII without quotes and
// backslashes is left to encoding/json, which replaces what is no UTF-8.
func (l *line) quote(s string) {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			quoted, err := json.Marshal(s)
			if err != nil {
				quoted = []byte(`"\ufffd"`) // there is no string that it refuses
			}
			l.b = append(l.b, quoted...)
			return
		}
	}
	l.b = append(append(append(l.b, '"'), s...), '"')
}
