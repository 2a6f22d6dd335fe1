// SPDX-License-Identifier: Apache-2.0

package endpoint

import (
	"fmt"
	"io"
)

// Text writes the answers for people to read.
func (t *Trace) Text(w io.Writer) error {
	var l lines
	for i := range t.Answers {
		a := &t.Answers[i]
		l.head("%s, listener %s, port %d (%s)", a.Through.By, a.Listener.Name, a.Listener.Port, a.Listener.Protocol)
		a.text(&l)
		if i < len(t.Answers)-1 {
			l.b.WriteByte('\n')
		}
	}
	_, err := io.WriteString(w, l.b.String())
	return err
}

func (a *Answer) text(l *lines) {
	if f := a.Form; f != nil {
		text := f.Method + " " + f.Scheme + "://" + f.Host + f.Path
		if f.Query != "" {
			text += "?" + f.Query
		}
		l.put("request", text)
	}
	if a.Status != 0 {
		why := map[string]string{"no-route": "no route is for this host and path"}[a.Reason]
		if why == "" {
			why = "the request has no form that can be judged"
		}
		l.put("answered", fmt.Sprintf("%d %s: %s", a.Status, a.Reason, why))
	}
	l.put("match", a.Match)
	a.detail(l)
	l.put("sent as", a.Sent)
	traffic := make([]string, 0, len(a.Traffic))
	for _, h := range a.Traffic {
		traffic = append(traffic, h.String())
	}
	l.list("limited by", traffic)
	var lost []string
	for i := range a.Tried {
		if t := &a.Tried[i]; !t.Taken {
			of := "a route"
			if t.Route != nil {
				of = t.Route.String()
			}
			lost = append(lost, fmt.Sprintf("%s (%s %s): %s", of, t.Host, t.Match, t.Why))
		}
	}
	l.list("not taken", lost)
}
