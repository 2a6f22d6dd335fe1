// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"context"
	"sync"
	"testing"
	"time"
)

// endLimit is twice what a manager of controller-runtime gives its parts to stop
// (30 s, manager.Options.GracefulShutdownTimeout).
const endLimit = time.Minute

// Run lets a program work beside the test until stop is called or the test ends.
// It fails the test when the program then ends with an error, or not at all. stop
// may be called more than once.
func Run(t testing.TB, program func(context.Context) error) (stop func()) {
	t.Helper()
	// Not the context of the test, which ends before the other clean-ups run.
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- program(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("the program stopped with %v", err)
			}
		case <-time.After(endLimit):
			t.Errorf("the program did not stop within %s", endLimit)
		}
	})
	t.Cleanup(stop)
	return stop
}
