// SPDX-License-Identifier: Apache-2.0

package server

import (
	"fmt"
	"net/netip"
	"runtime"
	"testing"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// TestManyRoutesAreSmall: 5,000 routes to 500 backends take less than half of what the
// whole process may, of which cmd/gatehouse-gateway has a test.
func TestManyRoutesAreSmall(t *testing.T) {
	const routes, backends, most = 5000, 500, 24 << 20
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	s := &config.Snapshot{Listeners: []config.Listener{{Name: "l", Address: netip.MustParseAddrPort("127.0.0.1:0"), Protocol: config.HTTP}}}
	for i := range backends {
		s.Backends = append(s.Backends, config.Backend{Name: fmt.Sprintf("b%d", i), Endpoints: []netip.AddrPort{netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(20000+i))}})
	}
	for i := range routes {
		s.Routes = append(s.Routes, config.Route{
			Name: fmt.Sprintf("r%d", i), Hosts: []string{fmt.Sprintf("h%d.example.com", i%backends)},
			Matches: []config.Match{{Path: config.PathMatch{Prefix: fmt.Sprintf("/p%d", i)}}},
			Target:  config.Target{Backends: []config.Weighted{{Name: fmt.Sprintf("b%d", i%backends)}}},
		})
	}
	server, _ := start(t, s)
	if used := int64(heap()) - int64(before); used > most {
		t.Errorf("they take %d bytes", used)
	} else {
		t.Logf("they take %.1f MiB of the heap", float64(used)/(1<<20))
	}
	runtime.KeepAlive(server)
}
