// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// mixed are routes of both kinds at one listener, with a host each.
func mixed(hosts []string) []*route {
	l := &listener{spec: &gatewayv1.Listener{Name: "all"}}
	out := make([]*route, len(hosts))
	for i, h := range hosts {
		of := httpRouteKind
		if i%2 == 1 {
			of = grpcRouteKind
		}
		out[i] = &route{name: Name{Namespace: "n", Name: fmt.Sprint(i)}, of: of, parents: []*parent{{at: []attachment{{listener: l, hosts: []string{h}}}}}}
	}
	return out
}

// TestOccupantsAreFoundByWhatTheyHaveInCommon: as by comparing each with each, in any order.
func TestOccupantsAreFoundByWhatTheyHaveInCommon(t *testing.T) {
	t.Parallel()
	hosts := []string{"*", "a.b.c", "*.b.c", "*.c", "b.c", "c", "d.a.b.c", "*.a.b.c", "x", "*.x", "ab.c", "*.bb.c", "y.x"}
	compared := 0
	for range 500 {
		rand.Shuffle(len(hosts), func(i, k int) { hosts[i], hosts[k] = hosts[k], hosts[i] })
		some := hosts[:rand.IntN(len(hosts))]
		var c occupants
		for _, h := range some {
			c.add(nil, h)
		}
		for _, h := range hosts {
			want := slices.IndexFunc(some, func(other string) bool { return common(other, h) != "" })
			got := -1
			if found := c.find(h); found != nil {
				got = found.place
			}
			if compared++; got != want {
				t.Fatalf("%s among %q: got %d, want %d", h, some, got, want)
			}
		}
	}
	if compared == 0 {
		t.Error("nothing was compared")
	}
}

// BenchmarkRoutesAreKeptApart is of 5,000 routes, each with a host of its own.
func BenchmarkRoutesAreKeptApart(b *testing.B) {
	hosts := make([]string, 5000)
	for i := range hosts {
		hosts[i] = fmt.Sprintf("h%d.team%d.example.com", i, i%50)
	}
	routes := mixed(hosts)
	for b.Loop() {
		apart(routes)
	}
	if !b.Failed() && len(routes[4999].parents[0].at) != 1 {
		b.Fatal("one of them is not attached")
	}
}
