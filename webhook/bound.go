// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"bytes"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// bounds limit the lists and maps of an object that is judged: rules, ports,
// labels. A request of the API server's limit, 3 MiB, could hold a million
// entries, of which each takes up to a kilobyte once decoded, and many are
// compared with each other.
type bounds struct {
	entries int // in one list or map
	total   int // in all of them
}

// usual are twice what the largest object holds that makes sense, an
// EndpointSlice of 1,000 endpoints with two dozen entries each. roomy are for the
// kinds that are read once from end to end and may be large: schemas hold up to
// 40,000 entries, and a NetworkPolicy may list the networks of a cloud.
var (
	usual = bounds{2_000, 50_000}
	roomy = bounds{100_000, 100_000}
)

func boundsOf(kind schema.GroupKind) bounds {
	switch kind {
	case inventory.NetworkPolicyKind, schema.GroupKind{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}:
		return roomy
	}
	return usual
}

// bounded is bounds.check with the usual bounds.
func bounded(data []byte) error { return usual.check(data) }

// check refuses an object of which a list or map is too long to be judged in the
// time that a verdict may take, or that nests too deeply. The data is valid JSON.
func (b bounds) check(data []byte) error {
	// Common objects hold few entries, which counting shows ten times faster.
	if bytes.Count(data, []byte(","))+bytes.Count(data, []byte("{"))+bytes.Count(data, []byte("[")) < min(b.entries, inventory.MaxDepth) {
		return nil
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
				if entries[n-1]++; entries[n-1] > b.entries {
					return fmt.Errorf("%s holds more than %d entries", placeOf(data[:i]), b.entries)
				}
			}
		}
		if total > b.total {
			return fmt.Errorf("it holds more than %d entries in all", b.total)
		}
	}
	return nil
}

// maxPlace bounds the bytes of a place that is told.
const maxPlace = 128

// placeOf is the path of the list or map that is open where the data ends, as
// "rules[0].resourceNames". It reads the data once more, for a refusal only.
func placeOf(data []byte) string {
	type level struct {
		name  []byte // of the entry in a map
		index int    // of the entry in a list; -1 in a map
	}
	var levels []level
	var text []byte // the last string
	for i := 0; i < len(data); i++ {
		switch data[i] {
		case '"':
			end := stringEnd(data, i)
			text = data[i+1 : min(end, len(data))]
			i = end
		case ':':
			if n := len(levels); n > 0 {
				levels[n-1].name = text
			}
		case '{':
			levels = append(levels, level{index: -1})
		case '[':
			levels = append(levels, level{})
		case '}', ']':
			levels = levels[:max(len(levels)-1, 0)]
		case ',':
			if n := len(levels); n > 0 && levels[n-1].index >= 0 {
				levels[n-1].index++
			}
		}
	}
	var b strings.Builder
	for _, l := range levels[:max(len(levels)-1, 0)] {
		switch {
		case l.index >= 0:
			fmt.Fprintf(&b, "[%d]", l.index)
		case b.Len() > 0:
			fmt.Fprintf(&b, ".%s", l.name)
		default:
			b.Write(l.name)
		}
	}
	if b.Len() == 0 {
		return "it"
	}
	return clip(checks.Plain(b.String()), maxPlace)
}

// stringEnd returns the index of the quote that ends the string that begins at
// i, or the end of the data.
func stringEnd(data []byte, i int) int {
	for i++; i < len(data); i++ {
		at := bytes.IndexAny(data[i:], "\"\\")
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

// decode is objects, for an object within the bounds. An older one beyond them
// counts as absent: then nothing is known of what it had, and the update that
// makes it smaller is judged like a new object.
func (r Review) decode() (current, old inventory.Object, err error) {
	limits := boundsOf(r.Kind.GroupKind())
	if err := limits.check(r.Object); err != nil {
		return nil, nil, fmt.Errorf("the object is too large: %w", err)
	}
	if limits.check(r.OldObject) != nil {
		r.OldObject = nil
	}
	if current, old, err = r.objects(); err != nil {
		return nil, nil, err
	}
	if err := combined(current); err != nil {
		return nil, nil, fmt.Errorf("the object is too large: %w", err)
	}
	if old != nil && combined(old) != nil {
		old = nil
	}
	return current, old, nil
}
