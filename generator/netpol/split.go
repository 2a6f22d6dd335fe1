// SPDX-License-Identifier: Apache-2.0

package netpol

import (
	"encoding/json"

	"github.com/gatehouse-sh/gatehouse/generator/internal/rendering"
)

// halves cuts a rule among its peers.
func (r rule) halves() []rule {
	if len(r.peers) < 2 {
		return []rule{r}
	}
	a, b := r, r
	a.peers, b.peers = rendering.Halves(r.peers)
	return []rule{a, b}
}

// size is the length of a rule as JSON.
func (r rule) size() int {
	peers, err := json.Marshal(r.peers)
	if err != nil {
		return 0 // strings and numbers can be written
	}
	ports, err := json.Marshal(r.ports)
	if err != nil {
		return 0
	}
	return len(peers) + len(ports)
}
