// SPDX-License-Identifier: Apache-2.0

package condition

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/auth"
	"github.com/gatehouse-sh/gatehouse/gateway/request"
)

func input(t testing.TB) Input {
	t.Helper()
	claims := map[string]any{}
	in := json.NewDecoder(strings.NewReader(`{"tenant":"acme","roles":["admin","dev"],"level":3,"share":0.5,"big":18446744073709551615,"huge":123456789012345678901234567890,"huge2":1e300,"admin":true,"nested":{"a":[1,2]},"no":null}`))
	in.UseNumber()
	if err := in.Decode(&claims); err != nil {
		t.Fatal(err)
	}
	return Input{
		Form: &request.Form{
			Method: "GET", Host: "shop.example.com", Path: "/orders/1", Query: "a=b", Scheme: "https", Client: netip.MustParseAddr("192.0.2.7"),
			Header: http.Header{"X-Tenant": {"acme"}, "Accept": {"a", "b"}},
		},
		Principal: &auth.Principal{By: "idp", Issuer: "https://idp/", Subject: "ann", Scopes: []string{"orders.read"}, Claims: claims},
		Now:       time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC),
	}
}

const fails = "fails"

func TestWhatExpressionsSay(t *testing.T) {
	t.Parallel()
	for expression, want := range map[string]any{
		"request.method == 'GET' && request.host == 'shop.example.com' && request.scheme == 'https'": true,
		"request.path.startsWith('/orders/') && request.query == 'a=b'":                              true,
		"request.path.matches('^/orders/[0-9]+$')":                                                   true,
		"client.ip == '192.0.2.7'":                                                                   true,
		"request.headers['x-tenant'] == claims.tenant":                                               true,
		"request.headers['X-Tenant'] == 'acme'":                                                      true,
		"request.headers['accept'] == 'a, b'":                                                        true,
		"'x-none' in request.headers":                                                                false,
		"request.headers.exists(k, k == 'x-tenant')":                                                 true,
		"size(request.headers) == 2":                                                                 true,
		"string(dyn(request.headers)) == ''":                                                         fails,
		"request.headers['x-none'] == ''":                                                            fails,
		"principal.subject == 'ann' && principal.issuer == 'https://idp/' && principal.by == 'idp'":  true,
		"'orders.read' in principal.scopes":                                                          true,
		"'orders.write' in principal.scopes":                                                         false,
		"'admin' in claims.roles":                                                                    true,
		"claims.roles.exists(r, r in ['admin', 'root'])":                                             true,
		"claims.roles == ['admin', 'dev']":                                                           true,
		"claims.nested.a[1] == 2":                                                                    true,
		"claims.level >= 3 && claims.level < 4 && claims.share == 0.5":                               true,
		"claims.big == 18446744073709551615u":                                                        true,
		"claims.huge > 1":                                                                            fails, // it would equal its neighbours
		"claims.huge2 > 1.0":                                                                         fails,
		"claims.admin":                                                                               true,
		"claims.tenant":                                                                              fails, // no truth value
		"claims.missing == 'x'":                                                                      fails,
		"claims.missing == 'x' || claims.tenant == 'acme'":                                           true, // what is not needed may be missing
		"has(claims.missing)":                                                                        false,
		"has(claims.no) && claims.no == null":                                                        true,
		"now.getHours('Europe/Berlin') == 10 && now.getHours() == 9":                                 true,
		"now < timestamp('2026-11-22T09:00:01Z')":                                                    true,
		"claims.level == -3":                                                                         false,
		"claims.level in [-3, 3]":                                                                    true,
	} {
		p, err := Bool(expression)
		if err != nil {
			t.Errorf("%s: %v", expression, err)
			continue
		}
		got, err := p.Eval(input(t))
		if want == fails {
			if !errors.Is(err, ErrFailed) || got {
				t.Errorf("%s: got %v, %v, want a failure", expression, got, err)
			}
			continue
		}
		if err != nil || got != want {
			t.Errorf("%s: got %v, %v, want %v", expression, got, err, want)
		}
	}
}

func TestTexts(t *testing.T) {
	t.Parallel()
	for expression, want := range map[string]string{
		"principal.subject + '/' + claims.tenant": "ann/acme",
		"claims.level": "3", "claims.big": "18446744073709551615", "claims.admin": "true",
		"has(claims.plan) ? string(claims.plan) : client.ip": "192.0.2.7",
		"claims.roles": "", "claims.missing": "", "claims.share": "", "claims.no": "",
	} {
		e, err := Text(expression)
		if err != nil {
			t.Errorf("%s: %v", expression, err)
			continue
		}
		got, err := e.Eval(input(t))
		if got != want || (want == "") != errors.Is(err, ErrFailed) {
			t.Errorf("%s: got %q, %v, want %q", expression, got, err, want)
		}
	}
}

