// SPDX-License-Identifier: Apache-2.0

package jwt

import (
	"net/http"
	"testing"

	"github.com/gatehouse-sh/gatehouse/gateway/auth"
	"github.com/gatehouse-sh/gatehouse/gateway/request"
)

func TestWhereATokenIs(t *testing.T) {
	t.Parallel()
	s := made()["EdDSA"]
	keys := inline(t, s.jwk(t, ""))
	good := s.mint(t, s.header(""), claims(t, nil))
	authorization := func(lines ...string) http.Header { return http.Header{"Authorization": lines} }
	for name, tc := range map[string]struct {
		from    From
		header  http.Header
		verdict auth.Verdict
		reason  string
	}{
		"nothing":                                  {From{}, http.Header{}, auth.Absent, NoToken},
		"Authorization: Bearer":                    {From{}, authorization("Bearer " + good), auth.Valid, ""},
		"the scheme in another case":               {From{}, authorization("bEARER " + good), auth.Valid, ""},
		"several spaces":                           {From{}, authorization("Bearer   " + good), auth.Valid, ""},
		"a tab is no space":                        {From{}, authorization("Bearer\t" + good), auth.Absent, NoToken},
		"another scheme":                           {From{}, authorization("Basic " + good), auth.Absent, NoToken},
		"a scheme that begins with ours":           {From{}, authorization("BearerX " + good), auth.Absent, NoToken},
		"a token without a scheme":                 {From{}, authorization(good), auth.Absent, NoToken},
		"a scheme without a token":                 {From{}, authorization("Bearer"), auth.Invalid, Malformed},
		"a scheme and a space":                     {From{}, authorization("Bearer "), auth.Invalid, Malformed},
		"a line without anything":                  {From{}, authorization(""), auth.Absent, NoToken},
		"two good lines":                           {From{}, authorization("Bearer "+good, "Bearer "+good), auth.Invalid, Several},
		"three good lines":                         {From{}, authorization("Bearer "+good, "Bearer "+good, "Bearer "+good), auth.Invalid, Several},
		"a good line behind another scheme":        {From{}, authorization("Basic x", "Bearer "+good), auth.Invalid, Several},
		"a good line before another scheme":        {From{}, authorization("Bearer "+good, "Basic x"), auth.Invalid, Several},
		"two lines of another scheme":              {From{}, authorization("Basic x", "Basic x"), auth.Invalid, Several},
		"another header":                           {From{Header: "x-token"}, http.Header{"X-Token": {good}}, auth.Valid, ""},
		"another header and Authorization":         {From{Header: "x-token"}, http.Header{"X-Token": {good}, "Authorization": {"Basic x"}}, auth.Valid, ""},
		"another header with a scheme":             {From{Header: "X-Token", Scheme: "Token"}, http.Header{"X-Token": {"Token " + good}}, auth.Valid, ""},
		"another header, asked for one, twice":     {From{Header: "X-Token"}, http.Header{"X-Token": {good, good}}, auth.Invalid, Several},
		"another header that is empty":             {From{Header: "X-Token"}, http.Header{"X-Token": {""}}, auth.Invalid, Malformed},
		"Authorization where another is asked for": {From{Header: "X-Token"}, authorization("Bearer " + good), auth.Absent, NoToken},
		"Authorization with another scheme":        {From{Header: "authorization", Scheme: "DPoP"}, authorization("DPoP " + good), auth.Valid, ""},
		"a cookie":                                 {From{Cookie: "session"}, http.Header{"Cookie": {"session=" + good}}, auth.Valid, ""},
		"a cookie among others":                    {From{Cookie: "session"}, http.Header{"Cookie": {"a=b; session=" + good + ";c=d"}}, auth.Valid, ""},
		"a cookie in the second line":              {From{Cookie: "session"}, http.Header{"Cookie": {"a=b", "session=" + good}}, auth.Valid, ""},
		"a cookie twice":                           {From{Cookie: "session"}, http.Header{"Cookie": {"session=" + good + "; session=x"}}, auth.Invalid, Several},
		"a cookie twice, in two lines":             {From{Cookie: "session"}, http.Header{"Cookie": {"session=x", "session=" + good}}, auth.Invalid, Several},
		"a cookie of another name":                 {From{Cookie: "session"}, http.Header{"Cookie": {"xsession=" + good}}, auth.Absent, NoToken},
		"a cookie of a name in another case":       {From{Cookie: "session"}, http.Header{"Cookie": {"Session=" + good}}, auth.Absent, NoToken},
		"a cookie without a value":                 {From{Cookie: "session"}, http.Header{"Cookie": {"session"}}, auth.Invalid, Malformed},
		"a cookie in quotes":                       {From{Cookie: "session"}, http.Header{"Cookie": {`session="` + good + `"`}}, auth.Invalid, Malformed},
		"no cookie":                                {From{Cookie: "session"}, authorization("Bearer " + good), auth.Absent, NoToken},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := authenticator(t, keys, func(o *Options) { o.From = tc.from })
			got := a.Authenticate(t.Context(), &auth.Request{Form: &request.Form{Header: tc.header}, Now: noon})
			if got.Verdict != tc.verdict || got.Reason != tc.reason {
				t.Errorf("got %+v", got)
			}
		})
	}
}
