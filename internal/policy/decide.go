// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"cmp"
	"slices"

	"github.com/gatehouse-sh/gatehouse/checks"
)

// Judged is a finding and what the policy does about it.
type Judged struct {
	checks.Finding
	Action checks.Action

	// Known says that the object had the same fault before the update: it is
	// reported, but never refuses one.
	Known bool

	// Exemption is the name of the exemption that covers the finding, as
	// internal/exempt writes it; empty: none does. The action is then at most Audit.
	Exemption string
}

// Verdict is the outcome for one object: its findings, the most severe first
// within each action, the strictest action first. Findings of checks that are
// off are not in it.
type Verdict []Judged

// Denied reports whether the request is refused.
func (v Verdict) Denied() bool { return len(v) > 0 && v[0].Action == checks.Deny }

// Sort puts the findings into the order of a verdict, in place. Who changes an
// action calls it.
func (v Verdict) Sort() {
	slices.SortStableFunc(v, func(a, b Judged) int {
		return cmp.Or(cmp.Compare(a.Action, b.Action), cmp.Compare(b.Severity, a.Severity), cmp.Compare(a.Check, b.Check))
	})
}

// With returns the findings with an action.
func (v Verdict) With(a checks.Action) Verdict {
	var out Verdict
	for _, j := range v {
		if j.Action == a {
			out = append(out, j)
		}
	}
	return out
}

type fault struct{ check, subject string }

// record says how severe the findings of one fault were before an update, one
// more than the severity, so that zero means none.
type record struct{ violation, undetermined checks.Severity }

// records indexes the findings of the object before an update; nil when there
// are none.
func records(old []checks.Finding) map[fault]record {
	if len(old) == 0 {
		return nil
	}
	out := make(map[fault]record, len(old))
	for _, f := range old {
		k := fault{f.Check, f.Subject}
		r := out[k]
		if f.Certainty == checks.Violation {
			r.violation = max(r.violation, f.Severity+1)
		} else {
			r.undetermined = max(r.undetermined, f.Severity+1)
		}
		out[k] = r
	}
	return out
}

// covers reports whether a finding is no worse than what was there: no more
// severe, and not a violation where there was only doubt.
func (r record) covers(f checks.Finding) bool {
	return r.violation > f.Severity || f.Certainty != checks.Violation && r.undetermined > f.Severity
}

// Decide turns the findings of an object into a verdict. Faults that the object
// had before the update (by check and subject, no less severe and no less
// certain) are not grounds for refusal: an update may keep a fault, it may not
// add one or make one worse. Mode softens: in WarnOnly what would be denied
// warns, in AuditOnly everything is only recorded, and Off says nothing.
func (p *Policy) Decide(mode Mode, profile Profile, old, current []checks.Finding) Verdict {
	if mode == Off || len(current) == 0 {
		return nil
	}
	had := records(old)
	out := make(Verdict, 0, len(current))
	for _, f := range current {
		j := Judged{Finding: f, Action: p.Action(f, profile), Known: had[fault{f.Check, f.Subject}].covers(f)}
		if j.Action == checks.Ignore {
			continue
		}
		if j.Action == checks.Deny && (j.Known || mode == WarnOnly) {
			j.Action = checks.Warn
		}
		if mode == AuditOnly {
			j.Action = checks.Audit
		}
		out = append(out, j)
	}
	out.Sort()
	return out
}
