// SPDX-License-Identifier: Apache-2.0

package smuggling

import (
	"strings"
	"testing"
)

func TestReadingIsStrict(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		stream string
		whole  int
		fault  string // "": none
	}{
		"requests":                 {get("/a") + post("Content-Length: 5\r\n", "hello") + post(chunkedLine, "5;x\r\nhello\r\n0\r\nX: y\r\n\r\n") + after, 4, ""},
		"the end of the stream":    {get("/a") + "GET /b HTT", 1, errCut.Error()},
		"the end within a body":    {get("/a") + post("Content-Length: 5\r\n", "hel"), 1, errCut.Error()},
		"the end within a chunk":   {post(chunkedLine, "5\r\nhel"), 0, errCut.Error()},
		"a line feed":              {get("/a") + "GET /b HTTP/1.1\nHost: shop\r\n\r\n", 1, "bare line feed"},
		"a line feed in chunks":    {post(chunkedLine, "5\nhello\r\n0\r\n\r\n"), 0, "bare line feed"},
		"two framings":             {post("Content-Length: 5\r\n"+chunkedLine, "0\r\n\r\n"), 0, "more than one framing"},
		"two lengths":              {post("Content-Length: 5\r\nContent-Length: 5\r\n", "hello"), 0, "more than one framing"},
		"a sign":                   {post("Content-Length: +5\r\n", "hello"), 0, "the length"},
		"another coding":           {post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), 0, "the coding"},
		"a coding of HTTP/1.0":     {strings.Replace(post(chunkedLine, "0\r\n\r\n"), "1.1", "1.0", 1), 0, "the coding"},
		"a space before the colon": {"GET / HTTP/1.1\r\nHost : shop\r\n\r\n", 0, "no header line"},
		"a fold":                   {"GET / HTTP/1.1\r\nHost: shop\r\nX: a\r\n b\r\n\r\n", 0, "no header line"},
		"no host":                  {"GET / HTTP/1.1\r\n\r\n", 0, "0 hosts"},
		"a chunk that is longer":   {post(chunkedLine, "4\r\nhello\r\n0\r\n\r\n"), 0, "a chunk ends in"},
		"a size that is none":      {post(chunkedLine, "0x5\r\nhello\r\n0\r\n\r\n"), 0, "no size"},
		"an empty line before":     {"\r\n" + after, 0, "no request line"},
	} {
		list, err := read([]byte(tc.stream))
		whole := 0
		for _, m := range list {
			if m.whole {
				whole++
			}
		}
		if whole != tc.whole || (err == nil) != (tc.fault == "") || err != nil && !strings.Contains(err.Error(), tc.fault) {
			t.Errorf("%s: got %d requests and %v, want %d and %q", name, whole, err, tc.whole, tc.fault)
		}
	}
}

func TestPathsAreFound(t *testing.T) {
	t.Parallel()
	for target, want := range map[string]string{
		"/a/../b": "/b", "//a//b/": "/a/b/", "/a/%2e%2e/b": "/b", "/a/.": "/a/", "/a/..": "/", "/": "/", "http://shop/a?b": "/a", "http://shop": "/", "http://shop?x": "/", "/a%2fb": "/a/b", "/a%": "/a%",
	} {
		if got, _ := asked(target); got != want {
			t.Errorf("%s: got %s, want %s", target, got, want)
		}
	}
}

// sound is a run of one stream of two requests in which all agree.
func sound() *run {
	const client = "127.1.0.7"
	s := &sent{stream: stream{name: "sound", must: 2, bytes: get("/a") + post("Content-Length: 5\r\n", "hello")}, client: addressOf(7)}
	s.want, s.fault = read([]byte(s.bytes))
	s.responses = []response{{200, "id1", "id1"}, {200, "id2", "id2"}}
	common := "Host: shop\r\nX-Forwarded-For: " + client + "\r\n"
	lines := func(id string) [][2]string { return [][2]string{{"X-Forwarded-For", client}, {"X-Request-Id", id}} }
	return &run{
		streams: []*sent{s},
		decisions: []decision{
			{ID: "id1", Client: client, Protocol: "HTTP/1.1", Method: "GET", Host: "shop", Path: "/a", Backend: "b", Status: 200},
			{ID: "id2", Client: client, Protocol: "HTTP/1.1", Method: "POST", Host: "shop", Path: "/post", Backend: "b", Status: 200, Received: 5},
		},
		taps: []*tapped{{port: 9, sent: []byte("GET /a HTTP/1.1\r\n" + common + "X-Request-Id: id1\r\n\r\n" +
			"POST /post HTTP/1.1\r\n" + common + "X-Request-Id: id2\r\nContent-Length: 5\r\n\r\nhello")}},
		reports: []report{
			{Port: 9, ID: "id1", Method: "GET", Target: "/a", Host: "shop", Path: "/a", Lines: lines("id1"), Sum: sumOf(nil), Whole: true},
			{Port: 9, ID: "id2", Method: "POST", Target: "/post", Host: "shop", Path: "/post", Lines: lines("id2"), Length: 5, Sum: sumOf([]byte("hello")), Whole: true},
		},
	}
}

