// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"runtime"
	"testing"

	"github.com/gatehouse-sh/gatehouse/inventory"
	"github.com/gatehouse-sh/gatehouse/test/bench/shape"
)

// BenchmarkInventoryHeap is the live heap of the large inventory alone.
func BenchmarkInventoryHeap(b *testing.B) {
	for b.Loop() {
		before := heapAlive()
		inv := shape.Large.Inventory()
		b.ReportMetric(float64(heapAlive()-before)/(1<<20), "MiB")
		b.ReportMetric(float64(shape.Large.Count()), "objects")
		runtime.KeepAlive(inv)
	}
}

// heapAlive is the size of everything that is in use.
func heapAlive() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkEdit is one watch event against the large inventory: a pod changes,
// and a new version is made.
func BenchmarkEdit(b *testing.B) {
	inv := large()
	pod := inventory.CompactEntry(shape.Large.Pod(7))
	b.ReportAllocs()
	for b.Loop() {
		e := inv.Edit()
		e.Put(pod)
		inv = e.Inventory()
	}
}
