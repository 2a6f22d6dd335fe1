// SPDX-License-Identifier: Apache-2.0

package verify

import "github.com/gatehouse-sh/gatehouse/generator"

// portID is a set of ports in a table. Two are the same when the sets are.
type portID int32

const (
	noPort    portID = 0
	everyPort portID = 1
)

// portTable keeps every set of ports that a question meets once, and what was made
// of two of them: thousands of ends are treated in few ways, and a set may have
// thousands of ranges. It is for one goroutine.
type portTable struct {
	meter *meter
	sets  []generator.PortSet
	byKey map[string]portID
	made  map[operation]portID
	rules map[opening]portID
	key   []byte
	kept  int // ranges of all sets
}

// operation is what was made of two sets.
type operation struct {
	does byte
	a, b portID
}

// opening is ports of a rule among some ports. The class that accepts counts where
// the rule names ports, and is -1 else.
type opening struct {
	rule  *rule
	class int32
	among portID
}

func newPortTable(m *meter) *portTable {
	t := &portTable{meter: m, byKey: map[string]portID{}, made: map[operation]portID{}, rules: map[opening]portID{}}
	t.intern(generator.PortSet{})
	t.intern(generator.AllPorts())
	return t
}

// intern returns the number of a set.
func (t *portTable) intern(p generator.PortSet) portID {
	t.meter.spend(p.Ranges())
	t.key = p.AppendKey(t.key[:0])
	id, known := t.byKey[string(t.key)]
	if !known {
		t.meter.spend(rangeSteps * p.Ranges())
		t.kept += p.Ranges()
		id = portID(len(t.sets)) //nolint:gosec // they fit into memory
		t.byKey[string(t.key)] = id
		t.sets = append(t.sets, p)
	}
	return id
}

func (t *portTable) union(a, b portID) portID {
	switch {
	case a == b || b == noPort || a == everyPort:
		return a
	case a == noPort || b == everyPort:
		return b
	}
	return t.make(operation{'|', min(a, b), max(a, b)}, generator.PortSet.Union)
}

func (t *portTable) intersect(a, b portID) portID {
	switch {
	case a == b || b == everyPort || a == noPort:
		return a
	case a == everyPort || b == noPort:
		return b
	}
	return t.make(operation{'&', min(a, b), max(a, b)}, generator.PortSet.Intersect)
}

func (t *portTable) minus(a, b portID) portID {
	switch {
	case b == noPort || a == noPort:
		return a
	case a == b || b == everyPort:
		return noPort
	}
	return t.make(operation{'-', a, b}, generator.PortSet.Minus)
}

func (t *portTable) make(o operation, of func(a, b generator.PortSet) generator.PortSet) portID {
	id, known := t.made[o]
	if !known {
		a, b := t.sets[o.a], t.sets[o.b]
		t.meter.spend(a.Ranges() + b.Ranges() + rangeSteps)
		if !t.meter.over() { // else nobody looks at the result
			id = t.intern(of(a, b))
		}
		t.made[o] = id
	}
	return id
}

// at returns those of some ports that a rule of a side has where a class accepts.
func (t *portTable) at(d *side, r *rule, class int32, among portID) portID {
	if len(r.names) == 0 {
		class = -1
	}
	o := opening{r, class, among}
	id, known := t.rules[o]
	if !known {
		ports := r.ports
		if class >= 0 {
			ports = d.portsAt(r, class)
		}
		if among != everyPort {
			ports = ports.Intersect(t.sets[among])
		}
		t.meter.spend(rangeSteps)
		id = t.intern(ports)
		t.rules[o] = id
	}
	return id
}
