// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// annotated is an Ingress of the namespace shop with one path, of the type
// ImplementationSpecific, for the Service a.
func annotated(name, path string, annotations map[string]string) string {
	out := fmt.Sprintf("---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: %s\n  namespace: shop\n  annotations:\n    a: b\n", name)
	for _, key := range slices.Sorted(maps.Keys(annotations)) {
		out += fmt.Sprintf("    %s%s: %q\n", nginxPrefix, key, annotations[key])
	}
	return out + fmt.Sprintf("spec:\n  rules:\n  - host: a.example.com\n    http: {paths: [{path: %q, pathType: ImplementationSpecific, backend: {service: {name: %s, port: {number: 80}}}}]}\n", path, strings.TrimSuffix(name, "-canary"))
}

// ofShop is what the Ingresses of these tests name.
func ofShop() string {
	const hash = "$2a$10$1R53behNkTjm.ijEdgJYwOHarp4yQORn.eGMCo1HrAn/Sw1APoBGS" // of "open sesame"
	return ourClass + fmt.Sprintf(`---
apiVersion: v1
kind: Secret
metadata: {name: users, namespace: shop}
data: {auth: %[1]q}
---
apiVersion: v1
kind: Secret
metadata: {name: weak, namespace: shop}
stringData: {auth: nothing}
---
apiVersion: v1
kind: Secret
metadata: {name: users, namespace: other}
data: {auth: %[1]q}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: lines, namespace: shop}
data: {X-Frame-Options: DENY}
`, encoded("ann:"+hash+"\n"))
}

func TestTheTableOfAnnotationsIsInOrder(t *testing.T) {
	t.Parallel()
	if !slices.IsSortedFunc(nginxAnnotations, func(a, b annotation) int { return strings.Compare(a.name, b.name) }) || len(nginxAnnotations) < 120 {
		t.Error("it is not, or too short")
	}
	for _, a := range nginxAnnotations {
		if a.say == "" {
			t.Errorf("%s: nothing is said", a.name)
		}
	}
}

// TestAnnotationsThatAreNotKept: every one that is refused, every one that is taken with a
// value that is none, and every one that is needless, alone and together with what makes
// it count. Where it guards, nothing is served without it.
func TestAnnotationsThatAreNotKept(t *testing.T) {
	t.Parallel()
	objects := ofShop() + service(t, "a")
	const none = "no \x01 value"
	beside := map[string]map[string]string{
		"cors-":            {"enable-cors": "true"},
		"auth-response-h":  {"auth-url": "http://a.shop.svc/"},
		"auth-realm":       {"auth-type": "basic", "auth-secret": "users"},
		"auth-secret-type": {"auth-type": "basic", "auth-secret": "users"},
	}
	anything := []string{"canary-by-header", "canary-by-header-value"} // are tried with requests
	counted := map[answer]int{}
	for _, a := range append(slices.Clone(nginxAnnotations), annotation{name: "whitelist-source-ranges", guards: bars}) {
		if slices.Contains(anything, a.name) {
			continue
		}
		counted[a.answer]++
		all := map[string]string{a.name: none}
		for prefix, more := range beside {
			if strings.HasPrefix(a.name, prefix) {
				maps.Copy(all, more)
			}
		}
		if strings.HasPrefix(a.name, "canary-") {
			all["canary"] = "true"
		}
		all[a.name] = none
		r := Translate(read(t, []byte(objects+annotated("a", "/", all))), options)
		said := slices.ContainsFunc(r.Events, func(e Event) bool { return e.Name.Name == "a" && e.Reason == unsupportedAnnotation })
		if want := a.answer != needless; said != want {
			t.Errorf("%s: told is %v, want %v: %v", a.name, said, want, r.Events)
		}
		open := false
		for _, route := range r.Snapshots[Builtin("gatehouse")].Routes {
			open = open || slices.ContainsFunc(route.Backends, func(b weighted) bool { return b.Name != "" })
		}
		if want := a.answer == needless || !a.guards; open != bool(want) && a.name != "auth-realm" {
			t.Errorf("%s: served is %v, want %v: %v", a.name, open, want, r.Events)
		}
	}
	t.Logf("%d refused, %d needless, %d taken", counted[refused], counted[needless], counted[taken])
}

