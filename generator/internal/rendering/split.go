// SPDX-License-Identifier: Apache-2.0

package rendering

import (
	"errors"
	"fmt"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/compact"
)

// Reasons why something cannot be said in any dialect.
var (
	ErrNobody  = errors.New("a peer that is neither pods nor addresses")
	ErrNoPeers = errors.New("no peer is left of the rule, which without peers would allow everybody")
	ErrNoPorts = errors.New("no port is left of the rule, which without ports would allow them all")
)

// Split cuts rules into parts of at most so many bytes each, in order. A policy
// without rules is one part. A rule that is too great by itself is cut in halves
// among its peers, which returns it alone where it cannot be: each half with all
// its ports means the same together.
func Split[R any](rules []R, most int, size func(R) int, halves func(R) []R) [][]R {
	out := [][]R{nil}
	used := 0
	var add func(R)
	add = func(r R) {
		n := size(r)
		if n > most {
			if parts := halves(r); len(parts) > 1 {
				for _, part := range parts {
					add(part)
				}
				return
			}
		}
		if last := len(out) - 1; used > 0 && used+n > most {
			out, used = append(out, []R{r}), n
		} else {
			out[last] = append(out[last], r)
			used += n
		}
	}
	for _, r := range rules {
		add(r)
	}
	return out
}

// Halves cuts a list in two.
func Halves[S ~[]E, E any](list S) (S, S) {
	half := len(list) / 2
	return list[:half:half], list[half:]
}

// Name is that of a part of a policy, which begin at 0.
func Name(p *compact.Policy, part int) string {
	if part == 0 {
		return p.Name
	}
	return compact.Name(fmt.Sprintf("%s-%d", p.Name, part+1))
}

// Block returns a block and its exceptions as text: an IPv4 block that is written
// as IPv6 is the IPv4 block, and what takes nothing away is left out.
func Block(b generator.Block) (string, []string, error) {
	prefix := generator.CIDRPeerOf(b.Prefix).Prefix
	var except []string
	for _, e := range b.Except {
		e = generator.CIDRPeerOf(e).Prefix
		switch {
		case !e.Overlaps(prefix):
		case e.Bits() <= prefix.Bits():
			return "", nil, fmt.Errorf("nothing is left of %s without %s", prefix, e)
		default:
			except = append(except, e.String())
		}
	}
	return prefix.String(), except, nil
}
