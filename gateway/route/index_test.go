// SPDX-License-Identifier: Apache-2.0

package route

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"regexp"
	"strings"
	"testing"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/gateway/request"
)

func index(t testing.TB, routes ...config.Route) *Index {
	t.Helper()
	for i := range routes {
		if routes[i].Name == "" {
			routes[i].Name = fmt.Sprint(i)
		}
		routes[i].Target = config.Target{Redirect: &config.Redirect{Scheme: "https"}}
	}
	s := &config.Snapshot{Listeners: []config.Listener{
		{Name: "web", Address: netip.MustParseAddrPort("127.0.0.1:80"), Protocol: config.HTTP},
		{Name: "other", Address: netip.MustParseAddrPort("127.0.0.1:81"), Protocol: config.HTTP},
	}, Routes: routes}
	for _, f := range s.Validate() {
		t.Fatal(f)
	}
	x, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func asked(method, host, target string, header http.Header) *request.Form {
	path, query, _ := strings.Cut(target, "?")
	return &request.Form{Method: method, Host: host, Path: path, Query: query, Header: header}
}

func TestTheMostSpecificRouteIsTaken(t *testing.T) {
	t.Parallel()
	m := func(p config.PathMatch, method string) config.Match { return config.Match{Path: p, Method: method} }
	on := func(host string, matches ...config.Match) config.Route {
		return config.Route{Hosts: []string{host}, Matches: matches}
	}
	x := index(t,
		on("a.example.com", m(config.PathMatch{Prefix: "/"}, "")),
		on("a.example.com", m(config.PathMatch{Prefix: "/api"}, "")),
		on("a.example.com", m(config.PathMatch{Prefix: "/api/"}, "GET")),
		on("a.example.com", m(config.PathMatch{Exact: "/api/x"}, "")),
		on("a.example.com", m(config.PathMatch{Prefix: "/api/x/y"}, "")),
		on("a.example.com", m(config.PathMatch{Regex: "/api/r[0-9]+"}, "")),
		on("a.example.com", config.Match{Path: config.PathMatch{Prefix: "/h"}, Headers: []config.ValueMatch{{Name: "x-v", Exact: "1"}}}),
		on("a.example.com", config.Match{Path: config.PathMatch{Prefix: "/h"}, Headers: []config.ValueMatch{{Name: "X-V", Regex: "1|2"}, {Name: "X-W", Regex: "^$"}}}),
		on("a.example.com", config.Match{Path: config.PathMatch{Prefix: "/h"}, Query: []config.ValueMatch{{Name: "q a", Exact: "b&c"}}}),
		on("*.example.com", m(config.PathMatch{Prefix: "/w"}, "")),
		on("*.b.example.com", m(config.PathMatch{Prefix: "/w"}, "")),
		on("*", m(config.PathMatch{Prefix: "/"}, "")),
		on("only.example.com", m(config.PathMatch{Exact: "/one"}, "")),
	)
	header := func(lines ...string) http.Header {
		h := http.Header{}
		for _, l := range lines {
			name, text, _ := strings.Cut(l, "=")
			h.Add(name, text)
		}
		return h
	}
	for _, tc := range []struct {
		form *request.Form
		want int // position of the route, -1 for none
	}{
		{asked("GET", "a.example.com", "/", nil), 0},
		{asked("GET", "a.example.com", "/apix", nil), 0},
		{asked("PUT", "a.example.com", "/api", nil), 1},
		{asked("GET", "a.example.com", "/api", nil), 2},
		{asked("GET", "a.example.com", "/api/z/z/z/z", nil), 2},
		{asked("GET", "a.example.com", "/api/x", nil), 3},
		{asked("GET", "a.example.com", "/api/x/", nil), 2},
		{asked("GET", "a.example.com", "/api/x/y", nil), 4},
		{asked("GET", "a.example.com", "/api/x/y/z", nil), 4},
		{asked("GET", "a.example.com", "/api/x/yy", nil), 2},
		{asked("GET", "a.example.com", "/api/r12", nil), 5},
		{asked("GET", "a.example.com", "/api/r12/x", nil), 2},
		{asked("GET", "a.example.com", "/h", nil), 0},
		{asked("GET", "a.example.com", "/h", header("X-V=1")), 6},
		{asked("GET", "a.example.com", "/h", header("X-V=0", "X-V=1")), 6},
		{asked("GET", "a.example.com", "/h", header("X-V=2")), 0},
		{asked("GET", "a.example.com", "/h", header("X-V=12", "X-W=")), 0},
		{asked("GET", "a.example.com", "/h", header("X-V=1", "X-W=")), 7},
		{asked("GET", "a.example.com", "/h?q+a=b%26c", nil), 8},
		{asked("GET", "a.example.com", "/h?q%20a=z&q+a=b%26c", nil), 0},
		{asked("GET", "a.example.com", "/h?q%zz=1", nil), 0},
		{asked("GET", "c.example.com", "/w", nil), 9},
		{asked("GET", "c.b.example.com", "/w/x", nil), 10},
		{asked("GET", "c.d.example.com", "/w", nil), 9},
		{asked("GET", "example.com", "/w", nil), 11},
		{asked("GET", "c.example.com", "/", nil), -1}, // the host has routes of its own
		{asked("GET", "only.example.com", "/two", nil), -1},
		{asked("GET", "[2001:db8::1]", "/two", nil), 11},
	} {
		hit, found := x.Find("web", tc.form)
		if !found {
			hit.Route = -1
		}
		if hit.Route != tc.want {
			t.Errorf("%s %s%s %v: got route %d, want %d", tc.form.Method, tc.form.Host, tc.form.Target(), tc.form.Header, hit.Route, tc.want)
		}
		if told := taken(x.Trace("web", tc.form)); told != tc.want {
			t.Errorf("%s %s%s %v: route %d is told, want %d", tc.form.Method, tc.form.Host, tc.form.Target(), tc.form.Header, told, tc.want)
		}
	}
	if _, found := x.Find("nowhere", asked("GET", "a.example.com", "/", nil)); found {
		t.Error("a listener that there is not has a route")
	}
}

// TestHostsOfAListenerAreKeptApart: for a name that the listener has, no route of a less
// specific one is taken.
func TestHostsOfAListenerAreKeptApart(t *testing.T) {
	t.Parallel()
	s := &config.Snapshot{
		Listeners: []config.Listener{{
			Name: "web", Address: netip.MustParseAddrPort("127.0.0.1:80"), Protocol: config.HTTP, Hosts: []string{"*", "*.example.com", "*.empty.example.com", "alone.example.com"},
		}},
		Routes: []config.Route{
			{Name: "every", Target: config.Target{Redirect: &config.Redirect{Scheme: "https"}}},
			{Name: "wild", Hosts: []string{"*.example.com"}, Target: config.Target{Redirect: &config.Redirect{Scheme: "https"}}},
		},
	}
	if faults := s.Validate(); len(faults) > 0 {
		t.Fatal(faults)
	}
	x, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]int{"b.org": 0, "a.example.com": 1, "a.empty.example.com": -1, "alone.example.com": -1, "a.alone.example.com": 1} {
		got := -1
		if hit, found := x.Find("web", asked("GET", host, "/", nil)); found {
			got = hit.Route
		}
		if got != want {
			t.Errorf("%s: got route %d, want %d", host, got, want)
		}
	}
}

