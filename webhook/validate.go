// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"context"
	"maps"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/policy"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// Engine is what every judge reads: the newest inventory and policy. Both
// functions return without blocking and are safe for concurrent use.
type Engine struct {
	Inventory func() *inventory.Inventory
	Policy    func() *policy.Policy
	Namespace string // where Gatehouse runs; never judged
	Metrics   *Metrics
}

// Validator judges objects: the validating webhook.
type Validator struct{ Engine }

// Answer implements Judge.
func (v Validator) Answer(_ context.Context, r Review) Answer {
	if r.Operation != "CREATE" && r.Operation != "UPDATE" {
		return Answer{Allowed: true}
	}
	p, inv := v.Policy(), v.Inventory()
	s := scopeOf(r, inv, p, v.Namespace)
	if s.mode == policy.Off {
		return Answer{Allowed: true}
	}
	current, old, err := r.decode()
	if err != nil {
		v.Metrics.failed("object")
		a := cannotDecide("object", err, r)
		if s.mode != policy.Enforce {
			a = Answer{Allowed: true, Annotations: a.Annotations}
			if s.mode == policy.WarnOnly {
				a.Warnings = []string{clip("gatehouse: cannot judge this object: "+checks.Plain(err.Error()), maxWarning)}
			}
		}
		return a
	}
	verdict := judge(current, old, r, inv, p, s)
	v.Metrics.found(verdict)
	answer := answerOf(r, current, verdict, s)
	if lost := survived(current, inv, r, p, s); lost != "" {
		answer.Warnings = append(answer.Warnings, lost)
	}
	return answer
}

// judge evaluates the proposed object and, when there is something to compare,
// the one it replaces: an update may keep a fault, it may not add one.
func judge(current, old inventory.Object, r Review, inv *inventory.Inventory, p *policy.Policy, s scope) policy.Verdict {
	request := r.request()
	request.Metadata = r.Subresource != "" && metadataChanges(current, old)
	in := checks.Input{Object: current, Old: old, Inventory: inv.With(current), Request: request}
	findings := p.Evaluate(in.Sharing(), s.profile)
	if len(findings) == 0 {
		return nil
	}
	var before []checks.Finding
	if old != nil {
		was := checks.Input{Object: old, Inventory: inv.With(old), Request: request}
		before = p.Evaluate(was.Sharing(), s.profile)
	}
	return p.Decide(s.mode, s.profile, before, findings)
}

// metadataChanges reports whether a write changes labels or annotations. Without
// an older object to compare with it is taken to.
func metadataChanges(current, old inventory.Object) bool {
	return old == nil || !maps.Equal(current.GetLabels(), old.GetLabels()) || !maps.Equal(current.GetAnnotations(), old.GetAnnotations())
}
