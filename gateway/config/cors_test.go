// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"strings"
	"testing"
)

func TestFaultsOfCORS(t *testing.T) {
	t.Parallel()
	const whole = `{allowOrigins: ["https://a.example", "http://*.b.example:81", "https://[::1]:8443"], allowMethods: [PUT], allowHeaders: ["*"], exposeHeaders: [X-A], allowCredentials: true, maxAge: 1h}`
	for name, tc := range map[string]struct{ cors, want string }{
		"in order":                    {whole, ""},
		"every page":                  {`{allowOrigins: ["*"]}`, ""},
		"no page":                     {`{allowMethods: [PUT]}`, "routes[0].cors.allowOrigins: there is none"},
		"a path":                      {`{allowOrigins: ["https://a.example/"]}`, `gateway.yaml:16: routes[0].cors.allowOrigins[0]: "https://a.example/" is no origin`},
		"a name alone":                {`{allowOrigins: [a.example]}`, "is no origin"},
		"capital letters":             {`{allowOrigins: ["https://A.example"]}`, "is no origin"},
		"a port that is never said":   {`{allowOrigins: ["https://a.example:443"]}`, "is no origin"},
		"another scheme":              {`{allowOrigins: ["ftp://a.example"]}`, "is no origin"},
		"a star in the middle":        {`{allowOrigins: ["https://a.*.example"]}`, "is no origin"},
		"a star as the end":           {`{allowOrigins: ["https://*."]}`, "is no origin"},
		"a star alone in a place":     {`{allowOrigins: ["https://*"]}`, "is no origin"},
		"nowhere":                     {`{allowOrigins: ["null"]}`, ""},
		"somebody's name":             {`{allowOrigins: ["https://me@a.example"]}`, "is no origin"},
		"a star and others":           {`{allowOrigins: ["*", "https://a.example"]}`, `routes[0].cors.allowOrigins: "*" is beside others`},
		"a method in small letters":   {`{allowOrigins: ["*"], allowMethods: [put]}`, `routes[0].cors.allowMethods[0]: "put" is no method`},
		"a header that is none":       {`{allowOrigins: ["*"], allowHeaders: ["a b"]}`, `routes[0].cors.allowHeaders[0]: "a b" is no name of a header`},
		"a header that shows nothing": {`{allowOrigins: ["*"], exposeHeaders: [""]}`, `routes[0].cors.exposeHeaders[0]: "" is no name of a header`},
		"half a second":               {`{allowOrigins: ["*"], maxAge: 500ms}`, "routes[0].cors.maxAge: 500ms is not a number of whole seconds"},
		"a second and a half":         {`{allowOrigins: ["*"], maxAge: 1500ms}`, "routes[0].cors.maxAge"},
		"too many":                    {`{allowOrigins: ["*"], allowMethods: [` + strings.Repeat("A,", 65) + `]}`, "routes[0].cors.allowMethods: 65 are more than 64"},
	} {
		_, err := Decode("gateway.yaml", []byte(strings.Replace(good, "  timeout: 30s", "  cors: "+tc.cors, 1)))
		if got := fmt.Sprint(err); tc.want == "" && err != nil || !strings.Contains(got, tc.want) {
			t.Errorf("%s:\n got %v\nwant %s", name, err, tc.want)
		}
	}
}
