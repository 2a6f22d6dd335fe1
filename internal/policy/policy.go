// SPDX-License-Identifier: Apache-2.0

// Package policy turns findings into a verdict: which of them refuse a request,
// which are told to the user and which are only recorded. It is pure; the
// webhook, the background scan and the command line use the same Decide.
package policy

import (
	"fmt"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/checks"
)

// Profile selects one of the two sets of default actions. The zero value is
// Baseline, which every namespace gets unless it asks for more.
type Profile uint8

// The profiles.
const (
	Baseline Profile = iota
	Strict
)

// String returns the value of the namespace label.
func (p Profile) String() string {
	if p == Strict {
		return "strict"
	}
	return "baseline"
}

// ParseProfile reads the value of the namespace label; empty is Baseline.
func ParseProfile(s string) (Profile, error) {
	switch s {
	case "", "baseline":
		return Baseline, nil
	case "strict":
		return Strict, nil
	}
	return Baseline, fmt.Errorf("profile %q is not one of baseline, strict", s)
}

// Mode is how a namespace takes verdicts. The zero value enforces.
type Mode uint8

// The modes.
const (
	Enforce   Mode = iota // findings to be denied refuse the request
	WarnOnly              // they become warnings
	AuditOnly             // they and the warnings are recorded, nothing is said
	Off                   // the namespace did not opt in
)

var modeNames = [...]string{"enforce", "warn", "audit", "off"}

// String returns the value of the namespace label, or "off".
func (m Mode) String() string {
	if int(m) < len(modeNames) {
		return modeNames[m]
	}
	return modeNames[Enforce]
}

// The namespace labels by which a namespace opts in.
const (
	AdmissionLabel = "gatehouse.sh/admission"
	ProfileLabel   = "gatehouse.sh/profile"
)

// ScopeOf reads mode and profile from a namespace's labels. A missing or empty
// admission label means Off. An unknown value is a mistake of somebody who
// wanted protection: it enforces, and the error names it.
func ScopeOf(labels map[string]string) (Mode, Profile, error) {
	profile, err := ParseProfile(labels[ProfileLabel])
	if err != nil {
		profile = Strict
	}
	switch v := labels[AdmissionLabel]; v {
	case "":
		return Off, profile, err
	case "enforce":
		return Enforce, profile, err
	case "warn":
		return WarnOnly, profile, err
	case "audit":
		return AuditOnly, profile, err
	default:
		return Enforce, profile, fmt.Errorf("label %s has the value %q, not one of enforce, warn, audit", AdmissionLabel, v)
	}
}

// Policy says what to do about each check. It is immutable; a change of
// configuration makes a new one. The zero value refuses whatever it is asked
// about: it holds no checks, and says so with a finding that is denied.
type Policy struct {
	// Parameters are handed to the checks.
	Parameters *checks.Parameters

	// ClusterMode is how cluster-scoped objects are taken, which have no
	// namespace to opt in with. Default sets WarnOnly.
	ClusterMode Mode

	// Mutation is what the mutating webhook adds to objects.
	Mutation Mutation

	// Exemptions bounds the exemptions of the cluster.
	Exemptions Exemptions

	set          *checks.Set
	rules        map[string]*rule // by check id; one for each check of the set
	undetermined [2]checks.Action // by profile
	custom       map[schema.GroupKind]bool
}

// Default returns the policy that applies without configuration: every check is
// on with its default actions; what cannot be determined warns in the baseline
// profile and is denied in the strict one. A nil set is an empty one.
func Default(set *checks.Set) *Policy {
	if set == nil {
		set = &checks.Set{}
	}
	p := &Policy{
		Parameters:   checks.DefaultParameters(),
		ClusterMode:  WarnOnly,
		Exemptions:   defaultExemptions(),
		set:          set,
		undetermined: [2]checks.Action{Baseline: checks.Warn, Strict: checks.Deny},
	}
	p.Mutation = defaultMutation(p.Parameters)
	p.rules = actions{}.rules(set)
	return p
}

// Set returns the checks that the policy is about, custom ones included.
func (p *Policy) Set() *checks.Set { return p.set }

// Custom reports whether a custom check judges objects of a kind: it wants to know
// of the request what no other check does.
func (p *Policy) Custom(k schema.GroupKind) bool { return p.custom[k] }

// On reports whether a check can have any effect in the profile. A check that
// the policy does not know can.
func (p *Policy) On(c *checks.Check, profile Profile) bool {
	r := p.rules[c.ID]
	return r == nil || r.on[column(profile)]
}

// Action returns what to do about a finding. A finding of an unknown check is
// denied. One that is less severe than its check is treated one action softer,
// unless the configuration names an action for the check or the severity. One
// that is undetermined is treated no stricter than the policy says for those.
func (p *Policy) Action(f checks.Finding, profile Profile) checks.Action {
	r := p.rules[f.Check]
	if r == nil {
		return checks.Deny
	}
	action := r.action(f.Severity, profile)
	if f.Certainty != checks.Violation {
		action = max(action, p.undetermined[column(profile)])
	}
	return action
}

// Evaluate runs the checks that are on over an input and returns the findings.
// It sets in.Parameters.
func (p *Policy) Evaluate(in checks.Input, profile Profile) []checks.Finding {
	if p.set == nil || p.Parameters == nil {
		return []checks.Finding{{
			Severity: checks.Critical, Certainty: checks.Undetermined,
			Message: "no policy is loaded, so nothing can be judged",
		}}
	}
	in.Parameters = p.Parameters
	return p.set.EvaluateExcept(in, func(c *checks.Check) bool { return !p.On(c, profile) })
}

// column is the place of a profile in a table. A profile that does not exist is
// taken as Strict.
func column(p Profile) Profile {
	if p == Baseline {
		return Baseline
	}
	return Strict
}
