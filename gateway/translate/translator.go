// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"reflect"
	"slices"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// Translator translates one state of a cluster after the other. What it says of each is
// what Translate says; what has not changed since the one before is not read and judged
// again. An object that has changed is another one: none may be written to once it was
// handed over. It keeps as much as the last state has rules. The zero Translator is ready,
// and is for one goroutine.
type Translator struct {
	before memory
}

// Translate says what the objects mean. The result shares what is the same with the one
// before.
func (t *Translator) Translate(o *Objects, options Options) *Result {
	m := &memory{verdicts: make(map[seatOf]*verdict, len(t.before.verdicts)), backends: make(map[leadOf]*config.Backend, len(t.before.backends)), last: &t.before}
	out := translate(o, options, m)
	t.before = memory{verdicts: m.verdicts, backends: m.backends, snapshots: out.Snapshots}
	return out
}

// Translate says what the objects mean. It is pure, and keeps nothing of its input but
// what it returns.
func Translate(o *Objects, options Options) *Result { return new(Translator).Translate(o, options) }

// memory is what is known of the rules of a state, and of the one before.
type memory struct {
	verdicts  map[seatOf]*verdict
	backends  map[leadOf]*config.Backend // nobody changes them
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
	size     int // of matches and target, in bytes of a snapshot

	spec     *gatewayv1.HTTPRouteRule // that the rule was read from, without any fault; nil: none
	to       []*config.Backend        // that it leads to, in order
	services []Name                   // that it names

	written []written // as it stands in snapshots, for each port
}

// judge returns the verdict of a rule, which is the one before if the rule is as it was.
func (m *memory) judge(at seatOf, matches []config.Match, target *config.Target, backends []string) *verdict {
	out := m.last.verdicts[at]
	if out == nil || !slices.Equal(out.backends, backends) || !reflect.DeepEqual(out.matches, matches) || !reflect.DeepEqual(&out.target, target) {
		alone := &config.Snapshot{Routes: []config.Route{{Name: "r", Matches: matches, Target: *target}}}
		for _, name := range backends {
			alone.Backends = append(alone.Backends, config.Backend{Name: name})
		}
		out = &verdict{matches: matches, target: *target, backends: backends, faults: faults(alone), size: sizeOf(matches, target)}
	}
	m.verdicts[at] = out
	return out
}

// sizeOf is how many bytes of a snapshot a rule is.
func sizeOf(matches []config.Match, target *config.Target) int {
	return bytesOf(&config.Snapshot{Routes: []config.Route{{Matches: matches, Target: *target}}})
}

// again makes a rule as it was before, if it had no fault then, is written as it was, and
// leads to backends of the same names: nothing else has a part in it. Otherwise it is to be
// read.
func (b *ruleBuilder) again(r *gatewayv1.HTTPRouteRule) bool {
	at := b.seat()
	was := b.memory.last.verdicts[at]
	if was == nil || was.spec != r {
		return false
	}
	to, n, others := was.to, 0, false
	same := func(ref *gatewayv1.BackendObjectReference) bool {
		backend, p := b.lead(ref)
		if p != nil || backend.Name != to[n].Name {
			return false
		}
		if backend != to[n] {
			if !others {
				to, others = slices.Clone(to), true
			}
			to[n] = backend
		}
		n++
		return true
	}
	for i := range r.BackendRefs {
		if !same(&r.BackendRefs[i].BackendObjectReference) {
			return false
		}
	}
	for i := range r.Filters {
		if m := r.Filters[i].RequestMirror; m != nil && !same(&m.BackendRef) {
			return false
		}
	}
	was.to = to
	b.out.matches, b.out.Target, b.out.backends, b.out.size = was.matches, was.target, to, was.size
	b.out.services, b.out.kept = was.services, was
	b.memory.verdicts[at] = was
	return true
}

// keep remembers what a rule was read from, and shares with the one before what is the
// same. Nothing of it is changed any more.
func (b *ruleBuilder) keep(r *gatewayv1.HTTPRouteRule, same *verdict) {
	b.out.matches, b.out.Target = same.matches, same.target
	own := *same
	own.spec, own.to, own.services = nil, nil, nil
	// What guards a rule does not follow from what is remembered of it.
	if len(b.out.faults) == 0 && b.out.guards == nil && !b.out.unasked && len(b.out.backends) == refsOf(r) {
		own.spec, own.to, own.services = r, b.out.backends, b.out.services
	}
	b.memory.verdicts[b.seat()], b.out.kept = &own, &own
}

// refsOf is to how many backends a rule refers.
func refsOf(r *gatewayv1.HTTPRouteRule) int {
	n := len(r.BackendRefs)
	for i := range r.Filters {
		if r.Filters[i].RequestMirror != nil {
			n++
		}
	}
	return n
}
