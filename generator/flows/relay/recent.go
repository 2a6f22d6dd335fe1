// SPDX-License-Identifier: Apache-2.0

package relay

import "time"

// overlap is how far before the last flow a broken stream is taken up again: a
// relay sorts the flows of its nodes within a second.
const overlap = 5 * time.Second

// maxRecent bounds the flows that are known again. More than that within the
// overlap come twice, which counts them twice and changes nothing else.
const maxRecent = 1 << 16

// recent knows the last flows again. Old nodes give them no identifiers; of
// those, the ones up to the last before a break are taken for known.
type recent struct {
	ring  []string
	next  int
	known map[string]bool

	resumed time.Time
}

// add reports whether a flow is new.
func (r *recent) add(uuid string, at time.Time) bool {
	if uuid == "" {
		return r.resumed.IsZero() || at.After(r.resumed)
	}
	if r.known[uuid] {
		return false
	}
	if r.known == nil {
		r.known = map[string]bool{}
	}
	if len(r.ring) < maxRecent {
		r.ring = append(r.ring, uuid)
	} else {
		delete(r.known, r.ring[r.next])
		r.ring[r.next] = uuid
		r.next = (r.next + 1) % maxRecent
	}
	r.known[uuid] = true
	return true
}

// resume notes that flows up to a time may come again.
func (r *recent) resume(last time.Time) { r.resumed = last }
