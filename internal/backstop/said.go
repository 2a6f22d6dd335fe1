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

// expression is the list of all messages.
func (s *sayings) expression() string {
	out := make([]string, 0, len(s.guards))
	for _, guard := range s.guards {
		list := cel.Concat(s.pieces[guard]...)
		if guard != "" {
			list = cel.When(guard, list)
		}
		out = append(out, list)
	}
	return strings.Join(out, " + ")
}

// Bounds of what a user reads: the API server takes messages of up to 5 KiB, and
// cuts warnings of more than 4 KiB short.
const (
	maxNamed = "200"  // characters of the faults of one check
	maxSaid  = "3500" // characters in all
)

// message is what a user reads of a part: "EXP-001 node-port (high) at type: ...".
// The faults hold what the writer of the object wrote, so only visible ASCII
// characters are repeated.
func (p *part) message(added string) string {
	named := cel.Let("n", added+`.join(", ")`, `!n.matches("^[ -~]*$") ? "what cannot be shown" : n.size() > `+maxNamed+" ? n.substring(0, "+maxNamed+`) + "..." : n`)
	head := p.check.ID + " " + p.check.Name + " (" + p.key.severity.String() + ") at "
	return cel.Quote(head) + " + " + named + " + " + cel.Quote(". Change: "+p.check.Doc.Fix)
}
