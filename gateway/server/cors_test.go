// SPDX-License-Identifier: Apache-2.0

package server

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// TestPagesOfOtherOriginsAreToldWhatTheyMay asks as browsers do.
func TestPagesOfOtherOriginsAreToldWhatTheyMay(t *testing.T) {
	t.Parallel()
	snap := snapshot(backend(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Access-Control-Allow-Origin"] = []string{"https://evil.example"}
		w.Header()["Access-Control-Allow-Private-Network"] = []string{"true"}
		w.Header()["Vary"] = []string{"Accept"}
		echo(w, r)
	}))
	all := snap.Routes[0].Target
	at := func(path, method string, access []string, cors *config.CORS) config.Route {
		r := config.Route{Name: strings.TrimPrefix(path, "/") + method, Matches: []config.Match{{Path: config.PathMatch{Prefix: path}, Method: method}}, Access: access, Target: all}
		r.CORS = cors
		return r
	}
	some := &config.CORS{
		AllowOrigins: []string{"https://a.example", "https://*.b.example", "http://*.c.example:81"}, AllowMethods: []string{"GET", "PUT"}, AllowHeaders: []string{"X-One", "X-Two"},
		ExposeHeaders: []string{"X-Three"}, AllowCredentials: true, MaxAge: config.Duration(time.Hour),
	}
	snap.AccessPolicies = []config.AccessPolicy{{
		Name: "keys", Mode: "Default", Authentication: config.Authentication{AnyOf: []config.Authenticator{{Name: "nobody", ClientCertificate: &config.ClientCertificate{Subject: "DNS"}}}},
		Authorization: config.Authorization{Rules: []config.AccessRule{{Name: "all", Allow: &config.Condition{}}}},
	}}
	snap.Routes = []config.Route{
		at("/some", "", nil, some),
		at("/put", "PUT", nil, some),
		at("/put", "OPTIONS", nil, nil),
		at("/every", "", nil, &config.CORS{AllowOrigins: []string{"*"}, AllowMethods: []string{"*"}, AllowHeaders: []string{"*"}, ExposeHeaders: []string{"*"}}),
		at("/any", "", nil, &config.CORS{AllowOrigins: []string{"*"}, AllowMethods: []string{"*"}, AllowHeaders: []string{"*"}, AllowCredentials: true}),
		at("/guarded", "", []string{"keys"}, some),
		at("/none", "", nil, nil),
	}
	_, addresses := start(t, snap)

	const own = "Access-Control-"
	ask := func(method, path, lines string) (int, http.Header) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, "http://"+addresses["plain"]+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.SplitSeq(lines, "|") {
			if name, value, found := strings.Cut(line, "="); found {
				req.Header.Add(name, value)
			}
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		return res.StatusCode, res.Header
	}
	const may = " Allow-Credentials=true Allow-Headers=X-One, X-Two Allow-Methods=GET, PUT Allow-Origin=https://a.example Expose-Headers=X-Three Max-Age=3600 | Origin"
	for name, tc := range map[string]struct{ method, path, lines, want string }{
		"a preflight":                      {"OPTIONS", "/some", "Origin=https://a.example|Access-Control-Request-Method=PUT", "204" + may},
		"a preflight of a guarded route":   {"OPTIONS", "/guarded", "Origin=https://a.example|Access-Control-Request-Method=PUT", "204" + may},
		"a preflight of another method":    {"OPTIONS", "/put", "Origin=https://a.example|Access-Control-Request-Method=PUT", "204" + may},
		"a preflight of nobody's method":   {"OPTIONS", "/put", "Origin=https://a.example|Access-Control-Request-Method=GET", "200 Allow-Origin=https://evil.example Allow-Private-Network=true | Accept"},
		"a preflight by a stranger":        {"OPTIONS", "/some", "Origin=https://evil.example|Access-Control-Request-Method=PUT", "403 | Origin"},
		"a preflight where nobody says":    {"OPTIONS", "/none", "Origin=https://a.example|Access-Control-Request-Method=PUT", "200 Allow-Origin=https://evil.example Allow-Private-Network=true | Accept"},
		"no preflight":                     {"OPTIONS", "/some", "Origin=https://a.example", "200 Allow-Credentials=true Allow-Origin=https://a.example Expose-Headers=X-Three | Accept Origin"},
		"a page":                           {"GET", "/some", "Origin=https://a.example", "200 Allow-Credentials=true Allow-Origin=https://a.example Expose-Headers=X-Three | Accept Origin"},
		"a name below":                     {"GET", "/some", "Origin=https://x.y.b.example", "200 Allow-Credentials=true Allow-Origin=https://x.y.b.example Expose-Headers=X-Three | Accept Origin"},
		"a name below, on its port":        {"GET", "/some", "Origin=http://x.c.example:81", "200 Allow-Credentials=true Allow-Origin=http://x.c.example:81 Expose-Headers=X-Three | Accept Origin"},
		"the name itself":                  {"GET", "/some", "Origin=https://b.example", "200 | Accept Origin"},
		"no label":                         {"GET", "/some", "Origin=https://.b.example", "200 | Accept Origin"},
		"a name that only ends so":         {"GET", "/some", "Origin=https://evilb.example", "200 | Accept Origin"},
		"another scheme":                   {"GET", "/some", "Origin=http://a.example", "200 | Accept Origin"},
		"another port":                     {"GET", "/some", "Origin=https://a.example:8443", "200 | Accept Origin"},
		"nowhere":                          {"GET", "/some", "Origin=null", "200 | Accept Origin"},
		"no page":                          {"GET", "/some", "", "200 | Accept Origin"},
		"two pages":                        {"GET", "/some", "Origin=https://a.example|Origin=https://b.example", "400 | "},
		"a refusal can be read":            {"GET", "/guarded", "Origin=https://a.example", "401 Allow-Credentials=true Allow-Origin=https://a.example Expose-Headers=X-Three | Origin"},
		"every page":                       {"GET", "/every", "Origin=https://a.example", "200 Allow-Origin=* Expose-Headers=* | Accept"},
		"every page, before":               {"OPTIONS", "/every", "Origin=https://a.example|Access-Control-Request-Method=PUT", "204 Allow-Methods=PUT Allow-Origin=* Expose-Headers=* Max-Age=5 | Access-Control-Request-Method"},
		"every page with its cookies":      {"OPTIONS", "/any", "Origin=https://a.example|Access-Control-Request-Method=PUT|Access-Control-Request-Headers=x-a, x-b", "204 Allow-Credentials=true Allow-Headers=x-a, x-b Allow-Methods=PUT Allow-Origin=https://a.example Max-Age=5 | Origin Access-Control-Request-Method Access-Control-Request-Headers"},
		"nowhere, with its cookies":        {"OPTIONS", "/any", "Origin=null|Access-Control-Request-Method=PUT", "403 | Origin"},
		"what the backend says, of a page": {"GET", "/none", "Origin=https://a.example", "200 Allow-Origin=https://evil.example Allow-Private-Network=true | Accept"},
	} {
		status, header := ask(tc.method, tc.path, tc.lines)
		var said []string
		for line, values := range header {
			if short, is := strings.CutPrefix(line, own); is {
				said = append(said, " "+short+"="+strings.Join(values, ";"))
			}
		}
		slices.Sort(said)
		if got := fmt.Sprint(status) + strings.Join(said, "") + " | " + strings.Join(header["Vary"], " "); got != tc.want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, tc.want)
		}
	}
}
