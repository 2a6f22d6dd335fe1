// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"strings"
	"testing"
)

func TestInjection(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		value string
		kind  valueKind
		want  string // part of the answer; empty: accepted
	}{
		"an empty value is nothing":                     {"", plainValue, ""},
		"a URL is a value":                              {"https://auth.example.com:8443/check?a=b&c=d", plainValue, ""},
		"a semicolon ends a directive":                  {"https://a.example.com;", plainValue, "semicolon"},
		"a line break is white space to NGINX":          {"a\nb", plainValue, "line break"},
		"so is a carriage return":                       {"a\rb", plainValue, "line break"},
		"a zero byte is no text":                        {"a\x00b", plainValue, "control"},
		"a tab separates words only":                    {"a.example.com\tb.example.com", plainValue, ""},
		"a variable in braces is a value":               {"${request_uri}-x", plainValue, ""},
		"two variables are":                             {"$host${request_uri}", plainValue, ""},
		"a brace behind a variable is not":              {"${request_uri}}", plainValue, "brace"},
		"a variable that never ends is not":             {"${request_uri", plainValue, "brace"},
		"an empty variable is not":                      {"${}", plainValue, "brace"},
		"a variable with punctuation is not":            {"${a b}", plainValue, "brace"},
		"a count of a pattern is a value":               {"^[a-z]{2,3}$", pathOfRule, ""},
		"an open count is":                              {"^[a-z]{2,}$", pathOfRule, ""},
		"a count of nothing is not":                     {"{2}", pathOfRule, "brace"},
		"a count without a number is not":               {"/a{,2}", pathOfRule, "brace"},
		"a block is not":                                {"/a {return 200}", pathOfRule, "brace"},
		"a number sign begins a comment":                {"https://a.example.com/#x", plainValue, "number sign"},
		"in a redirect it begins a fragment":            {"https://a.example.com/#/x", urlValue, ""},
		"a second one does not":                         {"https://a.example.com/#/x#", urlValue, "number sign"},
		"nor one behind a space":                        {"https://a.example.com/ #", urlValue, "number sign"},
		"nor one at the start":                          {"#x", urlValue, "number sign"},
		"a double quote ends a value":                   {`CN="x`, plainValue, "quote"},
		"a single quote does too":                       {"CN='x", plainValue, "quote"},
		"an apostrophe may stand in a path":             {"/l'addition", pathOfRule, ""},
		"root as a word of a path is a value":           {"https://a.example.com/root/alias", plainValue, ""},
		"root with an argument is a directive":          {"x root /etc", plainValue, "root"},
		"whatever its case":                             {"x\tALIAS\t/etc", plainValue, "alias"},
		"root at the end has no argument":               {"x root", plainValue, ""},
		"a Lua directive anywhere":                      {"x content_by_lua_block", plainValue, "Lua"},
		"whatever its case, too":                        {"X_BY_LUA", plainValue, "Lua"},
		"lua_ begins a directive":                       {"lua_package_path x", plainValue, "Lua"},
		"a value that begins like a Lua one":            {"lua_scripts.example.com/x", urlValue, "Lua"},
		"but not inside a word":                         {"https://a.example.com/lua_scripts", plainValue, ""},
		"the folder of tokens":                          {"/var/run/secrets/kubernetes.io/serviceaccount", pathOfRule, "tokens"},
		"written with repeated slashes":                 {"/var///run//secrets", pathOfRule, "tokens"},
		"below another path":                            {"/x/run/secrets/token", pathOfRule, "tokens"},
		"without its beginning":                         {"/x/kubernetes.io/serviceaccount", pathOfRule, "tokens"},
		"in capitals, for systems that do not care":     {"/VAR/RUN/SECRETS", pathOfRule, "tokens"},
		"the folder of the system":                      {"/etc", pathOfRule, "/etc"},
		"followed by a pattern":                         {"/etc(/|$)(.*)", pathOfRule, "/etc"},
		"a name that begins alike":                      {"/etcd/v3", pathOfRule, ""},
		"a file that begins alike":                      {"/etc.html", pathOfRule, ""},
		"secrets of an application":                     {"/api/secrets", pathOfRule, ""},
		"the same folder in a URL is somebody's server": {"https://a.example.com/etc/x", plainValue, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := injection(tc.value, tc.kind)
			if (got == "") != (tc.want == "") || !strings.Contains(got, tc.want) {
				t.Errorf("injection(%q) = %q, want one with %q", tc.value, got, tc.want)
			}
		})
	}
}

// FuzzInjection checks what must hold for every value: what NGINX's grammar
// needs for a directive is found wherever it stands, and letters are not.
func FuzzInjection(f *testing.F) {
	for _, seed := range []string{
		"", "https://a.example.com/x?y=z", "http://example.com/#;load_module /tmp/x.so;", "CN=abc #(\n){}\n }}\nssl_engine x;\n#",
		"${request_uri}", "[a-z]{2,3}", "/var//run/./secrets", "/etc/", "x ROOT /", "a_by_lua", "\xff\xfe{", "{{{{", "$", "${", "a{", "/.", "/./",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		for _, kind := range []valueKind{plainValue, urlValue, pathOfRule} {
			found := injection(value, kind)
			if found == "" && strings.ContainsAny(value, ";\n\r\"\x00") {
				t.Fatalf("%q accepted as %d", value, kind)
			}
			if found == "" && strings.Count(value, "{") != strings.Count(value, "}") {
				t.Fatalf("%q accepted as %d with unequal braces", value, kind)
			}
			if found == "" && strings.Contains(strings.ToLower(value), "_by_lua") {
				t.Fatalf("%q accepted as %d", value, kind)
			}
			if found != "" && !strings.ContainsAny(value, ";\n\r\"'`#{}/_ \t\x7f") && !hasControl(value) {
				t.Fatalf("%q refused as %d: %s", value, kind, found)
			}
			for _, more := range []string{value + ";", ";" + value, value + "\n}"} {
				if injection(more, kind) == "" {
					t.Fatalf("%q accepted as %d", more, kind)
				}
			}
		}
	})
}

func hasControl(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r < ' ' })
}
