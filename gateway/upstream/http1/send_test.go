// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestABackendMustTakeTheBody(t *testing.T) {
	t.Parallel()
	const pieces = 10
	for name, tc := range map[string]struct {
		timeout time.Duration
		pause   time.Duration // before each piece
		most    int           // pieces that the backend takes
		want    int
	}{
		"it takes all of it":                    {time.Second, 0, pieces, http.StatusOK},
		"it takes a piece in time, each time":   {time.Second, 900 * time.Millisecond, pieces, http.StatusOK},
		"it takes none":                         {time.Second, 0, 0, 0},
		"it takes some, and then no more":       {time.Second, 0, 3, 0},
		"it takes longer than that for a piece": {time.Second, 3 * time.Second, pieces, 0},
		"it has all the time that there is":     {0, time.Hour, pieces, http.StatusOK},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				near, far := net.Pipe()
				var served sync.WaitGroup
				defer served.Wait()
				served.Go(func() {
					defer far.Close()
					p := &peer{far, bufio.NewReader(far)}
					p.head(t)
					for range tc.most {
						time.Sleep(tc.pause)
						if _, err := io.CopyN(io.Discard, p.in, sendBuffer); err != nil {
							return
						}
					}
					if tc.most < pieces {
						time.Sleep(time.Hour)
						return
					}
					p.say(t, ok)
				})
				c := NewClient(func(context.Context) (net.Conn, error) { return near, nil }, 0, time.Minute)
				defer c.Close()
				body := io.NopCloser(strings.NewReader(strings.Repeat("x", pieces*sendBuffer)))
				got := ask(t.Context(), c, &Request{Method: http.MethodPost, Length: pieces * sendBuffer, Body: body, HeadTimeout: tc.timeout})
				if got.status != tc.want || (tc.want == 0) != isTimeout(got.err) {
					t.Errorf("got %d, %v", got.status, got.err)
				}
			})
		})
	}
}