// TestAnnotationsAreKept, by requests.
func TestAnnotationsAreKept(t *testing.T) {
	t.Parallel()
	const ann, basic = "Authorization: Basic YW5uOm9wZW4gc2VzYW1l", "auth-type"
	type asked struct {
		path   string
		lines  string // header lines, with "|" between them
		status int
		has    string // what is answered
	}
	shown := map[string]bool{}
	for name, tc := range map[string]struct {
		path        string
		annotations map[string]string
		asked       []asked
	}{
		"an address of the list is let in":    {"/", map[string]string{"whitelist-source-range": "10.0.0.0/8, 127.0.0.1"}, []asked{{"/x", "", 200, "a GET"}}},
		"an address of no list is not":        {"/", map[string]string{"allowlist-source-range": "10.0.0.0/8"}, []asked{{"/x", "", 403, ""}}},
		"an address that is denied is not":    {"/", map[string]string{"denylist-source-range": "127.0.0.0/8", "satisfy": "all"}, []asked{{"/x", "", 403, ""}}},
		"an address that is not denied is":    {"/", map[string]string{"denylist-source-range": "10.0.0.0/8"}, []asked{{"/x", "", 200, "a GET"}}},
		"a password is asked for":             {"/", map[string]string{basic: "basic", "auth-secret": "users", "auth-realm": "shop", "auth-secret-type": "auth-file"}, []asked{{"/", "", 401, `realm="shop"`}, {"/", ann, 200, "a GET"}, {"/", ann + "x", 401, ""}}},
		"a service is asked":                  {"/", map[string]string{"auth-url": "http://check.shop.svc.cluster.local/allowed", "auth-method": "GET", "auth-response-headers": "X-Who"}, []asked{{"/", "X-Who: me", 200, "X-Who: ann"}}},
		"a service that says no is heard":     {"/", map[string]string{"auth-url": "http://check.shop.svc/denied"}, []asked{{"/", "", 403, ""}}},
		"many in a minute are too many":       {"/", map[string]string{"limit-rps": "1000", "limit-rpm": "1", "limit-burst-multiplier": "1", "limit-connections": "5"}, []asked{{"/", "", 200, ""}, {"/", "", 429, ""}}},
		"a body is too long":                  {"/", map[string]string{"proxy-body-size": "1k"}, []asked{{"/", "BODY: 1024", 200, ""}, {"/", "BODY: 1025", 413, ""}}},
		"a path is asked for instead":         {"/from", map[string]string{"rewrite-target": "/to"}, []asked{{"/from/here", "", 200, " /to\n"}}},
		"a prefix is asked for instead":       {"/from(/|$)(.*)", map[string]string{"rewrite-target": "/to/$2", "use-regex": "true"}, []asked{{"/from/here", "", 200, " /to/here\n"}, {"/from", "", 200, " /to\n"}, {"/fromage", "", 404, ""}}},
		"a prefix is left out":                {"/from(/|$)(.*)", map[string]string{"rewrite-target": "/$2"}, []asked{{"/from/here", "", 200, " /here\n"}, {"/from", "", 200, " /\n"}}},
		"a prefix is put before":              {"/(.*)", map[string]string{"rewrite-target": "/to/$1"}, []asked{{"/here", "", 200, " /to/here\n"}}},
		"groups that cannot be kept":          {"/a/(x|y)/(.*)", map[string]string{"rewrite-target": "/$1/b/$2"}, []asked{{"/A/y/b", "", 503, ""}, {"/", "", 404, ""}}},
		"an expression is one":                {"/a[0-9]+", map[string]string{"use-regex": "true"}, []asked{{"/A12/b", "", 200, " /A12/b\n"}, {"/ab", "", 404, ""}}},
		"a path without use-regex is none":    {"/a.c", nil, []asked{{"/abc", "", 404, ""}, {"/a.c/d", "", 200, ""}}},
		"all are sent elsewhere":              {"/", map[string]string{"permanent-redirect": "https://example.org:8443/new", "permanent-redirect-code": "308"}, []asked{{"/x", "", 308, "Location: https://example.org:8443/new\r\n"}}},
		"all are sent elsewhere for now":      {"/", map[string]string{"temporal-redirect": "https://example.org", "temporal-redirect-code": "307"}, []asked{{"/x", "", 307, "Location: https://example.org/\r\n"}}},
		"the root is elsewhere":               {"/", map[string]string{"app-root": "/app"}, []asked{{"/", "", 302, "/app\r\n"}, {"/app", "", 200, " /app\n"}}},
		"clients come by TLS":                 {"/", map[string]string{"force-ssl-redirect": "true", "ssl-redirect": "true"}, []asked{{"/x", "", 308, "Location: https://a.example.com/x\r\n"}}},
		"another name is the same":            {"/", map[string]string{"server-alias": "b.example.com, *.example.org"}, []asked{{"//b.example.com/x", "", 200, "a GET b.example.com"}, {"//x.example.org/", "", 200, "a GET"}, {"//x.y.example.org/", "", 404, ""}}},
		"the backend is asked for its name":   {"/", map[string]string{"upstream-vhost": "inner.example.com", "x-forwarded-prefix": "/shop"}, []asked{{"/", "", 200, "a GET inner.example.com /\n"}, {"/", "", 200, "X-Forwarded-Prefix: /shop\r\n"}}},
		"clients get lines":                   {"/", map[string]string{"custom-headers": "shop/lines"}, []asked{{"/", "", 200, "X-Frame-Options: DENY\r\n"}}},
		"pages of an origin may ask":          {"/", map[string]string{"enable-cors": "true", "cors-allow-origin": "https://shop.example", "cors-allow-methods": "GET", "cors-allow-headers": "X-A", "cors-expose-headers": "X-B", "cors-max-age": "60", "cors-allow-credentials": "true"}, []asked{{"/", "Origin: https://shop.example", 200, "Access-Control-Allow-Credentials: true"}, {"/", "Origin: https://other.example", 200, "!Access-Control-Allow-Origin"}}},
		"pages of every origin get no cookie": {"/", map[string]string{"enable-cors": "true"}, []asked{{"/", "Origin: https://shop.example", 200, "!Allow-Credentials"}, {"/", "Origin: https://shop.example", 200, "Access-Control-Allow-Origin: *"}}},
		"backends are spoken to as asked":     {"/", map[string]string{"backend-protocol": "HTTP", "proxy-connect-timeout": "5", "proxy-read-timeout": "60s", "load-balance": "round_robin", "proxy-next-upstream": "error http_502 non_idempotent", "proxy-next-upstream-tries": "2"}, []asked{{"/", "", 200, "a GET"}}},
		"gRPC is spoken":                      {"/", map[string]string{"backend-protocol": "GRPC"}, []asked{{"/", "", 502, ""}}},
		"TLS without a policy is not":         {"/", map[string]string{"backend-protocol": "HTTPS"}, []asked{{"/", "", 503, ""}}},
		"a Secret of another namespace":       {"/", map[string]string{basic: "basic", "auth-secret": "other/users"}, []asked{{"/", ann, 503, ""}}},
		"a Secret that is weak":               {"/", map[string]string{basic: "basic", "auth-secret": "weak"}, []asked{{"/", ann, 503, ""}}},
		"a snippet":                           {"/", map[string]string{"configuration-snippet": "deny all;"}, []asked{{"/", "", 503, ""}}},
		"a service outside":                   {"/", map[string]string{"auth-url": "https://auth.example.com/"}, []asked{{"/", "", 503, ""}}},
		"a request has variables":             {"/", map[string]string{"auth-url": "http://check.shop.svc/$request_uri"}, []asked{{"/", "", 503, ""}}},
	} {
		refused := tc.asked[0].status == 503
		for key := range tc.annotations {
			shown[key] = shown[key] || !refused
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check := checking(t)
			ask, r := served(t, Builtin("gatehouse"), ofShop()+service(t, "a")+check+annotated("a", tc.path, tc.annotations))
			bare := tc.annotations["force-ssl-redirect"] != "" // there is no certificate
			if told := len(r.Events) > 0; told != (refused || bare) {
				t.Errorf("told: %#v", r.Events)
			}
			for n, a := range tc.asked {
				host, path := "a.example.com", a.path
				if rest, other := strings.CutPrefix(path, "//"); other {
					host, path, _ = strings.Cut(rest, "/")
					path = "/" + path
				}
				var lines []string
				if a.lines != "" {
					lines = strings.Split(a.lines, "|")
				}
				status, got := ask("http-80", host, path, lines...)
				if text, not := strings.CutPrefix(a.has, "!"); status != a.status || strings.Contains(got, text) == not && a.has != "" {
					t.Errorf("%d: %d %s, want %d %s", n, status, got, a.status, a.has)
				}
			}
		})
	}
	for _, a := range nginxAnnotations {
		if a.answer == taken && !shown[a.name] && !strings.HasPrefix(a.name, "canary") { // which are shown beside another Ingress
			t.Errorf("%s: no request shows that it is taken", a.name)
		}
	}
}

