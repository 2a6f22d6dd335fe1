// SPDX-License-Identifier: Apache-2.0

package request

import (
	"net/url"
	"strings"
	"testing"
)

func TestPathsHaveOneForm(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"/":                           "/",
		"/a/b.c/~d-e_f":               "/a/b.c/~d-e_f",
		"/users:delete":               "/users:delete",
		"/users%3Adelete":             "/users:delete",
		"/%61dm%69n":                  "/admin",
		"/a%2eb":                      "/a.b",
		"/a/./b/../c":                 "/a/c",
		"/a/b/..":                     "/a/",
		"/a/.":                        "/a/",
		"/public/%2e%2e/admin":        "/admin",
		"/public/.%2E/admin":          "/admin",
		"//admin":                     "/admin",
		"/a///b//":                    "/a/b/",
		"/a//../b":                    "/b",
		"/.well-known/x":              "/.well-known/x",
		"/...":                        "/...",
		"/a b":                        "!bad-path",
		"/a%20b":                      "/a%20b",
		"/caf%c3%a9":                  "/caf%C3%A9",
		"/caf\xc3\xa9":                "/caf%C3%A9",
		"/a{b}|c^d`e\"f<g>":           "/a%7Bb%7D%7Cc%5Ed%60e%22f%3Cg%3E",
		"/100%25":                     "/100%25",
		"/a%3Fb":                      "/a%3Fb",
		"/a%23b":                      "/a%23b",
		"":                            "!bad-target",
		"*":                           "!bad-target",
		"a/b":                         "!bad-target",
		"/..%2fadmin":                 "!escaped-slash",
		"/a%5cb":                      "!escaped-slash",
		`/a\b`:                        "!backslash",
		"/public/..;/admin":           "!path-parameter",
		"/admin;x=1":                  "!path-parameter",
		"/admin%3Bx":                  "!path-parameter",
		"/public/%252e%252e/admin":    "!double-escape",
		"/public/%25%32%65/admin":     "!double-escape",
		"/%25252e":                    "!double-escape",
		"/a%00b":                      "!bad-path",
		"/a%0d%0aX:y":                 "!bad-path",
		"/a\x01":                      "!bad-path",
		"/a%7f":                       "!bad-path",
		"/a%zz":                       "!bad-path",
		"/a%":                         "!bad-path",
		"/a%4":                        "!bad-path",
		"/a#b":                        "!bad-path",
		"/a%c0%afb":                   "!bad-path",
		"/a%ff":                       "!bad-path",
		"/a\xff":                      "!bad-path",
		"/a%c3/%a9":                   "!bad-path",
		"/..":                         "!above-root",
		"/a/../../b":                  "!above-root",
		"/%2e%2e/b":                   "!above-root",
		"//../b":                      "!above-root",
		"/" + strings.Repeat("a", 99): "/" + strings.Repeat("a", 99),
	} {
		if got := said(Path(raw, PathOptions{})); got != want {
			t.Errorf("%q: got %q, want %q", raw, got, want)
		}
	}
}

