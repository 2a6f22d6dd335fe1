// SPDX-License-Identifier: Apache-2.0

package backstop

import (
	"strings"

	"github.com/gatehouse-sh/gatehouse/checks/cel"
)

// sayings gathers what a policy says, by the kinds that it is said of, so that
// only the rules for the kind at hand are evaluated.
type sayings struct {
	guards []string // in the order of their coming; "": every kind
	pieces map[string][]string
}

func (s *sayings) add(guard, piece string) {
	if s.pieces == nil {
		s.pieces = map[string][]string{}
	}
	if _, known := s.pieces[guard]; !known {
		s.guards = append(s.guards, guard)
	}
	s.pieces[guard] = append(s.pieces[guard], piece)
}

// expression is the list of all messages. What they have in common is there once,
// for the time that the API server takes to check the types of an expression grows
// with the square of its length.
func (s *sayings) expression() string {
	lists := make([]string, 0, len(s.guards))
	for _, guard := range s.guards {
		list := "[" + strings.Join(s.pieces[guard], ", ") + "]"
		if guard != "" {
			list = cel.When(guard, list)
		}
		lists = append(lists, list)
	}
	return cel.Concat(lists...) + ".filter(p, p[1].size() > 0).map(p, p[0][0] + " + named + " + p[0][1])"
}

// Bounds of what a user reads: the API server takes messages of up to 5 KiB, and
// cuts warnings of more than 4 KiB short.
const (
	maxNamed = "200"  // characters of the faults of one check
	maxSaid  = "3500" // characters in all
)

// named are the faults of a piece p. They hold what the writer of the object
// wrote, so only visible ASCII characters are repeated.
var named = cel.Let("n", `p[1].join(", ")`, `!n.matches("^[ -~]*$") ? "what cannot be shown" : n.size() > `+maxNamed+" ? n.substring(0, "+maxNamed+`) + "..." : n`)

// piece is what a user reads of a part, "EXP-001 node-port (high) at type: ...",
// in pieces: what stands before the faults and behind them, and their list.
func (p *part) piece(added string) string {
	head := p.check.ID + " " + p.check.Name + " (" + p.key.severity.String() + ") at "
	return "[" + cel.Strings(head, ". Change: "+p.check.Doc.Fix) + ", " + added + "]"
}
