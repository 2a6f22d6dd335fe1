// SPDX-License-Identifier: Apache-2.0

package cilium

import "encoding/json"

// split cuts rules into parts of at most so many bytes of JSON each, in order.
// A policy without rules is one part. A rule that is too great by itself is cut
// among its peers: each part with all its ports means the same together.
func split(rules []rule, most int) [][]rule {
	out := [][]rule{nil}
	used := 0
	for _, whole := range rules {
		for _, r := range whole.cut(most) {
			n := r.size()
			if last := len(out) - 1; used > 0 && used+n > most {
				out, used = append(out, []rule{r}), n
			} else {
				out[last] = append(out[last], r)
				used += n
			}
		}
	}
	return out
}

func (r rule) cut(most int) []rule {
	a, b := r, r
	switch { // it has peers of one kind
	case r.size() <= most:
		return []rule{r}
	case len(r.endpoints) > 1:
		a.endpoints, b.endpoints = halves(r.endpoints)
	case len(r.blocks) > 1:
		a.blocks, b.blocks = halves(r.blocks)
	case len(r.names) > 1:
		a.names, b.names = halves(r.names)
	default:
		return []rule{r}
	}
	return append(a.cut(most), b.cut(most)...)
}

func halves[S ~[]E, E any](list S) (S, S) {
	half := len(list) / 2
	return list[:half:half], list[half:]
}

// size is the length of a rule as JSON.
func (r rule) size() int {
	text, err := json.Marshal([]any{r.endpoints, r.entities, r.blocks, r.names, r.ports})
	if err != nil {
		return 0 // strings and numbers can be written
	}
	return len(text)
}
