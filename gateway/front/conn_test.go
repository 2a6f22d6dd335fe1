// SPDX-License-Identifier: Apache-2.0

package front

import (
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// pipe is a scanned connection whose client sends something, and what it is told.
func pipe(t *testing.T, sends string) (c *Conn, answer func() string, told func() []Fault) {
	t.Helper()
	client, server := net.Pipe()
	var faults []Fault
	c = NewConn(server, Limits{}, false, func(f Fault) { faults = append(faults, f) })
	go func() {
		if _, err := io.WriteString(client, sends); err != nil && sends != "" && !errors.Is(err, io.ErrClosedPipe) { // not all of it is read
			t.Error(err)
		}
	}()
	got := make(chan string, 1)
	go func() {
		b, _ := io.ReadAll(client) // until the server closes
		got <- string(b)
	}()
	return c, func() string {
		_ = server.Close()
		return <-got
	}, func() []Fault { return faults }
}

// TestFaultsAreAnsweredWhenTheConnectionCloses: with a problem document in the place of
// what net/http would say, and never within a response, whatever that looks like.
func TestFaultsAreAnsweredWhenTheConnectionCloses(t *testing.T) {
	t.Parallel()
	const refusal = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n400 Bad Request"
	const good = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
	for name, tc := range map[string]struct {
		sends   string
		reads   []int // bytes, each of a Read
		begins  string
		has     string
		problem Fault // of the document; "" is none
		told    Fault
	}{
		"a fault at once":               {"GET / HTTP/9\r\n", []int{100, 100}, "HTTP/1.1 505 ", `"reason":"bad-version"`, BadVersion, BadVersion},
		"no fault":                      {good, []int{100}, refusal, "", "", ""},
		"seen beside a handler":         {good + "GET / HTTP/9\r\n", append([]int{len(good)}, slices.Repeat([]int{1}, 20)...), refusal, "", "", BadVersion},
		"seen when the handler is over": {good + "GET / HTTP/9\r\n", []int{100, 100}, "HTTP/1.1 505 ", `"reason":"bad-version"`, BadVersion, BadVersion},
		"in a body":                     {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", []int{100, 100}, refusal, "", "", ""},
		"nothing was read since":        {good + "GET / HTTP/9\r\n", []int{100}, refusal, "", "", BadVersion},
	} {
		c, answer, told := pipe(t, tc.sends)
		for _, n := range tc.reads {
			_, _ = c.Read(make([]byte, n)) // the fault is the case's
		}
		if n, err := io.WriteString(c, refusal); n != len(refusal) || err != nil {
			t.Errorf("%s: wrote %d, %v", name, n, err)
		}
		_ = c.Close()
		got := answer()
		if !strings.HasPrefix(got, tc.begins) || !strings.Contains(got, tc.has) || strings.Contains(got, "problem+json") != (tc.problem != "") {
			t.Errorf("%s: the client gets %q", name, got)
		}
		if faults := told(); len(faults) > 1 || (len(faults) == 1) != (tc.told != "") || len(faults) == 1 && faults[0] != tc.told {
			t.Errorf("%s: told %v, want %q", name, faults, tc.told)
		}
	}
}

func TestAHeadThatDoesNotEndIsTold(t *testing.T) {
	t.Parallel()
	for sends, want := range map[string]bool{"": false, "GE": true, "GET / HTTP/1.1\r\nHost": true, "GET / HTTP/1.1\r\nHost: a\r\n\r\n": false} {
		c, answer, told := pipe(t, sends)
		if sends != "" {
			if _, err := c.Read(make([]byte, 100)); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.SetReadDeadline(time.Now().Add(-time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Read(make([]byte, 100)); !os.IsTimeout(err) {
			t.Fatal(err)
		}
		answer()
		if got := told(); (len(got) == 1 && got[0] == HeadTimeout) != want {
			t.Errorf("%q: told %v", sends, got)
		}
	}
}
