// SPDX-License-Identifier: Apache-2.0

package request

import (
	"bufio"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var peer = netip.MustParseAddr("192.0.2.7")

// read parses a request as net/http does.
func read(t testing.TB, lines ...string) *http.Request {
	t.Helper()
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(strings.Join(lines, "\r\n") + "\r\n\r\n")))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestTargetsHaveOneForm(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"GET /a/../b?x=%2f&y HTTP/1.1":                    "example.com/b?x=%2f&y",
		"GET /? HTTP/1.1":                                 "example.com/",
		"GET http://example.com HTTP/1.1":                 "example.com/",
		"GET http://example.com?q HTTP/1.1":               "example.com/?q",
		"GET http://example.com/a%2e/../c?q HTTP/1.1":     "example.com/c?q",
		"GET /a?b%zz HTTP/1.1":                            "example.com/a?b%25zz",
		"GET /a?caf\xc3\xa9 HTTP/1.1":                     "example.com/a?caf%C3%A9",
		"GET /a?b\\c<d>\"#e HTTP/1.1":                     "example.com/a?b%5Cc%3Cd%3E%22%23e",
		"PURGE /a HTTP/1.1":                               "example.com/a",
		"get /a HTTP/1.1":                                 "!bad-method",
		"OPTIONS * HTTP/1.1":                              "!bad-target",
		"TRACE / HTTP/1.1":                                "!forbidden-method",
		"TRACK / HTTP/1.1":                                "!forbidden-method",
		"CONNECT example.com:443 HTTP/1.1":                "!forbidden-method",
		"GET /" + strings.Repeat("a", 9000) + " HTTP/1.1": "!target-too-long",
	} {
		f, refusal := Parse(read(t, line, "Host: example.com"), peer, &Options{})
		if got := said(f.Authority()+f.Target(), refusal); got != want {
			t.Errorf("%q: got %q, want %q", line, got, want)
		}
	}
}

func TestHostsHaveOneForm(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"example.com":            "example.com ",
		"Example.COM.":           "example.com ",
		"example.com:8443":       "example.com 8443",
		"my_service.a:80":        "my_service.a 80",
		"192.0.2.1:80":           "192.0.2.1 80",
		"[2001:DB8::1]:8080":     "[2001:db8::1] 8080",
		"[2001:db8:0::1]":        "[2001:db8::1] ",
		"":                       "!bad-host",
		".":                      "!bad-host",
		".example.com":           "!bad-host",
		"a..b":                   "!bad-host",
		"example.com:":           "!bad-host",
		"example.com:0":          "!bad-host",
		"example.com:080":        "!bad-host",
		"example.com:65536":      "!bad-host",
		"example.com:80:80":      "!bad-host",
		"user@example.com":       "!bad-host",
		"exa mple.com":           "!bad-host",
		"example.com/x":          "!bad-host",
		"ex%61mple.com":          "!bad-host",
		"exämple.com":            "!bad-host",
		"[fe80::1%25eth0]":       "!bad-host",
		"[::1":                   "!bad-host",
		"[::1]x":                 "!bad-host",
		"[192.0.2.1]":            "!bad-host",
		"2001:db8::1":            "!bad-host",
		strings.Repeat("a", 254): "!bad-host",
	} {
		host, port, refusal := Host(raw)
		if got := said(host+" "+port, refusal); got != want {
			t.Errorf("%q: got %q, want %q", raw, got, want)
		}
	}
}

func TestOnlyTheGatewaySpeaksOfIdentityAndClients(t *testing.T) {
	t.Parallel()
	r := read(t, "GET / HTTP/1.1", "Host: example.com",
		"X-User: root", "X_User: root", "x.user: root", "X-Forwarded-For: 1.2.3.4", "X_Forwarded_Proto: https", "X-Forwarded-Nonsense: x",
		"Forwarded: for=1.2.3.4", "X-Real-IP: 1.2.3.4", "X-Original-URL: /admin", "X-HTTP-Method-Override: DELETE", "Via: 1.1 x",
		"Connection: close, X-Hop", "X-Hop: 1", "Keep-Alive: timeout=5", "TE: gzip, trailers", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk",
		"Proxy-Authorization: Basic x", "Accept: a", "Accept: b", "Cookie: a=1", "Cookie: b=2", "X-Userx: kept", "A_b: other")
	f, refusal := Parse(r, peer, &Options{Headers: NewHeaderRules(HeaderOptions{Identity: []string{"X-User"}})})
	if refusal != nil {
		t.Fatal(refusal)
	}
	want := http.Header{"Accept": {"a", "b"}, "Cookie": {"a=1; b=2"}, "X-Userx": {"kept"}}
	if diff := cmp.Diff(want, f.Header); diff != "" {
		t.Errorf("the header lines that remain (-want +got):\n%s", diff)
	}
	if f.Client != peer || f.Scheme != "http" || !f.Trailers || f.WebSocket {
		t.Errorf("got %+v", f)
	}
}

