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
}

// Verdict is the outcome for one object: its findings, the most severe first
// within each action, the strictest action first. Findings of checks that are
// off are not in it.
type Verdict []Judged

// Denied reports whether the request is refused.
func (v Verdict) Denied() bool { return len(v) > 0 && v[0].Action == checks.Deny }

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

// Decide turns the findings of an object into a verdict. Faults that the object
// had before the update (by check and subject) are not grounds for refusal: an
// update may keep a fault, it may not add one. Mode softens: in WarnOnly what
// would be denied warns, in AuditOnly everything is only recorded, and Off says
// nothing.
func (p *Policy) Decide(mode Mode, profile Profile, old, current []checks.Finding) Verdict {
	if mode == Off || len(current) == 0 {
		return nil
	}
	var had map[fault]bool
	if len(old) > 0 {
		had = make(map[fault]bool, len(old))
		for _, f := range old {
			had[fault{f.Check, f.Subject}] = true
		}
	}
	out := make(Verdict, 0, len(current))
	for _, f := range current {
		j := Judged{Finding: f, Action: p.Action(f, profile), Known: had[fault{f.Check, f.Subject}]}
		if j.Action == checks.Ignore {
			continue
		}
		if j.Known && j.Action == checks.Deny || mode == WarnOnly && j.Action == checks.Deny {
			j.Action = checks.Warn
		}
		if mode == AuditOnly {
			j.Action = checks.Audit
		}
		out = append(out, j)
	}
	slices.SortStableFunc(out, func(a, b Judged) int {
		return cmp.Or(cmp.Compare(a.Action, b.Action), cmp.Compare(b.Severity, a.Severity), cmp.Compare(a.Check, b.Check))
	})
	return out
}
