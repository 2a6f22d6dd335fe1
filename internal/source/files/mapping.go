// SPDX-License-Identifier: Apache-2.0

package files

import (
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/gatehouse-sh/gatehouse/inventory"
)

// pair is one entry of a mapping. explicit is the line at which the mapping
// itself sets the key; 0 for what only a merge brought.
type pair struct {
	key      string
	value    *yaml.Node
	explicit int
}

// table is an ordered mapping. Small ones are searched, large ones indexed.
type table struct {
	pairs []pair
	index map[string]int
}

// searched is up to how many entries a linear search beats a map.
const searched = 16

func (t *table) find(key string) int {
	if len(t.pairs) <= searched {
		for i := range t.pairs {
			if t.pairs[i].key == key {
				return i
			}
		}
		return -1
	}
	if t.index == nil {
		t.index = make(map[string]int, 2*len(t.pairs))
		for i := range t.pairs {
			t.index[t.pairs[i].key] = i
		}
	}
	if i, known := t.index[key]; known {
		return i
	}
	return -1
}

func (t *table) add(p pair) {
	if t.index != nil {
		t.index[p.key] = len(t.pairs)
	}
	t.pairs = append(t.pairs, p)
}

// entries lists the entries of a mapping, those that it merges in included. A
// merge key acts where it stands, as in kubectl: it overrides what stands above
// it.
func (e *emitter) entries(n *yaml.Node, depth int) (*table, error) {
	t := &table{pairs: make([]pair, 0, len(n.Content)/2)}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if isMerge(k) {
			if err := e.merge(t, v, depth+1); err != nil {
				return nil, err
			}
			continue
		}
		key, err := keyOf(k)
		if err != nil {
			return nil, at(k.Line, "%w", err)
		}
		at0 := t.find(key)
		switch {
		case at0 < 0:
			t.add(pair{key, v, k.Line})
		case t.pairs[at0].explicit > 0:
			return nil, at(k.Line, "key %q is set twice", key)
		default:
			t.pairs[at0] = pair{key, v, k.Line}
		}
	}
	return t, nil
}

// merge lays the entries of a mapping, or of a list of mappings of which the
// first weighs most, over the table.
func (e *emitter) merge(t *table, n *yaml.Node, depth int) error {
	if depth > inventory.MaxDepth {
		return at(n.Line, "nests deeper than %d levels", inventory.MaxDepth)
	}
	if err := e.spend(n, 1); err != nil {
		return err
	}
	switch n.Kind {
	case yaml.AliasNode:
		if err := e.open(n); err != nil {
			return err
		}
		defer e.close(n)
		return e.merge(t, n.Alias, depth+1)
	case yaml.MappingNode:
		from, err := e.entries(n, depth)
		if err != nil {
			return err
		}
		for _, p := range from.pairs {
			if err := e.spend(n, 1); err != nil {
				return err
			}
			if i := t.find(p.key); i >= 0 {
				t.pairs[i].value = p.value
			} else {
				t.add(pair{key: p.key, value: p.value})
			}
		}
		return nil
	case yaml.SequenceNode:
		for _, c := range slices.Backward(n.Content) {
			if c.Kind == yaml.SequenceNode {
				return at(c.Line, "a merge key takes mappings")
			}
			if err := e.merge(t, c, depth+1); err != nil {
				return err
			}
		}
		return nil
	case yaml.ScalarNode, yaml.DocumentNode:
	}
	return at(n.Line, "a merge key takes mappings")
}
