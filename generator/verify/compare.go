// SPDX-License-Identifier: Apache-2.0

package verify

import "github.com/gatehouse-sh/gatehouse/generator"

// Difference is connections that are in one and not in the other: each of From
// with each of To on each of Ports.
type Difference struct {
	From, To Ends
	Ports    generator.PortSet

	// Egress and Ingress say what each side makes of these connections, under the
	// policies that the difference is about: who allows what is extra, gained or
	// lost, who refuses what is missing. Past maxExplained pairs of ends in one
	// answer, they are about the first pair and the first port alone.
	Egress, Ingress Decision
}

// String returns the connections in words, without the reasons.
func (d Difference) String() string {
	return d.From.String() + " -> " + d.To.String() + " " + d.Ports.String()
}

// Report is what policies and a model do not have in common. Empty lists are a
// proof: over all ends that a Set knows, strangers included.
type Report struct {
	Missing []Difference // wanted and refused: something would break
	Extra   []Difference // allowed and not wanted
}

// Exact reports whether the policies allow exactly what the model wants.
func (r Report) Exact() bool { return len(r.Missing) == 0 && len(r.Extra) == 0 }

// Compare says where policies allow less than a model wants, and where more. Less
// is about edges with an end in a guarded namespace; more is about connections
// that a guard is about: those that guarded pods open, where egress is guarded,
// and those that they accept, where ingress is.
//
// What takes more than Options.MaxSteps is a TooLargeError.
func Compare(policies []Policy, m *generator.Model, o Options) (Report, error) {
	return compareWithin(newMeter(o, m), policies, m, o)
}

func compareWithin(count *meter, policies []Policy, m *generator.Model, o Options) (Report, error) {
	sets, err := compile(m, o, count, policies)
	if err != nil {
		return Report{}, err
	}
	return compareSet(count, sets[0], policies, m, o)
}

// CompareAndDiff is Compare of policies, and Diff to them from those before, with the
// ends divided once for both. Each of the two may take Options.MaxSteps.
func CompareAndDiff(before, policies []Policy, m *generator.Model, o Options) (report Report, gained, lost []Difference, err error) {
	count := newMeter(o, m)
	sets, err := compile(m, o, count, policies, before)
	if err != nil {
		return Report{}, nil, nil, err
	}
	if report, err = compareSet(count, sets[0], policies, m, o); err != nil {
		return Report{}, nil, nil, err
	}
	gained, lost, err = diffSets(newMeter(o, m), sets[1], sets[0], m, o)
	if err != nil {
		return Report{}, nil, nil, err
	}
	return report, gained, lost, nil
}

func compareSet(count *meter, s *Set, policies []Policy, m *generator.Model, o Options) (Report, error) {
	t := newPortTable(count)
	wanted := s.space.wanted(t)
	g := s.space.guarded()
	missing, extra := newGrouping(s, t), newGrouping(s, t)
	done := 0
	for from, allowed := range s.rows(t) {
		if done++; o.Progress != nil {
			o.Progress(done)
		}
		want := wanted.row(from)
		lacks := t.difference(want, allowed)
		if !g.any.has(from) {
			lacks = only(lacks, g.any)
		}
		missing.add(from, lacks)
		more := t.difference(allowed, want)
		if !g.egress.has(from) {
			more = only(more, g.ingress)
		}
		extra.add(from, more)
	}
	if count.over() {
		return Report{}, tooLarge([][]Policy{policies}, m)
	}
	return Report{Missing: missing.list(), Extra: extra.list()}, nil
}

// Diff says which connections a change of policies gains and loses, in the
// universe of a model; of its edges and guards nothing is asked. What takes more
// than Options.MaxSteps is a TooLargeError.
func Diff(before, after []Policy, m *generator.Model, o Options) (gained, lost []Difference, err error) {
	count := newMeter(o, m)
	sets, err := compile(m, o, count, before, after)
	if err != nil {
		return nil, nil, err
	}
	return diffSets(count, sets[0], sets[1], m, o)
}

func diffSets(count *meter, before, after *Set, m *generator.Model, o Options) (gained, lost []Difference, err error) {
	t := newPortTable(count)
	old := make([][]part, len(before.space.classes))
	for from, row := range before.rows(t) {
		for _, p := range row {
			count.spend(keptSteps * len(p.to))
		}
		old[from] = row
	}
	more, less := newGrouping(after, t), newGrouping(before, t)
	done := 0
	for from, row := range after.rows(t) {
		if done++; o.Progress != nil {
			o.Progress(done)
		}
		more.add(from, t.difference(row, old[from]))
		less.add(from, t.difference(old[from], row))
	}
	if count.over() {
		return nil, nil, tooLarge([][]Policy{before.given, after.given}, m)
	}
	return more.list(), less.list(), nil
}
