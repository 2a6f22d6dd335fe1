// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

func TestARefusedRuleClosesAllThatItCouldBeFor(t *testing.T) {
	t.Parallel()
	path := func(of config.PathMatch) config.Match { return config.Match{Path: of} }
	admin, every := config.PathMatch{Prefix: "/admin"}, config.Match{}
	with := config.Match{Path: admin, Method: "GET", Headers: []config.ValueMatch{{Name: "X-A", Regex: "("}}}
	for name, tc := range map[string]struct {
		matches []config.Match
		wrong   []string
		want    []config.Match
	}{
		"nothing is wrong with its matches":    {[]config.Match{with, path(admin)}, nil, []config.Match{with, path(admin)}},
		"it has none, and is for everything":   {nil, nil, nil},
		"a header is wrong: its path":          {[]config.Match{with, path(config.PathMatch{Exact: "/b"})}, []string{"matches[0].headers[0].regex"}, []config.Match{path(admin), path(config.PathMatch{Exact: "/b"})}},
		"a path is wrong: everything":          {[]config.Match{path(admin), {Path: config.PathMatch{Regex: "("}, Method: "GET"}}, []string{"matches[1].path.regex"}, []config.Match{path(admin), every}},
		"the header and the path of one":       {[]config.Match{with}, []string{"matches[0].headers[0].regex", "matches[0].path.prefix"}, []config.Match{every}},
		"the path and the header of one":       {[]config.Match{with}, []string{"matches[0].path.prefix", "matches[0].headers[0].regex"}, []config.Match{every}},
		"two paths are wrong: everything once": {[]config.Match{path(admin), path(admin), with}, []string{"matches[0].path", "matches[1].path"}, []config.Match{every, with}},
		"the eleventh is not the first":        {append(make([]config.Match, 0, 11), with, with, with, with, with, with, with, with, with, with, path(admin)), []string{"matches[10].method"}, []config.Match{with, with, with, with, with, with, with, with, with, with, path(admin)}},
		"expressions have too many steps":      {[]config.Match{with, path(config.PathMatch{Regex: "/a+"})}, []string{"matches"}, []config.Match{path(admin), every}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, closing(tc.matches, tc.wrong)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// TestARouteAtFaultKeepsItsMatches, which are judged with the whole; a match that is at fault
// itself is the exception.
func TestARouteAtFaultKeepsItsMatches(t *testing.T) {
	t.Parallel()
	admin := config.Match{Path: config.PathMatch{Prefix: "/admin"}}
	for name, tc := range map[string]struct {
		spoil func(*config.Route)
		want  []config.Match
	}{
		"what it does is at fault":  {func(r *config.Route) { r.BodyBytes = -1 }, []config.Match{admin}},
		"one of its matches is":     {func(r *config.Route) { r.Matches = append(r.Matches, config.Match{Path: config.PathMatch{Regex: "("}}) }, []config.Match{admin, {}}},
		"both are":                  {func(r *config.Route) { r.BodyBytes, r.Matches[0].Method = -1, "no method" }, []config.Match{admin}},
		"it is for every request":   {func(r *config.Route) { r.BodyBytes, r.Matches = -1, nil }, nil},
		"where it leads to is gone": {func(r *config.Route) { r.Backends[0].Name = "gone" }, []config.Match{admin}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, _, _ := built()
			of := &parent{gateway: b.gateway}
			of.conditions.set(accepted, metav1.ConditionTrue, "Accepted", "")
			own := config.Route{Name: "httproute/shop/a/0/https", Listeners: []string{"https"}, Matches: []config.Match{admin}, Target: config.Target{Backends: []config.Weighted{{Name: "to"}}}}
			older := config.Route{Name: "httproute/shop/b/0/https", Listeners: []string{"https"}, Target: config.Target{Backends: []config.Weighted{{Name: "to"}}}}
			tc.spoil(&own)
			b.out.Routes = []config.Route{own, older}
			b.origins = []*route{{of: httpRouteKind, parents: []*parent{of}}, {of: httpRouteKind}}
			if fault := b.check(); fault != "" {
				t.Fatal(fault)
			}
			if diff := cmp.Diff(tc.want, b.out.Routes[0].Matches); diff != "" {
				t.Errorf("matches: -want +got\n%s", diff)
			}
			if diff := cmp.Diff(config.Target{Backends: []config.Weighted{{Status: 500}}}, b.out.Routes[0].Target); diff != "" || of.conditions.is(accepted) {
				t.Errorf("accepted: %t; -want +got\n%s", of.conditions.is(accepted), diff)
			}
			if diff := cmp.Diff(older, b.out.Routes[1]); diff != "" {
				t.Errorf("the other one: -want +got\n%s", diff)
			}
		})
	}
}

// TestAnOlderRouteGetsNoPathOfARefusedRule, of the same host, and the paths that are not the
// rule's it has.
func TestAnOlderRouteGetsNoPathOfARefusedRule(t *testing.T) {
	t.Parallel()
	const older = `
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: older, namespace: one, creationTimestamp: "2026-01-01T00:00:00Z"}
spec:
  parentRefs: [{name: edge, namespace: infra}]
  hostnames: [shop.example.com]
  rules: [{backendRefs: [{name: a, port: 80}]}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: newer, namespace: one, creationTimestamp: "2026-01-02T00:00:00Z"}
spec:
  parentRefs: [{name: edge, namespace: infra}]
  hostnames: [shop.example.com]
  rules: [{backendRefs: [{name: a, port: 80}], `
	for name, tc := range map[string]struct{ rule, asks string }{
		"a rule that is served":                     {`matches: [{path: {value: /admin}}]`, "shop/admin 200 shop/b 200"},
		"a filter of somebody else":                 {`matches: [{path: {value: /admin}}], filters: [{type: ExtensionRef, extensionRef: {group: x, kind: Custom, name: z}}]`, "shop/admin 500 shop/admin/x 500 shop/b 200"},
		"a filter at fault":                         {`matches: [{path: {value: /admin}}], filters: [{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: Host, value: a}]}}]`, "shop/admin 500 shop/b 200"},
		"a header at fault":                         {`matches: [{path: {value: /admin}, headers: [{type: RegularExpression, name: X-A, value: "("}]}]`, "shop/admin 500 shop/b 200"},
		"a parameter at fault, beside another path": {`matches: [{path: {value: /admin}, queryParams: [{type: RegularExpression, name: a, value: "("}]}, {path: {value: /own}}]`, "shop/admin 500 shop/own 500 shop/b 200"},
		"a path at fault, beside another one":       {`matches: [{path: {type: RegularExpression, value: "("}}, {path: {value: /own}}]`, "shop/own 500 shop/b 200"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			objects := policyObjects + answering(t, "one", "a", func(http.ResponseWriter, *http.Request) {}) + older + tc.rule + "}]\n"
			ask, _ := served(t, Name{Namespace: "infra", Name: "edge"}, objects)
			words := strings.Fields(tc.asks)
			for i := 0; i+1 < len(words); i += 2 {
				host, at, _ := strings.Cut(words[i], "/")
				if status, text := ask("http-80", host+".example.com", "/"+at); strconv.Itoa(status) != words[i+1] {
					t.Errorf("%s: %d, want %s: %s", words[i], status, words[i+1], text)
				}
			}
		})
	}
}
