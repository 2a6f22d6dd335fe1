// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"context"
	"fmt"

	"github.com/gatehouse-sh/gatehouse/internal/policy"
	"github.com/gatehouse-sh/gatehouse/inventory"
	"github.com/gatehouse-sh/gatehouse/webhook/mutation"
)

// Mutator adds what ties an object to the bundled gateway: the mutating
// webhook. It adds, and never overwrites.
type Mutator struct{ Engine }

// Answer implements Judge. What it cannot read it leaves alone: the validating
// phase, which fails closed, judges the same object next.
func (m Mutator) Answer(_ context.Context, r Review) Answer {
	if r.Operation != "CREATE" && r.Operation != "UPDATE" || r.Subresource != "" {
		return Answer{Allowed: true}
	}
	p, inv := m.Policy(), m.Inventory()
	s := scopeOf(r, inv, p, m.Namespace)
	if s.mode == policy.Off || s.mode == policy.AuditOnly {
		return Answer{Allowed: true}
	}
	o, _, err := r.decode()
	if err != nil {
		m.Metrics.failed("object")
		return Answer{Allowed: true, Annotations: map[string]string{"undecided": clip(err.Error(), 512)}}
	}
	plan := mutation.Plan(o, inv, p, r.Operation == "CREATE")
	if len(plan) == 0 {
		return Answer{Allowed: true}
	}
	patch, err := mutation.Patch(o, plan)
	if err != nil {
		m.Metrics.failed("patch")
		return Answer{Allowed: true, Annotations: map[string]string{"undecided": clip(err.Error(), 512)}}
	}
	a := Answer{Allowed: true, Patch: patch}
	for _, op := range plan {
		a.Warnings = append(a.Warnings, clip(fmt.Sprintf("%s: added %s", op.Rule, op), maxWarning))
	}
	return a
}

// survived says what the mutating phase should have added and is not there: it
// was not called, or another webhook took it away again.
func survived(o inventory.Object, inv *inventory.Inventory, r Review, p *policy.Policy, s scope) string {
	if s.mode == policy.AuditOnly || r.Subresource != "" {
		return ""
	}
	plan := mutation.Plan(o, inv, p, r.Operation == "CREATE")
	if len(plan) == 0 {
		return ""
	}
	return clip(fmt.Sprintf("%s: %s is missing: the mutating webhook was not reached, or another webhook removed it", plan[0].Rule, plan[0]), maxWarning)
}
