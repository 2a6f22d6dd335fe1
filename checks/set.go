// SPDX-License-Identifier: Apache-2.0

package checks

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/inventory"
)

// Set is a validated collection of checks, ordered by id. It does not change
// after NewSet and is safe for concurrent use.
type Set struct {
	checks []Check
	byKind map[schema.GroupKind][]*Check
}

// NewSet refuses a list with an incomplete check, or with an id or a name used
// twice; it names all faults.
func NewSet(list ...Check) (*Set, error) {
	s := &Set{checks: slices.Clone(list), byKind: map[schema.GroupKind][]*Check{}}
	slices.SortFunc(s.checks, func(a, b Check) int { return cmp.Compare(a.ID, b.ID) })
	seen := map[string]bool{}
	var faults []error
	for i := range s.checks {
		c := &s.checks[i]
		if err := validate(c, seen); err != nil {
			faults = append(faults, fmt.Errorf("check %q: %w", c.ID, err))
			continue
		}
		seen[c.ID], seen[c.Name] = true, true
		for _, k := range c.Kinds {
			s.byKind[k] = append(s.byKind[k], c)
		}
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return s, nil
}

func validate(c *Check, seen map[string]bool) error {
	switch {
	case c.ID == "" || c.Name == "":
		return errors.New("has no id or no name")
	case seen[c.ID] || seen[c.Name]:
		return errors.New("its id or name is used twice")
	case len(c.Kinds) == 0 || c.Run == nil:
		return errors.New("has no kinds or no function")
	case c.Severity == SeverityUnset:
		return errors.New("has no severity")
	case c.Doc.Title == "" || c.Doc.Why == "" || c.Doc.Attack == "" && !c.Custom || c.Doc.Fix == "" || len(c.Doc.Sources) == 0:
		return errors.New("its documentation is incomplete")
	}
	return nil
}

// Checks returns the checks ordered by id. The slice is the caller's.
func (s *Set) Checks() []Check { return slices.Clone(s.checks) }

// Lookup finds a check by id or name.
func (s *Set) Lookup(idOrName string) (Check, bool) {
	for _, c := range s.checks {
		if c.ID == idOrName || c.Name == idOrName {
			return c, true
		}
	}
	return Check{}, false
}

// Only returns the set of the named checks; it names every unknown one.
func (s *Set) Only(idsOrNames ...string) (*Set, error) {
	var picked []Check
	var faults []error
	for _, id := range idsOrNames {
		c, known := s.Lookup(id)
		if !known {
			faults = append(faults, fmt.Errorf("no check has the id or name %q", id))
			continue
		}
		if !slices.ContainsFunc(picked, func(p Check) bool { return p.ID == c.ID }) {
			picked = append(picked, c)
		}
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return NewSet(picked...)
}

// Kinds returns every kind that some check judges, ordered.
func (s *Set) Kinds() []schema.GroupKind {
	out := make([]schema.GroupKind, 0, len(s.byKind))
	for k := range s.byKind {
		out = append(out, k)
	}
	slices.SortFunc(out, func(a, b schema.GroupKind) int {
		return cmp.Or(cmp.Compare(a.Group, b.Group), cmp.Compare(a.Kind, b.Kind))
	})
	return out
}

// OnDelete reports whether some check judges deletions of a kind.
func (s *Set) OnDelete(k schema.GroupKind) bool {
	return slices.ContainsFunc(s.byKind[k], func(c *Check) bool { return c.OnDelete })
}

// Evaluate runs every check registered for the object's kind, in id order. The
// words of the findings are plain text of bounded length, whatever the object
// holds (Plain). Once the context of the inventory has ended no further check runs:
// what was found is not all then, and is to be thrown away. It does not allocate for an object without findings beyond what checks do.
func (s *Set) Evaluate(in Input) []Finding {
	return s.evaluate(inventory.GroupKindOf(in.Object), in, nil)
}

// EvaluateExcept is Evaluate without the checks that skip names; policy uses it
// so that checks that are off cost nothing.
func (s *Set) EvaluateExcept(in Input, skip func(*Check) bool) []Finding {
	return s.evaluate(inventory.GroupKindOf(in.Object), in, skip)
}

func (s *Set) evaluate(k schema.GroupKind, in Input, skip func(*Check) bool) []Finding {
	var out []Finding
	onStatus := in.Request.Subresource == "status"
	for _, c := range s.byKind[k] {
		if in.Ended() {
			break
		}
		if in.Request.Operation == Delete && !c.OnDelete {
			continue
		}
		if c.OnStatus && !onStatus || !c.OnStatus && onStatus && !in.Request.Metadata || c.Custom && in.Request.Stored || skip != nil && skip(c) {
			continue
		}
		for _, f := range c.Run(in) {
			f.Check, f.Name = c.ID, c.Name
			if f.Severity == SeverityUnset {
				f.Severity = c.Severity
			}
			if f.Fix == "" {
				f.Fix = c.Doc.Fix
			}
			if f.Attack == "" {
				f.Attack = c.Doc.Attack
			}
			f.plain()
			out = append(out, f)
		}
	}
	return out
}
