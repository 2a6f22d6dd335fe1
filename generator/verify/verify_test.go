// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"fmt"
	"testing"

	"github.com/gatehouse-sh/gatehouse/generator"
)

// pair is two classes.
type pair struct{ from, to int32 }

// gather returns the ports of each pair of classes; no pair may come twice.
func gather(t *testing.T, what string, list []Connection) map[pair]generator.PortSet {
	t.Helper()
	out := map[pair]generator.PortSet{}
	for _, c := range list {
		for from := range c.From.classes.all() {
			for to := range c.To.classes.all() {
				if s := c.To.space; !s.some(from).isPod() && !s.some(to).isPod() {
					t.Errorf("%s: %s, and neither is the cluster's", what, Difference{From: c.From, To: c.To, Ports: c.Ports})
				}
				had := out[pair{from, to}]
				if !had.Intersect(c.Ports).Empty() {
					t.Errorf("%s: %s twice", what, Difference{From: c.From, To: c.To, Ports: c.Ports})
				}
				out[pair{from, to}] = had.Union(c.Ports)
			}
		}
	}
	return out
}

func connectionsOf(list []Difference) []Connection {
	out := make([]Connection, len(list))
	for i, d := range list {
		out[i] = Connection{d.From, d.To, d.Ports}
	}
	return out
}

// TestClassesAnswerAsPairs compares every answer about random policies with one
// that reads the policies anew for each pair of ends and each port.
func TestClassesAnswerAsPairs(t *testing.T) {
	t.Parallel()
	const universes = uint64(100)
	asked := 0
	for seed := range universes {
		asked += compareWithOracle(t, seed)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	t.Logf("%d universes from seed 0, %d questions", universes, asked)
	if asked < 1_000_000 {
		t.Errorf("only %d questions", asked)
	}
}

func FuzzClassesAnswerAsPairs(f *testing.F) {
	f.Add(uint64(1000))
	f.Fuzz(func(t *testing.T, seed uint64) { compareWithOracle(t, seed) })
}

func compareWithOracle(t *testing.T, seed uint64) int {
	t.Helper()
	d := newDice(seed)
	m, before, policies := d.model(t), d.policies(), d.policies()
	o := oracle{policies, m, Options{Blocks: BlockScope(d.IntN(2))}}
	set, err := Compile(policies, m, o.options)
	if err != nil {
		t.Fatalf("seed %d: %v", seed, err)
	}
	var connections []Connection
	for c := range set.Asker().Connectivity() {
		connections = append(connections, c)
	}
	report, err := Compare(policies, m, o.options)
	if err != nil {
		t.Fatal(err)
	}
	gained, lost, err := Diff(before, policies, m, o.options)
	if err != nil {
		t.Fatal(err)
	}
	joint, err := compile(m, o.options, nil, before, policies)
	if err != nil {
		t.Fatal(err)
	}
	old := oracle{before, m, o.options}
	for _, list := range [][]Difference{report.Missing, report.Extra, gained, lost} {
		for _, d := range list {
			checkReason(t, d)
		}
	}
	asked := 0
	c := checker{
		o: o, old: old, set: set, joint: joint[0], all: gather(t, "allowed", connections),
		missing: gather(t, "missing", connectionsOf(report.Missing)), extra: gather(t, "extra", connectionsOf(report.Extra)),
		gained: gather(t, "gained", connectionsOf(gained)), lost: gather(t, "lost", connectionsOf(lost)),
	}
	hosts := o.hosts(before)
	for i := range hosts {
		for j := range hosts {
			if hosts[i].end.Domain == "" && (hosts[i].pod || hosts[j].pod) {
				asked += c.check(t, &hosts[i], &hosts[j])
			}
		}
	}
	return asked
}

type checker struct {
	o, old              oracle
	set, joint          *Set
	all, missing        map[pair]generator.PortSet
	extra, gained, lost map[pair]generator.PortSet
}

var answers = [...]string{"Allowed", "Egress", "Ingress", "Connectivity", "Missing", "Extra", "gained", "lost"}

// check asks about each port of a pair, and returns how many that were.
func (c *checker) check(t *testing.T, from, to *host) int {
	t.Helper()
	at := c.place(t, c.set, from, to)
	if at == (pair{-1, -1}) {
		return 0
	}
	beside := c.place(t, c.joint, from, to)
	env := c.o.model
	guard := func(h *host) generator.Guard {
		if !h.pod {
			return generator.Guard{}
		}
		return env.Guards[h.namespace]
	}
	source, target := guard(from), guard(to)
	asked := 0
	for _, protocol := range generator.Protocols {
		for _, n := range testNumbers {
			p := generator.NumberedPort(protocol, n)
			asked++
			allowed, was, wanted := c.o.allowed(from, to, p), c.old.allowed(from, to, p), c.o.wanted(from, to, p)
			v, err := c.set.Allowed(from.end, to.end, p)
			if err != nil {
				t.Fatal(err)
			}
			for i, got := range [...][2]bool{
				{v.Allowed, allowed},
				{!allowed || v.Egress.Action == Accept, true},
				{!allowed || v.Ingress.Action == Accept, true},
				{c.all[at].Contains(p), allowed},
				{c.missing[at].Contains(p), wanted && !allowed && (source != generator.Guard{} || target != generator.Guard{})},
				{c.extra[at].Contains(p), allowed && !wanted && (source.Egress || target.Ingress)},
				{c.gained[beside].Contains(p), allowed && !was},
				{c.lost[beside].Contains(p), was && !allowed},
			} {
				if got[0] != got[1] {
					t.Errorf("%s -> %s %s: %s says %v, one by one it is %v (%v; %v)", from.end, to.end, p, answers[i], got[0], got[1], v.Egress, v.Ingress)
				}
			}
		}
	}
	return asked
}

// place returns the classes of two ends; none for names that no policy and no edge has.
func (c *checker) place(t *testing.T, s *Set, from, to *host) pair {
	t.Helper()
	var out [2]int32
	for i, h := range []*host{from, to} {
		list, err := s.space.find(h.end)
		switch {
		case err != nil && h.end.Domain != "":
			return pair{-1, -1}
		case err != nil && h.end.Stranger.Kind == Marked:
			return pair{-1, -1} // no selector names a label
		case err != nil:
			t.Fatal(err)
		}
		for _, other := range list {
			if other != list[0] {
				t.Fatalf("%s is several classes", h.end)
			}
		}
		out[i] = list[0]
	}
	return pair{out[0], out[1]}
}

// checkReason asks for the first pair of a difference what the difference says.
func checkReason(t *testing.T, d Difference) {
	t.Helper()
	for _, by := range []Decision{d.Egress, d.Ingress} {
		if by.Action != Accept && by.Action != Deny || by.Action == Deny && by.Policy == "" {
			t.Errorf("%s: decided by %+v", d, by)
		}
		if by.String() == "" || fmt.Sprint(d) == "" {
			t.Error("no words")
		}
	}
}
