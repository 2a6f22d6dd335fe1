// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"
)

// deadlines remembers the times by which something had to be written.
type deadlines struct {
	*httptest.ResponseRecorder
	set []time.Time
}

// SetWriteDeadline is for http.ResponseController.
func (d *deadlines) SetWriteDeadline(t time.Time) error {
	d.set = append(d.set, t)
	return nil
}

// TestResponsesAreTakenInTime: what net/http keeps by itself needs no time, everything
// beyond it does, and between two pieces a backend may say nothing for long.
func TestResponsesAreTakenInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &deadlines{ResponseRecorder: httptest.NewRecorder()}
		a := &answer{ResponseWriter: w, rate: 1 << 10}
		write := func(bytes int) {
			t.Helper()
			if _, err := a.Write(make([]byte, bytes)); err != nil {
				t.Fatal(err)
			}
		}
		write(unpaced)
		if len(w.set) != 0 {
			t.Fatalf("a short response has times: %v", w.set)
		}
		for _, silent := range []time.Duration{0, time.Hour} {
			time.Sleep(silent)
			w.set = nil
			write(2 << 10)
			if len(w.set) != 2 || time.Until(w.set[0]) != grace+2*time.Second || !w.set[1].IsZero() {
				t.Errorf("after %s the times are %v", silent, w.set)
			}
		}
	})
}
