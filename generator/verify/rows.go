// SPDX-License-Identifier: Apache-2.0

package verify

import "github.com/gatehouse-sh/gatehouse/generator"

// plus adds ports to some classes of a row, whose parts stay apart. It takes
// the bits of to.
func plus(row []part, to bitset, ports generator.PortSet) []part {
	if ports.Empty() {
		return row
	}
	in := newBitset(len(to) * 64)
	for i := range len(row) {
		if !in.meet(row[i].to, to) {
			continue
		}
		to.remove(in)
		both := row[i].ports.Union(ports)
		if both.Equal(row[i].ports) {
			continue
		}
		row[i].to.remove(in)
		row = append(row, part{in, both})
		in = newBitset(len(to) * 64)
	}
	if !to.empty() {
		row = append(row, part{to, ports})
	}
	return row
}

// minus is what is in one row and not in another.
func minus(row, without []part) []part {
	var out []part
	for _, a := range row {
		rest := append(bitset(nil), a.to...)
		in := newBitset(len(rest) * 64)
		for _, b := range without {
			if !in.meet(a.to, b.to) {
				continue
			}
			rest.remove(in)
			if ports := a.ports.Minus(b.ports); !ports.Empty() {
				out = append(out, part{append(bitset(nil), in...), ports})
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
