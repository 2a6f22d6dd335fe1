// SPDX-License-Identifier: Apache-2.0

package serve

import (
	"os"
	"runtime/debug"
)

// collectAt is how much the heap may grow, in percent, before it is collected.
// Most of it is the inventory, which lives long, so Go's default of 100 doubles
// the memory of the process for garbage that a smaller share has room for;
// docs/benchmarks.md has the figures for both.
const collectAt = 60

// TuneMemory sets how often garbage is collected, unless the environment says
// so (GOGC, GOMEMLIMIT). Mains call it first; it is for the whole process.
func TuneMemory() {
	if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetGCPercent(collectAt)
	}
}