func TestANameWithOneLabelMoreIsFoundBeforeThoseWithAny(t *testing.T) {
	t.Parallel()
	x := index(t, config.Route{Hosts: []string{"*.example.com"}}, config.Route{Hosts: []string{"?.example.com"}}, config.Route{Hosts: []string{"?.b.example.com"}})
	for host, want := range map[string]int{"a.example.com": 1, "a.b.example.com": 2, "a.c.example.com": 0, "a.a.b.example.com": 0, "b.example.com": 1, "example.com": -1} {
		got := -1
		if hit, found := x.Find("web", asked("GET", host, "/", nil)); found {
			got = hit.Route
		}
		if got != want {
			t.Errorf("%s: got route %d, want %d", host, got, want)
		}
	}
}

func TestRoutesAreOfTheirListeners(t *testing.T) {
	t.Parallel()
	x := index(t, config.Route{Listeners: []string{"other"}}, config.Route{Hosts: []string{"a"}})
	for listener, want := range map[string]int{"web": 1, "other": 1} {
		if hit, found := x.Find(listener, asked("GET", "a", "/", nil)); !found || hit.Route != want {
			t.Errorf("%s: got %v %v, want %d", listener, hit, found, want)
		}
	}
	if _, found := x.Find("web", asked("GET", "b", "/", nil)); found {
		t.Error("a route of one listener serves another")
	}
}

