// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/gatehouse-sh/gatehouse/checks"
)

// said are the check ids that an answer names, by action.
type said map[string]checks.Action

var (
	deniedLine = regexp.MustCompile(`(?m)^\* ([A-Z]+-\d{3}) `)
	warnedLine = regexp.MustCompile(`(?m)^Warning: ([A-Z]+-\d{3}) `)
)

// read finds the ids in what kubectl printed. The strictest action of an id
// counts.
func read(out string) said {
	s := said{}
	for _, m := range warnedLine.FindAllStringSubmatch(out, -1) {
		s[m[1]] = checks.Warn
	}
	for _, m := range deniedLine.FindAllStringSubmatch(out, -1) {
		s[m[1]] = checks.Deny
	}
	return s
}

// wanted finds the ids in a want section. What is only audited is not told to
// the user, and a refusal shows eight findings at the most.
func wanted(want string) said {
	s := said{}
	for line := range strings.Lines(want) {
		f := strings.Fields(line)
		if len(f) < 2 || strings.HasPrefix(line, " ") {
			continue
		}
		action, known := checks.ParseAction(f[0])
		if _, seen := s[f[1]]; known && !seen && action <= checks.Warn {
			s[f[1]] = action
		}
	}
	return s
}

func (s said) String() string {
	var out []string
	for _, id := range slices.Sorted(maps.Keys(s)) {
		out = append(out, s[id].String()+" "+id)
	}
	return "[" + strings.Join(out, ", ") + "]"
}

func (s said) denied() bool {
	return slices.Contains(slices.Collect(maps.Values(s)), checks.Deny)
}

// withoutMutations leaves out what only the mutating phase says.
func (s said) withoutMutations() said {
	out := maps.Clone(s)
	maps.DeleteFunc(out, func(id string, _ checks.Action) bool { return strings.HasPrefix(id, "MUT-") })
	return out
}
