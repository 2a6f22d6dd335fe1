// SPDX-License-Identifier: Apache-2.0

package extauthz

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"net/textproto"
	"slices"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/access"
	"github.com/gatehouse-sh/gatehouse/gateway/request"
	"github.com/gatehouse-sh/gatehouse/gateway/upstream/http1"
)

// Reasons of refusals.
const (
	Refused     = "external-refused"
	Unavailable = "external-unavailable"
	Busy        = "external-busy"
)

// Defaults of Common.
const (
	DefaultTimeout     = 2 * time.Second
	DefaultConcurrency = 256
)

// Common says what a service and its answer have in common, however it is asked.
type Common struct {
	RequestHeaders  []string // of the client, as Lines says
	Lines           Lines
	ResponseHeaders []string // of the service, which the backend gets
	ClientHeaders   []string // of a refusal, which the client gets beside those of refusals

	Timeout     time.Duration // 0 is DefaultTimeout
	Concurrency int           // 0 is DefaultConcurrency; one more is refused at once
}

// Lines are the lines of the client that the service gets.
type Lines uint8

// The lines of the client.
const (
	Usual Lines = iota // RequestHeaders and Authorization
	Named              // RequestHeaders
	All                // all but those of the connection
)

// refusals are lines of a refusal that clients get: where to log in, and what with.
var refusals = []string{"Location", "Set-Cookie", "Www-Authenticate", "Retry-After"}

// Sender sends a request to the service.
type Sender interface {
	Send(ctx context.Context, r *http1.Request) (*http1.Response, error)
}

// client is what both ways to ask have in common.
type client struct {
	o     Common
	to    Sender
	slots chan struct{}
}

func newClient(o Common, to Sender) client {
	o = o.withDefaults()
	return client{o: o, to: to, slots: make(chan struct{}, o.Concurrency)}
}

// within asks in time, unless too many do.
func (c *client) within(ctx context.Context, ask func(context.Context) access.ExternalAnswer) access.ExternalAnswer {
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	default:
		return access.ExternalAnswer{Status: http.StatusServiceUnavailable, Reason: Busy}
	}
	ctx, cancel := context.WithTimeout(ctx, c.o.Timeout)
	defer cancel()
	return ask(ctx)
}

func (c Common) withDefaults() Common {
	c.Timeout, c.Concurrency = cmp.Or(c.Timeout, DefaultTimeout), cmp.Or(c.Concurrency, DefaultConcurrency)
	if c.Lines == Usual {
		c.RequestHeaders = append([]string{"Authorization"}, c.RequestHeaders...)
	}
	c.RequestHeaders = canonical(c.RequestHeaders)
	c.ResponseHeaders, c.ClientHeaders = canonical(c.ResponseHeaders), canonical(slices.Concat(refusals, c.ClientHeaders))
	return c
}

// asked are the names of the client's lines that the service gets, in order.
func (c *Common) asked(h http.Header) []string {
	if c.Lines != All {
		return c.RequestHeaders
	}
	return canonical(slices.Sorted(maps.Keys(h)))
}

func canonical(names []string) []string {
	out := make([]string, 0, len(names))
	for _, n := range names {
		if n = textproto.CanonicalMIMEHeaderKey(n); !request.OfConnection(n) && !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out
}

// away is the answer of a service that did not give any.
func away() access.ExternalAnswer {
	return access.ExternalAnswer{Status: http.StatusServiceUnavailable, Reason: Unavailable}
}

// refusal is what a client is told of a refusal with a status.
func (c *Common) refusal(s int, h http.Header) access.ExternalAnswer {
	refusal := access.ExternalAnswer{Status: http.StatusForbidden, Reason: Refused}
	switch {
	case slices.Contains([]int{301, 302, 303, 307, 308}, s) && h.Get("Location") != "", s == http.StatusUnauthorized, s == http.StatusTooManyRequests:
		refusal.Status = s
	case s >= 400 && s <= 499:
	default: // it does not know
		return away()
	}
	refusal.Header = selected(h, c.ClientHeaders)
	return refusal
}

func selected(h http.Header, names []string) http.Header {
	out := make(http.Header, len(names)+6)
	for _, n := range names {
		if values := h[n]; len(values) > 0 {
			out[n] = slices.Clone(values)
		}
	}
	return out
}
