// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"errors"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/checks"
)

// The bounds of lists, as in the CRD.
const (
	maxChecks      = 256
	maxPorts       = 256
	maxEntries     = 64 // networks, users, Gateways, classes, providers, extra keys
	maxFew         = 16 // namespaces, classes of the gateway, values of an extra key, injected keys, approvers
	maxSeverities  = 5
	maxPortName    = 63
	maxLabelValue  = 63
	maxAnnotation  = 1024
	maxKeyValue    = 256
	maxUsername    = 253
	maxClassOrKey  = 317 // a DNS subdomain of 253 bytes, a slash, a name of 63
	maxCIDR        = 43  // an IPv6 address of 39 bytes and /128
	highestPort    = 65535
	reservedPrefix = v1alpha1.GroupName + "/"
)

// Compile turns the spec of a CheckPolicy into a policy over the checks of set.
// A nil spec gives Default. It checks everything again that the CRD's schema
// states, for a spec may come from a file, and what only it can know, such as
// the checks' names. The policy is about the custom checks too. With any fault there is no policy; the error joins one
// error per fault, each beginning with the path of its field. Compile keeps no
// part of spec.
func Compile(set *checks.Set, spec *v1alpha1.CheckPolicySpec) (*Policy, error) {
	if set == nil {
		return nil, errors.New("compile policy: there are no checks")
	}
	p := Default(set)
	if spec == nil {
		return p, nil
	}
	f := &faults{}
	if len(spec.CustomChecks) > 0 {
		set = compileCustom(f, set, spec.CustomChecks)
		p.set, p.custom = set, customized(set)
	}
	var a actions
	a.checks = compileChecks(f, set, spec.Checks)
	a.severities = compileSeverities(f, spec.Severities)
	p.rules = a.rules(set)
	limit(f, "spec.undetermined.baseline", spec.Undetermined.Baseline, &p.undetermined[Baseline])
	limit(f, "spec.undetermined.strict", spec.Undetermined.Strict, &p.undetermined[Strict])
	p.ClusterMode = compileMode(f, "spec.clusterMode", spec.ClusterMode, p.ClusterMode)
	p.Parameters = compileParameters(f, "spec.parameters", spec.Parameters)
	p.Exemptions = compileExemptions(f, "spec.exemptions", spec.Exemptions)
	p.Mutation = compileMutation(f, "spec.parameters.mutation", spec.Parameters.Mutation, p.Parameters)
	if err := f.err(); err != nil {
		return nil, err
	}
	return p, nil
}

func compileChecks(f *faults, set *checks.Set, list []v1alpha1.CheckRule) map[string][2]override {
	if !f.atMost("spec.checks", len(list), maxChecks) {
		return nil
	}
	out := make(map[string][2]override, len(list))
	for i, r := range list {
		at := index("spec.checks", i)
		c, known := set.Lookup(r.Check)
		if !known {
			f.add(at+".check", "no check has the id or name %s", quote(r.Check))
		} else if _, twice := out[c.ID]; twice {
			f.add(at+".check", "check %s (%s) is there twice", c.ID, c.Name)
		}
		o := overrides(f, at, r.Action, r.Baseline, r.Strict)
		if known {
			out[c.ID] = o
		}
	}
	return out
}

func compileSeverities(f *faults, list []v1alpha1.SeverityRule) (out [checks.Critical + 1][2]override) {
	if !f.atMost("spec.severities", len(list), maxSeverities) {
		return out
	}
	seen := map[checks.Severity]bool{}
	for i, r := range list {
		at := index("spec.severities", i)
		s, known := checks.ParseSeverity(string(r.Severity))
		if !known {
			f.notOneOf(at+".severity", string(r.Severity), severityNames()...)
		} else {
			once(f, at+".severity", seen, s, s.String())
		}
		if o := overrides(f, at, r.Action, r.Baseline, r.Strict); known {
			out[s] = o
		}
	}
	monotonic(f, out)
	return out
}

// monotonic refuses a table in which a more severe finding is treated more
// mildly than a less severe one: nobody means that.
func monotonic(f *faults, table [checks.Critical + 1][2]override) {
	for _, profile := range []Profile{Baseline, Strict} {
		below := checks.SeverityUnset
		for s := checks.Info; s <= checks.Critical; s++ {
			o := table[s][profile]
			if !o.set {
				continue
			}
			if less := table[below][profile]; below != checks.SeverityUnset && o.action > less.action {
				f.add("spec.severities", "in the %s profile, %s findings get %s, which is milder than the %s of %s ones",
					profile, s, o.action, less.action, below)
			}
			below = s
		}
	}
}

func severityNames() []string {
	var out []string
	for s := checks.Info; s <= checks.Critical; s++ {
		out = append(out, s.String())
	}
	return out
}

// overrides reads an action for both profiles, or one for each.
func overrides(f *faults, at string, both, baseline, strict v1alpha1.Action) (out [2]override) {
	if (both != "") == (baseline != "" || strict != "") {
		f.add(at, "set either action, or baseline and strict")
		return out
	}
	if both != "" {
		o := named(f, at+".action", both)
		return [2]override{Baseline: o, Strict: o}
	}
	return [2]override{Baseline: named(f, at+".baseline", baseline), Strict: named(f, at+".strict", strict)}
}

func named(f *faults, at string, a v1alpha1.Action) override {
	if a == "" {
		return override{}
	}
	action, known := checks.ParseAction(string(a))
	if !known {
		f.notOneOf(at, string(a), "deny", "warn", "audit", "ignore")
	}
	return override{action: action, set: true}
}

// limit reads an action for what cannot be determined; empty keeps the default.
func limit(f *faults, at string, a v1alpha1.UndeterminedAction, out *checks.Action) {
	if a == "" {
		return
	}
	action, known := checks.ParseAction(string(a))
	if !known || action == checks.Ignore {
		f.notOneOf(at, string(a), "deny", "warn", "audit")
		return
	}
	*out = action
}

func compileMode(f *faults, at string, m v1alpha1.Mode, whenEmpty Mode) Mode {
	if m == "" {
		return whenEmpty
	}
	for mode := Enforce; mode <= Off; mode++ {
		if mode.String() == string(m) {
			return mode
		}
	}
	f.notOneOf(at, string(m), modeNames[:]...)
	return Enforce
}
