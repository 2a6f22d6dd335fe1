// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"reflect"
	"slices"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// Translator translates one state of a cluster after the other. What it says of each is
// what Translate says; what has not changed since the one before is not judged again. It
// keeps as much as the last state has rules. The zero Translator is ready, and is for one
// goroutine.
type Translator struct {
	before memory
}

// Translate says what the objects mean. The result shares what is the same with the one
// before.
func (t *Translator) Translate(o *Objects, options Options) *Result {
	m := &memory{verdicts: make(map[seatOf]*verdict, len(t.before.verdicts)), last: &t.before}
	out := translate(o, options, m)
	t.before = memory{verdicts: m.verdicts, snapshots: out.Snapshots}
	return out
}

// Translate says what the objects mean. It is pure, and keeps nothing of its input but
// what it returns.
func Translate(o *Objects, options Options) *Result { return new(Translator).Translate(o, options) }

// memory is what is known of the rules of a state, and of the one before.
type memory struct {
	verdicts  map[seatOf]*verdict
	snapshots map[Name]*config.Snapshot
	last      *memory // nil: this is the last one
}

// seatOf is where a rule is written.
type seatOf struct {
	of   kind
	name Name
	part string // of what several routes are made of
	at   string
}

// verdict is what the data plane has against a rule. It follows from the rule alone.
type verdict struct {
	matches  []config.Match
	target   config.Target
	backends []string // by name, that are there
	faults   []config.Error
}

// judge returns the verdict of a rule, which is the one before if the rule is as it was.
func (m *memory) judge(at seatOf, matches []config.Match, target *config.Target, backends []string) *verdict {
	out := m.last.verdicts[at]
	if out == nil || !slices.Equal(out.backends, backends) || !reflect.DeepEqual(out.matches, matches) || !reflect.DeepEqual(&out.target, target) {
		alone := &config.Snapshot{Routes: []config.Route{{Name: "r", Matches: matches, Target: *target}}}
		for _, name := range backends {
			alone.Backends = append(alone.Backends, config.Backend{Name: name})
		}
		out = &verdict{matches, *target, backends, faults(alone)}
	}
	m.verdicts[at] = out
	return out
}
