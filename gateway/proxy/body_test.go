// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
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
		b := bound(w, &http.Request{Body: slow{in}, ContentLength: -1}, &listener{rate: 100}, &target{})
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
