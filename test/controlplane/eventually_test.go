// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"errors"
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"
)

// recorder is a test that notes why it failed.
type recorder struct {
	testing.TB
	failed string
}

func (*recorder) Helper() {}

func (r *recorder) Fatalf(format string, args ...any) {
	r.failed = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

// outcome runs Eventually in a test of its own and returns how that failed, ""
// when it did not, and how long it took.
func outcome(limit time.Duration, try func() error) (failed string, took time.Duration) {
	r, began, done := &recorder{}, time.Now(), make(chan struct{})
	go func() {
		defer close(done)
		Eventually(r, limit, "it works", try)
	}()
	<-done
	return r.failed, time.Since(began)
}

func TestEventuallyStopsAtTheFirstSuccess(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tries := 0
		failed, took := outcome(time.Second, func() error {
			if tries++; tries < 3 {
				return errors.New("too early")
			}
			return nil
		})
		if failed != "" || tries != 3 || took != 2*tryEvery {
			t.Errorf("%d tries in %s, failed with %q", tries, took, failed)
		}
	})
}

func TestEventuallyFailsWithTheLastError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tries := 0
		failed, took := outcome(time.Second, func() error {
			tries++
			return fmt.Errorf("try %d", tries)
		})
		if want := fmt.Sprintf("not within 1s: it works: try %d", tries); failed != want {
			t.Errorf("failed with %q, want %q", failed, want)
		}
		if want := time.Second + tryEvery; took != want {
			t.Errorf("it took %s, want %s", took, want)
		}
	})
}

// TestEventuallyPausesAsLongAsATryTakes: of a limit of ten seconds, tries of one
// second take every other one.
func TestEventuallyPausesAsLongAsATryTakes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tries := 0
		failed, _ := outcome(10*time.Second, func() error {
			tries++
			time.Sleep(time.Second)
			return errNotYet
		})
		if failed == "" || tries != 6 {
			t.Errorf("%d tries, want 6; failed with %q", tries, failed)
		}
	})
}

func TestHolds(t *testing.T) {
	t.Parallel()
	for _, want := range []bool{true, false} {
		if err := Holds(func() bool { return want })(); (err == nil) != want {
			t.Errorf("a condition that is %t: %v", want, err)
		}
	}
}
