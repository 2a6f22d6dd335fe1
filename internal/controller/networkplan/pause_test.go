// SPDX-License-Identifier: Apache-2.0

package networkplan

import (
	"testing"
	"time"
)

// TestAPassIsFollowedByAPause in which changes gather, and which a long one makes longer,
// but not so long that what is to be swept every minute is not.
func TestAPassIsFollowedByAPause(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ took, want time.Duration }{
		"a pass that had nothing to do":        {time.Millisecond, gather},
		"a pass that planned a second long":    {time.Second, 9 * time.Second},
		"a pass that wrote 500 plans for 38 s": {38 * time.Second, time.Minute},
	} {
		if got := pauseAfter(tc.took); got != tc.want {
			t.Errorf("%s: %s, want %s", name, got, tc.want)
		}
	}
}
