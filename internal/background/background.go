// SPDX-License-Identifier: Apache-2.0

// Package background judges everything that a cluster holds, and after a change
// only what the change may concern.
//
// It is pure: it takes versions of the inventory and the keys that differ, and
// holds verdicts. It reads no clock and writes nothing; internal/controller
// feeds it and publishes what it says. Its judgement is that of the webhook and
// of the command line: verdict.Judge.
package background

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/internal/exempt"
	"github.com/gatehouse-sh/gatehouse/internal/policy"
	"github.com/gatehouse-sh/gatehouse/internal/verdict"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// Rules say how objects are judged. Another policy or another list needs a new
// full scan; other exemptions, and a later time, need a Recheck.
type Rules struct {
	Judge verdict.Judge

	// Never lists the namespaces that are not judged whatever their labels say:
	// the system's.
	Never []string

	// Own is the namespace of Gatehouse, whatever its labels say: only the checks
	// that protect Gatehouse itself judge it, and what they find is reported.
	// Empty: it is not known.
	Own string
}

// selfFamily begins the ids of the checks that protect Gatehouse itself.
const selfFamily = "SELF-"

// Scan holds the verdicts on one version of an inventory, and which look-ups
// each of them rests on. One goroutine may use it.
type Scan struct {
	workers int
	reads   *inventory.Reads
	rules   Rules
	kinds   map[schema.GroupKind]bool // that some check judges
	self    map[string]bool           // ids of the checks that protect Gatehouse itself
	at      *inventory.Inventory

	ids     map[inventory.Key]id
	objects []object // by id
	free    []id     // of objects that are gone
	readers map[inventory.Read][]id

	failing map[string]map[inventory.Key]policy.Verdict // by namespace; no empty verdicts
	dirty   map[string]bool                             // namespaces whose verdicts changed since Changed
}

// id numbers the objects that were judged.
type id uint32

// object is what is known of one.
type object struct {
	key   inventory.Key
	reads []inventory.Read // ordered
}

// New makes a scan that has judged nothing yet. It uses at most that many
// goroutines at once, and at least one.
func New(workers int) *Scan {
	s := &Scan{workers: max(workers, 1), dirty: map[string]bool{}}
	s.reset(&inventory.Inventory{}, Rules{})
	return s
}

func (s *Scan) reset(inv *inventory.Inventory, rules Rules) {
	if rules.Judge.Policy == nil {
		rules.Judge.Policy = &policy.Policy{} // refuses
	}
	for namespace := range s.failing {
		s.dirty[namespace] = true
	}
	s.reads, s.rules, s.at = inventory.NewReads(), rules, inv
	s.ids, s.objects, s.free = map[inventory.Key]id{}, nil, nil
	s.readers, s.failing = map[inventory.Read][]id{}, map[string]map[inventory.Key]policy.Verdict{}
	s.kinds, s.self = map[schema.GroupKind]bool{}, map[string]bool{}
	if set := rules.Judge.Policy.Set(); set != nil {
		for _, k := range set.Kinds() {
			s.kinds[k] = true
		}
		for _, c := range set.Checks() {
			s.self[c.ID] = strings.HasPrefix(c.ID, selfFamily)
		}
		return
	}
	for _, k := range inventory.Kinds() { // without checks every object is undetermined
		s.kinds[k.GroupKind] = true
	}
}

// Full judges everything anew.
func (s *Scan) Full(inv *inventory.Inventory, rules Rules) {
	before, dirty := s.failing, maps.Clone(s.dirty)
	s.reset(inv, rules)
	var entries []*inventory.Entry
	for k := range s.kinds {
		for e := range inv.Entries(k, "") {
			entries = append(entries, e)
		}
	}
	s.ids = make(map[inventory.Key]id, len(entries))
	s.judge(entries)
	for namespace, verdicts := range before {
		if !dirty[namespace] && reflect.DeepEqual(verdicts, s.failing[namespace]) {
			delete(s.dirty, namespace)
		}
	}
}

// Update takes over a newer version. Changed are the keys of all objects that
// may differ from the version before; a key may be there twice. It returns how
// many objects it judged.
func (s *Scan) Update(inv *inventory.Inventory, changed []inventory.Key) int {
	again := map[inventory.Key]bool{}
	var reads []inventory.Read
	seen := make(map[inventory.Key]bool, len(changed))
	for _, k := range changed {
		if seen[k] {
			continue
		}
		seen[k] = true
		was, is := s.at.Entry(k), inv.Entry(k)
		if was == nil && is == nil || was != nil && is != nil && inventory.Same(was, is) {
			continue
		}
		again[k] = true
		if _, fails := s.failing[k.Namespace][k]; fails {
			s.dirty[k.Namespace] = true // it may have got another controller
		}
		for _, e := range []*inventory.Entry{was, is} {
			if e != nil {
				reads = s.reads.Finding(reads, e)
			}
		}
	}
	slices.Sort(reads)
	for _, at := range slices.Compact(reads) {
		for _, i := range s.readers[at] {
			again[s.objects[i].key] = true
		}
	}
	s.at = inv
	var entries []*inventory.Entry
	for k := range again {
		switch e := inv.Entry(k); {
		case !s.kinds[k.Kind]:
		case e == nil:
			s.forget(k)
		default:
			entries = append(entries, e)
		}
	}
	s.judge(entries)
	return len(entries)
}

// Recheck judges the objects that have findings by other exemptions or at a later
// time. An exemption neither adds a finding nor takes one away, so no other
// object can be concerned.
func (s *Scan) Recheck(exemptions *exempt.Set, now time.Time) {
	s.rules.Judge.Exemptions, s.rules.Judge.Now = exemptions, now
	var entries []*inventory.Entry
	for _, verdicts := range s.failing {
		for k := range verdicts {
			if e := s.at.Entry(k); e != nil {
				entries = append(entries, e)
			}
		}
	}
	s.judge(entries)
}

// Changed returns the namespaces whose verdicts changed since the last call, in
// order; "" stands for cluster-scoped objects.
func (s *Scan) Changed() []string {
	out := make([]string, 0, len(s.dirty))
	for namespace := range s.dirty {
		out = append(out, namespace)
	}
	slices.Sort(out)
	clear(s.dirty)
	return out
}

// Len is how many objects were judged, those without findings included.
func (s *Scan) Len() int { return len(s.ids) }
