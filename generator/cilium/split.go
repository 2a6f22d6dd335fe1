// SPDX-License-Identifier: Apache-2.0

package cilium

import (
	"encoding/json"

	"github.com/gatehouse-sh/gatehouse/generator/internal/rendering"
)

// halves cuts a rule among its peers, which are of one kind.
func (r rule) halves() []rule {
	a, b := r, r
	switch {
	case len(r.endpoints) > 1:
		a.endpoints, b.endpoints = rendering.Halves(r.endpoints)
	case len(r.blocks) > 1:
		a.blocks, b.blocks = rendering.Halves(r.blocks)
	case len(r.names) > 1:
		a.names, b.names = rendering.Halves(r.names)
	default:
		return []rule{r}
	}
	return []rule{a, b}
}

// size is the length of a rule as JSON.
func (r rule) size() int {
	text, err := json.Marshal([]any{r.endpoints, r.entities, r.blocks, r.names, r.ports})
	if err != nil {
		return 0 // strings and numbers can be written
	}
	return len(text)
}
