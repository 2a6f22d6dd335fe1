// SPDX-License-Identifier: Apache-2.0

// Package verdict judges one object: it runs the checks, compares with what was
// there before, lets the policy decide and takes away what is exempt.
//
// It is the only place where these come together. The webhook, the background
// scan and the command line call it, so their verdicts on the same objects are
// equal. It is pure: the caller brings the clock and the inventory.
package verdict

import (
	"context"
	"errors"
	"time"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/exempt"
	"github.com/gatehouse-sh/gatehouse/internal/policy"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// Judge is what applies to every object at one moment. It is a value of three
// pointers and a time; make one for each request, or for each pass of a scan. A
// Judge without policy refuses. Safe for concurrent use.
type Judge struct {
	Policy     *policy.Policy
	Exemptions *exempt.Set // nil: none
	Now        time.Time   // exemptions begin and end by it
}

// Question is one object and how it comes.
type Question struct {
	Object inventory.Object
	Old    inventory.Object // what an update replaces; nil otherwise

	// Inventory is what surrounds the object; not nil. The object is laid over it,
	// unless Held says that this very object is in it, as in a scan: that spares
	// the overlay.
	Inventory *inventory.Inventory
	Held      bool

	Request checks.Request
	Mode    policy.Mode    // how the object's namespace takes verdicts
	Profile policy.Profile // of the namespace

	// ModeOf says how a namespace takes verdicts. It is asked for the namespaces
	// that a cluster-scoped object harms: what a namespace that enforces would
	// refuse of its own objects it need not suffer from others. nil: Mode alone
	// decides.
	ModeOf func(namespace string) policy.Mode

	// Only leaves the findings of other checks out, by id; nil: every check.
	Only map[string]bool
}

// Of returns the verdict: the findings of the object and what is done about each.
//
// An update may keep a fault; it may not add one. A finding that an exemption
// covers is never denied and never warned of: its action is Audit, and it carries
// the name of the exemption. An exemption therefore changes no finding and adds
// none.
//
// The caller must not change the objects while Of runs; it keeps none of them. Of
// takes as long as it takes; Within is for those who cannot wait.
func (j Judge) Of(q Question) policy.Verdict {
	p := j.Policy
	if p == nil {
		p = &policy.Policy{} // refuses
	}
	in := input(q)
	found := evaluate(p, q, in)
	if len(found) == 0 {
		return nil
	}
	var before []checks.Finding
	if q.Old != nil {
		before = evaluate(p, q, in.Before())
	}
	return j.excuse(inventory.KeyOf(q.Object), decide(p, q, before, found))
}

// ErrUnfinished says that there is no verdict: its time was over before it was
// reached. It is not known then whether the object breaks a rule.
var ErrUnfinished = errors.New("judging it takes too long")

// Within is Of for as long as a context lasts: when that ends, the evaluation stops
// at the next object, the next check or the next step of an expression, and the error
// is ErrUnfinished, whatever was found by then.
func (j Judge) Within(ctx context.Context, q Question) (policy.Verdict, error) {
	q.Inventory = q.Inventory.Until(ctx)
	v := j.Of(q)
	if ctx.Err() != nil {
		return nil, ErrUnfinished
	}
	return v, nil
}

// decide lets the policy decide, about the findings of a cluster-scoped object in
// the strictest mode of the namespaces that they affect. The object's own mode is
// the least, and Off stays Off: then nobody asked for a verdict.
func decide(p *policy.Policy, q Question, before, found []checks.Finding) policy.Verdict {
	var byMode [policy.Off + 1][]checks.Finding
	for _, f := range found {
		mode := q.Mode
		for _, namespace := range f.Affects {
			if q.ModeOf != nil && mode != policy.Off {
				mode = min(mode, q.ModeOf(namespace))
			}
		}
		byMode[mode] = append(byMode[mode], f)
	}
	var out policy.Verdict //nolint:prealloc // one append for most objects: their findings are of one mode
	for mode, list := range byMode {
		out = append(out, p.Decide(policy.Mode(mode), q.Profile, before, list)...)
	}
	out.Sort()
	return out
}

// ByLabels returns the ModeOf of a cluster: the labels of its namespaces. A
// namespace that is not known asked for nothing.
func ByLabels(inv *inventory.Inventory) func(string) policy.Mode {
	return func(namespace string) policy.Mode {
		ns := inv.Namespace(namespace)
		if ns == nil {
			return policy.Off
		}
		mode, _, _ := policy.ScopeOf(ns.Labels) // an unknown value enforces
		return mode
	}
}

// input is what the checks look at.
func input(q Question) checks.Input {
	inv := q.Inventory
	if !q.Held {
		inv = inv.With(q.Object)
	}
	return checks.Input{Object: q.Object, Old: q.Old, Inventory: inv, Request: q.Request}.Sharing()
}

// evaluate runs the checks over the object or its older self.
func evaluate(p *policy.Policy, q Question, in checks.Input) []checks.Finding {
	found := p.Evaluate(in, q.Profile)
	if q.Only == nil {
		return found
	}
	kept := found[:0]
	for _, f := range found {
		if q.Only[f.Check] {
			kept = append(kept, f)
		}
	}
	return kept
}

// excuse marks what is exempt. The verdict is the caller's own.
func (j Judge) excuse(k inventory.Key, v policy.Verdict) policy.Verdict {
	if j.Exemptions == nil {
		return v
	}
	terms, changed := TermsOf(j.Policy), false
	for i := range v {
		e := j.Exemptions.Of(k, v[i].Finding, terms, j.Now)
		if b := v[i].Behind; e == nil && b != nil {
			there := v[i].Finding
			there.Subject = b.Subject
			e = j.Exemptions.Of(b.Object, there, terms, j.Now)
		}
		if e == nil {
			continue
		}
		v[i].Exemption, v[i].Action, changed = e.String(), max(v[i].Action, checks.Audit), true
	}
	if changed {
		v.Sort()
	}
	return v
}

// TermsOf returns what a policy says about exemptions. A nil policy lets none
// count.
func TermsOf(p *policy.Policy) exempt.Terms {
	if p == nil {
		return exempt.Terms{}
	}
	return exempt.Terms{Approved: len(p.Exemptions.Approvers) > 0, MaxDuration: p.Exemptions.MaxDuration.Duration}
}
