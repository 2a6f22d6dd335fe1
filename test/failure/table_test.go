// SPDX-License-Identifier: Apache-2.0

package failure

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

// row is one thing that was broken, and what held meanwhile.
type row struct {
	broken   string
	after    time.Duration // until all was well again
	requests int
	failed   int
	held     string
}

// table gathers rows, and says them all once the test ends.
type table struct {
	mu   sync.Mutex
	rows []row
}

func newTable(t *testing.T) *table {
	t.Helper()
	all := &table{}
	t.Cleanup(func() {
		var b strings.Builder
		for _, r := range all.rows {
			fmt.Fprintf(&b, "\n| %s | %s | %d | %d | %s |", r.broken, r.after.Round(100*time.Millisecond), r.requests, r.failed, r.held)
		}
		t.Logf("\n| broken | all is well after | requests | failed | meanwhile |\n|---|---|---|---|---|%s", &b)
	})
	return all
}

func (a *table) add(r row) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.rows = append(a.rows, r)
}