func TestNamesWithOtherCharactersAreJudgedByWhatTheyMayBeTakenFor(t *testing.T) {
	t.Parallel()
	r := read(t, "GET / HTTP/1.1", "Host: a", "X_User: root", "x.user: root", "X_forwarded.for: 1", "X_HTTP_Method_Override: PUT", "X-Http-Method-Override: PUT", "A_b: kept", "X~User: root", "X!User: root", "Content_Length: 9", "Transfer.Encoding: chunked")
	f, refusal := Parse(r, peer, &Options{Headers: NewHeaderRules(HeaderOptions{Identity: []string{"x-user"}, Other: KeepOtherNames, Keep: []string{"X-HTTP-Method-Override"}})})
	if refusal != nil {
		t.Fatal(refusal)
	}
	want := http.Header{"A_b": {"kept"}, "X_http_method_override": {"PUT"}, "X-Http-Method-Override": {"PUT"}}
	if diff := cmp.Diff(want, f.Header); diff != "" {
		t.Errorf("the header lines that remain (-want +got):\n%s", diff)
	}
}

func TestWhatTellsWhoAsksIsNotKept(t *testing.T) {
	t.Parallel()
	rules := NewHeaderRules(HeaderOptions{Identity: []string{"X-Original-URL"}, Keep: []string{"X-Original-URL"}})
	if f, refusal := Parse(read(t, "GET / HTTP/1.1", "Host: a", "X-Original-Url: /root"), peer, &Options{Headers: rules}); refusal != nil || len(f.Header) > 0 {
		t.Errorf("got %v %v", f.Header, refusal)
	}
}

func TestMethodsAreShort(t *testing.T) {
	t.Parallel()
	for n, refused := range map[int]bool{maxMethod: false, maxMethod + 1: true} {
		if _, refusal := Parse(read(t, strings.Repeat("A", n)+" / HTTP/1.1", "Host: a"), peer, &Options{}); (refusal != nil) != refused {
			t.Errorf("%d letters: got %v", n, refusal)
		}
	}
}

func TestTrailersSayNothingThatTheGatewaySays(t *testing.T) {
	t.Parallel()
	for _, rules := range []*HeaderRules{nil, NewHeaderRules(HeaderOptions{Other: KeepOtherNames})} {
		trailers := http.Header{"X-Sum": {"1"}, "X-Request-Id": {"forged"}, "X-Forwarded-For": {"9.9.9.9"}, "Authorization": {"x"}, "Cookie": {"x"}, "Content_length": {"0"}}
		rules.Prune(trailers)
		if diff := cmp.Diff(http.Header{"X-Sum": {"1"}}, trailers); diff != "" {
			t.Errorf("the trailers that remain (-want +got):\n%s", diff)
		}
	}
}

func TestHeadersThatAreReadTwiceAreRefused(t *testing.T) {
	t.Parallel()
	cases := 0
	for _, name := range single {
		cases++
		r := read(t, "GET / HTTP/1.1", "Host: a", name+": x", strings.ToLower(name)+": y")
		if _, refusal := Parse(r, peer, &Options{}); refusal == nil || refusal.Reason != DoubleHeader {
			t.Errorf("%s: got %v, want %s", name, refusal, DoubleHeader)
		}
	}
	if cases == 0 {
		t.Fatal("no names")
	}
	lines := []string{"GET / HTTP/1.1", "Host: a"}
	for range 3 {
		lines = append(lines, "A: b")
	}
	for limit, refused := range map[int]bool{2: true, 3: false} {
		_, refusal := Parse(read(t, lines...), peer, &Options{MaxHeaders: limit})
		if (refusal != nil) != refused || refused && refusal.StatusCode() != 431 {
			t.Errorf("a limit of %d: got %v", limit, refusal)
		}
	}
}

