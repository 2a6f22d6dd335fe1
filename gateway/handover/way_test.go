// SPDX-License-Identifier: Apache-2.0

package handover

import (
	"context"
	"errors"
	"net"
	"syscall"
	"testing"
)

// TestWhoIsRefusedDialsAgain: a name of which one of two addresses listens is reached, and
// one of which none does is not, and ends.
func TestWhoIsRefusedDialsAgain(t *testing.T) {
	t.Parallel()
	for what, tc := range map[string]struct {
		refuses int
		fault   error
		dials   int
		fails   bool
	}{
		"it listens":                    {0, syscall.ECONNREFUSED, 1, false},
		"another one listens":           {mostDials - 1, syscall.ECONNREFUSED, mostDials, false},
		"nobody listens":                {mostDials, syscall.ECONNREFUSED, mostDials, true},
		"there is no way":               {1, syscall.EHOSTUNREACH, 1, true},
		"what else the system may have": {1, errors.New("no such host"), 1, true},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			n := 0
			c, err := again(t.Context(), func(context.Context) (net.Conn, error) {
				if n++; n <= tc.refuses {
					return nil, &net.OpError{Op: "dial", Err: tc.fault}
				}
				return &caller{}, nil
			})
			if n != tc.dials || (err != nil) != tc.fails || (c == nil) != tc.fails {
				t.Errorf("after %d dials: %v", n, err)
			}
		})
	}
}