func TestExpressionsThatAreRefused(t *testing.T) {
	t.Parallel()
	for expression, want := range map[string]string{
		"":                                 "1:1: ",
		"claims.":                          "1:8: Syntax error",
		"requst.path == '/'":               "1:1: undeclared reference to 'requst'",
		"request.body == ''":               "1:1: undeclared reference to 'request'",
		"request.path":                     "it is of type string, not bool",
		"request.path == 1":                "1:14: found no matching overload for '_==_'",
		"request.path.matches('(')":        "1:22: invalid matches argument",
		"request.path.matches(claims.re)":  "1:21: the pattern of matches must be written out",
		"matches('a', claims.re)":          "1:8: the pattern of matches must be written out",
		"[claims, claims] == [claims]":     "1:1: a list, map or message that is written out can hold constants only",
		"{'a': claims}.a == claims":        "1:1: a list, map or message that is written out can hold constants only",
		"claims.roles.map(r, r) == []":     "undeclared reference to 'map'",
		"claims.roles.filter(r, r == '1')": "undeclared reference to 'filter'",
		"claims.a.exists(a, claims.b.exists(b, claims.c.exists(c, claims.d.exists(d, a == b && c == d))))": "comprehension exceeds nesting limit",
		"'" + strings.Repeat("a", MaxExpression) + "' == ''":                                               "bytes are more than",
		strings.Repeat("(", 500) + "true" + strings.Repeat(")", 500):                                       "recursion",
	} {
		_, err := Bool(expression)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n  ") {
			t.Errorf("%.60s: got %v, want %s", expression, err, want)
		}
	}
}

func TestNobodyHasNoClaims(t *testing.T) {
	t.Parallel()
	in := input(t)
	in.Principal = nil
	for _, expression := range []string{"!has(claims.banned)", "!('a' in claims)", "principal.subject != 'bob'", "size(principal.scopes) == 0", "principal.by == ''", "principal.issuer == ''"} {
		p, err := Bool(expression)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := p.Eval(in); got || !errors.Is(err, ErrFailed) {
			t.Errorf("%s: got %v, %v", expression, got, err)
		}
	}
	in.Principal = &auth.Principal{By: "keys", Subject: "a"}
	p, err := Bool("!has(claims.banned) && size(principal.scopes) == 0")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := p.Eval(in); !got || err != nil {
		t.Errorf("without claims: got %v, %v", got, err)
	}
}

func TestWhoIsAskedFor(t *testing.T) {
	t.Parallel()
	for expression, want := range map[string]bool{
		"request.path == '/'":                      false,
		"request.headers['claims'] == '/claims.a'": false,
		"claims.a == 1":                            true,
		"'a' in principal.scopes":                  true,
		"request.path == principal.subject":        true,
		"['a'].exists(x, x in claims)":             true,
	} {
		p, err := Bool(expression)
		if err != nil {
			t.Fatal(err)
		}
		if p.Identity() != want {
			t.Errorf("%s: got %v", expression, !want)
		}
	}
}

// What a client sends is multiplied, and must end by the count of costs.
func TestCostsAreBounded(t *testing.T) {
	t.Parallel()
	in := input(t)
	many := make([]any, 5000)
	for i := range many {
		many[i] = strings.Repeat("x", 10)
	}
	in.Principal.Claims["many"] = many
	in.Form.Header.Set("Long", strings.Repeat("a", 60<<10))
	long := "request.headers['long']"
	for _, expression := range []string{
		"claims.many.all(a, claims.many.exists(b, a != b && b == 'y') || true)",
		long + strings.Repeat(" + "+long, 60) + " == ''",
		long + ".matches('(a*)*(b|c|d)*(a*)*(b|c|d)*(a*)*(b|c|d)*x')",
	} {
		p, err := Bool(expression)
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		got, err := p.Eval(in)
		t.Logf("%.50s: %s", expression, time.Since(began))
		if got || !errors.Is(err, ErrFailed) {
			t.Errorf("%.50s: got %v, %v, want a failure", expression, got, err)
		}
	}
	if got, err := new(Predicate).Eval(in); got || !errors.Is(err, ErrFailed) {
		t.Errorf("the zero value: got %v, %v", got, err)
	}
}

// FuzzBool: what compiles is evaluated without panic and in bounds, with claims and
// without.
func FuzzBool(f *testing.F) {
	for _, s := range []string{"claims.tenant == 'acme'", "request.path.matches('a+')", "claims.roles.exists(r, r == 'x')", "now > timestamp('2026-01-01T00:00:00Z')", "request.headers['a'] + 'b' == 'c'", "has(claims.a.b)"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, expression string) {
		p, err := Bool(expression)
		if err != nil {
			return
		}
		for _, in := range []Input{input(t), {Form: input(t).Form}, {}} {
			if got, err := p.Eval(in); err != nil && (got || !errors.Is(err, ErrFailed)) {
				t.Fatalf("got %v, %v", got, err)
			}
		}
	})
}

func BenchmarkEval(b *testing.B) {
	for name, expression := range map[string]string{
		"path": "request.path.startsWith('/orders')", "claim": "claims.tenant == 'acme' && 'admin' in claims.roles", "header": "request.headers['x-tenant'] == claims.tenant",
	} {
		b.Run(name, func(b *testing.B) {
			p, err := Bool(expression)
			if err != nil {
				b.Fatal(err)
			}
			in := input(b)
			b.ReportAllocs()
			for b.Loop() {
				if ok, err := p.Eval(in); !ok || err != nil {
					b.Fatal(ok, err)
				}
			}
		})
	}
}
