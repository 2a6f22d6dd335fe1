// SPDX-License-Identifier: Apache-2.0

package extauthz

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-sh/gatehouse/gateway/access"
	"github.com/gatehouse-sh/gatehouse/gateway/auth"
	"github.com/gatehouse-sh/gatehouse/gateway/request"
	"github.com/gatehouse-sh/gatehouse/gateway/upstream/http1"
)

// to is a service.
type to func(context.Context, *http1.Request) (*http1.Response, error)

func (t to) Send(ctx context.Context, r *http1.Request) (*http1.Response, error) { return t(ctx, r) }

func says(status int, lines ...string) to {
	h := http.Header{}
	for _, l := range lines {
		name, value, _ := strings.Cut(l, ": ")
		h.Add(name, value)
	}
	return func(context.Context, *http1.Request) (*http1.Response, error) {
		return &http1.Response{Status: status, Header: h, Body: io.NopCloser(strings.NewReader("a body"))}, nil
	}
}

func asked() *auth.Request {
	return &auth.Request{Form: &request.Form{
		Method: "POST", Scheme: "https", Host: "shop.example.com", Port: "8443", Path: "/a%2Fb/c", Query: "d=e", Client: netip.MustParseAddr("192.0.2.7"),
		Header: http.Header{"Authorization": {"Bearer x"}, "Cookie": {"a=b"}, "X-Secret": {"x"}, "Content-Length": {"5"}},
	}}
}

func TestWhatAServiceIsAsked(t *testing.T) {
	t.Parallel()
	forwarded := http.Header{
		"Authorization": {"Bearer x"}, "User-Agent": {"gatehouse-gateway"}, "X-Forwarded-Method": {"POST"}, "X-Forwarded-Uri": {"/a%2Fb/c?d=e"},
		"X-Forwarded-Host": {"shop.example.com:8443"}, "X-Forwarded-Proto": {"https"}, "X-Forwarded-For": {"192.0.2.7"},
	}
	withCookie := forwarded.Clone()
	withCookie.Set("Cookie", "a=b")
	for name, tc := range map[string]struct {
		o      HTTPOptions
		method string
		target string
		header http.Header
	}{
		"a path":                {HTTPOptions{Path: "/verify", Common: Common{RequestHeaders: []string{"cookie", "Content-Length", "Connection"}}}, "GET", "/verify", withCookie},
		"a prefix":              {HTTPOptions{PathPrefix: "/authz/"}, "POST", "/authz/a%2Fb/c?d=e", forwarded},
		"the path as it is":     {HTTPOptions{}, "POST", "/a%2Fb/c?d=e", forwarded},
		"a path with an escape": {HTTPOptions{Path: "/v%20y"}, "GET", "/v%20y", forwarded},
	} {
		var got *http1.Request
		c := NewHTTP(tc.o, to(func(ctx context.Context, r *http1.Request) (*http1.Response, error) {
			got = r
			return says(200)(ctx, r)
		}))
		if a := c.Ask(t.Context(), asked()); !a.Allowed {
			t.Errorf("%s: got %+v", name, a)
		}
		path, query, _ := strings.Cut(tc.target, "?")
		if got.Method != tc.method || got.Path != path || got.Query != query || got.Host != "shop.example.com:8443" || got.Body != nil || got.Length != 0 {
			t.Errorf("%s: got %+v", name, got)
		}
		if diff := cmp.Diff(tc.header, got.Header); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestWhatAServiceSays(t *testing.T) {
	t.Parallel()
	o := HTTPOptions{Common: Common{ResponseHeaders: []string{"x-user"}, ClientHeaders: []string{"x-why"}}}
	refusal := func(status int, h http.Header) access.ExternalAnswer {
		return access.ExternalAnswer{Status: status, Reason: Refused, Header: h}
	}
	away := access.ExternalAnswer{Status: 503, Reason: Unavailable}
	for name, tc := range map[string]struct {
		service to
		want    access.ExternalAnswer
	}{
		"yes":                        {says(200, "X-User: ann", "X-Why: so", "Set-Cookie: a=b"), access.ExternalAnswer{Allowed: true, Header: http.Header{"X-User": {"ann"}}}},
		"yes, without a body":        {says(204), access.ExternalAnswer{Allowed: true, Header: http.Header{}}},
		"a login":                    {says(302, "Location: https://login/", "X-User: ann"), refusal(302, http.Header{"Location": {"https://login/"}})},
		"a login nowhere":            {says(302), away},
		"not modified":               {says(304, "Location: /"), away},
		"a challenge":                {says(401, "WWW-Authenticate: X", "X-Why: so"), refusal(401, http.Header{"Www-Authenticate": {"X"}, "X-Why": {"so"}})},
		"no":                         {says(403, "Set-Cookie: a=b", "X-User: ann"), refusal(403, http.Header{"Set-Cookie": {"a=b"}})},
		"not found":                  {says(404), refusal(403, http.Header{})},
		"too many":                   {says(429, "Retry-After: 1"), refusal(429, http.Header{"Retry-After": {"1"}})},
		"a fault":                    {says(500), away},
		"away":                       {says(503, "Retry-After: 1"), away},
		"a status that there is not": {says(600), away},
		"no status":                  {says(0), away},
		"switching protocols":        {says(101), away},
		"no answer":                  {func(context.Context, *http1.Request) (*http1.Response, error) { return nil, errors.New("refused") }, away},
	} {
		got := NewHTTP(o, tc.service).Ask(t.Context(), asked())
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// TestWhichStatusesAreAYes: all that are a success, or some.
func TestWhichStatusesAreAYes(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		statuses []int
		says     int
		want     bool
	}{{nil, 200, true}, {nil, 204, true}, {[]int{200}, 200, true}, {[]int{200}, 204, false}, {[]int{200}, 403, false}, {[]int{403}, 403, false}} {
		got := NewHTTP(HTTPOptions{Statuses: tc.statuses}, says(tc.says)).Ask(t.Context(), asked())
		if got.Allowed != tc.want || !tc.want && got.Status < 400 {
			t.Errorf("%d of %v: %+v", tc.says, tc.statuses, got)
		}
	}
}

func TestServicesThatAreSlow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		slow := to(func(ctx context.Context, _ *http1.Request) (*http1.Response, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
		c := NewHTTP(HTTPOptions{Common: Common{Concurrency: 2}}, slow)
		began, answers := time.Now(), make(chan access.ExternalAnswer, 2)
		for range 2 {
			go func() { answers <- c.Ask(t.Context(), asked()) }()
		}
		synctest.Wait()
		if got := c.Ask(t.Context(), asked()); got.Allowed || got.Status != 503 || got.Reason != Busy {
			t.Errorf("one too many: got %+v", got)
		}
		for range 2 {
			if got := <-answers; got.Allowed || got.Status != 503 || got.Reason != Unavailable {
				t.Errorf("got %+v", got)
			}
		}
		if took := time.Since(began); took != DefaultTimeout {
			t.Errorf("it took %s", took)
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if got := c.Ask(gone, asked()); got.Allowed || time.Since(began) != DefaultTimeout {
			t.Errorf("a client that has gone: got %+v", got)
		}
	})
}
