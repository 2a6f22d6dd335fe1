// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// timed is a response to a client whose body must be there in time.
type timed struct {
	*httptest.ResponseRecorder
	due time.Time
}

func (w *timed) SetReadDeadline(t time.Time) error {
	w.due = t
	return nil
}

// slow is a body of which nothing comes.
type slow struct{ io.Reader }

func (slow) Close() error { return nil }

func TestBodiesMustComeAtARateUntilTheBackendAnswers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &timed{ResponseRecorder: httptest.NewRecorder()}
		in, out := io.Pipe()
		b := bound(&paced{}, w, &http.Request{Body: slow{in}, ContentLength: -1}, &listener{rate: 100}, &target{})
		read := func() {
			t.Helper()
			go func() { _, _ = out.Write(make([]byte, 200)) }()
			if n, err := b.Read(make([]byte, 1000)); n != 200 || err != nil {
				t.Fatal(n, err)
			}
		}
		began := time.Now()
		read()
		if got := w.due.Sub(began); got != grace {
			t.Errorf("the first bytes are due after %s", got)
		}
		read()
		if got := w.due.Sub(began); got != grace+2*time.Second {
			t.Errorf("200 bytes at 100 a second earned %s", got-grace)
		}
		b.unbound()
		if !w.due.IsZero() {
			t.Error("a read that waits is still bounded")
		}
		read()
		if !w.due.IsZero() {
			t.Error("the next read is bounded")
		}
		if err := b.Close(); err != nil || w.due.IsZero() || w.due.After(began) {
			t.Errorf("a read that waits does not end: %v", err)
		}
		if _, err := b.Read(make([]byte, 1)); !errors.Is(err, http.ErrBodyReadAfterClose) {
			t.Errorf("a closed body is read: %v", err)
		}
		b.unbound()
		if w.due.IsZero() {
			t.Error("a closed body is open again")
		}
	})
}

// A deadline of HTTP/2 ends a stream that nobody reads, as while a backend takes nothing.
func TestNothingIsDueFromAStreamBetweenReads(t *testing.T) {
	t.Parallel()
	for major, lifted := range map[int]bool{1: false, 2: true} {
		w := &timed{ResponseRecorder: httptest.NewRecorder()}
		r := &http.Request{Body: io.NopCloser(strings.NewReader("some")), ContentLength: -1, ProtoMajor: major}
		b := bound(&paced{}, w, r, &listener{rate: 100}, &target{})
		if n, err := b.Read(make([]byte, 2)); n != 2 || err != nil {
			t.Fatal(n, err)
		}
		if w.due.IsZero() != lifted {
			t.Errorf("HTTP/%d: the next bytes are due at %v", major, w.due)
		}
	}
}

func TestABodyIsNotSlowWhileTheBackendIs(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		client, backend time.Duration // that each takes for a piece of 100 bytes
		status          int
	}{
		"a backend that takes a minute for each piece": {0, time.Minute, 0},
		"a client that keeps up with its rate":         {time.Second, time.Minute, 0},
		"a client that does not":                       {4 * time.Second, 0, http.StatusRequestTimeout},
		"a slow client that nobody waits for":          {4 * time.Second, time.Minute, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := &timed{ResponseRecorder: httptest.NewRecorder()}
				in, out := net.Pipe()
				var sent sync.WaitGroup
				defer sent.Wait()
				defer in.Close()
				b := bound(&paced{}, &connected{w, in}, &http.Request{Body: in, ContentLength: -1}, &listener{rate: 100}, &target{})
				sent.Go(func() {
					for range 10 {
						time.Sleep(tc.client)
						if _, err := out.Write(make([]byte, 100)); err != nil {
							return
						}
					}
				})
				for range 10 {
					if _, err := io.ReadFull(b, make([]byte, 100)); err != nil {
						break
					}
					time.Sleep(tc.backend)
				}
				if status, reason := b.fault(); status != tc.status {
					t.Errorf("got %d %q", status, reason)
				}
			})
		})
	}
}

// connected is a response whose time to read by is its connection's.
type connected struct {
	*timed
	conn net.Conn
}

func (w *connected) SetReadDeadline(t time.Time) error { return w.conn.SetReadDeadline(t) }
