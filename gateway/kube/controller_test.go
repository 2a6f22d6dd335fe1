// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"testing"
	"time"
)

// TestNothingIsTranslatedForAsLongAsTranslationTook, within bounds.
func TestNothingIsTranslatedForAsLongAsTranslationTook(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ took, want time.Duration }{
		"what took no time waits for more of an apply": {0, leastRest},
		"what took less than that does, too":           {leastRest - 1, leastRest},
		"what took longer rests as long":               {40 * time.Millisecond, 40 * time.Millisecond},
		"what took very long rests no longer than so":  {time.Minute, mostRest},
	} {
		if got := restAfter(tc.took); got != tc.want {
			t.Errorf("%s: %s, want %s", name, got, tc.want)
		}
	}
}