// TestWhatAnExpressionGuardsIsNotServedByAnother: where it cannot be kept, requests that
// it could be for are refused, and what another Ingress of the host has beside them is
// served.
func TestWhatAnExpressionGuardsIsNotServedByAnother(t *testing.T) {
	t.Parallel()
	guarded := map[string]string{"use-regex": "true", "whitelist-source-range": "10.0.0.0/8"}
	rewritten := map[string]string{"rewrite-target": "/$1", "whitelist-source-range": "10.0.0.0/8"}
	for name, tc := range map[string]struct {
		path        string
		annotations map[string]string
		typed       string
		asks        string // paths, each with a status
	}{
		"it is kept":                         {"/admin/.*", guarded, "", "/admin/users 403 /administrator 200 / 200"},
		"groups that cannot be kept":         {"/admin/(.*)", rewritten, "", "/admin/users 503 /ADMIN/users 503 /administrator 200 / 200"},
		"a target with groups, and no group": {"/admin", rewritten, "", "/admin/users 503 /administrator 503 / 200"},
		"another type":                       {"/admin/.*", guarded, "Prefix", "/admin/users 503 /Admin/ 503 /administrator 200 / 200"},
		"the type of one path":               {"/admin/.*", guarded, "Exact", "/admin/users 503 / 200"},
		"what is not of RE2":                 {"/admin/(?!public).*", guarded, "", "/admin/users 503 /Admin/x 503 /administrator 200 / 200"},
		"a letter that may be missing":       {"/admin?/(?!public)", guarded, "", "/admi/users 503 /admin/users 503 / 503"},
		"all but":                            {"/(?!public).*", guarded, "", "/admin 503 / 503"},
		"a choice":                           {"/admin/(?!x)|/secret", guarded, "", "/admin/users 503 /secret 503"},
		"a choice in a group":                {"/admin/(a|b)(?!x)", guarded, "", "/admin/a 503 /secret 200"},
		"a choice behind a quoted group":     {`/admin/\((?!x)|/secret`, guarded, "", "/admin/users 503 /secret 503"},
		"too much":                           {"/admin/" + strings.Repeat("(a?){1000}", 4), guarded, "", "/admin/aaa 503 /administrator 200"},
		"what is too long":                   {"/admin/x{1,2}" + strings.Repeat("/a", 600), guarded, "", "/admin/x 503 /administrator 200"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			first := annotated("a", tc.path, tc.annotations)
			if tc.typed != "" {
				first = strings.Replace(first, "ImplementationSpecific", tc.typed, 1)
			}
			ask, r := served(t, Builtin("gatehouse"), ofShop()+service(t, "a")+service(t, "b")+first+annotated("b", "/", nil))
			if told := len(r.Events) > 0; told != (name != "it is kept") {
				t.Errorf("told: %v", r.Events)
			}
			words := strings.Fields(tc.asks)
			for i := 0; i+1 < len(words); i += 2 {
				if status, got := ask("http-80", "a.example.com", words[i]); strconv.Itoa(status) != words[i+1] || status == http.StatusOK && !strings.Contains(got, "b GET") {
					t.Errorf("%s: %d, want %s: %s", words[i], status, words[i+1], got)
				}
			}
		})
	}
}

