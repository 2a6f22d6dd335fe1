// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"errors"
	"fmt"

	"github.com/gatehouse-sh/gatehouse/generator"
)

// MaxSteps bounds the work of one question about policies: ten to thirty seconds and a
// gigabyte at most. What takes more is refused with a TooLargeError: whoever proves
// the policies of one namespace must get to the next. A step is 64 classes of ends, or one
// range of ports, that is looked at. A question takes six steps for each pair of
// workloads, in clusters of a usual shape; where there are more than 10,000 workloads, pairSteps
// for each pair are allowed.
const (
	MaxSteps  = 4_000_000_000
	pairSteps = 40
)

// What weighs more than a step.
const (
	elementSteps = 1000 // an end
	memberSteps  = 8    // an end in the set of another
	rangeSteps   = 100  // a range of ports that is kept
	keptSteps    = 16   // 64 classes of ends in a set that is kept
)

// ErrTooLarge is what every TooLargeError is.
var ErrTooLarge = errors.New("is too large to be proved")

// TooLargeError refuses a question that takes more than MaxSteps.
type TooLargeError struct {
	// What has the most part in it: a policy by its name, or "the connections of
	// namespace shop".
	What string

	// Peers and Ports are how large that is: the ends that it tells apart, each as
	// often as a rule names it, and its ranges of ports.
	Peers, Ports int
}

// Error names what has the most part.
func (e *TooLargeError) Error() string {
	return fmt.Sprintf("%s %v: %d peers and %d ranges of ports are more than can be compared; make them fewer and wider", e.What, ErrTooLarge, e.Peers, e.Ports)
}

// Is makes a TooLargeError an ErrTooLarge.
func (e *TooLargeError) Is(other error) bool { return other == ErrTooLarge }

// meter counts the steps of one question. Nil counts none. It is for one goroutine.
type meter struct{ left int }

func newMeter(o Options, m *generator.Model) *meter {
	if o.MaxSteps > 0 {
		return &meter{o.MaxSteps}
	}
	n := len(m.Universe.Workloads())
	return &meter{max(MaxSteps, pairSteps*n*n)}
}

// spend takes steps, and reports whether there were so many. Once there were not,
// there are none.
func (m *meter) spend(steps int) bool {
	if m == nil {
		return true
	}
	if m.left < steps {
		m.left = -1
		return false
	}
	m.left -= steps
	return true
}

// over reports whether the steps were not enough.
func (m *meter) over() bool { return m != nil && m.left < 0 }

// tooLarge finds what has the most part in a question that was too large.
func tooLarge(lists [][]Policy, m *generator.Model) error {
	out := &TooLargeError{What: "the policies"}
	most := -1
	for _, list := range lists {
		for i := range list {
			p := &list[i]
			peers, ports := 0, 0
			for _, rules := range [][]Rule{p.Ingress, p.Egress} {
				for j := range rules {
					ports += len(rules[j].Ports)
					for _, peer := range rules[j].Peers {
						peers += 1 + len(peer.Block.Except)
					}
				}
			}
			if peers+ports > most {
				most = peers + ports
				*out = TooLargeError{What: p.Name, Peers: peers, Ports: ports}
			}
		}
	}
	type size struct {
		edges int
		ports map[generator.Port]bool
	}
	of := map[string]*size{}
	for i := range m.Edges {
		e := &m.Edges[i]
		for k, p := range [...]generator.Peer{e.From, e.To} {
			if p.Namespace == "" || k == 1 && p.Namespace == e.From.Namespace {
				continue
			}
			if of[p.Namespace] == nil {
				of[p.Namespace] = &size{ports: map[generator.Port]bool{}}
			}
			of[p.Namespace].edges++
			of[p.Namespace].ports[e.Port] = true
		}
	}
	for name, s := range of {
		n := s.edges + len(s.ports)
		what := "what is connected with namespace " + name
		if n > most || n == most && what < out.What {
			most = n
			*out = TooLargeError{What: what, Peers: s.edges, Ports: len(s.ports)}
		}
	}
	return out
}
