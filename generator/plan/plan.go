// SPDX-License-Identifier: Apache-2.0

// Package plan makes the policies of a model in a dialect and proves them: what
// was rendered is read back and compared with the model before anybody may show
// or apply it. Commands and controllers go through here.
//
// It knows no dialect by name: generator/netpol and its siblings bring theirs as
// a Dialect.
package plan

import (
	"errors"
	"fmt"
	"slices"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/compact"
	"github.com/gatehouse-sh/gatehouse/generator/verify"
)

// Dialect writes policies down as objects and says what such objects mean. Both
// functions are needed. Neither knows the other: one that loses or widens a
// connection is found by the proof.
type Dialect[T any] struct {
	// Render writes policies down in their order. A problem is an edge that the
	// dialect cannot express.
	Render func(*generator.Model, []compact.Policy) ([]T, []generator.Problem)

	// Read says what objects of one cluster mean together.
	Read func(*generator.Model, []T) ([]verify.Policy, error)

	// Requests says that Render asks for the requests of HTTP that a rule has. The proof
	// is about connections and knows none.
	Requests bool
}

// Options say how a plan is made. The zero value is a plan for a cluster without
// other policies, whose enforcer is as Kubernetes describes it.
type Options struct {
	Compact compact.Options

	// Adapt changes a plan for what enforces it: it takes out what that cannot
	// do, with a problem for each edge, and never makes anything wider. Nil leaves
	// the plan as it is.
	Adapt func(*generator.Model, *compact.Plan) (*compact.Plan, []generator.Problem)

	Verify verify.Options
	Beside []verify.Policy // policies that are there anyway and stay, of any dialect

	// Diff asks for what the plan changes where only those beside it are there.
	Diff bool
}

// Plan is the policies of a model as objects, with the proof. Make makes one.
type Plan[T any] struct {
	// Allows take effect before Denies are applied, and Denies are removed before
	// them. Each is in the order in which it is applied.
	Allows, Denies []T

	Policies []verify.Policy     // what the objects mean, read back; without those beside them
	Report   verify.Report       // how they differ from the model, together with those beside them
	Problems []generator.Problem // edges of which something could not be said, in order

	Gained, Lost []verify.Difference // as Options.Diff asks

	// Widened are edges on which every request of HTTP is allowed, and somebody asked for
	// some: nothing of them is missing.
	Widened []generator.Problem

	proven bool
}

// errDialect is what is wrong with a dialect that is not whole.
var errDialect = errors.New("a dialect renders and reads")

// Make makes the plan of a model and proves it. Problems and differences are part
// of the plan; an error is a plan of which it could not be told what it means.
func Make[T any](m *generator.Model, d Dialect[T], o Options) (Plan[T], error) {
	if d.Render == nil || d.Read == nil {
		return Plan[T]{}, errDialect
	}
	o.Compact.Requests = d.Requests
	abstract, problems := compact.Compact(m, o.Compact)
	if o.Adapt != nil {
		adapted, refused := o.Adapt(m, abstract)
		abstract, problems = adapted, append(problems, refused...)
	}
	out := Plan[T]{Widened: m.Widened(d.Requests)}
	for _, part := range []struct {
		from []compact.Policy
		to   *[]T
	}{{abstract.Allows, &out.Allows}, {abstract.Denies, &out.Denies}} {
		objects, refused := d.Render(m, part.from)
		*part.to = objects
		problems = append(problems, refused...)
	}
	out.Problems = inOrder(problems)
	var err error
	if out.Policies, err = d.Read(m, out.Objects()); err != nil {
		return Plan[T]{}, fmt.Errorf("read the policies back: %w", err)
	}
	together := slices.Concat(out.Policies, o.Beside)
	if o.Diff {
		out.Report, out.Gained, out.Lost, err = verify.CompareAndDiff(o.Beside, together, m, o.Verify)
	} else {
		out.Report, err = verify.Compare(together, m, o.Verify)
	}
	if err != nil {
		return Plan[T]{}, fmt.Errorf("prove the policies: %w", err)
	}
	out.proven = true
	return out, nil
}

// inOrder orders problems as the edges are; each stays once.
func inOrder(list []generator.Problem) []generator.Problem {
	slices.SortStableFunc(list, func(a, b generator.Problem) int { return a.Edge.Compare(b.Edge) })
	return slices.CompactFunc(list, func(a, b generator.Problem) bool { return a.Edge.Compare(b.Edge) == 0 && a.What == b.What })
}

// Objects returns all objects in the order in which they are applied.
func (p *Plan[T]) Objects() []T { return slices.Concat(p.Allows, p.Denies) }

// Exact reports whether the plan allows exactly what its model wants.
func (p *Plan[T]) Exact() bool { return p.proven && p.Report.Exact() }

// ErrUnproven refuses a plan that Make did not make.
var ErrUnproven = errors.New("the plan was not proved")

// RefusedError refuses a plan under which something would break.
type RefusedError struct{ Missing []verify.Difference } // at least one

// Error counts what would be refused, and names the first.
func (e *RefusedError) Error() string {
	if len(e.Missing) == 1 {
		return fmt.Sprintf("the policies would refuse what is wanted: %s", e.Missing[0])
	}
	return fmt.Sprintf("the policies would refuse what is wanted, in %d ways; the first: %s", len(e.Missing), e.Missing[0])
}

// Refusal says why a plan may not be applied: a *RefusedError for one that lacks
// what is wanted, ErrUnproven for one that Make did not make. It is nil for a
// plan that may be, also if more is allowed than wanted.
func (p *Plan[T]) Refusal() error {
	switch {
	case !p.proven:
		return ErrUnproven
	case len(p.Report.Missing) > 0:
		return &RefusedError{p.Report.Missing}
	}
	return nil
}
