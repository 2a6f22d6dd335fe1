// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr"
)

func TestOthersAreGivenTheTimeToLearnOfTheEnd(t *testing.T) {
	t.Parallel()
	for name, linger := range map[string]time.Duration{"none": 0, "five seconds": 5 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			ending{linger: linger, drain: time.Hour}.begin(logr.Discard())
			if got := time.Since(began); got != linger {
				t.Errorf("%s: connections are taken no more after %s", name, got)
			}
		})
	}
}
