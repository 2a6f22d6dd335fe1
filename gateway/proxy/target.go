// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"fmt"
	"net/http"
	"net/textproto"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/gateway/internal/weight"
	"github.com/gatehouse-sh/gatehouse/gateway/request"
	"github.com/gatehouse-sh/gatehouse/gateway/upstream"
)

// target is a route made ready.
type target struct {
	name     string
	filters  []Filter
	access   []Filter
	beside   []Filter
	redirect *redirect
	rewrite  *config.Rewrite
	shares   weight.List[*share]
	mirrors  []mirror
	request  edit
	response edit
	timeout  time.Duration
	attempt  time.Duration
	maxBody  int64 // 0: as the listener has it
	retry    *upstream.Retry
	cors     *cors // nil: none
	identity request.Identity
}

// share is what becomes of some requests: pool gets them, or else they are answered
// with the status.
type share struct {
	pool     *upstream.Pool
	status   int
	request  edit
	response edit
}

func compile(r *config.Route, pools map[string]*upstream.Pool) (target, error) {
	t := target{name: r.Name, rewrite: r.Rewrite, maxBody: r.BodyBytes, timeout: time.Duration(r.Timeout), attempt: time.Duration(r.AttemptTimeout), request: editOf(r.Request), response: editOf(r.Response), cors: corsOf(r.CORS)}
	if t.retry = upstream.DefaultRetry; r.Retry != nil {
		t.retry = upstream.NewRetry(r.Retry)
	}
	if r.Redirect != nil {
		t.redirect = &redirect{*r.Redirect}
	}
	for i := range r.Backends {
		b := &r.Backends[i]
		s := &share{status: b.Status, request: editOf(b.Request), response: editOf(b.Response)}
		if s.pool = pools[b.Name]; s.pool == nil && s.status == 0 {
			return target{}, fmt.Errorf("there is no backend %q", b.Name)
		}
		t.shares.Add(s, weight.Of(b.Weight))
	}
	for _, m := range r.Mirrors {
		if pools[m.Backend] == nil {
			return target{}, fmt.Errorf("there is no backend %q", m.Backend)
		}
		t.mirrors = append(t.mirrors, mirrorOf(m, pools[m.Backend]))
	}
	return t, nil
}

// edit changes header lines.
type edit struct {
	remove []string
	set    []line
	add    []line
}

type line struct{ name, value string }

func editOf(e config.HeaderEdit) edit {
	var out edit
	for _, name := range e.Remove {
		out.remove = append(out.remove, textproto.CanonicalMIMEHeaderKey(name))
	}
	for name, value := range e.Set {
		out.set = append(out.set, line{textproto.CanonicalMIMEHeaderKey(name), value})
	}
	for name, value := range e.Add {
		out.add = append(out.add, line{textproto.CanonicalMIMEHeaderKey(name), value})
	}
	return out
}

func (e *edit) apply(h http.Header) {
	for _, name := range e.remove {
		delete(h, name)
	}
	for _, l := range e.set {
		h[l.name] = []string{l.value}
	}
	for _, l := range e.add {
		h[l.name] = append(h[l.name], l.value)
	}
}

// identities are made of the names that no client can send to routes, once of those that
// several share. Nil of none.
func identities(names [][]string) []request.Identity {
	if names == nil {
		return nil
	}
	out, made := make([]request.Identity, len(names)), map[*string]request.Identity{}
	for i, list := range names {
		if len(list) == 0 {
			continue
		}
		if made[&list[0]] == nil {
			made[&list[0]] = request.NewIdentity(list)
		}
		out[i] = made[&list[0]]
	}
	return out
}
