// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bytes"
	"testing"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/flows"
	"github.com/gatehouse-sh/gatehouse/test/bench/shape"
)

// read collects the edges of a recording of so many flows, and says what is
// wrong with what it found.
func read(tb testing.TB, o flows.Options, text []byte, n int) {
	tb.Helper()
	c := flows.NewCollector(o)
	var r flows.Reader
	if err := r.Each(bytes.NewReader(text), c.Add); err != nil || r.Stats.Flows != uint64(n) || r.Stats.Broken > 0 {
		tb.Fatalf("%v %+v", err, r.Stats)
	}
	found := c.Result()
	seen := uint64(0)
	for _, e := range found.Edges {
		seen += e.Because[0].Flows
	}
	if len(found.Edges) != shape.RecordedEdges(n) || seen != uint64(n/2) || found.Summary.Left[flows.Reply] != uint64(n/2) {
		tb.Fatalf("%d edges of %d flows: %+v", len(found.Edges), seen, found.Summary)
	}
}

func endpoints(tb testing.TB) flows.Options {
	tb.Helper()
	inv := shape.Endpoints()
	u, err := generator.Observe(inv)
	if err != nil {
		tb.Fatal(err)
	}
	return flows.Options{Inventory: inv, Universe: u, Environment: generator.NewEnvironment(), Where: "flows.json"}
}

func TestTheRecordingIsReadInFull(t *testing.T) {
	t.Parallel()
	const n = 600
	text := shape.Recording(n)
	if size := len(text) / n; size < 1200 || size > 1800 {
		t.Errorf("%d bytes a flow", size)
	}
	read(t, endpoints(t), text, n)
}

// BenchmarkFlows reads a recording of 20,000 flows and collects its edges: at
// least 100,000 flows for each second of processor time.
func BenchmarkFlows(b *testing.B) {
	const n = 20_000
	text := shape.Recording(n)
	o := endpoints(b)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	before := used(b)
	for b.Loop() {
		read(b, o, text, n)
	}
	b.ReportMetric(n*float64(b.N)/(used(b)-before).Seconds(), "flows/cpu-s")
}
