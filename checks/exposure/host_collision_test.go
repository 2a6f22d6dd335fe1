// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"fmt"
	"math/rand/v2"
	"testing"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

func TestClaimsOfPaths(t *testing.T) {
	t.Parallel()
	const (
		exact  = networkingv1.PathTypeExact
		prefix = networkingv1.PathTypePrefix
		free   = networkingv1.PathTypeImplementationSpecific
	)
	for name, tc := range map[string]struct {
		mine, theirs string
		mineType     networkingv1.PathType
		theirsType   networkingv1.PathType
		want         relation
	}{
		"the same prefix": {"/a", "/a", prefix, prefix, sameClaim},
		"a slash at the end of a prefix says nothing": {"/a/", "/a", prefix, prefix, sameClaim},
		"the root": {"/", "", prefix, free, sameClaim},
		"exact paths that differ by a slash are two":       {"/a/", "/a", exact, exact, disjoint},
		"exact and prefix of one path":                     {"/a", "/a", exact, prefix, sameClaim},
		"below a prefix":                                   {"/a/b", "/a", prefix, prefix, takesPart},
		"above a prefix takes nothing":                     {"/a", "/a/b", prefix, prefix, disjoint},
		"an exact path below a prefix":                     {"/a/b", "/a", exact, prefix, takesPart},
		"a prefix below an exact path":                     {"/a/b", "/a", prefix, exact, disjoint},
		"a name that begins alike":                         {"/ab", "/a", prefix, prefix, disjoint},
		"paths are told apart by case":                     {"/A", "/a", prefix, prefix, disjoint},
		"a literal path of the implementation":             {"/a", "/a", free, prefix, sameClaim},
		"a glob is a prefix":                               {"/a/*", "/a", free, prefix, sameClaim},
		"a group of everything is a prefix":                {"/a(/|$)(.*)", "/a", free, prefix, sameClaim},
		"everything is the root":                           {"/.*", "/", free, prefix, sameClaim},
		"a star in an exact path is a star":                {"/a/*", "/a", exact, exact, disjoint},
		"a pattern below a prefix":                         {"/a/[0-9]+", "/a", free, prefix, takesPart},
		"a pattern that may match":                         {"/log[a-z]+", "/login", free, prefix, incomparable},
		"a pattern that cannot match":                      {"/log[a-z]+", "/api", free, prefix, disjoint},
		"a path that a pattern may match":                  {"/login", "/log[a-z]+", exact, free, incomparable},
		"a prefix above a pattern takes nothing":           {"/a", "/a/b[0-9]", prefix, free, disjoint},
		"one pattern twice":                                {"/x[0-9]", "/x[0-9]", free, free, sameClaim},
		"two patterns that may meet":                       {"/x[0-9]", "/x[a-z]", free, free, incomparable},
		"two patterns that cannot":                         {"/x[0-9]", "/y[0-9]", free, free, disjoint},
		"alternatives may be anything":                     {"/a|/b", "/c", free, prefix, incomparable},
		"a count belongs to the character before":          {"/ab?", "/a", free, exact, incomparable},
		"a dot alone is no pattern":                        {"/favicon.ico", "/favicon.ico", free, exact, sameClaim},
		"a prefix with a star above another takes nothing": {"/a*", "/a/b", free, prefix, disjoint},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mine, theirs := ingressClaim(tc.mine, &tc.mineType), ingressClaim(tc.theirs, &tc.theirsType)
			if got := mine.against(theirs); got != tc.want {
				t.Errorf("%s %s against %s %s = %d, want %d", tc.mineType, tc.mine, tc.theirsType, tc.theirs, got, tc.want)
			}
		})
	}
}

