// SPDX-License-Identifier: Apache-2.0

package server

import (
	"bufio"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// TestWhatIsNoRequestIsAnsweredAndTold: with a problem document, a line and a number,
// whoever finds the fault: the scanner, or net/http.
func TestWhatIsNoRequestIsAnsweredAndTold(t *testing.T) {
	t.Parallel()
	snap := snapshot(backend(t, echo))
	snap.Telemetry.Metrics = snap.Listeners[0].Address
	snap.Listeners[0].Client.Limits.HeaderBytes = 600
	snap.Listeners[0].Client.Limits.HeaderLines = 5
	type sent struct{ bytes, status, reason string }
	const host = "Host: x\r\n\r\n"
	cases := []sent{
		{"POST / HTTP/1.1\r\nExpect: wonders\r\n" + host, "417", "bad-expectation"},
		{"GET /%zz HTTP/1.1\r\n" + host, "400", "bad-target"},
		{"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "400", "bad-host"},
		{"GET / HTTP/3.0\r\n" + host, "505", "bad-version"},
		{"GET / HTTP/1.1\r\n" + strings.Repeat("X: "+strings.Repeat("a", 200)+"\r\n", 4) + host, "431", "head-too-large"},
		{"GET /" + strings.Repeat("a", 700) + " HTTP/1.1\r\n" + host, "431", "line-too-long"},
		{"GET / HTTP/1.1\r\n" + strings.Repeat("X: a\r\n", 6) + host, "431", "too-many-lines"},
		{"GET / HTTP/1.1\nHost: x\n\n", "400", "bare-line-feed"},
	}
	lines := told(t, snap, func(at map[string]string) {
		for _, c := range cases {
			got := raw(t, at["plain"], c.bytes)
			res, err := http.ReadResponse(bufio.NewReader(strings.NewReader(got)), nil)
			if err != nil {
				t.Fatal(err)
			}
			_ = res.Body.Close() // it is in got
			if res.Header.Get("Content-Type") != "application/problem+json" || !strings.HasPrefix(got, "HTTP/1.1 "+c.status+" ") || !strings.Contains(got, reason(c.reason)) || !res.Close {
				t.Errorf("%.60q: got %s", c.bytes, got)
			}
		}
		metrics := raw(t, at["metrics"], "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		for _, c := range cases {
			if !strings.Contains(metrics, `gatehouse_gateway_refused_total{listener="plain",reason="`+c.reason+`"} 1`) {
				t.Errorf("%s is not counted", c.reason)
			}
		}
	})
	if len(lines) != len(cases) {
		t.Fatalf("%d lines, want %d: %v", len(lines), len(cases), lines)
	}
	for i, c := range cases {
		if got, _ := lines[i]["status"].(float64); lines[i]["reason"] != c.reason || c.status != strconv.Itoa(int(got)) {
			t.Errorf("%s: the line is %v", c.reason, lines[i])
		}
	}
}

// TestBodiesThatLookLikeRefusalsArePassedOn, wherever a piece of one begins.
func TestBodiesThatLookLikeRefusalsArePassedOn(t *testing.T) {
	t.Parallel()
	const refusal = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n400 Bad Request"
	_, at := start(t, snapshot(backend(t, func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.URL.Query().Get("n"))
		body := strings.Repeat(refusal, n/len(refusal)+1)
		w.Header().Set("Content-Length", strconv.Itoa(n+2*len(refusal)))
		_, _ = io.WriteString(w, body[len(body)-n:]) // the client sees what is missing
		_, _ = io.WriteString(w, refusal)
		_ = http.NewResponseController(w).Flush()
		_, _ = io.WriteString(w, refusal)
	})))
	for n := 3700; n < 4000; n++ { // somewhere here the second one begins a piece: net/http writes 4096 bytes at once
		got := raw(t, at["plain"], "GET /?n="+strconv.Itoa(n)+" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
		_, body, _ := strings.Cut(got, "\r\n\r\n")
		if len(body) != n+2*len(refusal) || !strings.HasPrefix(got, "HTTP/1.1 200 ") || !strings.HasSuffix(body, refusal+refusal) {
			t.Errorf("%d: got %d bytes: %.200s", n, len(body), got)
		}
	}
}