// TestDisagreementsAreFound spoils a run in which all agree.
func TestDisagreementsAreFound(t *testing.T) {
	t.Parallel()
	if wrong, n := sound().judge(); len(wrong) != 0 || n.forwarded != 2 {
		t.Fatalf("of what is sound: %+v, %q", n, wrong)
	}
	bytesOf := func(r *run, old, now string) {
		r.taps[0].sent = []byte(strings.Replace(string(r.taps[0].sent), old, now, 1))
	}
	for name, tc := range map[string]struct {
		spoil func(r *run)
		want  string
	}{
		"a request that was not sent": {func(r *run) {
			r.reports = append(r.reports, report{Port: 9, Method: "GET", Target: "/smuggled", Path: "/smuggled", Whole: true})
		}, "saw a request that was not sent"},
		"a request that is not in the log": {func(r *run) { bytesOf(r, "hello", "hello"+hidden) }, "no line of the log"},
		"another path at the backend":      {func(r *run) { r.reports[0].Target = "/admin" }, "the backend saw GET /admin"},
		"a path that is found otherwise":   {func(r *run) { r.reports[0].Path = "/admin" }, `the backend finds "/admin"`},
		"another path in the log":          {func(r *run) { r.decisions[0].Path = "/b" }, "the log says GET /b"},
		"another host":                     {func(r *run) { r.reports[0].Host = "admin" }, "of admin"},
		"another method":                   {func(r *run) { r.reports[0].Method = "HEAD" }, "the backend saw HEAD"},
		"another body":                     {func(r *run) { r.reports[1].Sum = sumOf([]byte("hallo")) }, "a body of 5 bytes"},
		"a line too many":                  {func(r *run) { r.reports[0].Lines = append(r.reports[0].Lines, [2]string{"X", "y"}) }, "header lines"},
		"a line too few":                   {func(r *run) { r.reports[0].Lines = r.reports[0].Lines[:1] }, "header lines"},
		"another length in the log":        {func(r *run) { r.decisions[1].Received = 4 }, "the log says 4"},
		"two readings": {func(r *run) {
			bytesOf(r, "X-Request-Id: id2\r\n", "X-Request-Id: id2\r\nTransfer-Encoding: chunked\r\n")
		}, "no one reading"},
		"a bare line feed":            {func(r *run) { bytesOf(r, "Host: shop\r\n", "Host: shop\n") }, "no one reading"},
		"a path that is no form":      {func(r *run) { bytesOf(r, "GET /a ", "GET /x/../a ") }, "segments that are none"},
		"an escaped slash":            {func(r *run) { bytesOf(r, "GET /a ", "GET /a%2Fb ") }, "decoded to syntax"},
		"a double escape":             {func(r *run) { bytesOf(r, "GET /a ", "GET /a%2541 ") }, "an escape of an escape"},
		"an alias":                    {func(r *run) { bytesOf(r, "Host: shop\r\n", "Host: shop\r\nX_User: y\r\n") }, "the header line x_user"},
		"a line of the connection":    {func(r *run) { bytesOf(r, "Host: shop\r\n", "Host: shop\r\nConnection: close\r\n") }, "header lines of a connection"},
		"nothing at the backend":      {func(r *run) { r.reports = r.reports[:1] }, "the backend has not seen it"},
		"nothing sent":                {func(r *run) { r.taps = nil; r.reports = nil }, "nothing was sent"},
		"a request twice":             {func(r *run) { r.reports = append(r.reports, r.reports[0]) }, "saw a request twice"},
		"a refusal that was not sent": {func(r *run) { r.reports = append(r.reports, report{Port: 9, Refused: "400"}) }, "refused 1 requests"},
		"answers that are exchanged": {func(r *run) {
			r.streams[0].responses[0].saw, r.streams[0].responses[1].saw = "id2", "id1"
		}, "an answer to another request"},
		"an answer to nobody":       {func(r *run) { r.streams[0].responses[1] = response{200, "id9", "id9"} }, "an answer to another client"},
		"an answer without a line":  {func(r *run) { r.streams[0].responses = append(r.streams[0].responses, response{200, "", ""}) }, "has no line in the log"},
		"too few answers":           {func(r *run) { r.streams[0].responses = r.streams[0].responses[:1] }, "that must be"},
		"a stream that reads less":  {func(r *run) { r.streams[0].want = r.streams[0].want[:1] }, "finds no more than 1"},
		"a stream that reads other": {func(r *run) { r.streams[0].want[1].body = []byte("hallo") }, "has the body"},
		"a stream of another path":  {func(r *run) { r.streams[0].want[0].target = "/b" }, "was forwarded"},
		"a connection that stays":   {func(r *run) { r.streams[0].hangs = true }, "does not end the connection"},
	} {
		r := sound()
		tc.spoil(r)
		wrong, _ := r.judge()
		if !strings.Contains(strings.Join(wrong, "\n"), tc.want) {
			t.Errorf("%s: there is no %q in %q", name, tc.want, wrong)
		}
	}
}

func TestMutationsAreRepeated(t *testing.T) {
	t.Parallel()
	one, other := mutations(newRand(1), table(), 100), mutations(newRand(1), table(), 100)
	different := map[string]bool{}
	for i := range one {
		if one[i].bytes != other[i].bytes || one[i].name != other[i].name {
			t.Fatalf("mutation %d is %q and %q", i, one[i].bytes, other[i].bytes)
		}
		different[one[i].bytes] = true
	}
	if len(different) < 90 {
		t.Errorf("of 100 mutations %d differ", len(different))
	}
}
