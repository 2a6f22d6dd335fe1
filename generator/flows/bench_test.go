// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"bytes"
	"testing"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/test/bench/shape"
)

// BenchmarkHubbleJSON reads flows of Hubble, 1.2 to 1.8 KB each: alone, and with
// the connections that they are. An operation is one flow.
func BenchmarkHubbleJSON(b *testing.B) {
	const n = 20_000
	text := shape.Recording(n)
	inv := shape.Endpoints()
	u, err := generator.Observe(inv)
	if err != nil {
		b.Fatal(err)
	}
	for name, visit := range map[string]func() func(*Flow) error{
		"read": func() func(*Flow) error { return func(*Flow) error { return nil } },
		"collect": func() func(*Flow) error {
			return NewCollector(Options{Inventory: inv, Universe: u, Environment: generator.NewEnvironment()}).Add
		},
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text) / n))
			b.ReportAllocs()
			b.ResetTimer()
			for left := b.N; left > 0; left -= n {
				var r Reader
				each, flows := visit(), uint64(0)
				if err := r.Each(bytes.NewReader(text), func(f *Flow) error {
					flows++
					return each(f)
				}); err != nil || flows != n || r.Stats.Broken > 0 {
					b.Fatalf("%v %+v", err, r.Stats)
				}
			}
		})
	}
}