func TestPathOptionsKeepWhatTheySay(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		o         PathOptions
		raw, want string
	}{
		"an escaped slash that is decoded divides":       {PathOptions{EscapedSlashes: DecodeEscapedSlashes}, "/a%2fb%5Cc", "/a/b/c"},
		"what it divides is resolved":                    {PathOptions{EscapedSlashes: DecodeEscapedSlashes}, "/a/..%2fb", "/b"},
		"and may not climb above the root":               {PathOptions{EscapedSlashes: DecodeEscapedSlashes}, "/..%2fb", "!above-root"},
		"an escaped slash that is kept stays escaped":    {PathOptions{EscapedSlashes: KeepEscapedSlashes}, "/a%2fb", "/a%2Fb"},
		"dots before a kept one are part of a name":      {PathOptions{EscapedSlashes: KeepEscapedSlashes}, "/..%2fb", "/..%2Fb"},
		"a raw backslash is refused all the same":        {PathOptions{EscapedSlashes: KeepEscapedSlashes}, `/a\b`, "!backslash"},
		"a double escape of a slash is refused":          {PathOptions{EscapedSlashes: KeepEscapedSlashes}, "/a%252fb", "!double-escape"},
		"empty segments that are kept stay":              {PathOptions{EmptySegments: KeepEmptySegments}, "/a//b/", "/a//b/"},
		"a dot segment takes a kept empty one away":      {PathOptions{EmptySegments: KeepEmptySegments}, "/a//../b", "/a/b"},
		"empty segments that are refused":                {PathOptions{EmptySegments: RefuseEmptySegments}, "/a//b", "!empty-segment"},
		"a final slash is no empty segment":              {PathOptions{EmptySegments: RefuseEmptySegments}, "/a/", "/a/"},
		"dot segments that are refused":                  {PathOptions{DotSegments: RefuseDotSegments}, "/a/%2e/b", "!dot-segment"},
		"parameters that are kept stay in one spelling":  {PathOptions{Parameters: KeepPathParameters}, "/a;x/b%3By", "/a;x/b;y"},
		"a dot segment with a parameter is no such name": {PathOptions{Parameters: KeepPathParameters}, "/a/..;/b", "!path-parameter"},
	} {
		if got := said(Path(tc.raw, tc.o)); got != tc.want {
			t.Errorf("%s: %q: got %q, want %q", name, tc.raw, got, tc.want)
		}
	}
}

func said(s string, refusal *Refusal) string {
	if refusal != nil {
		return "!" + string(refusal.Reason)
	}
	return s
}

// FuzzPath holds the contract of Path: the form is its own form, it decodes to
// nothing else when it is decoded once more, and whoever decodes both as Go and
// nginx do, sees the same path.
func FuzzPath(f *testing.F) {
	for _, s := range []string{"/", "/a/../b", "/%2e%2e/", "/a%25b", "/a;b", "/%252e", "//a//", "/%c3%a9", "/a%2Fb%5c", "/a:b@c", "/%25%32%65"} {
		for o := range uint8(54) {
			f.Add(s, o)
		}
	}
	f.Fuzz(func(t *testing.T, raw string, bits uint8) {
		o := PathOptions{EscapedSlashes(bits % 3), EmptySegments(bits / 3 % 3), DotSegments(bits / 9 % 2), PathParameters(bits / 18 % 2)}
		form, refusal := Path(raw, o)
		if refusal != nil {
			return
		}
		if again, refusal := Path(form, o); refusal != nil || again != form {
			t.Fatalf("%q: the form %q has the form %q %v", raw, form, again, refusal)
		}
		decoded, err := url.PathUnescape(form)
		if err != nil || strings.ContainsFunc(decoded, func(c rune) bool { return c < ' ' || c == 0x7f }) {
			t.Fatalf("%q: the form %q decodes to %q, %v", raw, form, decoded, err)
		}
		if twice, err := url.PathUnescape(decoded); err == nil && twice != decoded {
			t.Fatalf("%q: the form %q decodes twice, to %q and %q", raw, form, decoded, twice)
		}
		for s := range strings.SplitSeq(form[1:], "/") {
			if name, _, _ := strings.Cut(s, ";"); name == "." || name == ".." {
				t.Fatalf("%q: the form %q has dot segments", raw, form)
			}
		}
		if u, err := url.ParseRequestURI(form); err != nil || u.EscapedPath() != form && u.RawPath == form {
			t.Fatalf("%q: net/url reads the form %q as %v, %v", raw, form, u, err)
		}
		same, err := url.PathUnescape(raw)
		if err != nil {
			t.Fatalf("%q: no server decodes it, but it has the form %q", raw, form)
		}
		escaped := (&url.URL{Path: same}).EscapedPath()
		if o.EscapedSlashes == DecodeEscapedSlashes && !strings.Contains(same, `\`) {
			if other, refusal := Path(escaped, o); refusal != nil || other != form {
				t.Fatalf("%q and %q are the same path to a server, but have the forms %q and %q %v", raw, escaped, form, other, refusal)
			}
		}
	})
}

func BenchmarkPath(b *testing.B) {
	for name, raw := range map[string]string{"plain": "/api/v1/orders/4711/items", "escaped": "/api/v1/orders/caf%C3%A9/../items"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, refusal := Path(raw, PathOptions{}); refusal != nil {
					b.Fatal(refusal)
				}
			}
		})
	}
}
