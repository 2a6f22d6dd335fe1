// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"bytes"
	"fmt"

	"github.com/gatehouse-sh/gatehouse/inventory"
)

// Bounds of an object that is judged. What is judged is a matter of lists: rules,
// ports, labels. 10,000 entries in one are ten times those of the largest object
// known to make sense (an EndpointSlice of 1,000 endpoints), and 100,000 in all
// are twice those of the largest custom resource definitions. A request of the
// API server's limit, 3 MiB, could hold a million, of which each takes up to a
// kilobyte once decoded and many are compared with each other.
const (
	maxEntries = 10_000
	maxTotal   = 100_000
)

// bounded refuses an object of which a list or map is too long to be judged in
// the time that a verdict may take, or that nests too deeply. The data is JSON,
// valid or not.
func bounded(data []byte) error {
	if len(data) <= 2*inventory.MaxDepth {
		return nil // too short for any of the bounds
	}
	var entries []int // of the lists and maps around the current byte
	total := 0
	for i := 0; i < len(data); i++ {
		switch data[i] {
		case '"':
			i = stringEnd(data, i)
		case '{', '[':
			if entries = append(entries, 1); len(entries) > inventory.MaxDepth {
				return fmt.Errorf("it nests deeper than %d levels", inventory.MaxDepth)
			}
			total++
		case '}', ']':
			if len(entries) > 0 {
				entries = entries[:len(entries)-1]
			}
		case ',':
			total++
			if n := len(entries); n > 0 {
				if entries[n-1]++; entries[n-1] > maxEntries {
					return fmt.Errorf("it holds a list or map of more than %d entries", maxEntries)
				}
			}
		}
		if total > maxTotal {
			return fmt.Errorf("it holds more than %d entries in all", maxTotal)
		}
	}
	return nil
}

// stringEnd returns the index of the quote that ends the string that begins at
// i, or the end of the data.
func stringEnd(data []byte, i int) int {
	for i++; i < len(data); i++ {
		at := XX
		if at < 0 {
			return len(data)
		}
		if i += at; data[i] == '"' {
			return i
		}
		i++ // what a backslash stands in front of
	}
	return len(data)
}

// decode is objects, for objects within the bounds.
func (r Review) decode() (current, old inventory.Object, err error) {
	if err := bounded(r.Object); err != nil {
		return nil, nil, fmt.Errorf("the object is too large to be judged: %w", err)
	}
	if err := bounded(r.OldObject); err != nil {
		return nil, nil, fmt.Errorf("the old object is too large to be judged: %w", err)
	}
	return r.objects()
}
