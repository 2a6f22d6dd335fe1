// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// talk opens a connection to a gateway in front of a handler.
func talk(t *testing.T, address string) (net.Conn, *bufio.Reader) {
	t.Helper()
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return c, bufio.NewReader(c)
}

func say(t *testing.T, c io.Writer, text string) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
}

func handled(t *testing.T, h http.HandlerFunc) netip.AddrPort {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return netip.MustParseAddrPort(s.Listener.Addr().String())
}

// each runs a test with each client of HTTP/1.1.
func each(t *testing.T, f func(t *testing.T, gateway func(netip.AddrPort) string)) {
	t.Helper()
	for _, c := range clients {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f(t, func(backend netip.AddrPort) string { return gateway(t, c.kind, backend) })
		})
	}
}

func TestARequestAndItsResponseGoAtOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, gateway func(netip.AddrPort) string) {
		backend := handled(t, func(w http.ResponseWriter, r *http.Request) {
			control := http.NewResponseController(w)
			if control.EnableFullDuplex() != nil {
				return
			}
			in := bufio.NewReader(r.Body)
			for {
				line, err := in.ReadString('\n')
				if err != nil {
					return
				}
				if _, err := io.WriteString(w, line); err != nil || control.Flush() != nil {
					return
				}
			}
		})
		c, in := talk(t, gateway(backend))
		say(t, c, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n1\n\r\n")
		res, err := http.ReadResponse(in, nil)
		if err != nil || res.StatusCode != 200 || !res.Close {
			t.Fatal(res, err)
		}
		defer res.Body.Close()
		body := bufio.NewReader(res.Body)
		for _, want := range []string{"1\n", "2\n", "3\n"} {
			if got, err := body.ReadString('\n'); got != want {
				t.Fatalf("got %q, %v, want %q", got, err, want)
			}
			if want != "3\n" {
				say(t, c, fmt.Sprintf("2\r\n%c\n\r\n", want[0]+1))
			}
		}
		say(t, c, "0\r\n\r\n")
		if rest, err := io.ReadAll(body); len(rest) != 0 || err != nil {
			t.Errorf("got %q, %v", rest, err)
		}
	})
}

func TestAHeadDoesNotWaitForItsBody(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, gateway func(netip.AddrPort) string) {
		seen := make(chan struct{})
		c, in := talk(t, gateway(handled(t, func(w http.ResponseWriter, _ *http.Request) {
			_ = http.NewResponseController(w).Flush()
			<-seen
		})))
		say(t, c, "GET /events HTTP/1.1\r\nHost: a\r\n\r\n")
		res, err := http.ReadResponse(in, nil)
		close(seen)
		if err != nil || res.StatusCode != http.StatusOK {
			t.Fatal(res, err)
		}
		_ = res.Body.Close()
	})
}

// TestAnAnswerBeforeTheEndOfABody: the client gets the answer, what is left of its
// body is not taken for a request, and the backend is not told that the body is whole.
func TestAnAnswerBeforeTheEndOfABody(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, gateway func(netip.AddrPort) string) {
		ended := make(chan error, 1)
		backend := handled(t, func(w http.ResponseWriter, r *http.Request) {
			control := http.NewResponseController(w)
			_ = control.EnableFullDuplex()
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			_, _ = io.WriteString(w, "no")
			_ = control.Flush()
			_, err := io.Copy(io.Discard, r.Body)
			ended <- err
		})
		c, in := talk(t, gateway(backend))
		say(t, c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n"+strings.Repeat("a", 20000))
		res, err := http.ReadResponse(in, nil)
		if err != nil || res.StatusCode != http.StatusRequestEntityTooLarge || !res.Close {
			t.Fatal(res, err)
		}
		if n, err := io.ReadFull(res.Body, make([]byte, 2)); n != 2 || err != nil {
			t.Error(n, err)
		}
		defer res.Body.Close()
		_ = c.Close()
		if err := <-ended; err == nil {
			t.Error("the backend took a part of the body for all of it")
		}
	})
}

func TestBodiesAreSentWhenTheBackendAsksForThem(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, gateway func(netip.AddrPort) string) {
		address := gateway(handled(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/no" {
				w.WriteHeader(http.StatusExpectationFailed)
				return
			}
			body, err := io.ReadAll(r.Body)
			fmt.Fprintf(w, "%q %v", body, err)
		}))
		const head = " HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
		c, in := talk(t, address)
		say(t, c, "PUT /yes"+head)
		if line, err := in.ReadString('\n'); line != "HTTP/1.1 100 Continue\r\n" {
			t.Fatalf("got %q, %v", line, err)
		}
		if _, err := in.Discard(2); err != nil {
			t.Fatal(err)
		}
		say(t, c, "hi")
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(res.Body); res.StatusCode != 200 || string(body) != `"hi" <nil>` {
			t.Errorf("got %d %q, %v", res.StatusCode, body, err)
		}
		_ = res.Body.Close()
		c, in = talk(t, address)
		say(t, c, "PUT /no"+head)
		if res, err = http.ReadResponse(in, nil); err != nil || res.StatusCode != http.StatusExpectationFailed || !res.Close {
			t.Errorf("got %v, %v", res, err)
		}
		_ = res.Body.Close()
	})
}

func TestAClientThatGoesEndsItsRequest(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, gateway func(netip.AddrPort) string) {
		began, ended := make(chan struct{}, 1), make(chan struct{})
		c, _ := talk(t, gateway(handled(t, func(_ http.ResponseWriter, r *http.Request) {
			began <- struct{}{}
			<-r.Context().Done()
			close(ended)
		})))
		say(t, c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		<-began
		_ = c.Close()
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			t.Error("the backend still works")
		}
	})
}

func TestResponsesThatAreNoneAreTold(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ answer, want string }{
		"two lengths":       {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nhi", `"status":502,"reason":"bad-response"`},
		"nothing":           {"", `"status":502,"reason":"backend-unreachable"`},
		"a bare line feed":  {"HTTP/1.1 200 OK\nContent-Length: 1\r\n\r\nh", `"status":502,"reason":"bad-response"`},
		"a switch to h2c":   {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n", `"status":502,"reason":"bad-response"`},
		"what is in order":  {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "\r\n\r\nhi"},
		"the connection's ": {"HTTP/1.1 200 OK\r\nConnection: X-Hop\r\nX-Hop: a\r\nKeep-Alive: a\r\nContent-Length: 2\r\n\r\nhi", "\r\n\r\nhi"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, in := talk(t, gateway(t, clients[0].kind, fixed(t, []byte(tc.answer))))
			say(t, c, "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
			got, err := io.ReadAll(in)
			if err != nil || !strings.Contains(string(got), tc.want) || strings.Contains(string(got), "Hop") || strings.Contains(string(got), "Keep-Alive") {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}
