// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
)

// cleaner is a test that notes its errors and what it is to clean up.
type cleaner struct {
	testing.TB
	errors   []string
	cleanups []func()
}

func (*cleaner) Helper() {}

func (c *cleaner) Errorf(format string, args ...any) {
	c.errors = append(c.errors, fmt.Sprintf(format, args...))
}

func (c *cleaner) Cleanup(f func()) { c.cleanups = append(c.cleanups, f) }

func TestRunEndsTheProgramWithTheTest(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		program func(ctx context.Context, never <-chan struct{}) error
		want    string
	}{
		"it ends when it is told to": {func(ctx context.Context, _ <-chan struct{}) error { <-ctx.Done(); return nil }, "[]"},
		"it ends with an error":      {func(context.Context, <-chan struct{}) error { return errors.New("broken") }, "[the program stopped with broken]"},
		"it does not end":            {func(_ context.Context, never <-chan struct{}) error { <-never; return nil }, "[the program did not stop within 1m0s]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c, never := &cleaner{}, make(chan struct{})
				defer close(never) // every goroutine must end with the test
				stop := Run(c, func(ctx context.Context) error { return tc.program(ctx, never) })
				stop()
				for _, f := range c.cleanups {
					f()
				}
				if got := fmt.Sprint(c.errors); got != tc.want || len(c.cleanups) != 1 {
					t.Errorf("got %s and %d clean-ups, want %s", got, len(c.cleanups), tc.want)
				}
			})
		})
	}
}