func TestHostsNarrow(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		route, listener, want string
		some                  bool
	}{
		"an open listener":                 {"a.example.com", "", "a.example.com", true},
		"an open route":                    {"", "a.example.com", "a.example.com", true},
		"both open":                        {"", "", "", true},
		"the same host in other letters":   {"A.example.com", "a.example.com", "A.example.com", true},
		"a host below a wildcard":          {"a.b.example.com", "*.example.com", "a.b.example.com", true},
		"the domain of a wildcard":         {"example.com", "*.example.com", "", false},
		"a wildcard over a host":           {"*.example.com", "a.example.com", "a.example.com", true},
		"a wildcard below a wildcard":      {"*.a.example.com", "*.example.com", "*.a.example.com", true},
		"a name that ends alike":           {"badexample.com", "*.example.com", "", false},
		"another domain":                   {"a.example.com", "b.example.com", "", false},
		"a star alone stands for all":      {"a.example.com", "*", "", false},
		"a wildcard of nothing is no host": {"a.example.com", "*.", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, some := narrow(tc.route, tc.listener); got != tc.want || some != tc.some {
				t.Errorf("narrow(%q, %q) = %q, %t", tc.route, tc.listener, got, some)
			}
		})
	}
}

// TestTheIndexMissesNoCollision compares the verdicts that the index of paths
// gives with those of comparing every pair.
func TestTheIndexMissesNoCollision(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2)) // repeatable, not secret
	segments := []string{"a", "b", "ab", "a.b", "a[0-9]", "b?", ".*", "(.*)", "*", "c|d", "a(/|$)(.*)", ""}
	types := []networkingv1.PathType{networkingv1.PathTypeExact, networkingv1.PathTypePrefix, networkingv1.PathTypeImplementationSpecific}
	path := func() string {
		out := ""
		for range random.IntN(4) {
			out += "/" + segments[random.IntN(len(segments))]
		}
		if out == "" {
			return "/"
		}
		return out
	}
	draw := func(i int) inventory.Object {
		p, kind := path(), types[random.IntN(len(types))]
		if random.IntN(3) > 0 {
			ing := benchIngress(i, "shop.example.com", p)
			ing.Spec.Rules[0].HTTP.Paths[0].PathType = &kind
			return ing
		}
		var match gatewayv1.PathMatchType
		switch kind {
		case networkingv1.PathTypePrefix:
			match = gatewayv1.PathMatchPathPrefix
		case networkingv1.PathTypeExact:
			match = gatewayv1.PathMatchExact
		case networkingv1.PathTypeImplementationSpecific:
			match = gatewayv1.PathMatchRegularExpression
		}
		r := &gatewayv1.HTTPRoute{ObjectMeta: metav1.ObjectMeta{Namespace: fmt.Sprintf("team-%d", i), Name: "web"}}
		r.Spec.ParentRefs = []gatewayv1.ParentReference{{Name: "public"}}
		r.Spec.Hostnames = []gatewayv1.Hostname{"shop.example.com"}
		r.Spec.Rules = []gatewayv1.HTTPRouteRule{{Matches: []gatewayv1.HTTPRouteMatch{{Path: &gatewayv1.HTTPPathMatch{Type: &match, Value: &p}}}}}
		return r
	}
	found := 0
	for round := range 3000 {
		others := []inventory.Object{draw(1), draw(2), draw(3)}
		object := draw(4)
		in := checks.Input{Object: object, Parameters: checks.DefaultParameters(), Inventory: inventory.New(others...).With(object)}
		pathsOf(object, "shop.example.com", func(mine pathClaim) bool {
			want, some := disjoint, false
			for _, o := range others {
				pathsOf(o, "shop.example.com", func(theirs pathClaim) bool {
					r := mine.against(theirs)
					some = some || r != disjoint
					want = max(want, r)
					return true
				})
			}
			got := strongest(mine, "shop.example.com", in)
			if (got.relation == sameClaim) != (want == sameClaim) || (got.relation != disjoint) != some {
				t.Errorf("round %d: %+v gives %+v, comparing every pair %d", round, mine, got, want)
			}
			if some {
				found++
			}
			return true
		})
	}
	if found < 500 {
		t.Errorf("only %d collisions drawn: the test shows nothing", found)
	}
}