// TestTheIndexFindsWhatASearchFinds compares with going through all routes.
func TestTheIndexFindsWhatASearchFinds(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	path := func() string {
		var b strings.Builder
		for range r.IntN(4) {
			b.WriteString("/" + pick("a", "b", "ab"))
		}
		return b.String() + pick("", "/")
	}
	found := 0
	for range 300 {
		var routes []config.Route
		for range 1 + r.IntN(12) {
			m := config.Match{Method: pick("", "", "GET", "PUT")}
			switch p := path(); {
			case p == "" || r.IntN(6) == 0:
			case r.IntN(3) == 0:
				m.Path.Exact = p
			case r.IntN(5) == 0:
				m.Path.Regex = regexp.QuoteMeta(p) + ".*"
			default:
				m.Path.Prefix = p
			}
			if r.IntN(3) == 0 {
				m.Headers = []config.ValueMatch{{Name: pick("X", "Y"), Exact: pick("1", "2")}}
			}
			routes = append(routes, config.Route{Hosts: []string{pick("*", "a.c", "*.c", "*.b.c", "b.c")}, Matches: []config.Match{m}})
		}
		x := index(t, routes...)
		for range 60 {
			p := path()
			if p == "" {
				p = "/"
			}
			f := asked(pick("GET", "PUT", "POST"), pick("a.c", "b.c", "a.b.c", "c", "d"), p, http.Header{pick("X", "Y"): {pick("1", "2")}})
			hit, ok := x.Find("web", f)
			want := search(routes, f)
			if !ok {
				hit.Route = -1
			} else {
				found++
			}
			if hit.Route != want {
				t.Fatalf("%s %s%s %v: got %d, want %d of %+v", f.Method, f.Host, f.Path, f.Header, hit.Route, want, routes)
			}
			if told := taken(x.Trace("web", f)); told != want {
				t.Fatalf("%s %s%s %v: route %d is told, want %d of %+v", f.Method, f.Host, f.Path, f.Header, told, want, routes)
			}
		}
	}
	if found < 1000 {
		t.Fatalf("only %d requests had a route", found)
	}
}

// search is the rule of the Gateway API, said plainly.
func search(routes []config.Route, f *request.Form) int {
	best, rank := -1, [5]int{}
	host := -1
	for i := range routes {
		host = max(host, hostRank(routes[i].Hosts[0], f.Host))
	}
	for i := range routes {
		m := &routes[i].Matches[0]
		if hostRank(routes[i].Hosts[0], f.Host) != host || host < 0 || m.Method != "" && m.Method != f.Method {
			continue
		}
		r := [5]int{0, 0, len(m.Method), len(m.Headers), -i}
		prefix := strings.TrimSuffix(m.Path.Prefix, "/")
		switch {
		case m.Path.Exact != "":
			if m.Path.Exact != f.Path {
				continue
			}
			r[0] = 3
		case m.Path.Regex != "":
			if ok, err := regexp.MatchString("^(?:"+m.Path.Regex+")$", f.Path); !ok || err != nil {
				continue
			}
			r[0] = 2
		case prefix == "" || f.Path == prefix || strings.HasPrefix(f.Path, prefix+"/"):
			r[0], r[1] = 1, len(prefix)
		default:
			continue
		}
		if len(m.Headers) > 0 && f.Header.Get(m.Headers[0].Name) != m.Headers[0].Exact {
			continue
		}
		r[2] = min(r[2], 1)
		if best < 0 || less(rank, r) {
			best, rank = i, r
		}
	}
	return best
}

