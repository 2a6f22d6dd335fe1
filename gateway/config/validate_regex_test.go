// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	re2 "regexp/syntax"
	"strings"
	"testing"
)

// refusalOf is what is said of a route with expressions.
func refusalOf(expressions ...string) string {
	r := Route{Name: "r", Target: Target{Redirect: &Redirect{Scheme: "https"}}}
	for _, e := range expressions {
		r.Matches = append(r.Matches, Match{Headers: []ValueMatch{{Name: "X-A", Regex: e}}})
	}
	return fmt.Sprint((&Snapshot{Routes: []Route{r}}).ValidateParts())
}

func TestExpressionsAreBounded(t *testing.T) {
	t.Parallel()
	const none = "[]"
	bytes := strings.Repeat("a", maxRegex)
	for name, tc := range map[string]struct {
		expressions []string
		want        string
	}{
		"as long as can be":           {[]string{bytes}, none},
		"longer":                      {[]string{bytes + "a"}, "at most 1024 bytes"},
		"an identifier":               {[]string{`[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}`}, none},
		"a length":                    {[]string{`[A-Za-z0-9._~-]{1,255}`}, none},
		"as many as can be":           {[]string{"(?:a?){512}"}, none},
		"more":                        {[]string{"(?:a?){513}"}, "has 1026 steps"},
		"many of many":                {[]string{strings.Repeat("(a?){1000}", 100)}, "steps, and 1024 are the most"},
		"many of many in one another": {[]string{"(?:(?:a{10}){10}){10}" + "(?:a{5}){5}"}, "has 1025 steps"},
		"letters of all scripts":      {[]string{`[\p{L}\p{N}_-]+/\p{Lu}\p{L}{1,20}`}, none},
		"letters of all scripts, again and again": {[]string{`\p{L}{1000}`}, "steps, and 1024 are the most"},
		"all of a route":                          {[]string{bytes, bytes, bytes, bytes}, none},
		"more of a route":                         {[]string{bytes, bytes, bytes, bytes, "a"}, "routes[0].matches: their regular expressions have 4097 steps, and 4096 are the most"},
		"a quote that ends":                       {[]string{`a\Qb\E`}, none},
		"a quote that takes in what is behind it": {[]string{`a\Qb`}, "is no regular expression"},
		"a parenthesis of what is around it":      {[]string{`a)|(?:b`}, "is no regular expression"},
	} {
		if got := refusalOf(tc.expressions...); !strings.Contains(got, tc.want) {
			t.Errorf("%s: got %s, want %s", name, got, tc.want)
		}
	}
}

// FuzzSteps: no program is longer than is estimated, and what is taken compiles in what
// package route puts around it.
func FuzzSteps(f *testing.F) {
	for _, e := range []string{"", "a", "abc|abd|[a-z]+", "(?:a*b?){300}c", "(a|b{2,5})*?", "x{0}", "(?i:straße)", `\b^$\pL{3}`, "(|a)*", "(?:){1000}", "a{5,}", `\Q+`, "[^a]|(?s:.)"} {
		f.Add(e)
	}
	f.Fuzz(func(t *testing.T, e string) {
		re, err := re2.Parse(e, re2.Perl)
		if err != nil || e == "" || refusalOf(e) != "[]" {
			return
		}
		whole, err := re2.Parse(`^(?:`+e+`)$`, re2.Perl)
		if err != nil {
			t.Fatal(err)
		}
		prog, err := re2.Compile(whole.Simplify())
		if err != nil {
			t.Fatal(err)
		}
		const around = 4 // where it fails, ^, $, and where it fits
		if n := steps(re); len(prog.Inst) > n+around {
			t.Errorf("%q: %d instructions, and %d were estimated", e, len(prog.Inst), n)
		}
	})
}
