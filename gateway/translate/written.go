// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"slices"
	"strconv"
	"strings"
)

// written is how a rule stands in a snapshot beside what it says: under which name, at which
// listener, and for which hosts.
type written struct {
	name             string
	listeners, hosts []string
}

// mostWritten is for how many ports that is remembered of a rule: a Gateway that forwards to
// HTTPS has two.
const mostWritten = 4

// write tells how a rule of a route stands in a snapshot for a port, which shares with the
// one before what is the same. The hosts are not kept.
func (r *route) write(i int, port string, hosts []string) written {
	kept := r.rules[i].kept
	if kept == nil {
		return written{r.ruleName(i, port), []string{port}, slices.Clone(hosts)}
	}
	for k := range kept.written {
		w := &kept.written[k]
		if w.listeners[0] != port {
			continue
		}
		if !slices.Equal(w.hosts, hosts) {
			w.hosts = slices.Clone(hosts)
		}
		return *w
	}
	if len(kept.written) == mostWritten {
		kept.written = nil // of ports that are gone, too
	}
	w := written{r.ruleName(i, port), []string{port}, slices.Clone(hosts)}
	kept.written = append(kept.written, w)
	return w
}

// ruleName is the name of a rule in a snapshot, at a port.
func (r *route) ruleName(i int, port string) string {
	return strings.ToLower(r.of.kind) + "/" + r.label() + "/" + strconv.Itoa(i) + "/" + port
}

// label is the name of a route, and which part of it.
func (r *route) label() string {
	if r.part == "" {
		return r.name.String()
	}
	return r.name.String() + "/" + r.part
}

// firstRules are where most rules are: an HTTPRoute has 16 at most.
var firstRules = [...]string{
	"rules[0]", "rules[1]", "rules[2]", "rules[3]", "rules[4]", "rules[5]", "rules[6]", "rules[7]",
	"rules[8]", "rules[9]", "rules[10]", "rules[11]", "rules[12]", "rules[13]", "rules[14]", "rules[15]",
}

// ruleAt is where a rule is in its route.
func ruleAt(i int) string {
	if i < len(firstRules) {
		return firstRules[i]
	}
	return "rules[" + strconv.Itoa(i) + "]"
}
