// SPDX-License-Identifier: Apache-2.0

package route

import "slices"

// byPath has candidates by their paths. Most hosts have one path, for which there is no
// map. The zero value is empty.
type byPath struct {
	path string
	only []candidate            // of path; nil: there is none, or there are several paths
	all  map[string][]candidate // of several paths
}

// of returns the candidates of a path.
func (m *byPath) of(path string) []candidate {
	if m.all != nil {
		return m.all[path]
	}
	if path != m.path {
		return nil
	}
	return m.only
}

// put adds one candidate. The first of a path is not copied: other hosts and listeners may
// have the same one.
func (m *byPath) put(path string, one []candidate) {
	list := one[:1:1]
	if before := m.of(path); len(before) > 0 {
		list = append(before, one...) //nolint:gocritic // it becomes what there is
	}
	switch {
	case m.all != nil:
		m.all[path] = list
	case len(m.only) == 0 || m.path == path:
		m.path, m.only = path, list
	default:
		m.all = map[string][]candidate{m.path: m.only, path: list}
		m.only = nil
	}
}

// sort puts those of each path into the order in which they are asked.
func (m *byPath) sort() {
	sortBySpecificity(m.only)
	for _, list := range m.all {
		sortBySpecificity(list)
	}
}

func sortBySpecificity(list []candidate) {
	if len(list) > 1 {
		slices.SortStableFunc(list, bySpecificity)
	}
}
