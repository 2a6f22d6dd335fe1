// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"os"
	"runtime"
	"runtime/pprof"
	"testing"

	"github.com/gatehouse-sh/gatehouse/test/bench/shape"
)

func TestZZHeap(t *testing.T) {
	p := os.Getenv("HEAPOUT")
	if p == "" {
		t.Skip()
	}
	runtime.MemProfileRate = 4096
	inv := shape.Large.Inventory()
	runtime.GC()
	runtime.GC()
	f, _ := os.Create(p)
	pprof.Lookup("heap").WriteTo(f, 0)
	f.Close()
	runtime.KeepAlive(inv)
}
