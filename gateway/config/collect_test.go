// SPDX-License-Identifier: Apache-2.0

package config

import (
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"testing"
)

// TestReadingLeavesTheCollectorAsItWas, also when several configurations are read at
// once. It is not parallel: the setting is the process's.
func TestReadingLeavesTheCollectorAsItWas(t *testing.T) { //nolint:paralleltest // see above
	const own = 130
	before := debug.SetGCPercent(own)
	defer debug.SetGCPercent(before)
	file := filepath.Join(t.TempDir(), "gateway.yaml")
	if err := os.WriteFile(file, []byte(good), 0o600); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 50 {
				if _, err := Load(file); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if now := debug.SetGCPercent(own); now != own {
		t.Errorf("it collects at %d %%, and did at %d", now, own)
	}
}
