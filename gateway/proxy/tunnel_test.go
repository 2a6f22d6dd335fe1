// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

// TestTunnelsThatNobodyUsesEnd has one that is used in either direction, however little,
// then one over which nothing is said, and one of which a side takes nothing.
func TestTunnelsThatNobodyUsesEnd(t *testing.T) {
	t.Parallel()
	for name, last := range map[string]func(client, backend net.Conn){
		"silent":     func(client, _ net.Conn) { _, _ = io.Copy(io.Discard, client) },
		"not read":   func(client, _ net.Conn) { _, _ = io.WriteString(client, "nobody takes this") },
		"one leaves": func(_, backend net.Conn) { _ = backend.Close() },
	} {
		synctest.Test(t, func(t *testing.T) {
			client, front := net.Pipe()
			back, backend := net.Pipe()
			type result struct {
				received, sent int64
				quiet          bool
			}
			got := make(chan result, 1)
			go func() {
				r, s, q := join(side{front, front}, side{back, back}, time.Hour)
				got <- result{r, s, q}
			}()
			piece := make([]byte, 4)
			for _, way := range [][2]net.Conn{{client, backend}, {backend, client}, {client, backend}} {
				time.Sleep(50 * time.Minute)
				if _, err := io.WriteString(way[0], "ping"); err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				if _, err := io.ReadFull(way[1], piece); err != nil || string(piece) != "ping" {
					t.Fatalf("%s: got %q, %v", name, piece, err)
				}
			}
			began := time.Now()
			last(client, backend)
			want := result{8, 4, name != "one leaves"}
			if r := <-got; r != want {
				t.Errorf("%s: got %+v, want %+v", name, r, want)
			}
			if waited := time.Since(began); want.quiet && waited != time.Hour || !want.quiet && waited != 0 {
				t.Errorf("%s: it ended after %s", name, waited)
			}
			_, _ = client.Close(), backend.Close() // the test is over
		})
	}
}