func less(a, b [5]int) bool {
	for i := range a {
		if a[i] != b[i] {
			return a[i] < b[i]
		}
	}
	return false
}

func hostRank(pattern, host string) int {
	switch suffix, wild := strings.CutPrefix(pattern, "*"); {
	case pattern == "*":
		return 0
	case !wild && pattern == host:
		return 1000
	case wild && strings.HasSuffix(host, suffix) && len(host) > len(suffix):
		return len(suffix)
	}
	return -1
}

// TestWhatARouteHasOnOneHostIsNotOnItsOther: a host and a listener that share a route share
// none that only one of them has.
func TestWhatARouteHasOnOneHostIsNotOnItsOther(t *testing.T) {
	t.Parallel()
	for _, path := range []config.PathMatch{{Prefix: "/a"}, {Exact: "/a"}} {
		x := index(t,
			config.Route{Hosts: []string{"a.example.com", "b.example.com"}, Matches: []config.Match{{Path: path}, {Path: path, Method: "PUT"}}},
			config.Route{Hosts: []string{"a.example.com"}, Listeners: []string{"web"}, Matches: []config.Match{{Path: path, Method: "GET"}}},
			config.Route{Hosts: []string{"b.example.com"}, Matches: []config.Match{{Path: path, Method: "DELETE"}}},
		)
		for asks, want := range map[[3]string]int{
			{"web", "a.example.com", "GET"}: 1, {"other", "a.example.com", "GET"}: 0, {"web", "b.example.com", "GET"}: 0,
			{"web", "b.example.com", "DELETE"}: 2, {"other", "b.example.com", "DELETE"}: 2, {"web", "a.example.com", "DELETE"}: 0,
			{"web", "a.example.com", "PUT"}: 0, {"web", "b.example.com", "POST"}: 0,
		} {
			if hit, found := x.Find(asks[0], asked(asks[2], asks[1], "/a", nil)); !found || hit.Route != want {
				t.Errorf("%v %v: route %d, %t, want %d", path, asks, hit.Route, found, want)
			}
		}
	}
}

// BenchmarkNew is what one change of a snapshot costs here: that of a route among others,
// each of a host of its own.
func BenchmarkNew(b *testing.B) {
	for _, n := range []int{1000, 5000} {
		b.Run(fmt.Sprintf("%d-routes", n), func(b *testing.B) {
			s := &config.Snapshot{Listeners: []config.Listener{{Name: "web"}}}
			for i := range n {
				s.Routes = append(s.Routes, config.Route{Name: fmt.Sprint(i), Listeners: []string{"web"}, Hosts: []string{fmt.Sprintf("host-%d.example.com", i)}, Matches: []config.Match{{Path: config.PathMatch{Prefix: "/api"}}}})
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := New(s); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkFind(b *testing.B) {
	for _, n := range []int{10, 100, 5000} {
		b.Run(fmt.Sprintf("%d-routes", n), func(b *testing.B) {
			routes := make([]config.Route, n)
			for i := range routes {
				routes[i] = config.Route{Hosts: []string{fmt.Sprintf("host-%d.example.com", i%(n/5))}, Matches: []config.Match{{Path: config.PathMatch{Prefix: fmt.Sprintf("/api/v%d", i/(n/5))}}}}
			}
			x := index(b, routes...)
			f := asked("GET", "host-1.example.com", "/api/v2/orders/4711/items", nil)
			b.ReportAllocs()
			for b.Loop() {
				if _, found := x.Find("web", f); !found {
					b.Fatal("no route")
				}
			}
		})
	}
}
