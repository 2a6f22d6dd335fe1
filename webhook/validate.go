// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"context"
	"maps"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/exempt"
	"github.com/gatehouse-sh/gatehouse/internal/policy"
	"github.com/gatehouse-sh/gatehouse/internal/verdict"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// Engine is what every judge reads: the newest inventory, policy and exemptions. The
// functions return without blocking and are safe for concurrent use.
type Engine struct {
	Inventory  func() *inventory.Inventory
	Policy     func() *policy.Policy
	Exemptions func() *exempt.Set // nil: there are none
	Clock      func() time.Time   // nil: the system's; exemptions begin and end by it
	Replica    Replica            // nil: the inventory is all that is known
	Namespace  string             // where Gatehouse runs; never judged
	Metrics    *Metrics
}

// Validator judges objects: the validating webhook.
type Validator struct{ Engine }

// Answer implements Judge.
//
// The context bounds the judgement: what is not judged by its end is taken as an
// object that cannot be judged.
func (v Validator) Answer(ctx context.Context, r Review) Answer {
	p := v.Policy()
	if r.Operation != "CREATE" && r.Operation != "UPDATE" {
		if r.Operation != "DELETE" || !judgesDeletion(p, r.Kind.GroupKind()) {
			return Answer{Allowed: true}
		}
		r = r.deleted()
	}
	inv, watched := v.views()
	s := v.scopeIn(r, inv, watched, p)
	if s.mode == policy.Off {
		if r.Operation != "DELETE" {
			v.remember(r, nil)
		}
		return Answer{Allowed: true}
	}
	var err error
	if r.Kind.GroupKind() == bindingKind {
		r, err = r.bound(inv)
	}
	var current, old inventory.Object
	if err == nil {
		current, old, err = r.decode()
	}
	if err == nil && p.Custom(r.Kind.GroupKind()) {
		r, err = r.described()
	}
	if err != nil {
		return v.undecided("object", err, r, s, inv, watched)
	}
	found, late, err := v.judgeViews(ctx, current, old, r, inv, watched, p, s)
	if err != nil {
		return v.undecided("deadline", err, r, s, inv, watched)
	}
	v.Metrics.found(found)
	answer := answerOf(r, current, found, s)
	if lost := survived(current, inv, r, p, s); lost != "" {
		answer.Warnings = append(answer.Warnings, lost)
	}
	switch {
	case late:
		answer.Message += unconfirmed
	case answer.Allowed && r.Operation != "DELETE":
		v.remember(r, current)
	}
	return answer
}

// judgesDeletion reports whether some check judges deletions of a kind. A policy without
// checks refuses whatever it is asked about.
func judgesDeletion(p *policy.Policy, k schema.GroupKind) bool {
	set := p.Set()
	return set == nil || set.OnDelete(k)
}

// undecided is the answer to a review without a verdict: a refusal where a namespace
// of the object enforces, for a cluster-scoped one where any does. Elsewhere it is let
// through with a warning or an audit annotation, as what breaks a rule is.
func (e Engine) undecided(reason string, err error, r Review, s scope, views ...*inventory.Inventory) Answer {
	e.Metrics.failed(reason)
	a := cannotDecide(reason, err, r)
	if s.mode == policy.Enforce || s.cluster && slices.ContainsFunc(views, anyEnforces) {
		return a
	}
	a = Answer{Allowed: true, Annotations: a.Annotations}
	if s.mode == policy.WarnOnly {
		a.Warnings = []string{clip("gatehouse: cannot judge this object: "+checks.Plain(err.Error()), maxWarning)}
	}
	return a
}

// judge asks for the verdict on what is proposed.
func (e Engine) judge(ctx context.Context, current, old inventory.Object, r Review, inv *inventory.Inventory, p *policy.Policy, s scope) (policy.Verdict, error) {
	request := r.request()
	request.Metadata = r.Subresource != "" && metadataChanges(current, old)
	return e.judging(p).Within(ctx, verdict.Question{Object: current, Old: old, Inventory: inv, Request: request, Mode: s.mode, Profile: s.profile, ModeOf: verdict.ByLabels(inv)})
}

// judging is what applies to one review.
func (e Engine) judging(p *policy.Policy) verdict.Judge {
	j := verdict.Judge{Policy: p}
	if e.Exemptions != nil {
		j.Exemptions, j.Now = e.Exemptions(), e.now()
	}
	return j
}

func (e Engine) now() time.Time {
	if e.Clock == nil {
		return time.Now()
	}
	return e.Clock()
}

// metadataChanges reports whether a write changes labels or annotations. Without
// an older object to compare with it is taken to.
func metadataChanges(current, old inventory.Object) bool {
	return old == nil || !maps.Equal(current.GetLabels(), old.GetLabels()) || !maps.Equal(current.GetAnnotations(), old.GetAnnotations())
}