// checking is a Service that says who asks, or no.
func checking(t *testing.T) string {
	t.Helper()
	return serviceBy(t, "check", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Who", "ann")
		if r.URL.Path != "/allowed" {
			w.WriteHeader(http.StatusForbidden)
		}
	})
}

// TestCanariesGetTheirPart of what the other Ingress is for, which guards both.
func TestCanariesGetTheirPart(t *testing.T) {
	t.Parallel()
	type asked struct{ lines, by string }
	for name, tc := range map[string]struct {
		canary map[string]string
		asked  []asked // "" is 401
	}{
		"all":                      {map[string]string{"canary-weight": "100"}, []asked{{"X: y", "a-canary"}}},
		"none":                     {map[string]string{"canary-weight": "0"}, []asked{{"X: y", "a"}}},
		"all of a thousand":        {map[string]string{"canary-weight": "1000", "canary-weight-total": "1000"}, []asked{{"X: y", "a-canary"}}},
		"a line":                   {map[string]string{"canary-by-header": "X"}, []asked{{"X: y", "a"}, {"X: always", "a-canary"}, {"X: never", "a"}}},
		"a line beside all":        {map[string]string{"canary-by-header": "X", "canary-weight": "100"}, []asked{{"X: y", "a-canary"}, {"X: never", "a"}}},
		"a value":                  {map[string]string{"canary-by-header": "X", "canary-by-header-value": "y"}, []asked{{"X: y", "a-canary"}, {"X: always", "a"}}},
		"a pattern":                {map[string]string{"canary-by-header": "X", "canary-by-header-pattern": "y+"}, []asked{{"X: yy", "a-canary"}, {"X: ayy", "a"}}},
		"a cookie":                 {map[string]string{"canary-by-cookie": "c"}, []asked{{"Cookie: b=1; c=always", "a-canary"}, {"Cookie: c=always2", "a"}, {"Cookie: bc=always", "a"}}},
		"a line before a cookie":   {map[string]string{"canary-by-header": "X", "canary-by-cookie": "c"}, []asked{{"X: never|Cookie: c=always", "a"}, {"X: y|Cookie: c=always", "a-canary"}}},
		"more than there is":       {map[string]string{"canary-weight": "101"}, []asked{{"X: y", "a"}}},
		"what another one is for":  {map[string]string{"canary-weight": "100", "PATH": "/other"}, []asked{{"X: y", "a"}}},
		"of an Ingress that is no": {map[string]string{"canary": "false", "PATH": "/other"}, []asked{{"X: y", "a"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := "/"
			all := map[string]string{"canary": "true"}
			maps.Copy(all, tc.canary)
			if all["PATH"] != "" {
				path = all["PATH"]
				delete(all, "PATH")
			}
			canary := strings.Replace(annotated("a-canary", path, all), "{name: a, port", "{name: a-canary, port", 1)
			main := annotated("a", "/", map[string]string{"auth-type": "basic", "auth-secret": "users"})
			ask, _ := served(t, Builtin("gatehouse"), ofShop()+service(t, "a")+service(t, "a-canary")+main+canary)
			for _, a := range tc.asked {
				lines := strings.Split(a.lines, "|")
				if status, got := ask("http-80", "a.example.com", "/", lines...); status != http.StatusUnauthorized {
					t.Errorf("%s without a password: %d %s", a.lines, status, got)
				}
				status, got := ask("http-80", "a.example.com", "/", append(lines, "Authorization: Basic YW5uOm9wZW4gc2VzYW1l")...)
				if status != http.StatusOK || !strings.Contains(got, "\r\n"+a.by+" GET") && !strings.HasPrefix(got, a.by+" GET") {
					t.Errorf("%s: %d %s, want it from %s", a.lines, status, got, a.by)
				}
			}
		})
	}
}

// TestCanariesOfWhatIsRefusedAreRefused: what guards them could not be kept.
func TestCanariesOfWhatIsRefusedAreRefused(t *testing.T) {
	t.Parallel()
	const text = "/a(?!x)"
	for name, tc := range map[string]struct {
		path string
		main map[string]string
		want int
	}{
		"nothing is refused":             {"/a", nil, 200},
		"a guard that cannot be kept":    {"/a", map[string]string{"whitelist-source-range": "everybody"}, 503},
		"a target that cannot be kept":   {"/a", map[string]string{"whitelist-source-range": "10.0.0.0/8", "rewrite-target": "/$1"}, 503},
		"an expression that is not RE2":  {text, map[string]string{"whitelist-source-range": "10.0.0.0/8", "use-regex": "true"}, 503},
		"its backend alone is not there": {"/a", map[string]string{"backend-protocol": "HTTPS"}, 503},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			canary := strings.Replace(annotated("a-canary", tc.path, map[string]string{"canary": "true", "canary-weight": "100"}), "{name: a, port", "{name: a-canary, port", 1)
			ask, _ := served(t, Builtin("gatehouse"), ofShop()+service(t, "a")+service(t, "a-canary")+annotated("a", tc.path, tc.main)+canary)
			if status, got := ask("http-80", "a.example.com", "/a"); status != tc.want {
				t.Errorf("%d, want %d: %s", status, tc.want, got)
			}
		})
	}
}

// TestThePageHasTheAnnotations: docs/ingress.md has the table, as -update writes it.
func TestThePageHasTheAnnotations(t *testing.T) {
	t.Parallel()
	file := filepath.Join("..", "..", "docs", "ingress.md")
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- annotations: written by go generate ./gateway/translate -->\n", "<!-- end of annotations -->"
	before, rest, begins := strings.Cut(string(page), begin)
	_, after, ends := strings.Cut(rest, end)
	if !begins || !ends {
		t.Fatal("the page has no place for them")
	}
	var table strings.Builder
	table.WriteString("| annotation | | guards | |\n|---|---|---|---|\n")
	for _, a := range nginxAnnotations {
		what := map[answer]string{taken: "taken", needless: "not needed", refused: "refused: use"}[a.answer]
		fmt.Fprintf(&table, "| `%s` | %s | %s | %s |\n", a.name, what, map[guarding]string{bars: "yes"}[a.guards], strings.ReplaceAll(a.say, "|", `\|`))
	}
	want := before + begin + table.String() + end + after
	switch {
	case *update:
		if err := os.WriteFile(file, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
	case want != string(page):
		t.Error("the table is not current: go generate ./gateway/translate")
	}
}
