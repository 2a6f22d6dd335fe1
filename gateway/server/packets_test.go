// SPDX-License-Identifier: Apache-2.0

package server

import (
	"io"
	"net"
	"net/netip"
	"testing"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// A route of UDP that is deleted and made again takes its listener out and back in.
func TestAListenerOfDatagramsComesBackWhileItsClientsAreNotForgotten(t *testing.T) {
	t.Parallel()
	backend := datagrams(t, "one")
	snap := streamSnapshot(backend, backend, backend, backend)
	// A port that is free a moment before: with port 0 it would be another one each time.
	free, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	snap.Listeners[1].Address = netip.MustParseAddrPort(free.LocalAddr().String())
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	s, at := start(t, snap)
	answered := func(c net.Conn) {
		t.Helper()
		got := make([]byte, 9)
		if _, err := io.WriteString(c, "x"); err != nil {
			t.Fatal(err)
		}
		if n, err := c.Read(got); err != nil || string(got[:n]) != "one x" {
			t.Fatalf("got %q, %v", got[:n], err)
		}
	}
	old := dial(t, "udp", at["udp"])
	answered(old)
	without := *snap
	without.Listeners = []config.Listener{snap.Listeners[0], snap.Listeners[2]}
	without.Streams = append([]config.Stream{snap.Streams[0]}, snap.Streams[2:]...)
	for range 3 {
		if err := s.Apply(t.Context(), &without); err != nil {
			t.Fatalf("take the listener out: %v", err)
		}
		answered(old) // it may finish
		if err := s.Apply(t.Context(), snap); err != nil {
			t.Fatalf("take the listener in again: %v", err)
		}
		answered(dial(t, "udp", at["udp"]))
		old = dial(t, "udp", at["udp"])
		answered(old)
	}
}
