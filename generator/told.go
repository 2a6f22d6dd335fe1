// SPDX-License-Identifier: Apache-2.0

package generator

import (
	"fmt"
	"strings"
)

// What Told says of one thing that is wrong with many connections: so many may have a
// line each, and of more so many are named.
const (
	maxToldApart = 10
	namedOfMany  = 3
)

// Told says problems in words, in their order, a line each. Where the very same is
// wrong with many connections, as with every block of addresses while nobody has said
// where the pods are, one line names the first of them and counts the rest.
func Told(problems []Problem) []string {
	count := map[string]int{}
	for i := range problems {
		count[problems[i].What]++
	}
	named := map[string][]string{}
	for i := range problems {
		p := &problems[i]
		if n := count[p.What]; n > maxToldApart && len(named[p.What]) < namedOfMany {
			named[p.What] = append(named[p.What], strings.TrimSuffix(p.String(), ": "+p.What))
		}
	}
	var out []string
	done := map[string]bool{}
	for _, p := range problems {
		switch n := count[p.What]; {
		case n <= maxToldApart:
			out = append(out, p.String())
		case !done[p.What]:
			done[p.What] = true
			out = append(out, fmt.Sprintf("%d connections (%s and %d more): %s", n, strings.Join(named[p.What], "; "), n-namedOfMany, p.What))
		}
	}
	return out
}
