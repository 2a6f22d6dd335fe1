// SPDX-License-Identifier: Apache-2.0

package network

import (
	"fmt"
	"math"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/verify"
	"github.com/gatehouse-sh/gatehouse/internal/background"
)

// The bounds of a status (api/v1alpha1, NetworkPlanStatus): some 200 KiB with all
// lists full.
const (
	maxConnections = 250
	maxListed      = 50
	maxEnd         = 512
	maxPort        = 64
	maxMessage     = 2048
	maxLine        = 1024 // of the lists of texts
)

// statusPace is how exactly a status says when a drop was seen last: each change
// of it is a write.
const statusPace = time.Minute

// Fill writes a proposal and what was decided about it into a status. What is
// older in it stays where nothing is said: a condition keeps the time of its last
// change.
func Fill(s *v1alpha1.NetworkPlanStatus, generation int64, mode v1alpha1.NetworkMode, p *Proposal, d Decision) {
	s.ObservedGeneration, s.Mode, s.Phase, s.Message = generation, mode, d.Phase, text(d.Message, maxMessage)
	s.Plan = p.Digest
	s.Counts = v1alpha1.NetworkCounts{
		Workloads: count(p.Workloads), Connections: count(len(p.Model.Edges)), Policies: count(len(p.Policies)), Problems: count(len(p.Problems)),
		Extra: count(len(p.Extra)), Gained: count(len(p.Gained)), Lost: count(len(p.Lost)), Drops: count(len(p.Drops)),
		Conflicts: count(len(p.Conflicts)),
	}
	s.Connections, s.Policies, s.Problems, s.Drops, s.Conflicts = nil, nil, nil, nil, nil
	for i := range p.Model.Edges[:min(len(p.Model.Edges), maxConnections)] {
		e := &p.Model.Edges[i]
		s.Connections = append(s.Connections, v1alpha1.NetworkConnection{
			From: text(e.From.String(), maxEnd), To: text(e.To.String(), maxEnd), Port: text(e.Port.String(), maxPort), Because: text(because(e), maxEnd),
		})
	}
	for _, policy := range p.Policies[:min(len(p.Policies), maxConnections)] {
		s.Policies = append(s.Policies, policy.Name)
	}
	for _, problem := range p.Problems[:min(len(p.Problems), maxListed)] {
		s.Problems = append(s.Problems, text(problem.String(), maxLine))
	}
	for _, conflict := range p.Conflicts[:min(len(p.Conflicts), maxListed)] {
		s.Conflicts = append(s.Conflicts, text(conflict.String(), maxLine))
	}
	for i := range p.Drops[:min(len(p.Drops), maxListed)] {
		s.Drops = append(s.Drops, dropStatus(&p.Drops[i]))
	}
	s.Gained, s.Lost = lines(p.Gained, false), lines(p.Lost, false)
	s.Extra = lines(p.Extra, true)
	conditions(s, generation, p, d)
}

func dropStatus(d *Drop) v1alpha1.NetworkDrop {
	out := v1alpha1.NetworkDrop{
		From: text(d.Edge.From.String(), maxEnd), To: text(d.Edge.To.String(), maxEnd), Port: text(d.Edge.Port.String(), maxPort),
		Flows: int64(min(d.Flows, math.MaxInt64)), Wanted: d.Wanted,
	}
	if !d.Last.IsZero() {
		out.LastSeen = &metav1.Time{Time: d.Last.UTC().Truncate(statusPace)}
	}
	return out
}

func conditions(s *v1alpha1.NetworkPlanStatus, generation int64, p *Proposal, d Decision) {
	set := func(kind string, is metav1.ConditionStatus, reason, message string) {
		meta.SetStatusCondition(&s.Conditions, metav1.Condition{Type: kind, Status: is, Reason: reason, Message: text(message, maxMessage), ObservedGeneration: generation})
	}
	if len(p.Refusals) > 0 {
		set(v1alpha1.ConditionAccepted, metav1.ConditionFalse, v1alpha1.ReasonInvalid, more(p.Refusals))
	} else {
		set(v1alpha1.ConditionAccepted, metav1.ConditionTrue, v1alpha1.ReasonAccepted, "The plan has no fault.")
	}
	switch {
	case p.Fault != nil:
		set(v1alpha1.ConditionProven, metav1.ConditionUnknown, v1alpha1.ReasonNotMade, "There is no plan to prove: "+p.Fault.Error())
	case p.missing > 0:
		set(v1alpha1.ConditionProven, metav1.ConditionFalse, v1alpha1.ReasonWouldCut, fmt.Sprintf("The policies would refuse what is needed, in %d ways.", p.missing))
	case len(p.Extra) > 0:
		set(v1alpha1.ConditionProven, metav1.ConditionTrue, v1alpha1.ReasonMore, "Every connection is allowed, and those of status.extra.")
	default:
		set(v1alpha1.ConditionProven, metav1.ConditionTrue, v1alpha1.ReasonExact, "Every connection is allowed, and nothing else.")
	}
	is := metav1.ConditionFalse
	if d.Phase == v1alpha1.NetworkApplied {
		is = metav1.ConditionTrue
	}
	set(v1alpha1.ConditionApplied, is, d.Reason, d.Message)
}

func lines(list []verify.Difference, why bool) []string {
	out := make([]string, 0, min(len(list), maxListed))
	for _, d := range list[:min(len(list), maxListed)] {
		line := d.String()
		if why {
			line += fmt.Sprintf(" (leaving: %s; entering: %s)", d.Egress, d.Ingress)
		}
		out = append(out, text(line, maxLine))
	}
	return out
}

// text is what a status may hold of a text: no control characters, at most so many
// bytes.
func text(s string, most int) string { return background.Short(checks.Plain(s), most) }

func count(n int) int32 { return int32(min(n, math.MaxInt32)) } //nolint:gosec // bounded by min

// because is the best evidence of an edge: Build orders it so.
func because(e *generator.Edge) string { return e.Because[0].String() }
