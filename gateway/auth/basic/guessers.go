// SPDX-License-Identifier: Apache-2.0

package basic

import (
	"net/netip"
	"time"
)

// How many networks are remembered as guessers, and for how long.
const (
	mostGuessers = 1 << 12
	guesserFor   = 5 * time.Minute
)

// guessers are the networks from which a wrong password came lately, and when.
type guessers map[netip.Addr]time.Time

func (g guessers) has(from netip.Addr, now time.Time) bool {
	at, is := g[from]
	return is && now.Sub(at) < guesserFor
}

// add remembers a network. Where there is no room somebody else is forgotten.
func (g guessers) add(from netip.Addr, now time.Time) {
	if _, is := g[from]; !is && len(g) >= mostGuessers {
		for other := range g {
			delete(g, other)
			break
		}
	}
	g[from] = now
}