func TestOnlyWebSocketsUpgrade(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		lines []string
		want  bool
	}{
		"a WebSocket":                 {[]string{"GET / HTTP/1.1", "Connection: keep-alive, Upgrade", "Upgrade: WebSocket"}, true},
		"without Connection":          {[]string{"GET / HTTP/1.1", "Upgrade: websocket"}, false},
		"by another method":           {[]string{"POST / HTTP/1.1", "Connection: upgrade", "Upgrade: websocket"}, false},
		"with a body":                 {[]string{"GET / HTTP/1.1", "Connection: upgrade", "Upgrade: websocket", "Content-Length: 4"}, false},
		"of an older client":          {[]string{"GET / HTTP/1.0", "Connection: upgrade", "Upgrade: websocket"}, false},
		"one of two":                  {[]string{"GET / HTTP/1.1", "Connection: upgrade", "Upgrade: websocket, h2c"}, false},
		"on two lines":                {[]string{"GET / HTTP/1.1", "Connection: upgrade", "Upgrade: websocket", "Upgrade: h2c"}, false},
		"another protocol than these": {[]string{"GET / HTTP/1.1", "Connection: upgrade", "Upgrade: h2c"}, false},
	} {
		f, refusal := Parse(read(t, append(tc.lines, "Host: a")...), peer, &Options{})
		if refusal != nil || f.WebSocket != tc.want || len(f.Header["Upgrade"]) > 0 {
			t.Errorf("%s: got %v %v %v", name, f.WebSocket, f.Header, refusal)
		}
	}
}

func TestClientsAreThoseThatTrustedProxiesName(t *testing.T) {
	t.Parallel()
	proxies := []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")}
	for name, tc := range map[string]struct {
		trusted []netip.Prefix
		field   ForwardedHeader
		lines   []string
		want    string
	}{
		"nobody is trusted":                    {nil, XForwardedFor, []string{"X-Forwarded-For: 1.2.3.4", "X-Forwarded-Proto: https"}, "192.0.2.7 http"},
		"a proxy says nothing":                 {proxies, XForwardedFor, nil, "192.0.2.7 http"},
		"a proxy names its client":             {proxies, XForwardedFor, []string{"X-Forwarded-For: 1.2.3.4", "X-Forwarded-Proto: HTTPS"}, "1.2.3.4 https"},
		"what a client claims does not count":  {proxies, XForwardedFor, []string{"X-Forwarded-For: 9.9.9.9, 1.2.3.4"}, "1.2.3.4 http"},
		"proxies behind proxies are passed":    {proxies, XForwardedFor, []string{"X-Forwarded-For: 9.9.9.9, 1.2.3.4", "X-Forwarded-For: 192.0.2.1,[2001:db8::2]:443"}, "1.2.3.4 http"},
		"if all are trusted, the first":        {proxies, XForwardedFor, []string{"X-Forwarded-For: 192.0.2.9, 192.0.2.1"}, "192.0.2.9 http"},
		"an address in an address":             {proxies, XForwardedFor, []string{"X-Forwarded-For: ::ffff:1.2.3.4"}, "1.2.3.4 http"},
		"the last protocol counts":             {proxies, XForwardedFor, []string{"X-Forwarded-Proto: https, http"}, "192.0.2.7 http"},
		"no address":                           {proxies, XForwardedFor, []string{"X-Forwarded-For: unknown"}, "!bad-forwarded"},
		"an empty element":                     {proxies, XForwardedFor, []string{"X-Forwarded-For: 1.2.3.4,"}, "!bad-forwarded"},
		"no protocol":                          {proxies, XForwardedFor, []string{"X-Forwarded-Proto: gopher"}, "!bad-forwarded"},
		"the other field is not read":          {proxies, XForwardedFor, []string{"Forwarded: for=1.2.3.4"}, "192.0.2.7 http"},
		"nor is this one when it is the other": {proxies, Forwarded, []string{"X-Forwarded-For: 1.2.3.4"}, "192.0.2.7 http"},
		"RFC 7239":                             {proxies, Forwarded, []string{`Forwarded: for=9.9.9.9, For="[2001:db9::1]:80";proto=https`}, "2001:db9::1 https"},
		"RFC 7239, with a protocol of each":    {proxies, Forwarded, []string{`Forwarded: for=9.9.9.9;proto=https, proto="HTTPS";for=1.2.3.4;by=_x`, "Forwarded: for=192.0.2.1;proto=http"}, "1.2.3.4 https"},
		"RFC 7239, no protocol":                {proxies, Forwarded, []string{"Forwarded: for=1.2.3.4;proto=gopher"}, "!bad-forwarded"},
		"RFC 7239, two protocols":              {proxies, Forwarded, []string{"Forwarded: for=1.2.3.4;proto=http;proto=https"}, "!bad-forwarded"},
		"RFC 7239, two addresses":              {proxies, Forwarded, []string{"Forwarded: for=1.2.3.4;for=1.2.3.5"}, "!bad-forwarded"},
		"RFC 7239, an element in quotes":       {proxies, Forwarded, []string{`Forwarded: for=9.9.9.9;host="a,for=10.1.1.1"`}, "!bad-forwarded"},
		"RFC 7239, a parameter in quotes":      {proxies, Forwarded, []string{`Forwarded: for=9.9.9.9;host="a;proto=https"`}, "!bad-forwarded"},
		"RFC 7239, a quote that is escaped":    {proxies, Forwarded, []string{`Forwarded: for=9.9.9.9;host="a\"b"`}, "!bad-forwarded"},
		"RFC 7239, a host in quotes":           {proxies, Forwarded, []string{`Forwarded: for=9.9.9.9;host="a:80";proto=https`}, "9.9.9.9 https"},
		"RFC 7239, nobody asks for this one":   {proxies, Forwarded, []string{"Forwarded: for=1.2.3.4", "X-Forwarded-Proto: https"}, "1.2.3.4 http"},
		"RFC 7239 without an address":          {proxies, Forwarded, []string{"Forwarded: proto=https"}, "!bad-forwarded"},
	} {
		r := read(t, append([]string{"GET / HTTP/1.1", "Host: a"}, tc.lines...)...)
		f, refusal := Parse(r, peer, &Options{Trusted: tc.trusted, Forwarded: tc.field})
		if got := said(f.Client.String()+" "+f.Scheme, refusal); got != tc.want {
			t.Errorf("%s: got %q, want %q", name, got, tc.want)
		}
	}
}

