// SPDX-License-Identifier: Apache-2.0

package blast

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// shown is how many workloads get a finding of their own; the others are counted
// in one more.
const shown = 5

// report turns chains into findings.
//
// What an update must not add is told by check, subject and severity
// (internal/policy). A list that is cut would hide an addition, so the report of
// an update looks at the chains before it as well: those that are new or worse
// come first and under a subject that was not there, and the rest under the
// subjects that they had.
type report struct {
	in      checks.Input
	updated bool
}

// of returns the findings for chains, one for each workload, the worst first; of an
// update one more for a workload that is in a new chain which is not its worst.
// Before are those of the object before an update.
func (r report) of(chains, before []*hazard) []checks.Finding {
	now := worstOfEach(slices.Clone(chains))
	if !r.updated {
		return r.list(nil, now, nil)
	}
	was := since(before)
	fresh := worstOfEach(was.added(chains))
	told := map[inventory.Key]bool{}
	for _, h := range fresh {
		told[h.root] = true
	}
	kept := slices.DeleteFunc(now, func(h *hazard) bool { return told[h.root] && !was.had(h) })
	var out []checks.Finding
	for i := range fresh[:min(shown, len(fresh))] {
		out = append(out, r.addition(fresh[i], was))
	}
	if len(fresh) > shown {
		out = append(out, r.rest(fresh[shown:], "workloads/added"))
	}
	return r.list(out, kept, func(h *hazard) bool { return was.first[h.root] })
}

// list appends a finding for each of the first chains, or for those that single
// says, and one for the rest.
func (r report) list(out []checks.Finding, list []*hazard, single func(*hazard) bool) []checks.Finding {
	var rest []*hazard
	for i := range list {
		h := list[i]
		if single == nil && i < shown || single != nil && single(h) {
			out = append(out, r.finding(h))
		} else {
			rest = append(rest, h)
		}
	}
	if len(rest) > 0 {
		out = append(out, r.rest(rest, "workloads"))
	}
	return out
}

// addition is the finding of a chain that was not there, or was less. One of a
// workload that was in a chain as severe is about what is new in it, under a subject
// that says so.
func (r report) addition(h *hazard, was *earlier) checks.Finding {
	worst := was.worst[h.root]
	if worst == nil || h.severity() > worst.severity() || h.certainty() < worst.certainty() {
		return r.finding(h)
	}
	trait := was.news(h)
	told := *h // the checks of an evaluation share the chains
	told.harm.about(trait)
	f := r.finding(&told)
	f.Subject += "/" + trait
	return f
}

func (r report) finding(h *hazard) checks.Finding {
	return checks.Finding{
		Severity: h.severity(), Certainty: h.certainty(),
		Subject: "workload/" + name(h.root), Field: r.field(h),
		Message: r.message(h), Path: r.path(h), Fix: r.fix(h), Affects: r.affects(h),
	}
}

// affects lists the namespaces of workloads, for an object that has none.
func (r report) affects(list ...*hazard) []string {
	if r.in.Object.GetNamespace() != "" {
		return nil
	}
	out := make([]string, 0, len(list))
	for _, h := range list {
		out = append(out, h.root.Namespace)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// name is "shop/Deployment/web".
func name(k inventory.Key) string { return k.Namespace + "/" + k.Kind.Kind + "/" + k.Name }

// named is how many of the rest are named.
const named = 3

func (r report) rest(list []*hazard, subject string) checks.Finding {
	f := checks.Finding{
		Certainty: checks.Undetermined, Subject: subject, Field: r.field(list[0]),
		Path: r.path(list[0]), Fix: r.fix(list[0]), Affects: r.affects(list...),
	}
	var names []string
	for i := range list {
		h := list[i]
		f.Severity, f.Certainty = max(f.Severity, h.severity()), min(f.Certainty, h.certainty())
		if i < named {
			names = append(names, h.root.String())
		}
	}
	word := "more workloads"
	if len(list) == 1 {
		word = "more workload"
	}
	f.Message = fmt.Sprintf("and %d %s in the same way: %s", len(list), word, strings.Join(names, ", "))
	if more := len(list) - named; more > 0 {
		f.Message += fmt.Sprintf(" and %d more", more)
	}
	return f
}

// path is the whole chain.
func (r report) path(h *hazard) []string {
	out := h.door.steps()
	if h.door.svc != nil {
		out = append(out, h.root.String())
	}
	if h.harm.secret != "" {
		out = append(out, h.secret().String())
	}
	if h.harm.term != byEscape {
		out = append(out, h.harm.account.String())
	}
	_, path := h.harm.told()
	return append(out, path...)
}

// message is about the object under judgement: it is the workload, it opens a way
// to one, or it gives one its rights.
func (r report) message(h *hazard) string {
	var text string
	can, _ := h.harm.told()
	switch r.side() {
	case itself:
		text = "is reachable from " + from(h) + " and may " + can
	case opens:
		text = "opens a way from " + from(h) + " to " + h.root.String() + ", which may " + can
	case gives:
		text = "lets " + h.root.String() + ", which is reachable from " + from(h) + ", " + can
	}
	if h.harm.term == unmounted {
		text += ", once a token is mounted"
	}
	return text + h.harm.unless + h.door.Doubt()
}

func from(h *hazard) string {
	switch {
	case h.reach == gateway:
		return "the internet through the bundled gateway"
	case slices.Contains([]string{"internet", "internal network"}, h.door.From):
		return "the " + h.door.From
	}
	return h.door.From
}
