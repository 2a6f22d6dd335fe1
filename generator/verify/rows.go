// SPDX-License-Identifier: Apache-2.0

package verify

import "slices"

// plus adds ports to some classes of a row, whose parts stay apart. What it
// leaves in to is of no use to the caller.
func (t *portTable) plus(row []part, to bitset, ports portID) []part {
	if ports == noPort {
		return row
	}
	for i := range len(row) {
		if !t.meter.spend(2 * len(to)) {
			return row
		}
		if !row[i].to.meets(to) {
			continue
		}
		both := t.union(row[i].ports, ports)
		if both == row[i].ports {
			to.remove(row[i].to)
			continue
		}
		t.meter.spend(4 * len(to))
		in := slices.Clone(row[i].to)
		in.meet(in, to)
		to.remove(in)
		row[i].to.remove(in)
		row = t.joined(row, in, both)
	}
	if !to.empty() {
		row = t.joined(row, slices.Clone(to), ports)
	}
	return row
}

// joined adds a part, which it takes, to the one of the same ports, if there is.
func (t *portTable) joined(row []part, to bitset, ports portID) []part {
	t.meter.spend(len(row) + len(to))
	for i := range row {
		if row[i].ports == ports {
			row[i].to.add(to)
			return row
		}
	}
	return append(row, part{to, ports})
}

// difference is what is in one row and not in another.
func (t *portTable) difference(row, without []part) []part {
	var out []part
	for _, a := range row {
		rest := slices.Clone(a.to)
		for _, b := range without {
			if !t.meter.spend(2 * len(rest)) {
				return nil
			}
			if !a.to.meets(b.to) {
				continue
			}
			rest.remove(b.to)
			if ports := t.minus(a.ports, b.ports); ports != noPort {
				in := slices.Clone(a.to)
				in.meet(in, b.to)
				out = append(out, part{in, ports})
			}
		}
		if !rest.empty() {
			out = append(out, part{rest, a.ports})
		}
	}
	return out
}

// only keeps of a row what leads to some classes. It changes the row.
func only(row []part, to bitset) []part {
	out := row[:0]
	for _, p := range row {
		if p.to.meet(p.to, to) {
			out = append(out, p)
		}
	}
	return out
}
