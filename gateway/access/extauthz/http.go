// SPDX-License-Identifier: Apache-2.0

package extauthz

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/gatehouse-sh/gatehouse/gateway/access"
	"github.com/gatehouse-sh/gatehouse/gateway/auth"
	"github.com/gatehouse-sh/gatehouse/gateway/request"
	"github.com/gatehouse-sh/gatehouse/gateway/upstream/http1"
)

// HTTPOptions say how a service is asked by HTTP.
type HTTPOptions struct {
	// Path is what is asked for, by GET. With none, it is PathPrefix and the path of the
	// request, by its method, as Gateway API's ExternalAuth filter has it (GEP-1494).
	Path       string
	PathPrefix string
	Statuses   []int // that are a yes, of 200 to 299; none: all of these
	Common
}

// HTTP implements access.External.
type HTTP struct {
	client
	path, prefix string
	statuses     []int
}

// NewHTTP makes an HTTP.
func NewHTTP(o HTTPOptions, to Sender) *HTTP {
	return &HTTP{client: newClient(o.Common, to), path: o.Path, prefix: strings.TrimSuffix(o.PathPrefix, "/"), statuses: o.Statuses}
}

// Ask implements access.External.
func (c *HTTP) Ask(ctx context.Context, r *auth.Request) access.ExternalAnswer {
	return c.within(ctx, func(ctx context.Context) access.ExternalAnswer {
		res, err := c.to.Send(ctx, c.question(r.Form))
		if err != nil {
			return away()
		}
		defer res.Close()
		const most = 64 << 10 // that is read so that the connection can be used again
		_, _ = io.CopyN(io.Discard, res.Body, most)
		return c.answer(res)
	})
}

// question is the request that the service gets: never a body.
func (c *HTTP) question(f *request.Form) *http1.Request {
	method, path, query := f.Method, c.prefix+f.Path, f.Query
	if c.path != "" {
		method, path, query = http.MethodGet, c.path, ""
	}
	h := selected(f.Header, c.o.asked(f.Header))
	h["User-Agent"] = []string{"gatehouse-gateway"}
	h["X-Forwarded-Method"] = []string{f.Method}
	h["X-Forwarded-Uri"] = []string{f.Target()}
	h["X-Forwarded-Host"] = []string{f.Authority()}
	h["X-Forwarded-Proto"] = []string{f.Scheme}
	h["X-Forwarded-For"] = []string{f.Client.String()}
	return &http1.Request{Method: method, Path: path, Query: query, Host: f.Authority(), Header: h}
}

func (c *HTTP) answer(res *http1.Response) access.ExternalAnswer {
	if s := res.Status; s >= 200 && s <= 299 && (len(c.statuses) == 0 || slices.Contains(c.statuses, s)) {
		return access.ExternalAnswer{Allowed: true, Header: selected(res.Header, c.o.ResponseHeaders)}
	}
	return c.o.refusal(res.Status, res.Header)
}

var _ access.External = (*HTTP)(nil)
