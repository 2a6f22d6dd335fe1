// SPDX-License-Identifier: Apache-2.0

package endpoint

import (
	"cmp"
	"slices"
	"strings"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// findings are those of the objects on a way, each once, the most severe first.
func (w *World) findings(keys ...inventory.Key) []Finding {
	out := []Finding{}
	if w.Findings == nil {
		return out
	}
	seen, services := map[inventory.Key]bool{}, []string{}
	for _, k := range keys {
		if k.Kind == inventory.ServiceKind {
			services = append(services, k.String())
		}
	}
	for _, k := range keys {
		if k.Name == "" || seen[k] {
			continue
		}
		seen[k] = true
		for _, f := range w.Findings(k) {
			if about(f.Path, services) {
				out = append(out, f)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b Finding) int {
		x, _ := checks.ParseSeverity(a.Severity)
		y, _ := checks.ParseSeverity(b.Severity)
		return cmp.Or(cmp.Compare(y, x), strings.Compare(a.Check, b.Check), strings.Compare(a.Object, b.Object))
	})
	return out
}

// about tells whether a way in leads through one of some Services, or through none: a
// Gateway and a route have findings about everything behind them.
func about(path, services []string) bool {
	none := true
	for _, step := range path {
		if !strings.HasPrefix(step, inventory.ServiceKind.Kind+" ") {
			continue
		}
		none = false
		if slices.ContainsFunc(services, func(s string) bool { return step == s || strings.HasPrefix(step, s+" ") }) {
			return true
		}
	}
	return none
}

// perCheck are findings in words, one for each check: the first, and how many there are.
func perCheck(list []Finding) []string {
	var out []string
	for i := 0; i < len(list); {
		k := i + 1
		for k < len(list) && list[k].Check == list[i].Check {
			k++
		}
		f := &list[i]
		text := f.Check + " " + f.Severity + " (" + f.Action + ") " + f.Object + " " + f.Message
		if k > i+1 {
			text += more(k - i - 1)
		}
		out, i = append(out, text), k
	}
	return out
}
