// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/gatehouse-sh/gatehouse/gateway/upstream"
)

// TestRequestsSeeNothingOfEachOther: what is kept for the next request holds nothing of the
// one before, whoever comes next. It says most with -race.
func TestRequestsSeeNothingOfEachOther(t *testing.T) {
	t.Parallel()
	echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		for name, values := range r.Header {
			if strings.HasPrefix(name, "X-") {
				w.Header()["Echo-"+name] = values
			}
		}
		_, _ = w.Write(append([]byte(r.URL.Path+" "), body...))
	}))
	t.Cleanup(echo.Close)
	address := gateway(t, upstream.Own, netip.MustParseAddrPort(echo.Listener.Addr().String()))
	const clients, requests = 8, 50
	var all sync.WaitGroup
	var seen sync.Map // names of requests
	for i := range clients {
		all.Go(func() {
			c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			in := bufio.NewReader(c)
			for k := range requests {
				who := fmt.Sprintf("client%d-%d", i, k)
				if err := own(c, in, who, (k%3)*(i+1)*1500, &seen); err != nil {
					t.Errorf("%s: %v", who, err)
					return
				}
			}
		})
	}
	all.Wait()
}

// own sends a request of somebody with a body of some length, and looks whether the answer
// is his.
func own(c net.Conn, in *bufio.Reader, who string, length int, seen *sync.Map) error {
	body := strings.Repeat(who[len(who)-1:], length)
	more := ""
	if strings.ContainsAny(who[len(who)-1:], "13579") {
		more = "X-Odd: " + who + "\r\n"
	}
	if _, err := fmt.Fprintf(c, "POST /%s HTTP/1.1\r\nHost: a\r\nX-Who: %s\r\n%sContent-Length: %d\r\n\r\n%s", who, who, more, length, body); err != nil {
		return err
	}
	res, err := http.ReadResponse(in, nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	odd := strings.TrimSuffix(strings.TrimPrefix(more, "X-Odd: "), "\r\n")
	h := res.Header
	id := h.Get("X-Request-Id")
	_, again := seen.LoadOrStore(id, who)
	if again || id == "" || cmp.Or(h.Get("Echo-X-Request-Id"), "none") != id || h.Get("Echo-X-Who") != who || h.Get("Echo-X-Odd") != odd ||
		h.Get("Echo-X-Forwarded-For") != "127.0.0.1" || string(got) != "/"+who+" "+body {
		return fmt.Errorf("got %v, %.80q", h, got)
	}
	return nil
}
