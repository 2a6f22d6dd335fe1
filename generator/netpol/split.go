// SPDX-License-Identifier: Apache-2.0

package netpol

import "encoding/json"

// split cuts rules into parts of at most so many bytes of JSON each, in order.
// A policy without rules is one part. A rule that is too great by itself is cut
// among its peers: each part with all its ports means the same together.
func split(rules []rule, most int) [][]rule {
	out := [][]rule{nil}
	used := 0
	for _, whole := range rules {
		for _, r := range cut(whole, most) {
			n := size(r)
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

func cut(r rule, most int) []rule {
	if len(r.peers) < 2 || size(r) <= most {
		return []rule{r}
	}
	half := len(r.peers) / 2
	a, b := r, r
	a.peers, b.peers = r.peers[:half:half], r.peers[half:]
	return append(cut(a, most), cut(b, most)...)
}

// size is the length of a rule as JSON.
func size(r rule) int {
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
