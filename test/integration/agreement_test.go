// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
)

// agreement counts the fixtures of a package of checks.
type agreement struct {
	fixtures                   int
	webhook, scan, commandLine verdicts
}

// verdicts are those of one of the three.
type verdicts struct {
	compared int
	refused  int // with a denial
	warned   int // with a warning and no denial
	differ   int // from what the engine says
	left     int // fixtures that it cannot be asked about
}

func (v *verdicts) add(got, want said) {
	v.compared++
	switch {
	case !maps.Equal(got, want):
		v.differ++
	case want.denied():
		v.refused++
	case len(want) > 0:
		v.warned++
	}
}

// tabulate prints the counts and fails where they show too little.
func tabulate(t *testing.T, counts map[string]*agreement) {
	t.Helper()
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "package\tfixtures\tasked\tequal\trefused\twarned\tdiffer\tleft out\t")
	var sum agreement
	row := func(pkg string, n *agreement) {
		for _, one := range []struct {
			who string
			v   verdicts
		}{{"webhook", n.webhook}, {"scan", n.scan}, {"command line", n.commandLine}} {
			fmt.Fprintf(w, "%s\t%d\t%s\t%d\t%d\t%d\t%d\t%d\t\n", pkg, n.fixtures, one.who, one.v.compared-one.v.differ, one.v.refused, one.v.warned, one.v.differ, one.v.left)
		}
	}
	for _, pkg := range slices.Sorted(maps.Keys(counts)) {
		n := counts[pkg]
		row(pkg, n)
		sum.fixtures += n.fixtures
		for _, one := range []struct{ to, from *verdicts }{{&sum.webhook, &n.webhook}, {&sum.scan, &n.scan}, {&sum.commandLine, &n.commandLine}} {
			*one.to = verdicts{one.to.compared + one.from.compared, one.to.refused + one.from.refused, one.to.warned + one.from.warned, one.to.differ + one.from.differ, one.to.left + one.from.left}
			if one.from.compared < n.fixtures/2 || one.from.refused+one.from.warned == 0 {
				t.Errorf("%s: too little is compared: %+v of %d", pkg, *one.from, n.fixtures)
			}
		}
	}
	row("all", &sum)
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	t.Logf("verdicts on the same objects\n%s", b.String())
	for _, pkg := range []string{"exposure", "privilege", "blast"} {
		if counts[pkg] == nil {
			t.Errorf("no fixtures of %s", pkg)
		}
	}
}
