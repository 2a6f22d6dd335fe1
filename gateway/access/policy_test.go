// SPDX-License-Identifier: Apache-2.0

package access

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/gatehouse-sh/gatehouse/gateway/auth"
	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/gateway/request"
)

// says is an authenticator that always says the same.
type says auth.Answer

func (s says) Authenticate(context.Context, *auth.Request) auth.Answer { return auth.Answer(s) }

var (
	byKey     = config.Authenticator{Name: "keys", APIKey: &config.APIKey{From: config.HeaderSource{Header: "X-Key"}}}
	anonymous = config.Authenticator{Name: "nobody", Anonymous: &config.Anonymous{}}
	anybody   = config.Authorization{Rules: []config.AccessRule{{Name: "any", Allow: &config.Condition{}}}}
)

func asked(header http.Header) *auth.Request {
	return &auth.Request{Form: &request.Form{Method: "GET", Path: "/", Header: header}, Now: time.Now()}
}

func policy(t testing.TB, c *config.AccessPolicy, list ...auth.Authenticator) *Policy {
	t.Helper()
	p, err := New(c, list, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestWhatWasNotDecidedIsRefused(t *testing.T) {
	t.Parallel()
	r := asked(http.Header{})
	ann := &auth.Principal{By: "keys", Subject: "ann"}
	three := []config.Authenticator{byKey, byKey, anonymous}
	for name, tc := range map[string]struct {
		p      *Policy
		status int
		reason string
	}{
		"the zero value":                          {&Policy{}, 401, NoCredential},
		"no rules":                                {policy(t, &config.AccessPolicy{Authentication: config.Authentication{AnyOf: []config.Authenticator{anonymous}}}), 403, NotAllowed},
		"no authenticators":                       {policy(t, &config.AccessPolicy{Authorization: anybody}), 401, NoCredential},
		"something that could not be had":         {policy(t, &config.AccessPolicy{Unresolved: "the Secret shop/keys is missing", Authentication: config.Authentication{AnyOf: []config.Authenticator{anonymous}}, Authorization: anybody}), 503, Unresolved},
		"the zero answer":                         {policy(t, &config.AccessPolicy{Authentication: config.Authentication{AnyOf: three}, Authorization: anybody}, says{}), 503, ""},
		"valid, but nobody":                       {policy(t, &config.AccessPolicy{Authentication: config.Authentication{AnyOf: three}, Authorization: anybody}, says{Verdict: auth.Valid}), 503, ""},
		"unavailable before one that would do":    {policy(t, &config.AccessPolicy{Authentication: config.Authentication{AnyOf: three}, Authorization: anybody}, says{Verdict: auth.Unavailable, Reason: "away"}, says{Verdict: auth.Valid, Principal: ann}), 503, "away"},
		"invalid before one that would do":        {policy(t, &config.AccessPolicy{Authentication: config.Authentication{AnyOf: three}, Authorization: anybody}, says{Verdict: auth.Invalid, Reason: "wrong"}, says{Verdict: auth.Valid, Principal: ann}), 401, "wrong"},
		"a service that says nothing":             {service(t, ExternalAnswer{}), 403, ""},
		"absent before one that does":             {policy(t, &config.AccessPolicy{Authentication: config.Authentication{AnyOf: three}, Authorization: anybody}, says{Verdict: auth.Absent}, says{Verdict: auth.Valid, Principal: ann}), 0, ""},
		"absent, and then anybody":                {policy(t, &config.AccessPolicy{Authentication: config.Authentication{AnyOf: three}, Authorization: anybody}, says{Verdict: auth.Absent}, says{Verdict: auth.Absent}), 0, ""},
		"a service that says yes":                 {service(t, ExternalAnswer{Allowed: true}), 0, ""},
		"a service that says no with a status":    {service(t, ExternalAnswer{Status: 429, Reason: "many"}), 429, "many"},
		"a service that says no without a scheme": {service(t, ExternalAnswer{Status: 401, Reason: "who"}), 401, "who"},
	} {
		v := tc.p.Judge(t.Context(), r)
		if v.Allowed != (tc.status == 0) || v.Status != tc.status || v.Reason != tc.reason {
			t.Errorf("%s: got %+v", name, v)
		}
	}
	if (Verdict{}).Allowed || (ExternalAnswer{}).Allowed {
		t.Error("a zero value lets somebody in")
	}
}

type answers ExternalAnswer

func (a answers) Ask(context.Context, *auth.Request) ExternalAnswer { return ExternalAnswer(a) }

func service(t testing.TB, a ExternalAnswer) *Policy {
	t.Helper()
	p, err := New(&config.AccessPolicy{Authentication: config.Authentication{AnyOf: []config.Authenticator{anonymous}}, Authorization: anybody}, nil, answers(a))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPatternsOfPaths(t *testing.T) {
	t.Parallel()
	for text, paths := range map[string]map[string]bool{
		"/":       {"/": true, "/a": false},
		"/a":      {"/a": true, "/a/": false, "/": false, "/ab": false, "/a/b": false, "/A": false},
		"/a/":     {"/a/": true, "/a": false},
		"/**":     {"/": true, "/a": true, "/a/b/": true},
		"/a/**":   {"/a": true, "/a/": true, "/a/b": true, "/a/b/c": true, "/ab": false, "/b/a": false},
		"/*":      {"/a": true, "/": false, "/a/": false, "/a/b": false},
		"/a/*/c":  {"/a/b/c": true, "/a//c": false, "/a/b/b/c": false, "/a/b/c/": false},
		"/*/b/**": {"/a/b": true, "/a/b/c": true, "/a/c": false, "/b": false},
		"/%2A":    {"/%2A": true, "/*": false, "/a": false},
	} {
		p := newPattern(text)
		for path, want := range paths {
			if got := p.fits(path); got != want {
				t.Errorf("%s of %s: got %v", path, text, got)
			}
		}
	}
}

func TestWhatClaimsAreTold(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		value any
		text  string
		fit   bool
	}{
		"none":                           {nil, "", true},
		"a text":                         {"a b, c", "a b, c", true},
		"another alphabet":               {"Jürgen", "Jürgen", true},
		"nothing":                        {"", "", true},
		"a number":                       {json.Number("12345678901234567890.50"), "12345678901234567890.50", true},
		"a truth":                        {true, "true", true},
		"a lie":                          {false, "false", true},
		"a list":                         {[]any{"a", json.Number("1"), true}, "a,1,true", true},
		"an empty list":                  {[]any{}, "", true},
		"a line break":                   {"a\nb", "", false},
		"a null byte":                    {"a\x00", "", false},
		"a delete":                       {"a\x7f", "", false},
		"a space before it":              {" a", "", false},
		"a space of another kind":        {"a\u00a0", "", false},
		"too much":                       {strings.Repeat("a", maxValue+1), "", false},
		"an object":                      {map[string]any{}, "", false},
		"a list of lists":                {[]any{[]any{}}, "", false},
		"a comma in an entry":            {[]any{"a,b"}, "", false},
		"an entry with a space after it": {[]any{"a "}, "", false},
		"an empty entry":                 {[]any{"a", ""}, "", false},
		"a list that is too much":        {[]any{strings.Repeat("a", maxValue), "b"}, "", false},
	} {
		text, fit := told(tc.value)
		if fit != tc.fit || fit && text != tc.text {
			t.Errorf("%s: got %q %v", name, text, fit)
		}
	}
}

func TestCookiesAreStripped(t *testing.T) {
	t.Parallel()
	c := config.Authenticator{Name: "c", JWT: &config.JWT{From: config.TokenSource{Cookie: "session"}}}
	p := policy(t, &config.AccessPolicy{Authentication: config.Authentication{AnyOf: []config.Authenticator{c}}, Authorization: anybody}, says{Verdict: auth.Valid, Principal: &auth.Principal{Subject: "a"}})
	for cookies, want := range map[string]string{
		"session=a": "", "a=b; session=c;d=e": "a=b; d=e", "session": "", "sessions=1; Session=2": "sessions=1; Session=2", " session =x; a=session": "a=session", "session=1; session=2; b=": "b=",
	} {
		h := http.Header{"Cookie": {cookies}}
		v := p.Judge(t.Context(), asked(h))
		v.Strip(h)
		if got := h.Get("Cookie"); got != want {
			t.Errorf("%s: got %q, want %q", cookies, got, want)
		}
	}
	v := policy(t, &config.AccessPolicy{Authentication: config.Authentication{AnyOf: []config.Authenticator{c, anonymous}}, Authorization: anybody}, says{Verdict: auth.Absent}).Judge(t.Context(), asked(http.Header{"Cookie": {"session=x"}}))
	if v.Allowed || v.Reason != UnknownCredential {
		t.Errorf("a cookie that nobody takes: got %+v", v)
	}
}

func TestWhatWasFoundOutOutlivesAConfiguration(t *testing.T) {
	t.Parallel()
	s := NewSet()
	t.Cleanup(s.Close)
	users := config.Secret("ann:$2y$10$abcdefghijklmnopqrstuuKeMnWNpIJLDZ0EmVaKsLdJtFcGVBDEq\n")
	snapshot := func(realm string) *config.Snapshot {
		return &config.Snapshot{AccessPolicies: []config.AccessPolicy{{Name: "p", Authorization: anybody, Authentication: config.Authentication{AnyOf: []config.Authenticator{
			{Name: "people", Basic: &config.Basic{Realm: realm, Users: users}},
		}}}}}
	}
	update := func(c *config.Snapshot) auth.Authenticator {
		t.Helper()
		policies, keep, _, err := s.Update(c, nil)
		if err != nil {
			t.Fatal(err)
		}
		keep()
		return policies["p"].list[0].Authenticator
	}
	first := update(snapshot("a"))
	if second := update(snapshot("a")); second != first {
		t.Error("passwords that were checked are forgotten")
	}
	if other := update(snapshot("b")); other == first {
		t.Error("another realm is the same")
	}
	if again := update(snapshot("a")); again == first {
		t.Error("what was no longer needed is kept")
	}
	broken := snapshot("a")
	broken.AccessPolicies[0].Authentication.AnyOf[0].Basic.Users = config.Secret("x")
	if _, _, _, err := s.Update(broken, nil); err == nil || !strings.Contains(err.Error(), "access policy p: authenticator people: line 1") {
		t.Errorf("got %v", err)
	}
}

func TestPasswordsOfAllPoliciesAreCheckedAndRememberedTogether(t *testing.T) {
	t.Parallel()
	hash, err := bcrypt.GenerateFromPassword([]byte("hush"), 10)
	if err != nil {
		t.Fatal(err)
	}
	s := NewSet()
	t.Cleanup(s.Close)
	c := &config.Snapshot{}
	for _, name := range []string{"a", "b"} {
		c.AccessPolicies = append(c.AccessPolicies, config.AccessPolicy{Name: name, Authorization: anybody, Authentication: config.Authentication{AnyOf: []config.Authenticator{
			{Name: name, Basic: &config.Basic{Users: config.Secret("ann:" + string(hash))}},
		}}})
	}
	policies, _, _, err := s.Update(c, nil)
	if err != nil {
		t.Fatal(err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for _, tc := range []struct {
		name, policy string
		ctx          context.Context //nolint:containedctx // of one request
		want         auth.Verdict
	}{
		{"the first time", "a", t.Context(), auth.Valid},
		{"by the other policy, without time for a check", "b", gone, auth.Valid},
	} {
		r := asked(http.Header{"Authorization": {"Basic YW5uOmh1c2g="}})
		if got := policies[tc.policy].list[0].Authenticate(tc.ctx, r); got.Verdict != tc.want {
			t.Errorf("%s: got %+v", tc.name, got)
		}
	}
}

func TestWhoCannotBeAskedForNowIsToldWhenToComeBack(t *testing.T) {
	t.Parallel()
	c := &config.AccessPolicy{Name: "p", Authorization: anybody, Authentication: config.Authentication{AnyOf: []config.Authenticator{byKey}}}
	for name, tc := range map[string]struct {
		again time.Duration
		want  []string
	}{
		"in a while":        {1500 * time.Millisecond, []string{"2"}},
		"nobody knows when": {0, nil},
	} {
		v := policy(t, c, says{Verdict: auth.Unavailable, Reason: "busy", Again: tc.again}).Judge(t.Context(), asked(http.Header{}))
		h := http.Header{}
		v.Header(h)
		if v.Allowed || v.Status != http.StatusServiceUnavailable || v.Reason != "busy" || !slices.Equal(h["Retry-After"], tc.want) {
			t.Errorf("%s: got %+v, %v", name, v, h)
		}
	}
}

// FuzzPattern: stars fit no more than a slow reading of them says.
func FuzzPattern(f *testing.F) {
	f.Add("/a/*/**", "/a/b/c")
	f.Add("/**", "/")
	f.Fuzz(func(t *testing.T, text, path string) {
		if !strings.HasPrefix(text, "/") || !strings.HasPrefix(path, "/") {
			return
		}
		p := newPattern(text)
		if got, want := p.fits(path), slow(strings.Split(text[1:], "/"), strings.Split(path[1:], "/")); got != want {
			t.Fatalf("%q of %q: got %v, want %v", path, text, got, want)
		}
	})
}

func slow(want, have []string) bool {
	if len(want) == 1 && want[0] == "**" {
		return true
	}
	if len(want) == 0 || len(have) == 0 {
		return len(want) == len(have)
	}
	return (want[0] == have[0] || want[0] == "*" && have[0] != "") && slow(want[1:], have[1:])
}

func BenchmarkJudge(b *testing.B) {
	who := &auth.Principal{By: "keys", Subject: "ann", Scopes: []string{"a", "orders.read"}, Claims: map[string]any{"tenant": "acme"}}
	p := policy(b, &config.AccessPolicy{
		Authentication: config.Authentication{AnyOf: []config.Authenticator{byKey}},
		Authorization: config.Authorization{Rules: []config.AccessRule{
			{Name: "banned", Deny: &config.Condition{Claims: map[string][]string{"banned": {"true"}}}},
			{Name: "admin", Allow: &config.Condition{Paths: []string{"/admin/**"}}},
			{Name: "read", Allow: &config.Condition{Methods: []string{"GET"}, Paths: []string{"/orders/**"}, Scopes: []string{"orders.read"}, Claims: map[string][]string{"tenant": {"acme"}}}},
		}},
		Forward: config.Forward{ClaimsToHeaders: map[string]string{"sub": "X-User"}},
	}, says{Verdict: auth.Valid, Principal: who})
	r := asked(http.Header{"X-Key": {"a"}})
	r.Form.Path = "/orders/1"
	b.ReportAllocs()
	for b.Loop() {
		if v := p.Judge(b.Context(), r); !v.Allowed {
			b.Fatal(v)
		}
	}
}
