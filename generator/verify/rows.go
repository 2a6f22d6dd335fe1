// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"slices"

	"github.com/gatehouse-sh/gatehouse/generator"
)

// plus adds ports to some classes of a row, whose parts stay apart. What it
// leaves in to is of no use to the caller.
func plus(row []part, to bitset, ports generator.PortSet) []part {
	if ports.Empty() {
		return row
	}
	for i := range len(row) {
		if !row[i].to.meets(to) {
			continue
		}
		in := slices.Clone(row[i].to)
		in.meet(in, to)
		to.remove(in)
		if both := row[i].ports.Union(ports); !both.Equal(row[i].ports) {
			row[i].to.remove(in)
			row = append(row, part{in, both})
		}
	}
	if !to.empty() {
		row = append(row, part{slices.Clone(to), ports})
	}
	return row
}

// minus is what is in one row and not in another.
func minus(row, without []part) []part {
	var out []part
	for _, a := range row {
		rest := slices.Clone(a.to)
		for _, b := range without {
			if !a.to.meets(b.to) {
				continue
			}
			rest.remove(b.to)
			if ports := a.ports.Minus(b.ports); !ports.Empty() {
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
