// SPDX-License-Identifier: Apache-2.0

package jwks

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
)

// Sets are the open key sets of a process. A set is the same one as long as its
// options are, whatever it is called and whatever configuration it is in. The
// methods may be called by any number of goroutines.
type Sets struct {
	mu   sync.Mutex
	open map[[32]byte]*Set
}

// NewSets makes an empty Sets.
func NewSets() *Sets { return &Sets{open: map[[32]byte]*Set{}} }

// Open returns the sets of options, opening those that are not open yet. It closes
// nothing, so that the configuration before is served until this one is: call Keep
// then. If something is wrong, nothing is opened.
func (s *Sets) Open(wanted map[string]Options) (map[string]*Set, error) {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		if err := wanted[name].Check(); err != nil {
			errs = append(errs, fmt.Errorf("key set %s: %w", name, err))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make(map[string]*Set, len(wanted))
	for name, o := range wanted {
		set := s.open[o.identity()]
		if set == nil {
			opened, err := Open(o)
			if err != nil {
				return nil, fmt.Errorf("key set %s: %w", name, err)
			}
			set = opened
			s.open[set.id] = set
		}
		out[name] = set
	}
	return out, nil
}

// Keep closes all sets but these.
func (s *Sets) Keep(named map[string]*Set) {
	keep := make(map[[32]byte]bool, len(named))
	for _, set := range named {
		keep[set.id] = true
	}
	s.mu.Lock()
	var gone []*Set
	for id, set := range s.open {
		if !keep[id] {
			gone = append(gone, set)
			delete(s.open, id)
		}
	}
	s.mu.Unlock()
	for _, set := range gone {
		set.Close()
	}
}

// Close closes all.
func (s *Sets) Close() { s.Keep(nil) }

// Len is how many sets are open.
func (s *Sets) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.open)
}
