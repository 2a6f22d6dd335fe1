// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"testing"
	"time"
)

// TestAWatchIsSoonTriedAgain however often it failed: promptly at first, so that an API
// server that was away for a second is not missed for long.
func TestAWatchIsSoonTriedAgain(t *testing.T) {
	t.Parallel()
	again := retries()
	if first := again.Step(); first > time.Second {
		t.Errorf("the first pause is %s", first)
	}
	for n := range 50 {
		if pause := again.Step(); pause > 7500*time.Millisecond {
			t.Errorf("pause %d is %s, want 7.5 s at most", n+2, pause)
		}
	}
}
