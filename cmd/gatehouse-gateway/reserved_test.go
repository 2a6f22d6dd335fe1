// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"math"
	"runtime/debug"
	"testing"
)

func TestNoListenerHasThePortsOfThisProcess(t *testing.T) {
	t.Parallel()
	for flag, want := range map[string]string{
		":9443": "[[::]:9443]", "10.0.0.1:9443": "[10.0.0.1:9443]", "localhost:9443": "[[::]:9443]", "": "[]", "no port": "[]", ":https": "[]",
	} {
		if got := fmt.Sprint(reserved(flag)); got != want {
			t.Errorf("%q: got %s, want %s", flag, got, want)
		}
	}
	if got := len(reserved(":9090", ":9443")); got != 2 {
		t.Errorf("of two flags there are %d", got)
	}
}

// TestWhatIsKeptIsLeftOutOfTheLimit changes that of this process, so that it is not parallel.
func TestWhatIsKeptIsLeftOutOfTheLimit(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	defer debug.SetMemoryLimit(before)
	var f follower
	if f.spare(math.MaxInt64) != nil {
		t.Error("there is no limit, and one is set")
	}
	spare := f.spare(200 << 20)
	for size, want := range map[int]int64{0: 200 << 20, 1 << 20: 198 << 20, 60 << 20: 100 << 20} {
		spare(size)
		if got := debug.SetMemoryLimit(-1); got != want {
			t.Errorf("with %d bytes kept the limit is %d, want %d", size, got, want)
		}
	}
}