// FuzzForm holds what every backend relies on: whatever is sent, the form has no
// line breaks in it, and nothing that only the gateway may say.
func FuzzForm(f *testing.F) {
	f.Add("GET /a?b HTTP/1.1\r\nHost: a\r\nX_User: x\r\nConnection: x-user\r\n\r\n")
	f.Add("GET http://b/?\\ HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1.2.3.4, ::1\r\nForwarded: for=\"x,y\"\r\n\r\n")
	f.Fuzz(func(t *testing.T, raw string) {
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(raw)))
		if err != nil {
			return
		}
		rules := NewHeaderRules(HeaderOptions{Identity: []string{"X-User"}, Other: KeepOtherNames})
		form, refusal := Parse(r, peer, &Options{Headers: rules, Trusted: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}})
		if refusal != nil {
			return
		}
		if line := form.Method + " " + form.Target() + form.Authority(); strings.ContainsAny(line[len(form.Method)+1:], " \r\n\t#\\") {
			t.Fatalf("%q: the form %q", raw, line)
		}
		if again, refusal := Query(form.Query); refusal != nil || again != form.Query {
			t.Fatalf("%q: the query %q has the form %q %v", raw, form.Query, again, refusal)
		}
		if host, port, refusal := Host(form.Authority()); refusal != nil || host != form.Host || port != form.Port {
			t.Fatalf("%q: the authority %q is read as %q %q", raw, form.Authority(), host, port)
		}
		for name := range form.Header {
			if known := fold(name); known == "X-User" || known == "Forwarded" || strings.HasPrefix(known, "X-Forwarded-") || known == "Connection" {
				t.Fatalf("%q: %q is left", raw, name)
			}
		}
	})
}

func BenchmarkParse(b *testing.B) {
	r := read(b, "GET /api/v1/orders/4711?page=2 HTTP/1.1", "Host: shop.example.com", "User-Agent: curl/8.5.0", "Accept: */*",
		"Authorization: Bearer eyJhbGciOiJFUzI1NiJ9.e30.x", "Accept-Encoding: gzip", "Cookie: a=b", "X-Request-Id: 4711")
	b.ReportAllocs()
	for b.Loop() {
		if _, refusal := Parse(r, peer, &Options{}); refusal != nil {
			b.Fatal(refusal)
		}
	}
}
