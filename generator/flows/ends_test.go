// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// TestAnEndThatReturnsSaysTheSame reads ends with one reader again and again, while
// whoever gets the flows writes over their lists, and compares with readers that
// have seen nothing before.
func TestAnEndThatReturnsSaysTheSame(t *testing.T) {
	t.Parallel()
	const generic = `{"namespace":"shop","labels":{"app":"web","tier":"front"},"names":["a.example","b.example"],"ip":"198.51.100.9"}`
	long := `{"namespace":"shop","labels":["k8s:app=` + strings.Repeat("x", maxEnd) + `"]}`
	list := []string{web, carts, db0, host, remote, api, outside, ingress, generic, long, `{}`, `null`, `7`, `"x"`, `[{}]`, `{"namespace":"","pod":"a\u002fb"}`}
	var r Reader
	for round := range 3 {
		for _, from := range list {
			for _, to := range list {
				line := tcp(from, to, "40000", "8081", opening, `,"destination_names":["c.example"]`)
				var got, want Flow
				if err := r.Each(strings.NewReader(line), func(f *Flow) error {
					got = *f
					got.Names = slices.Clone(f.Names)
					got.Source.Labels, got.Destination.Labels = slices.Clone(f.Source.Labels), slices.Clone(f.Destination.Labels)
					got.Source.Workloads, got.Destination.Workloads = slices.Clone(f.Source.Workloads), slices.Clone(f.Destination.Workloads)
					for _, e := range []*Endpoint{&f.Source, &f.Destination} {
						clear(e.Labels[:cap(e.Labels)])
						clear(e.Workloads[:cap(e.Workloads)])
					}
					clear(f.Names[:cap(f.Names)])
					return nil
				}); err != nil {
					t.Fatal(err)
				}
				var fresh Reader
				if err := fresh.Each(strings.NewReader(line), func(f *Flow) error {
					want = *f
					return nil
				}); err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(want, got, cmpopts.EquateEmpty(), cmp.Comparer(sameAddr)); d != "" {
					t.Fatalf("round %d, %.80s to %.80s (fresh -, again +):\n%s", round, from, to, d)
				}
			}
		}
	}
	if n := len(r.decoder.ends.known); n < 8 || r.Stats.Flows != uint64(3*len(list)*len(list)) {
		t.Errorf("%d ends are known after %d flows", n, r.Stats.Flows)
	}
	for text := range r.decoder.ends.known {
		if len(text) > maxEnd {
			t.Errorf("a text of %d bytes is known", len(text))
		}
	}
}

func TestEndsAreBounded(t *testing.T) {
	t.Parallel()
	var e ends
	label := strings.Repeat("x", maxEnd/2)
	for i := range 3 * maxEnds / len(label) {
		if end := e.read(fmt.Appendf(nil, `{"pod":"p-%d","labels":["k8s:app=%s"]}`, i, label)); end.Pod != fmt.Sprintf("p-%d", i) {
			t.Fatalf("%+v", end)
		}
		if sum := 0; i%500 == 0 {
			for text := range e.known {
				sum += len(text)
			}
			if sum != e.bytes || sum > maxEnds {
				t.Fatalf("%d bytes are known, %d were counted", sum, e.bytes)
			}
		}
	}
}
