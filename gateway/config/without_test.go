// SPDX-License-Identifier: Apache-2.0

package config

import (
	"net/netip"
	"testing"
)

// TestWhatIsForAListenerOnlyIsLeftOutWithIt, and what others have as well stays.
func TestWhatIsForAListenerOnlyIsLeftOutWithIt(t *testing.T) {
	t.Parallel()
	at := func(port uint16) netip.AddrPort { return netip.AddrPortFrom(netip.IPv6Unspecified(), port) }
	s := &Snapshot{
		Listeners: []Listener{
			{Name: "a", Address: at(1), Protocol: HTTP}, {Name: "b", Address: at(2), Protocol: HTTP, Access: []string{"of-b"}}, {Name: "c", Address: at(3), Protocol: TCP},
		},
		Routes: []Route{
			{Name: "both", Listeners: []string{"a", "b"}}, {Name: "of-b", Listeners: []string{"b"}, Access: []string{"of-route"}}, {Name: "all"}, {Name: "of-a", Listeners: []string{"a"}, Access: []string{"kept"}},
		},
		Streams:        []Stream{{Name: "of-c", Listeners: []string{"c"}}},
		AccessPolicies: []AccessPolicy{{Name: "of-b"}, {Name: "of-route"}, {Name: "kept"}},
	}
	got := s.Without(map[string]bool{"b": true, "c": true})
	if len(got.Listeners) != 1 || got.Listeners[0].Name != "a" || len(got.Streams) != 0 {
		t.Errorf("listeners %v, streams %v", got.Listeners, got.Streams)
	}
	if len(got.Routes) != 3 || len(got.Routes[0].Listeners) != 1 || got.Routes[1].Name != "all" || got.Routes[2].Name != "of-a" {
		t.Errorf("routes %+v", got.Routes)
	}
	if len(got.AccessPolicies) != 1 || got.AccessPolicies[0].Name != "kept" {
		t.Errorf("access policies %+v", got.AccessPolicies)
	}
	if len(s.Listeners) != 3 || len(s.Routes[0].Listeners) != 2 || len(s.AccessPolicies) != 3 {
		t.Error("the snapshot was changed")
	}
}
