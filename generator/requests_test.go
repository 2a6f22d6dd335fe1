// SPDX-License-Identifier: Apache-2.0

package generator

import (
	"strings"
	"testing"
)

// requests reads "GET /a, /b, POST *".
func requests(t *testing.T, text string) Requests {
	t.Helper()
	var list []Request
	for word := range strings.SplitSeq(text, ", ") {
		method, path, both := strings.Cut(word, " ")
		if !both {
			method, path = "", word
		}
		r := Request{method, strings.TrimPrefix(path, "any")}
		if err := r.Validate(); err != nil {
			t.Fatal(err)
		}
		list = append(list, r)
	}
	return RequestsOf(list...)
}

func TestRequests(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"GET /b, /a, GET /b": "any method /a, GET /b",
		"/a/*, GET /a/b":     "any method /a/*",
		"GET /a, POST any":   "POST *, GET /a",
		"any, GET /a":        "",
	} {
		got := requests(t, text)
		if got.String() != want || got.All() != (want == "") || RequestsOf(got.List()...) != got {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
	for _, tc := range []struct{ a, b, want string }{
		{"GET /a", "GET /a, POST /a", "GET /a"},
		{"/a/*", "GET /a/b, GET /b", "GET /a/b"},
		{"GET any", "/a/*", "GET /a/*"},
		{"any", "GET /a", "GET /a"},
		{"GET /a", "POST /a", "none"},
		{"/a/*", "/b/*", "none"},
		{"/a/b*", "/a/*", "any method /a/b*"},
	} {
		for _, both := range [][2]string{{tc.a, tc.b}, {tc.b, tc.a}} {
			got, some := requests(t, both[0]).Intersect(requests(t, both[1]))
			if some != (tc.want != "none") || some && got.String() != tc.want {
				t.Errorf("%s and %s: %q, want %q", both[0], both[1], got, tc.want)
			}
		}
	}
	for _, wrong := range []Request{{Method: "get"}, {Path: "a"}, {Path: "*"}, {Path: "/a/*/b"}, {Path: "/a**"}, {Path: "/a?b=c"}, {Path: "/a b"}, {Path: "/ä"}, {Path: "/a\n"}} {
		if wrong.Validate() == nil {
			t.Errorf("%+v is taken", wrong)
		}
	}
}

// TestWhoAsksForRequests: intents alone, all of them together, and one that asks for
// none in particular asks for all.
func TestWhoAsksForRequests(t *testing.T) {
	t.Parallel()
	get, post := RequestsOf(Request{"GET", "/a"}), RequestsOf(Request{"POST", "/a"})
	for name, tc := range map[string]struct {
		because []Evidence
		want    string
	}{
		"a manifest":              {[]Evidence{{Source: Manifest}}, ""},
		"an intent":               {[]Evidence{{Source: Intent, Requests: get}, {Source: Manifest}, {Source: Flow}}, "GET /a"},
		"two intents":             {[]Evidence{{Source: Intent, Requests: post}, {Source: Intent, Requests: get}}, "GET /a, POST /a"},
		"one of them is for all":  {[]Evidence{{Source: Intent, Requests: post}, {Source: Intent}}, ""},
		"nobody but the template": {[]Evidence{{Source: Template}}, ""},
	} {
		e := Edge{Because: tc.because}
		if got := e.Requests().String(); got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}

func TestWidened(t *testing.T) {
	t.Parallel()
	web, carts := WorkloadID{"shop", "Deployment", "web"}, WorkloadID{"shop", "Deployment", "carts"}
	u, err := NewUniverse([]*Workload{{ID: web, Labels: map[string]string{"app": "web"}}, {ID: carts, Labels: map[string]string{"app": "carts"}, Ports: []ContainerPort{{Name: "http", Protocol: TCP, Number: 8080}}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	asking := Edge{From: WorkloadPeerOf(web), To: WorkloadPeerOf(carts), Port: NumberedPort(TCP, 8080), Because: []Evidence{{Source: Intent, Requests: RequestsOf(Request{Path: "/a"})}}}
	beside := func(from Peer, p Port) []Edge {
		return []Edge{asking, {From: from, To: asking.To, Port: p, Because: []Evidence{{Source: Manifest}}}}
	}
	for name, tc := range map[string]struct {
		edges  []Edge
		guards map[string]Guard
		knows  bool
		want   string // empty for no problem
	}{
		"it is looked at":             {[]Edge{asking}, map[string]Guard{"shop": {Ingress: true}}, true, ""},
		"no dialect for it":           {[]Edge{asking}, map[string]Guard{"shop": {Ingress: true}}, false, "only those of Cilium know HTTP"},
		"nobody looks":                {[]Edge{asking}, map[string]Guard{"shop": {Egress: true}}, true, "that is not guarded"},
		"the same port by its name":   {beside(asking.From, NamedPort(TCP, "http")), map[string]Guard{"shop": {Ingress: true}}, true, "Deployment shop/web -> Deployment shop/carts TCP/http is allowed too"},
		"the whole namespace may":     {beside(NamespacePeerOf("shop"), EveryPort(TCP)), map[string]Guard{"shop": {Ingress: true}}, true, "namespace shop -> Deployment shop/carts TCP is allowed too"},
		"somebody else may":           {beside(asking.To, asking.Port), map[string]Guard{"shop": {Ingress: true}}, true, ""},
		"another port may be used so": {beside(asking.From, NumberedPort(TCP, 9090)), map[string]Guard{"shop": {Ingress: true}}, true, ""},
	} {
		m := &Model{Universe: u, Environment: NewEnvironment(), Guards: tc.guards, Edges: tc.edges}
		got := m.Widened(tc.knows)
		if tc.want == "" && len(got) > 0 || tc.want != "" && (len(got) != 1 || !strings.Contains(got[0].What, tc.want)) {
			t.Errorf("%s: %v, want %q", name, got, tc.want)
		}
	}
}
