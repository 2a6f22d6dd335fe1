// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/access"
	"github.com/gatehouse-sh/gatehouse/gateway/access/extauthz"
	"github.com/gatehouse-sh/gatehouse/gateway/auth"
	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/gateway/upstream"
	"github.com/gatehouse-sh/gatehouse/gateway/upstream/http1"
)

// policy is an access policy as a filter.
type policy struct{ *access.Policy }

// Judge asks the policy, and keeps what it found out for those that come after it.
func (p policy) Judge(x *Exchange) Decision {
	if x.asked.Form == nil {
		x.asked = auth.Request{Form: x.Form, TLS: x.R.TLS, Now: x.Now}
	}
	v := p.Policy.Judge(x.R.Context(), &x.asked)
	x.answer.record.Policy, x.answer.record.Rule = p.Name(), v.Rule
	// Who is known by one policy stays known when another one takes anybody.
	if v.Principal != nil && (x.Principal == nil || !p.Anonymous(v.Principal)) {
		x.Principal = v.Principal
	}
	if !v.Allowed {
		d := Refuse(v.Status, v.Reason)
		refused := v // v itself is not to be kept
		d.Policy, d.Rule, d.Header = p.Name(), v.Rule, refused.Header
		return d
	}
	if x.verdicts == nil {
		x.verdicts = x.few[:0]
	}
	x.verdicts = append(x.verdicts, v)
	return Next()
}

// strip deletes the credentials that policies asked for.
func (x *Exchange) strip(h http.Header) {
	for i := range x.verdicts {
		x.verdicts[i].Strip(h)
	}
}

// tell tells the backend who asks. What a listener enforces comes last, so that no
// policy of a route writes over it.
func (x *Exchange) tell(h http.Header) {
	for i := range slices.Backward(x.verdicts) {
		x.verdicts[i].Tell(h)
	}
}

// attachAccess are the filters of access policies that something names, by mode.
func attachAccess(list []string, policies map[string]*access.Policy) (attached, error) {
	var out attached
	for _, name := range list {
		p := policies[name]
		switch {
		case p == nil:
			return attached{}, fmt.Errorf("there is no access policy %q", name)
		case p.Mode() == config.Default:
			out.defaults = append(out.defaults, policy{p})
		default:
			out.enforced = append(out.enforced, policy{p})
		}
	}
	return out, nil
}

// service is a backend by its name, which is looked for when it is asked.
type service func() *upstream.Pool

// Send implements extauthz.Sender.
func (s service) Send(ctx context.Context, r *http1.Request) (*http1.Response, error) {
	p := s()
	if p == nil {
		return nil, upstream.ErrNoEndpoints
	}
	return p.Send(ctx, r, upstream.DefaultRetry)
}

// externalOf makes the service that a policy asks.
func externalOf(e *config.ExternalAuth, pool func(name string) *upstream.Pool) (access.External, error) {
	common := func(h *config.ExternalHeaders) extauthz.Common {
		return extauthz.Common{
			RequestHeaders: h.RequestHeaders, ResponseHeaders: h.ResponseHeaders, ClientHeaders: h.ClientHeaders,
			Timeout: time.Duration(e.Timeout), Concurrency: e.Concurrency,
		}
	}
	to := func(backend string) service { return func() *upstream.Pool { return pool(backend) } }
	if h := e.HTTP; h != nil {
		return extauthz.NewHTTP(extauthz.HTTPOptions{Path: h.Path, PathPrefix: h.PathPrefix, Statuses: h.Statuses, Common: common(&h.ExternalHeaders)}, to(h.Backend)), nil
	}
	if g := e.GRPC; g != nil {
		o := extauthz.GRPCOptions{Common: common(&g.ExternalHeaders)}
		o.Lines = map[string]extauthz.Lines{config.NamedLines: extauthz.Named, config.AllLines: extauthz.All}[g.Lines]
		if g.Unnamed == config.RefuseUnnamed {
			o.Unnamed = extauthz.Refuse
		}
		return extauthz.NewGRPC(o, to(g.Backend)), nil
	}
	return nil, errors.New("the service is asked by nothing")
}
