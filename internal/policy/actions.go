// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"github.com/gatehouse-sh/gatehouse/checks"
)

// override is an action that the configuration names. The zero value names none.
type override struct {
	action checks.Action
	set    bool
}

// actions is what the configuration says about actions; the zero value says
// nothing.
type actions struct {
	checks     map[string][2]override           // by check id, then by profile
	severities [checks.Critical + 1][2]override // by severity, then by profile
}

// rule is what happens to the findings of one check, worked out beforehand.
type rule struct {
	actions [2][checks.Critical + 1]checks.Action // by profile, then by the finding's severity
	on      [2]bool                               // whether any of the actions is not Ignore
}

// action looks a severity up; SeverityUnset stands for the check's own.
func (r *rule) action(s checks.Severity, profile Profile) checks.Action {
	return r.actions[column(profile)][min(s, checks.Critical)]
}

// rules works out the rule of every check.
func (a actions) rules(set *checks.Set) map[string]*rule {
	list := set.Checks()
	out := make(map[string]*rule, len(list))
	for i := range list {
		r := &rule{}
		for _, profile := range []Profile{Baseline, Strict} {
			r.actions[profile] = a.column(&list[i], profile)
			for _, action := range r.actions[profile] {
				r.on[profile] = r.on[profile] || action != checks.Ignore
			}
		}
		out[list[i].ID] = r
	}
	return out
}

// column works out one profile of a check. In the order of precedence: the
// action named for the check; Ignore where the check is off by default; the
// action named for the finding's severity; the check's own action, or, for a
// finding below the check's severity, one softer than what that severity gets
// (one for each grade below, if the check says so). A more severe finding is never treated more mildly than a less severe one of the
// same check.
func (a actions) column(c *checks.Check, profile Profile) (out [checks.Critical + 1]checks.Action) {
	base := c.Actions.Baseline
	if profile == Strict {
		base = c.Actions.Strict
	}
	if named := a.checks[c.ID][profile]; named.set || base == checks.Ignore {
		if named.set {
			base = named.action
		}
		for s := range out {
			out[s] = base
		}
		return out
	}
	from := base
	if own := a.severities[c.Severity][profile]; own.set {
		from = own.action
	}
	for s := checks.Info; s <= checks.Critical; s++ {
		action := base
		if s < c.Severity {
			action = softened(from, c.Severity-s, c.Softens)
		}
		if named := a.severities[s][profile]; named.set {
			action = named.action
		}
		if s > checks.Info {
			action = min(action, out[s-1])
		}
		out[s] = action
	}
	out[checks.SeverityUnset] = out[c.Severity]
	return out
}

// softened is the action for a finding so many grades, at least one, below what
// gets the action from.
func softened(from checks.Action, grades checks.Severity, by checks.Softening) checks.Action {
	out := from.Softer()
	if by == checks.StepPerGrade {
		for range grades - 1 {
			out = out.Softer()
		}
	}
	return out
}
